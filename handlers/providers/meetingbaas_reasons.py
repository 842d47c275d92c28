"""Why a MeetingBaaS bot left, failed or stopped: every code that the provider is known to send, in plain words."""

import re

from hub.events import Reason
from hub.redaction import harmless

_PUNCTUATION = re.compile(r"[\W_]+")

# Codes by who or what was the cause: the meeting itself, somebody in it, the account, the video platform
# (Zoom, Meet, Teams), or the machinery of bot and provider, our own requests included.
REASONS = {
    "meeting": {
        "INVALID_MEETING_URL": "The meeting link is not valid.",
        "MEETING_NOT_FOUND": "There is no meeting at this link.",
        "MEETING_ENDED": "The meeting was already over.",
        "MEETING_ENDED_PREMATURELY": "The meeting ended before the bot could record it.",
        "CANNOT_JOIN_MEETING": "The bot could not join the meeting.",
        "NO_ATTENDEES": "Nobody else was in the meeting, so the bot left.",
        "NO_SPEAKER": "Nobody spoke for a long time, so the bot left.",
    },
    "host": {
        "BOT_NOT_ACCEPTED": "Nobody let the bot into the meeting.",
        "BOT_REJECTED": "Somebody in the meeting refused to let the bot in.",
        "BOT_DENIED_ENTRY": "Somebody in the meeting refused to let the bot in.",
        "ACCESS_DENIED": "The bot was not allowed into the meeting.",
        "BOT_REMOVED": "Somebody removed the bot from the meeting.",
        "BOT_REMOVED_TOO_EARLY": "Somebody removed the bot before it had recorded enough.",
        "WAITING_ROOM_TIMEOUT": "Nobody let the bot in from the waiting room in time.",
        "TIMEOUT_WAITING_TO_START": "Nobody let the bot in, or the meeting did not start, in time.",
        "WAITING_FOR_HOST_TIMEOUT": "The host did not start the meeting in time.",
        "WAITING_FOR_AUTHORIZED_USER_TIMEOUT": "The person whom the bot acts for did not come in time.",
        "RECORDING_RIGHTS_NOT_GRANTED": "The host did not allow the bot to record.",
        "CANNOT_REQUEST_RECORDING_RIGHT": "The bot could not ask the host for permission to record.",
        "HOST_CLIENT_CANNOT_GRANT_PERMISSION": "The host's app cannot give permission to record.",
    },
    "billing": {
        "INSUFFICIENT_TOKENS": "The MeetingBaaS account has no tokens left.",
        "DAILY_BOT_CAP_REACHED": "The MeetingBaaS account has used up its bots for today.",
        "BOT_ALREADY_EXISTS": "The account already has a bot for this meeting.",
    },
    "platform": {
        "MEETING_ERROR": "The meeting broke off for the bot.",
        "LOGIN_REQUIRED": "The meeting only takes people who are signed in.",
        "MEET_LOGIN_REQUIRED": "The meeting only takes people who are signed in to Google.",
        "MEET_LOGIN_UNAVAILABLE": "No Google account was free for the bot to sign in with.",
        "MEET_LOGIN_FAILED_SAML_REJECTED": "Google refused the bot's single sign-on.",
        "MEET_LOGIN_FAILED_TIMEOUT": "Signing in to Google took too long.",
        "AUTHENTICATION_ERROR": "The bot could not sign in.",
        "UNABLE_JOIN_EXTERNAL_MEETING": "Zoom does not let this bot into meetings of other accounts.",
        "SET_ZOOM_ID_AND_PWD_TOGETHER": "Zoom needs the meeting's id and its passcode together.",
        "CANNOT_GET_JWT_TOKEN": "The credentials for Zoom could not be fetched.",
        "SDK_AUTH_FAILED": "Zoom refused the credentials of its SDK.",
        "ZOOM_ACCESS_TOKEN_ERROR": "Zoom refused the bot's access token.",
        "ZOOM_OBF_TOKEN_ERROR": "Zoom refused the token that lets the bot act for somebody.",
    },
    "system": {
        "API_REQUEST": "The bot was asked to leave.",
        "API_REQUEST_STOP": "The bot was asked to leave.",
        "EXITING_MEETING_BEFORE_RECORD": "Cancelled: the bot was asked to leave before it recorded.",
        "RECORDING_TIMEOUT": "The recording reached its longest allowed length.",
        "RECORDING_START_TIMEOUT": "The recording did not start in time.",
        "RECORDING_FAILED": "The recording failed.",
        "TRANSCRIPTION_FAILED": "The recording could not be transcribed.",
        "STREAMING_SETUP_FAILED": "The bot's live audio stream could not be set up.",
        "NETWORK_ERROR": "The bot lost its network connection.",
        "INTERNAL_ERROR": "Something broke inside MeetingBaaS.",
        "InternalError classic": "Something broke inside MeetingBaaS.",
        "GENERAL_ERROR": "Something broke inside MeetingBaaS.",
        "UNKNOWN_ERROR": "Something broke, and MeetingBaaS does not know what.",
        "BOT_CRASHED": "The bot crashed.",
        "OOM_KILLED": "The bot ran out of memory.",
        "SIGTERM": "MeetingBaaS stopped the bot.",
        "FORCE_KILLED": "MeetingBaaS stopped the bot by force.",
    },
}


def explain(code: str, message: str = "") -> Reason:
    """Say what a code means; for one that is not known, repeat the payload's own message, made harmless."""
    # v1 also sends "InternalError : <whatever was thrown>".
    for candidate in (code, code.partition(":")[0].strip()):
        if known := _KNOWN.get(spell(candidate)):
            group, meaning = known
            return Reason(code=harmless(candidate), group=group, message=meaning)
    # The guide's `error` is a sentence: it is then what there is to say.
    sentence = message or (code if " " in code else "")
    return Reason(code=harmless(code), group="platform", message=harmless(sentence))


def spell(code: str) -> str:
    """Spell a code the one way in which `BotRemoved`, `bot_removed` and `BOT_REMOVED` are the same."""
    return _PUNCTUATION.sub("", code).lower()


_KNOWN = {
    spell(code): (group, sentence) for group, sentences in REASONS.items() for code, sentence in sentences.items()
}
