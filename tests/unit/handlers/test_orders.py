"""What is ordered is kept without anything that could be a secret."""

from handlers.orders import confided, shown_options


def test_of_options_numbers_switches_and_plain_words_are_kept() -> None:
    """Enough to see how a bot was sent."""
    options = {
        "recording_mode": "audio_only",
        "zoom_config": {"zoom_pwd": 1234},
        "automatic_leave": {"silence_timeout": 300},
        "entry_message": "call me at +49…",
        "list": [True, "x"],
        "pin": 987654321,
        "zoom_access": {"id": 13371337, "more": [{"is_on": True}]},
    }
    assert shown_options(options) == {
        "recording_mode": "audio_only",
        "zoom_config": {"zoom_pwd": "redacted"},
        "automatic_leave": {"silence_timeout": 300},
        "entry_message": "redacted",
        "list": [True, "redacted"],
        "pin": "redacted",
        "zoom_access": {"id": "redacted", "more": [{"is_on": "redacted"}]},
    }


def test_what_is_not_kept_of_options_is_known_word_by_word() -> None:
    """The provider may quote it."""
    options = {
        "recording_mode": "audio_only",
        "speech": {"api_key": "gladia-1"},
        "pin": [4711, 7],
        "on": True,
        "n": 12345,
    }
    assert list(confided(options)) == ["gladia-1", "4711"]
