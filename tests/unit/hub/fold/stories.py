"""Meetings to search in: everything that can happen to rooms and bots, at times that collide, told in any manner.

Times are few on purpose: what goes wrong goes wrong where two things happen at once. All strategies are
made once, here: to make them while drawing costs more than the search itself.
"""

from collections.abc import Sequence

import msgspec
from hypothesis import strategies as st

from hub.events import (
    BotDetail,
    CaptureDetail,
    ChatDetail,
    Delivery,
    Detail,
    Fact,
    Kind,
    NoteDetail,
    ParticipantDetail,
    Reason,
    RoomDetail,
    ScheduleDetail,
    Segment,
    Session,
    TrackDetail,
    TranscriptDetail,
)
from tests.unit.hub.fold.telling import BASE, BOT, DURABLE, RECEIVED, delivery

# Which session belongs to which durable room; of one nobody ever tells.
HOMES = {"livekit:S1": DURABLE, "livekit:S2": DURABLE, "livekit:S3": "lk@other", "livekit:S4": ""}
DURABLES = (DURABLE, DURABLE, "lk@other")
BOTS = (BOT, BOT, "meetingbaas:B2")
NAMED, NAMELESS, SID, ALIAS = "named", "nameless", "sid", "alias"
PRESENCE = ("start", "end", "join", "join", "join", "leave", "leave", "about")
EVERYTHING = (*PRESENCE, "recording", "stream", "transcript", "item")
_LAST = 12
_CAPTURE_KINDS = (
    Kind.RECORDING_UPDATED,
    Kind.RECORDING_STARTED,
    Kind.RECORDING_PAUSED,
    Kind.RECORDING_RESUMED,
    Kind.RECORDING_STOPPED,
    Kind.RECORDING_COMPLETED,
    Kind.RECORDING_FAILED,
)
_STATUS_KINDS = (
    Kind.BOT_QUEUED,
    Kind.BOT_JOINING,
    Kind.BOT_WAITING,
    Kind.BOT_JOINED,
    Kind.BOT_LEFT,
    Kind.BOT_PROCESSING,
    Kind.BOT_FAILED,
    Kind.BOT_COMPLETED,
    Kind.BOT_RETRYING,
    Kind.BOT_RETRYING,
    Kind.BOT_LEAVING,
)

_who = st.sampled_from(("ann", "bob"))
_text = st.sampled_from(("", "x", "y"))
# Seconds mostly, as providers tell them, sometimes with milliseconds, and the hub's own time when a clock was wrong.
moments = st.sampled_from((*range(BASE, BASE + _LAST * 1000, 1000), *range(BASE, BASE + _LAST * 1000, 500), RECEIVED))
_maybe = st.none() | moments
_totals = st.sampled_from((None, 1000, 5000))
_roles = st.sampled_from(("", "", "speaker", "viewer"))
_sorts = st.sampled_from(("", "", "human", "sip", "recorder", "agent", "ingress"))
_grants = st.sampled_from((None, True, False))

_somebody = st.builds(
    ParticipantDetail, id=_who, identity=_text, name=_text, role=_roles, kind=_sorts, may_publish=_grants, reason=_text
)
# Of who leaves a payload may say since when they were there, or for how long.
_leaver = st.one_of(
    _somebody,
    st.builds(ParticipantDetail, id=_who, role=_roles, kind=_sorts, joined_at=moments, reason=_text),
    st.builds(ParticipantDetail, id=_who, kind=_sorts, duration_ms=st.integers(0, _LAST).map(lambda told: told * 1000)),
)
_captures = st.builds(
    CaptureDetail,
    id=st.sampled_from(("own", "other")),
    scope=_text,
    started_at=_maybe,
    ended_at=_maybe,
    duration_ms=st.sampled_from((None, 5, 9)),
    error=_text,
    links=st.sampled_from(((), (("file", "https://a/1"),), (("file", "https://a/2"),))),
    links_expire_at=_maybe,
)
_notes = st.sampled_from((None, NoteDetail(said=(("reason", "idle"),)), NoteDetail(said=(("reason", "deleted"),))))


def _happening(*kinds: Kind) -> st.SearchStrategy[Kind]:
    return st.sampled_from(kinds)


