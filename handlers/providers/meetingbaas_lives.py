"""Whole lives of simulated MeetingBaaS bots: most record a meeting, some wait, are refused, retry or break."""

import uuid
from random import Random

import msgspec

from handlers.providers import meetingbaas_payloads as payloads
from handlers.providers.arrival import JsonObject, Sample
from handlers.providers.meetingbaas_payloads import SampleBot
from handlers.providers.story import BotTruth, Meeting

_IDS = uuid.UUID("6d656574-696e-4762-a161-732062707400")
_MINUTE_MS = 60_000
_NAMES = ("Notetaker", "Sales notes", "Minutes", "Interview recorder")
_PEOPLE = ("Alice Martin", "Bob Okafor", "Chen Wei", "Dara Novak", "Elif Kaya", "Femi Ade")
_REMARKS = ("Can we discuss the roadmap?", "Slides are in the usual place.", "Sorry, I am late.", "I have to leave.")

# What happens, and when, as a fraction of the bot's life.
_Steps = tuple[tuple[float, str], ...]
_ARRIVAL: _Steps = ((0.0, "queued"), (0.01, "joining_call"), (0.02, "in_waiting_room"))
_PROMPT_CALL: _Steps = (
    (0.04, "in_call_not_recording"),
    (0.05, "in_call_recording"),
    (0.3, "chat"),
    (0.5, "recording_paused"),
    (0.55, "recording_resumed"),
    (0.7, "chat"),
    (0.9, "call_ended"),
)
_LATE_CALL: _Steps = ((0.5, "in_call_not_recording"), (0.51, "in_call_recording"), (0.9, "call_ended"))
_BROKEN_CALL: _Steps = (
    (0.04, "in_call_not_recording"),
    (0.05, "in_call_recording"),
    (0.6, "meeting_error"),
    (0.62, "call_ended"),
    (0.64, "recording_failed"),
)
_REFUSAL: _Steps = ((0.3, "bot_rejected"), (0.32, "recording_failed"))
_SECOND_ATTEMPT: _Steps = (
    (0.2, "waiting_room_timeout"),
    (0.22, "recording_failed"),
    (0.24, "retrying"),
    (0.26, "joining_call"),
    (0.28, "in_waiting_room"),
)
_SUCCESS: _Steps = (
    (0.92, "recording_succeeded"),
    (0.94, "transcribing"),
    (0.97, "completed"),
    (0.98, "completion"),
    (0.99, "callback"),
)
_FAILURE: _Steps = ((0.96, "failed"), (0.98, "failure"), (0.99, "callback"))
_LIVES = {
    "completes": _ARRIVAL + _PROMPT_CALL + _SUCCESS,
    "waits": _ARRIVAL + _LATE_CALL + _SUCCESS,
    "retries": _ARRIVAL + _SECOND_ATTEMPT + _LATE_CALL + _SUCCESS,
    "is refused": _ARRIVAL + _REFUSAL + _FAILURE,
    "breaks": _ARRIVAL + _BROKEN_CALL + _FAILURE,
}
# How often each outcome comes up; v1 never retries.
_V1_ODDS = {"completes": 7, "waits": 1, "is refused": 1, "breaks": 1}
_V2_ODDS = {"completes": 13, "waits": 2, "retries": 2, "is refused": 2, "breaks": 1}
_V2_STEPS = ("queued", "retrying", "transcribing", "completed", "failed", "chat", "callback")
_V1_ERRORS = {"is refused": "BotNotAccepted", "breaks": "InternalError"}
_V2_ERRORS = {"is refused": "BOT_NOT_ACCEPTED", "breaks": "GENERAL_ERROR"}
_MESSAGES = {"is refused": "Bot was not accepted into the meeting.", "breaks": "Page crashed"}


