"""What should be shown, worked out the slow way: from the whole list of facts, by the rules as they are written."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from hub.events import BotDetail, Fact, Kind, ParticipantDetail

_LADDER = (
    {Kind.BOT_QUEUED: "queued", Kind.BOT_RETRYING: "queued"},
    {Kind.BOT_JOINING: "joining"},
    {Kind.BOT_WAITING: "waiting"},
    {Kind.BOT_JOINED: "in_call"},
    {Kind.RECORDING_STARTED: "recording", Kind.RECORDING_RESUMED: "recording", Kind.RECORDING_PAUSED: "paused"},
    {Kind.BOT_LEFT: "left"},
    {Kind.BOT_PROCESSING: "processing"},
    {Kind.BOT_FAILED: "failed"},
    {Kind.BOT_COMPLETED: "completed"},
)
SPEAKERS = ("speaker", "host", "broadcaster")


class Told(NamedTuple):
    """A fact with the key of the delivery that stated it."""

    fact: Fact
    key: str

    @property
    def order(self) -> tuple[int, str]:
        """By time; who came at the same time is told apart by the key."""
        return self.fact.time, self.key


class BotNow(NamedTuple):
    """How far a bot is."""

    status: str
    since: int | None
    attempt: int


class RoomNow(NamedTuple):
    """What is going on in a session."""

    status: str
    active: frozenset[str]
    people: int
    speakers: int


def bots_now(told: Iterable[Told]) -> dict[str, BotNow]:
    """Return how far every bot is."""
    about: dict[str, list[Told]] = {}
    for one in told:
        if one.fact.bot:
            about.setdefault(one.fact.bot, []).append(one)
    return {bot: _bot_now(facts) for bot, facts in about.items()}


def rooms_now(told: Sequence[Told]) -> dict[str, RoomNow]:
    """Return what is going on in every session, also in those that nothing but a durable room identifies."""
    observed = [one for one in told if one.fact.observed]
    told = [one for one in told if not one.fact.observed]
    homes = {one.fact.room: "" for one in told if one.fact.room}
    named = [one for one in (*told, *observed) if one.fact.durable and one.fact.room in homes]
    homes |= {one.fact.room: one.fact.durable for one in named}
    told = _once([*told, *_concluded(told, observed)])
    placed: dict[str, list[Told]] = {}
    for one in told:
        if one.fact.room or one.fact.durable:
            placed.setdefault(_place(one.fact, told, homes), []).append(one)
    for session, facts in placed.items():
        facts += [one for one in _sightings(observed) if one.fact.room == session]
    now = {session: _room_now(session, facts, told, homes) for session, facts in placed.items()}
    return {session: _without_missed(session, one, placed[session], observed) for session, one in now.items()}


def _sightings(observed: Sequence[Told]) -> list[Told]:
    """Return that something was there, whoever it was."""
    bounds = (Kind.ROOM_ENDED, Kind.PARTICIPANT_LEFT)
    return [Told(replace(fact, detail=None), key) for fact, key in observed if fact.kind not in bounds]


def _concluded(told: Sequence[Told], observed: Sequence[Told]) -> list[Told]:
    """Return the ends that were seen, of sessions of which none was told, and nothing that was later."""
    ended = {one.fact.room for one in told if one.fact.kind is Kind.ROOM_ENDED}
    open_ones = {one.fact.room for one in told} - ended
    ends = [one for one in observed if one.fact.kind is Kind.ROOM_ENDED and one.fact.room in open_ones]
    return [end for end in ends if end.fact.time >= _last_life(end.fact.room, told, observed)]


def _last_life(session: str, told: Sequence[Told], observed: Sequence[Told]) -> int:
    own = [one.fact for one in (*told, *_sightings(observed)) if one.fact.room == session]
    return max((fact.time for fact in own if fact.kind is not Kind.PARTICIPANT_REJECTED), default=0)


def _without_missed(session: str, now: RoomNow, facts: list[Told], observed: Sequence[Told]) -> RoomNow:
    """Leave out who was missed when the hub asked, and of whom nobody said anything later."""
    people, seen = _people(facts), _people([one for one in observed if one.fact.room == session])
    missed = set()
    for who in now.active & seen.keys():
        last = [one.fact.time for one in people[who]]
        last += [one.fact.time for one in seen[who] if one.fact.kind is not Kind.PARTICIPANT_LEFT]
        gone = [one.fact.time for one in seen[who] if one.fact.kind is Kind.PARTICIPANT_LEFT]
        missed |= {who} if max(gone, default=-1) >= max(last) else set()
    counted = [one for who in missed if _is_person(one := people[who])]
    speakers = sum(_speaks(one) for one in counted)
    return RoomNow(now.status, now.active - missed, now.people - len(counted), now.speakers - speakers)


def _is_person(facts: list[Told]) -> bool:
    return (_latest(facts, lambda said: said.kind) or "human") in ("human", "sip")


def _once(told: Sequence[Told]) -> list[Told]:
    """Of equal facts that name no session keep the one with the smallest key."""
    nameless: dict[Fact, Told] = {}
    for one in sorted((one for one in told if not one.fact.room), key=lambda one: one.key):
        nameless.setdefault(one.fact, one)
    return [*(one for one in told if one.fact.room), *nameless.values()]


def _bot_now(told: list[Told]) -> BotNow:
    steps: list[tuple[int, int, str, int]] = []
    attempt, stated = 1, set()
    for fact, _ in sorted(told, key=lambda one: one.order):
        number = fact.detail.attempt if isinstance(fact.detail, BotDetail) else None
        if (fact.kind, fact.time, number) in stated:
            continue
        stated.add((fact.kind, fact.time, number))
        rank = next((rank for rank, kinds in enumerate(_LADDER) if fact.kind in kinds), None)
        if rank is None:
            continue
        if fact.kind is Kind.BOT_RETRYING and not number:
            attempt += 1
        attempt = max(attempt, number or 0)
        steps.append((number or attempt, rank, _LADDER[rank][fact.kind], fact.time))
    if not steps:
        return BotNow("unknown", None, 1)
    highest = max(step[:2] for step in steps)
    run = [step for step in steps if step[:2] == highest]
    while len({status for _, _, status, _ in run}) > 1:
        run.pop(0)
    return BotNow(run[0][2], run[0][3], highest[0])


def _began(session: str, told: Sequence[Told]) -> int:
    own = [one.fact for one in told if one.fact.room == session]
    starts = [fact.time for fact in own if fact.kind is Kind.ROOM_STARTED]
    starts += [fact.session.started_at for fact in own if fact.session and fact.session.started_at is not None]
    return min(starts) if starts else min(fact.time for fact in own)


def _place(fact: Fact, told: Sequence[Told], homes: dict[str, str]) -> str:
    return fact.room or running(fact.time, fact.durable, told, homes)


def running(time: int, durable: str, told: Sequence[Told], homes: dict[str, str]) -> str:
    """Return the session of a durable room that was on at a time, by walking through all that led to it."""
    named = [session for session, home in homes.items() if home == durable]
    ends = {session: _first_end(session, told) for session in named}
    # At one moment sessions start before anything happens in them.
    steps = [(_began(session, told), 0, session) for session in named]
    steps += [
        (one.fact.time, 1, one.fact.kind.value) for one in told if not one.fact.room and one.fact.durable == durable
    ]
    current = durable
    for moment, is_nameless, what in sorted(step for step in steps if step[0] <= time):
        end = ends.get(current)
        if not is_nameless:
            current = what
        elif what == Kind.ROOM_ENDED:
            ends[current] = moment if end is None else min(end, moment)
        elif what in (Kind.ROOM_STARTED, Kind.PARTICIPANT_JOINED) and end is not None and end < moment:
            # Nothing nameless is of a session that is over: whoever comes now meets anew.
            current = durable
    return current


def _first_end(session: str, told: Sequence[Told]) -> int | None:
    ends = [one.fact.time for one in told if one.fact.room == session and one.fact.kind is Kind.ROOM_ENDED]
    return min(ends, default=None)


def _room_now(session: str, facts: list[Told], told: Sequence[Told], homes: dict[str, str]) -> RoomNow:
    is_nameless = session not in homes
    ends = {one.fact.time for one in facts if one.fact.kind is Kind.ROOM_ENDED}
    if is_nameless:
        ends |= _ends_of_named(session, told, homes)
    lives = [one.fact.time for one in facts if one.fact.kind in (Kind.ROOM_STARTED, Kind.PARTICIPANT_JOINED)]
    # Somebody who never got in does not make a meeting.
    is_told_of = any(one.fact.kind is not Kind.PARTICIPANT_REJECTED for one in facts)
    is_live = (is_nameless and max(lives, default=0) > max(ends)) if ends else is_told_of
    people_told = _people(facts)
    inside = {who: one for who, one in people_told.items() if _is_inside(one, sorted(ends), is_final=not is_nameless)}
    people = [one for one in inside.values() if _is_person(one)]
    speakers = sum(_speaks(one) for one in people)
    return RoomNow("live" if is_live else "ended", frozenset(inside), len(people), speakers)


def _ends_of_named(durable: str, told: Sequence[Told], homes: dict[str, str]) -> set[int]:
    """Return the first end of every session of a durable room."""
    ends: dict[str, list[int]] = {}
    for fact, _ in told:
        if fact.kind is Kind.ROOM_ENDED and fact.room and homes[fact.room] == durable:
            ends.setdefault(fact.room, []).append(fact.time)
    return {min(times) for times in ends.values()}


def _people(facts: list[Told]) -> dict[str, list[Told]]:
    found: dict[str, list[Told]] = {}
    for one in facts:
        if isinstance(one.fact.detail, ParticipantDetail):
            found.setdefault(one.fact.detail.id, []).append(one)
    return found


def _is_inside(facts: list[Told], ends: list[int], *, is_final: bool) -> bool:
    """Follow somebody through the door: who is left inside when all is told?"""
    joins = sorted({one.fact.time for one in facts if one.fact.kind is Kind.PARTICIPANT_JOINED})
    whole: list[tuple[int, int]] = []
    lone: set[int] = set()
    for fact, _ in facts:
        if fact.kind is Kind.PARTICIPANT_LEFT and isinstance(fact.detail, ParticipantDetail):
            since = fact.detail.joined_at
            if since is None and fact.detail.duration_ms is not None:
                since = fact.time - fact.detail.duration_ms
            if since is not None and since <= fact.time:
                whole.append((since, fact.time))
            else:
                lone.add(fact.time)
    still = [join for join in joins if not any(since <= join < left or since == join for since, left in whole)]
    for left in sorted(lone):
        if still and still[0] <= left:
            still.pop(0)
    # Whoever has left by the word of a whole visit is not still inside since before it.
    still = [join for join in still if not any(left > join for _, left in whole)]
    if is_final and ends:
        return False
    return any(not any(end >= join for end in ends) for join in still)


def _latest(facts: list[Told], part: Callable[[ParticipantDetail], object]) -> object:
    said = [(one.order, repr(part(one.fact.detail)), part(one.fact.detail)) for one in facts]  # type: ignore[arg-type]
    return max((one for one in said if one[2] not in (None, "")), default=(None, None, None))[2]


def _speaks(facts: list[Told]) -> bool:
    role = _latest(facts, lambda said: said.role)
    return role in SPEAKERS if role else _latest(facts, lambda said: said.may_publish) is True
