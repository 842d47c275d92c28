"""What is ordered is kept without anything that could be a secret."""

from handlers.orders import confided, confided_by, shown_options


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


def test_what_is_not_shown_of_an_address_is_known_as_it_stands_and_as_it_is_read() -> None:
    """A refusal that quotes a passcode quotes it in either way."""
    assert confided_by("https://meet.test/j/1?pwd=ab+c%2Fd%3D&x=1") == ("ab+c%2Fd%3D", "ab+c/d=", "ab c/d=")
    assert confided_by("https://meet.test/j/1?abcdefsecret#passcode=4711") == ("abcdefsecret", "4711")
