"""Every code has one meaning, whoever spells it, and free text loses what nobody may see."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.providers.meetingbaas_reasons import REASONS, explain, spell
from hub.redaction import harmless

KNOWN_CODES = [
    "api_request_stop",
    "bot_rejected",
    "bot_denied_entry",
    "bot_removed",
    "bot_removed_too_early",
    "waiting_room_timeout",
    "invalid_meeting_url",
    "meeting_error",
    "MEET_LOGIN_REQUIRED",
    "MEET_LOGIN_UNAVAILABLE",
    "MEET_LOGIN_FAILED_SAML_REJECTED",
    "MEET_LOGIN_FAILED_TIMEOUT",
    "recording_failed",
    "transcription_failed",
    "CannotJoinMeeting",
    "TimeoutWaitingToStart",
    "BotNotAccepted",
    "BotRemoved",
    "InternalError",
    "InvalidMeetingUrl",
    "ApiRequest",
    "StreamingSetupFailed",
    "meeting_not_found",
    "access_denied",
    "authentication_error",
    "network_error",
    "internal_error",
    "botNotAccepted",
    "botRemovedTooEarly",
    "cannotJoinMeeting",
    "timeoutWaitingToStart",
    "no_attendees",
    "no_speaker",
    "recording_timeout",
    "api_request",
    "BOT_NOT_ACCEPTED",
    "TIMEOUT_WAITING_TO_START",
    "CANNOT_JOIN_MEETING",
    "BOT_REMOVED_TOO_EARLY",
    "INVALID_MEETING_URL",
    "STREAMING_SETUP_FAILED",
    "LOGIN_REQUIRED",
    "INTERNAL_ERROR",
    "OOM_KILLED",
    "SIGTERM",
    "FORCE_KILLED",
    "GENERAL_ERROR",
    "EXITING_MEETING_BEFORE_RECORD",
    "TRANSCRIPTION_FAILED",
    "WAITING_FOR_HOST_TIMEOUT",
    "WAITING_FOR_AUTHORIZED_USER_TIMEOUT",
    "UNABLE_JOIN_EXTERNAL_MEETING",
    "RECORDING_RIGHTS_NOT_GRANTED",
    "CANNOT_REQUEST_RECORDING_RIGHT",
    "MEETING_ENDED_PREMATURELY",
    "SET_ZOOM_ID_AND_PWD_TOGETHER",
    "CANNOT_GET_JWT_TOKEN",
    "SDK_AUTH_FAILED",
    "ZOOM_ACCESS_TOKEN_ERROR",
    "ZOOM_OBF_TOKEN_ERROR",
    "RECORDING_START_TIMEOUT",
    "HOST_CLIENT_CANNOT_GRANT_PERMISSION",
    "INSUFFICIENT_TOKENS",
    "DAILY_BOT_CAP_REACHED",
    "BOT_ALREADY_EXISTS",
    "UNKNOWN_ERROR",
    "BOT_REMOVED",
    "NO_ATTENDEES",
    "NO_SPEAKER",
    "RECORDING_TIMEOUT",
    "API_REQUEST",
    "MEETING_NOT_FOUND",
    "MEETING_ENDED",
    "BOT_CRASHED",
]


@pytest.mark.parametrize("code", [*KNOWN_CODES, "InternalError classic"])
def test_every_documented_code_is_explained_in_a_sentence(code: str) -> None:
    """A dashboard shows the sentence; a bare code would send its reader to the provider's documentation."""
    reason = explain(code, "whatever the payload says")
    assert reason.code == code
    assert reason.group in {"meeting", "host", "billing", "platform", "system"}
    assert reason.message[0].isupper()
    assert reason.message.endswith(".")
    assert "whatever" not in reason.message


def test_no_code_is_explained_twice() -> None:
    """Spelled alike, a second row would silently replace the first."""
    spelled = [spell(code) for sentences in REASONS.values() for code in sentences]
    assert len(spelled) == len(set(spelled))


def test_spelling_does_not_matter() -> None:
    """The provider itself has three spellings of the same failures."""
    assert {explain(code).message for code in ("BotRemoved", "bot_removed", "BOT_REMOVED", "bot removed")} == {
        "Somebody removed the bot from the meeting."
    }


def test_what_was_thrown_after_a_known_code_is_left_out() -> None:
    """v1 sends `InternalError : <whatever was thrown>`, which means nothing to its reader."""
    reason = explain("InternalError : TypeError: undefined is not a function")
    assert (reason.code, reason.group) == ("InternalError", "system")


def test_unknown_codes_repeat_the_payloads_message() -> None:
    """The set of codes is open, and the provider's words are better than none."""
    reason = explain("BOT_ATE_HOMEWORK", "The bot ate the homework")
    assert (reason.code, reason.group, reason.message) == ("BOT_ATE_HOMEWORK", "platform", "The bot ate the homework")


def test_an_error_that_is_a_sentence_is_its_own_message() -> None:
    """The guide's `error` is free text."""
    assert explain("Bot failed to join").message == "Bot failed to join"


def test_messages_are_cut_to_256_characters() -> None:
    """An event must stay small, whatever was thrown."""
    assert len(explain("NEW", "x" * 5000).message) == 256


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("at https://a.example/b?token=1 failed", "at https://a.example/b failed"),
        ("at https://a.example/b#token=1", "at https://a.example/b"),
        ("wss://ann:secret@a.example/b", "wss://a.example/b"),
        ("zoom.us/j/1?pwd=abc now", "zoom.us/j/1 now"),
        ("ann@acme.example was refused", "ann@… was refused"),
        ("mail to <ann@acme.example>", "mail to <ann@…"),
        ("why? because", "why? because"),
        ("Bob @ work", "Bob @ work"),
        ("a/b?X-Amz-Signature=00 https://c.example/?X-Amz-Signature=11", "a/b https://c.example/"),
    ],
)
def test_free_text_loses_queries_credentials_and_mail_addresses(words: str, shown: str) -> None:
    """Errors quote the URL that failed, and its query is as good as a password."""
    assert harmless(words) == shown


@given(st.text(), st.text(), st.sampled_from(["", " ", "https://"]))
def test_no_signature_survives(before: str, after: str, scheme: str) -> None:
    """A presigned URL is recognised whatever stands around it."""
    assert "s3cret" not in harmless(f"{before} {scheme}a.example/b?X-Amz-Signature=s3cret {after}", 10_000)