class _Life(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided about a bot at its birth."""

    bot: SampleBot
    version: str
    outcome: str
    # When it came in and when it left, where it did.
    joined_at: int
    left_at: int


def meeting(seed: int, start: int, minutes: float, _room: str = "") -> Meeting:
    """Return what a provider sends about one bot from `start` (ms) on for `minutes`, in the order of time.

    Equal arguments give equal meetings; another seed or start has a bot of its own. A bot's room has no name.
    """
    dice = Random(seed)
    bot = _invent_bot(dice, f"{seed}/{start}")
    version = dice.choice(("v1", "v2"))
    odds = _V1_ODDS if version == "v1" else _V2_ODDS
    outcome = dice.choices(list(odds), list(odds.values()))[0]
    steps = _place(dice, _LIVES[outcome], start, minutes)
    if version == "v1":
        steps = [(time, step) for time, step in steps if step not in _V2_STEPS]
    elif dice.random() < 0.5:
        steps = [(time, step) for time, step in steps if step != "callback"]
    times = {step: time for time, step in steps}
    life = _Life(
        bot=bot,
        version=version,
        outcome=outcome,
        joined_at=times.get("in_call_not_recording", start),
        left_at=times.get("call_ended", start),
    )
    told = [(time, sample) for time, step in steps for sample in _samples(life, step, time, dice)]
    return Meeting(tuple(told), _truth(life, times))


def _truth(life: _Life, times: dict[str, int]) -> BotTruth:
    fails = life.outcome in _MESSAGES
    errors = _V1_ERRORS if life.version == "v1" else _V2_ERRORS
    return BotTruth(
        provider="meetingbaas",
        bot=life.bot.id,
        status="failed" if fails else "completed",
        attempt=2 if life.outcome == "retries" else 1,
        reason=errors.get(life.outcome, ""),
        joined=times.get("in_call_not_recording"),
        # Who never was in a call is gone when the failure is told; v1's holds no time.
        ended=times.get("call_ended", times.get("failed")),
        recording="failed" if fails else "completed",
        people=() if fails else tuple(sorted(life.bot.people)),
        segments=payloads.SPOKEN if life.version == "v1" and not fails else 0,
    )


def _invent_bot(dice: Random, key: str) -> SampleBot:
    number = uuid.uuid5(_IDS, key)
    letters = "".join(chr(ord("a") + byte % 26) for byte in number.bytes)
    return SampleBot(
        id=str(number),
        people=tuple(dice.sample(_PEOPLE, dice.randint(2, len(_PEOPLE)))),
        name=_NAMES[number.int % len(_NAMES)],
        meeting_url=f"https://meet.google.com/{letters[:3]}-{letters[3:7]}-{letters[7:10]}",
    )


def _place(dice: Random, steps: _Steps, start: int, minutes: float) -> list[tuple[int, str]]:
    """Give every step its time; each may be late by up to half of what is left until the next."""
    placed = []
    for index, (fraction, step) in enumerate(steps):
        following = steps[index + 1][0] if index + 1 < len(steps) else 1.0
        fraction += (following - fraction) * dice.random() / 2
        placed.append((start + int(fraction * minutes * _MINUTE_MS), step))
    return placed


def _samples(life: _Life, step: str, time: int, dice: Random) -> tuple[Sample, ...]:
    """Return what is told of a step; when a bot is in the call, also where that is and what it is called."""
    sample = _sample(life, step, time, dice)
    if step != "in_call_not_recording":
        return (sample,)
    return (sample, Sample(payload=payloads.guide_started(life.bot, time), dialect="guide"))


def _sample(life: _Life, step: str, time: int, dice: Random) -> Sample:
    if step == "chat":
        said = payloads.v2_chat(life.bot, dice.choice(life.bot.people), dice.choice(_REMARKS), time)
        return Sample(payload=said, dialect="v2")
    if step in ("completion", "failure"):
        return Sample(payload=_ending(life, time), dialect=life.version)
    if step == "callback":
        return Sample(payload=_ending(life, time), dialect="callback")
    status = payloads.v1_status if life.version == "v1" else payloads.v2_status
    return Sample(payload=status(life.bot, step, time), dialect=life.version)


def _ending(life: _Life, time: int) -> JsonObject:
    bot, message = life.bot, _MESSAGES.get(life.outcome)
    if message is None:
        return _completion(life, time)
    if life.version == "v1":
        return payloads.v1_failed(bot, _V1_ERRORS[life.outcome], message)
    return payloads.v2_failed(bot, _V2_ERRORS[life.outcome], message, time)


def _completion(life: _Life, time: int) -> JsonObject:
    if life.version == "v1":
        return payloads.v1_complete(life.bot)
    return payloads.v2_completed(life.bot, life.joined_at, life.left_at, time)