_happenings: dict[str, st.SearchStrategy[tuple[Kind, Detail | None]]] = {
    "start": st.just((Kind.ROOM_STARTED, None)),
    "end": st.tuples(st.just(Kind.ROOM_ENDED), _notes),
    "join": st.tuples(st.just(Kind.PARTICIPANT_JOINED), _somebody),
    "leave": st.tuples(st.just(Kind.PARTICIPANT_LEFT), _leaver),
    "about": st.tuples(_happening(Kind.PARTICIPANT_UPDATED, Kind.PARTICIPANT_REJECTED), _somebody),
    "recording": st.tuples(_happening(*_CAPTURE_KINDS), _captures),
    "transcript": st.tuples(
        _happening(Kind.TRANSCRIPT_STARTED, Kind.TRANSCRIPT_COMPLETED, Kind.TRANSCRIPT_FAILED), _captures
    ),
    "stream": st.tuples(_happening(Kind.STREAM_STARTED, Kind.STREAM_STOPPED, Kind.STREAM_FAILED), _captures),
    "item": st.one_of(
        st.tuples(
            _happening(Kind.TRACK_PUBLISHED, Kind.TRACK_UNPUBLISHED),
            st.builds(TrackDetail, id=st.sampled_from(("T1", "T2")), participant=_who, name=_text),
        ),
        st.tuples(st.just(Kind.CHAT_MESSAGE), st.builds(ChatDetail, id=st.sampled_from(("", "M1")), text=_text)),
        st.tuples(st.just(Kind.PROVIDER_EVENT), st.builds(NoteDetail, id=_text)),
    ),
}


def room_facts(naming: Sequence[str], kinds: Sequence[str] = EVERYTHING) -> st.SearchStrategy[Fact]:
    """Return facts about rooms, that name them in one of these ways: by all they know, by the durable room, by sid."""
    places = [(room, durable) for room, durable in HOMES.items() if NAMED in naming]
    # Some payloads call a session's room by another name.
    places += [(room, "lk@other") for room in HOMES if ALIAS in naming]
    places += [("", durable) for durable in DURABLES if NAMELESS in naming]
    places += [(room, "") for room in HOMES if SID in naming]
    return st.builds(
        _room_fact,
        st.sampled_from(kinds).flatmap(_happenings.__getitem__),
        st.sampled_from(places),
        moments,
        st.one_of(
            st.none(),
            st.builds(Session, name=_text, started_at=_maybe),
            st.builds(Session, end_reason=_text, duration_ms=_totals, participant_ms=_totals, peak=_totals),
        ),
        st.sampled_from((False,) * 7 + (True,)),
    )


def _room_fact(
    happening: tuple[Kind, Detail | None], place: tuple[str, str], time: int, session: Session | None, replay: bool
) -> Fact:
    kind, detail = happening
    room, durable = place
    return Fact(
        kind=kind,
        time=time,
        room=room,
        durable=durable,
        session=session,
        detail=_owned(detail, room or durable),
        replay=replay,
        closing_reason="closed" if kind is Kind.ROOM_ENDED else "",
    )


def _owned(detail: Detail | None, owner: str) -> Detail | None:
    """Let every recording be of one owner; a bot's own recording has the bot's id."""
    if not isinstance(detail, CaptureDetail):
        return detail
    identity = owner.partition(":")[2] or owner
    return msgspec.structs.replace(detail, id=identity if detail.id == "own" else f"{detail.id}-{identity}")


def _observed(kind: Kind, room: str, time: int, who: str, named: bool) -> Fact:
    detail = ParticipantDetail(id=who, reason="not_listed") if kind.startswith("participant.") else None
    durable = HOMES[room] if named else ""
    closing = "not_listed" if kind is Kind.ROOM_ENDED else ""
    return Fact(kind=kind, time=time, room=room, durable=durable, detail=detail, observed=True, closing_reason=closing)


# What the hub saw when it asked: always of a session, and of single visits in it.
observed_facts = st.builds(
    _observed,
    _happening(Kind.ROOM_ENDED, Kind.ROOM_ENDED, Kind.PARTICIPANT_LEFT, Kind.ROOM_UPDATED, Kind.PARTICIPANT_UPDATED),
    st.sampled_from(tuple(HOMES)),
    moments,
    _who,
    st.booleans(),
)

# Two plans so near each other that a late start moves a meeting from one to the other, and one that is half a day away.
_begin = st.sampled_from((BASE, BASE + 4000, BASE + 12 * 3_600_000 + 4000))
_planned = st.builds(
    ScheduleDetail,
    id=st.sampled_from(("P1", "P2")),
    title=st.sampled_from((None, "x", "y")),
    starts_at=st.none() | _begin,
    expected=st.sampled_from((None, (), (("x", "Ann"),))),
    cancelled=st.sampled_from((False, False, False, True)),
)
_decided = st.builds(RoomDetail, featured=st.sampled_from((None, True, True, False)))
# What is decided about a durable room, and planned for it; a schedule is of one room.
shared_facts = st.one_of(
    st.builds(Fact, kind=st.just(Kind.ROOM_UPDATED), time=moments, durable=st.sampled_from(DURABLES), detail=_decided),
    st.builds(
        Fact,
        kind=st.sampled_from((Kind.SCHEDULE_CREATED, Kind.SCHEDULE_UPDATED)),
        time=moments,
        durable=st.just(DURABLE),
        detail=_planned,
    ),
)

