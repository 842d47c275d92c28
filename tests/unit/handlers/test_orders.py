"""What is ordered is kept without anything that could be a secret."""

from handlers.orders import shown_options


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
