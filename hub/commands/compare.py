"""Comparing what a hub shows with what simulated meetings say is true."""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from fractions import Fraction

from handlers.providers.story import BotTruth, RoomTruth
from hub.commands.casting import Performance
from hub.commands.comparison import Comparison, to_the_last_place
from hub.commands.expected import Room, rooms_of, used_by, users_of
from hub.commands.shown import Document, Shown, listed
from hub.events import escape_id, format_time
from hub.settings import Settings

_AT_ONCE = 16
_NOTHING: Document = {}


async def compare(shown: Shown, settings: Settings, performances: Sequence[Performance]) -> Comparison:
    """Compare everything that the truth of the meetings tells with what is shown.

    What a dialect cannot tell is not part of its truth: which meeting a recording without session and time is of (Pulse
    guide), when a failure without a time was (MeetingBaaS v1), who it was (room-statistics guide).
    """
    comparison, rooms = Comparison(), rooms_of(performances)
    truths = (one.meeting.truth for one in performances)
    bots = [truth for truth in truths if isinstance(truth, BotTruth)]
    await all_of(_compare_room(shown, room, comparison) for room in rooms)
    await all_of(_compare_bot(shown, bot, comparison) for bot in bots)
    if rooms:
        await _compare_usage(shown, settings, rooms, comparison)
    return comparison


async def all_of(checks: Iterable[Coroutine[object, object, None]]) -> None:
    """Run checks, some at a time. Raises the first of what they raise."""
    limit = asyncio.Semaphore(_AT_ONCE)

    async def run(check: Coroutine[object, object, None]) -> None:
        async with limit:
            await check

    try:
        async with asyncio.TaskGroup() as running:
            for check in checks:
                running.create_task(run(check))
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def _compare_room(shown: Shown, room: Room, comparison: Comparison) -> None:
    document = await shown.one("rooms", room.id)
    used = used_by(room.truths)
    true = {
        "durable_room": room.durable,
        "provider": room.provider,
        "status": "ended",
        "participant_count": 0,
        "started_at": format_time(min(truth.started for truth in room.truths)),
        "ended_at": format_time(max(truth.ended for truth in room.truths)),
        "participant_minutes": to_the_last_place((document or _NOTHING).get("participant_minutes"), used.minutes, 2),
        "peak_participants": used.peak,
    }
    comparison.judge("rooms", room.id, document, true)
    comparison.judge_users(room.id, await shown.participants(room.id, by_user=True), users_of(room.stays))
    for one in room.captured:
        identity = f"{room.provider}:{'transcript:' if one.is_transcript else ''}{escape_id(one.id)}"
        told = {"status": one.status, **({"room": room.id} if one.placed else {})}
        comparison.judge("recordings", identity, await shown.one("recordings", identity), told)
    if room.rejected:
        visits = {str(line["id"]): line for line in await shown.participants(room.id, by_user=False)}
        for identity in room.rejected:
            comparison.judge("rejections", f"{room.id} {identity}", visits.get(identity), {"joined_at": None})


async def _compare_bot(shown: Shown, truth: BotTruth, comparison: Comparison) -> None:
    identity = f"{truth.provider}:{escape_id(truth.bot)}"
    document = await shown.one("bots", identity)
    true: dict[str, object] = {
        "status": truth.status,
        "attempt": truth.attempt,
        "joined_at": format_time(truth.joined),
        "reason code": truth.reason or None,
        "recording status": truth.recording,
        "participant names": sorted(truth.people),
        "segments": truth.segments,
    }
    if truth.ended is not None:
        true["ended_at"] = format_time(truth.ended)
    comparison.judge("bots", identity, None if document is None else _bot(document), true)


def _bot(document: Document) -> Document:
    """Return a bot with what lies deeper in it laid open."""
    return {
        **document,
        "reason code": _part(document, "reason").get("code"),
        "recording status": _part(document, "recording").get("status"),
        "participant names": sorted(str(one["name"]) for one in listed(document.get("participants"))),
        "segments": _part(document, "transcript").get("segments_count", 0),
    }


async def _compare_usage(shown: Shown, settings: Settings, rooms: Sequence[Room], comparison: Comparison) -> None:
    truths = [truth for room in rooms for truth in room.truths]
    period = min(truth.started for truth in truths), max(truth.ended for truth in truths) + 1
    by_room, by_provider = await shown.usage("room", period), await shown.usage("provider", period)
    durables = {room.durable for room in rooms}
    for durable in sorted(durables):
        held = [room for room in rooms if room.durable == durable]
        usage = by_room.get(durable)
        comparison.judge("usage of room", durable, usage, _usage(settings, held, usage))
    homes = {source.called_after: source.provider for source in settings.sources}
    foreign = {homes.get(name.partition("@")[0], name.partition(":")[0]) for name in by_room.keys() - durables}
    for provider in sorted({room.provider for room in rooms}):
        if provider in foreign:
            comparison.notes.append(f"usage of provider {provider}: not compared, others met in these hours too")
            continue
        usage, held = by_provider.get(provider), [room for room in rooms if room.provider == provider]
        true = _usage(settings, held, usage)
        comparison.judge("usage of provider", provider, usage, true)
        comparison.count_minutes((usage or _NOTHING).get("participant_minutes"), true["participant_minutes"])


def _usage(settings: Settings, rooms: Sequence[Room], shown: Document | None) -> Document:
    used, said = used_by(_truths(rooms)), shown or _NOTHING
    price = Fraction(str(settings.rooms.price_per_participant_minute))
    return {
        "meetings": len(_truths(rooms)),
        "participant_minutes": to_the_last_place(said.get("participant_minutes"), used.minutes, 2),
        "cost": to_the_last_place(said.get("cost"), used.minutes * price, 4),
        "peak_participants": used.peak,
    }


def _truths(rooms: Iterable[Room]) -> list[RoomTruth]:
    return [truth for room in rooms for truth in room.truths]


def _part(document: Document, name: str) -> Document:
    value = document.get(name)
    return value if isinstance(value, dict) else _NOTHING