_reasons = st.sampled_from((None, None, Reason(code="a"), Reason(code="b", message="x")))
_statuses = st.tuples(
    _happening(*_STATUS_KINDS),
    st.builds(
        BotDetail,
        code=_text,
        attempt=st.sampled_from((None, None, None, 1, 2, 3)),
        reason=_reasons,
        name=_text,
        joined_at=_maybe,
        ended_at=_maybe,
        participants=st.sampled_from(((), ("ann",), ("ann", "bob"))),
        speakers=st.sampled_from(((), ("ann",))),
    ),
)
_segments = st.builds(
    Segment, id=st.sampled_from(("1", "2", "3")), speaker=_text, start=st.sampled_from((0.0, 1.5)), text=_text
)
_transcripts = st.tuples(
    _happening(Kind.TRANSCRIPT_STARTED, Kind.TRANSCRIPT_UPDATED, Kind.TRANSCRIPT_COMPLETED, Kind.TRANSCRIPT_FAILED),
    st.builds(TranscriptDetail, whole=st.booleans(), segments=st.lists(_segments, max_size=3).map(tuple)),
)
bot_facts = st.builds(
    lambda happening, bot, time: Fact(kind=happening[0], time=time, bot=bot, detail=_owned(happening[1], bot)),
    st.one_of(
        _statuses,
        _statuses,
        _happenings["recording"],
        _transcripts,
        st.tuples(st.just(Kind.CHAT_MESSAGE), st.builds(ChatDetail, id=st.sampled_from(("", "M1")), text=_text)),
    ),
    st.sampled_from(BOTS),
    moments,
)


# A launch, and the delivery in which it turns out to be a bot: one word about each of them.
LAUNCH = "meetingbaas:launch-1"
_launch_facts = st.builds(
    lambda kind, time, attempt, reason, name: Fact(
        kind=kind,
        time=time,
        bot=LAUNCH,
        detail=BotDetail(launch_id="launch-1", attempt=attempt, reason=reason, name=name, requested_at=BASE),
    ),
    st.sampled_from((Kind.BOT_REQUESTED, Kind.BOT_REQUESTED, Kind.BOT_UNKNOWN, Kind.BOT_FAILED)),
    moments,
    st.sampled_from((1, 1, 2)),
    _reasons,
    _text,
)
_bindings = st.builds(
    lambda time, name: [
        Fact(
            kind=Kind.BOT_QUEUED,
            time=time,
            bot=BOT,
            detail=BotDetail(launch_id="launch-1", name=name, requested_at=BASE, extra='{"a":1}'),
        ),
        Fact(kind=Kind.BOT_QUEUED, time=time, bot=LAUNCH, detail=BotDetail(launch_id="launch-1", became=BOT)),
    ],
    moments,
    _text,
)


def launch_tellings() -> st.SearchStrategy[list[Delivery]]:
    """Return deliveries about a launch and the bot that it becomes, which also tells of itself."""
    bodies = st.one_of(_bindings, st.one_of(_launch_facts, bot_facts).map(lambda fact: [fact]))
    return st.builds(_told, st.lists(bodies, min_size=1, max_size=8), st.lists(st.integers(0, 7), max_size=2))


def tellings(facts: st.SearchStrategy[Fact], *, facts_in_one: int = 2) -> st.SearchStrategy[list[Delivery]]:
    """Return deliveries of a few facts; some of them come again in other bytes, by a second channel."""
    bodies = st.lists(facts, min_size=1, max_size=facts_in_one)
    return st.builds(_told, st.lists(bodies, min_size=1, max_size=8), st.lists(st.integers(0, 7), max_size=2))


def _told(bodies: list[list[Fact]], again: list[int]) -> list[Delivery]:
    bodies = bodies + [bodies[place % len(bodies)] for place in again]
    # Neither keys nor times of receipt are in an order that has to do with the order of events.
    return [
        delivery(*facts, key=f"k{place * 7 % 16:02}", received_at=RECEIVED + place * 3 % 16 * 1000)
        for place, facts in enumerate(bodies)
    ]


@st.composite
def arrivals(draw: st.DrawFn, count: int) -> list[list[int]]:
    """Draw a way in which so many deliveries arrive, by their places: any order, any repetition, in any batches."""
    places = draw(st.permutations([*range(count), *draw(st.lists(st.integers(0, count - 1), max_size=4))]))
    cuts = draw(st.integers(0, 2 ** len(places) - 1))
    batches: list[list[int]] = [[]]
    for number, place in enumerate(places):
        if number and not cuts >> number & 1:
            batches.append([])
        batches[-1].append(place)
    return batches


def in_order(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Return the deliveries as they would have come from a perfect provider."""
    return sorted(deliveries, key=lambda one: (min((fact.time for fact in one.facts), default=0), one.key))
