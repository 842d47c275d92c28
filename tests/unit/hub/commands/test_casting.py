"""Which meetings are played, when, and in which order: whatever is asked for, and nothing that would be news twice."""

from collections import Counter, defaultdict
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.providers.story import BotTruth, RoomTruth
from hub.commands.casting import Plan, cast, planned, script
from hub.errors import BadRequest
from hub.settings import Settings
from tests.unit.hub.commands.playing import HMS, LIVEKIT, MEETINGBAAS, NOW, SETTINGS

DAY = Plan(rooms=40, bots=10, day=True, rate=None, seed=7)
HOUR = 3_600_000


def rooms_of(plan: Plan) -> list[RoomTruth]:
    truths = [one.meeting.truth for one in cast(SETTINGS, plan, NOW)]
    return [truth for truth in truths if isinstance(truth, RoomTruth)]


def test_as_many_meetings_are_played_as_were_asked_for() -> None:
    """Of rooms and of bots."""
    for plan in (DAY, Plan(rooms=5, bots=2), Plan(rooms=0, bots=1), Plan(rooms=1, bots=0)):
        kinds = Counter(type(one.meeting.truth) for one in cast(SETTINGS, plan, NOW))
        assert (kinds[RoomTruth], kinds[BotTruth]) == (plan.rooms, plan.bots)


def test_a_mix_has_all_providers_sources_and_dialects() -> None:
    """A load of one provider would show a third of the hub."""
    performances = cast(SETTINGS, DAY, NOW)
    assert {one.source.name for one in performances} == {source.name for source in SETTINGS.sources}
    dialects = {(one.source.provider, sample.dialect) for one in performances for _, sample in one.meeting.script}
    assert dialects == {
        ("livekit", "webhook"),
        *(("meetingbaas", dialect) for dialect in ("v1", "v2", "callback", "guide")),
        *(("100ms", dialect) for dialect in ("header", "signature", "guide")),
        *(("pulse", dialect) for dialect in ("guide", "go")),
    }
    told = [line.sample.payload for line in script(performances, DAY, NOW)]
    names = {str(payload.get("type") or payload.get("event")) for payload in told}
    assert names >= {"session.close.success", "peer.join.failure", "track.updated", "room_started", "room.started"}


@pytest.mark.parametrize("provider", ["100ms", "livekit", "pulse", "meetingbaas"])
def test_only_the_providers_that_are_named_play(provider: str) -> None:
    """To try one of them."""
    plan = msgspec.structs.replace(DAY, providers=(provider,))
    assert {one.source.provider for one in cast(SETTINGS, plan, NOW)} == {provider}


def test_a_provider_that_is_named_must_be_configured_and_others_need_not() -> None:
    """Nothing could be signed for it; who did not name it did not ask for it."""
    only = Settings(sources=(LIVEKIT, MEETINGBAAS))
    assert {one.source.provider for one in cast(only, DAY, NOW)} == {"livekit", "meetingbaas"}
    with pytest.raises(BadRequest, match="pulse"):
        cast(only, msgspec.structs.replace(DAY, providers=("livekit", "pulse")), NOW)
    with pytest.raises(BadRequest, match="meetingbaas"):
        cast(Settings(sources=(LIVEKIT, HMS)), DAY, NOW)


def test_a_day_is_over_and_its_rooms_meet_again() -> None:
    """One after the other: two sessions of a room at a time are another matter."""
    held: defaultdict[str, list[RoomTruth]] = defaultdict(list)
    for truth in rooms_of(DAY):
        held[truth.room].append(truth)
    assert Counter(len(truths) for truths in held.values()).keys() >= {1, 2, 3}
    for truths in held.values():
        assert all(before.ended < after.started for before, after in pairwise(truths))
        assert {truth.session == "" for truth in truths} in ({True}, {False})
    for one in cast(SETTINGS, DAY, NOW):
        times = [at for at, _ in one.meeting.script]
        assert NOW - 8 * HOUR <= min(times) <= max(times) < NOW


def test_meetings_that_happen_now_begin_now() -> None:
    """And last as long as the rate asks for."""
    lines = script(cast(SETTINGS, Plan(rate=10.0), NOW), Plan(rate=10.0), NOW)
    assert min(line.at for line in lines) >= NOW
    assert max(line.at for line in lines) - NOW == pytest.approx(len(lines) * 100, rel=0.3)


def test_meetings_that_are_compared_last_a_minute_at_any_rate() -> None:
    """Many providers tell whole seconds only: of a meeting of two seconds they cannot tell who was there."""
    plan = Plan(rate=10_000.0, compared=True)
    lines = script(cast(SETTINGS, plan, NOW), plan, NOW)
    assert max(line.at for line in lines) - NOW > 55_000


@given(seed=st.integers(0, 2**40), day=st.booleans(), rate=st.sampled_from([1.0, 50.0, 10_000.0]))
def test_chaos_loses_nothing_repeats_some_and_sends_nothing_before_its_time(seed: int, day: bool, rate: float) -> None:
    """The end is determined: every webhook at least once, and again only as the same delivery, within a minute."""
    plan = Plan(rooms=4, bots=2, rate=rate, seed=seed, day=day)
    performances = cast(SETTINGS, plan, NOW)
    calm = script(performances, plan, NOW)
    wild = script(performances, msgspec.structs.replace(plan, chaos=True), NOW)
    told_at = {line.sample.delivery_id: line.at for line in calm}
    assert len(told_at) == len(calm)
    assert {line.sample.delivery_id for line in wild} == told_at.keys()
    assert {line.sample.delivery_id: line.sample for line in wild} == {
        line.sample.delivery_id: line.sample for line in calm
    }
    assert [line.at for line in wild] == sorted(line.at for line in wild)
    times: defaultdict[str, list[int]] = defaultdict(list)
    for line in wild:
        times[line.sample.delivery_id].append(line.at)
        assert line.at >= (NOW if day else told_at[line.sample.delivery_id])
    assert all(len(sent) <= 2 and max(sent) - min(sent) <= 60_000 for sent in times.values())


def test_chaos_shuffles_repeats_and_keeps_some_to_the_end() -> None:
    """All three, or it would show nothing."""
    performances = cast(SETTINGS, DAY, NOW)
    wild = script(performances, msgspec.structs.replace(DAY, chaos=True), NOW)
    counts = Counter(line.sample.delivery_id for line in wild)
    assert 0.05 < sum(count == 2 for count in counts.values()) / len(counts) < 0.25
    calm = [line.sample.delivery_id for line in script(performances, DAY, NOW)]
    places = {name: place for place, name in enumerate(calm)}
    shuffled = [places[line.sample.delivery_id] for line in wild]
    assert sum(later < sooner for sooner, later in pairwise(shuffled)) > len(calm) / 3
    # What is kept to the end comes in the order of a calm day.
    assert shuffled[-10:] == sorted(shuffled[-10:])


def test_the_same_seed_plays_the_same_people_in_other_rooms() -> None:
    """What was found must be found again, on the same hub too."""
    first, again = (rooms_of(msgspec.structs.replace(DAY, seed=3)) for _ in range(2))
    assert first == again
    later = [
        one.meeting.truth
        for one in cast(SETTINGS, msgspec.structs.replace(DAY, seed=3), NOW + 10_000)
        if isinstance(one.meeting.truth, RoomTruth)
    ]
    assert not {truth.room for truth in first} & {truth.room for truth in later}
    assert [[stay.identity for stay in one.stays] for one in first] == [
        [stay.identity for stay in one.stays] for one in later
    ]


@pytest.mark.parametrize(
    ("said", "plan"),
    [
        ({}, Plan(rooms=3, bots=3, rate=5.0, seed=9)),
        ({"day": True}, Plan(rooms=300, bots=100, rate=None, seed=9, day=True)),
        ({"day": True, "rooms": 0, "rate": 2.5}, Plan(rooms=0, bots=100, rate=2.5, seed=9, day=True)),
        ({"seed": 4, "chaos": True, "providers": ("pulse",)}, Plan(seed=4, chaos=True, providers=("pulse",))),
    ],
)
def test_what_is_not_said_depends_on_whether_it_is_for_a_day(said: dict[str, object], plan: Plan) -> None:
    """A few meetings to look at, or hundreds to compare."""
    nothing = dict.fromkeys(("rooms", "bots", "rate", "seed"))
    assert planned({**nothing, **said}, 9) == plan


@pytest.mark.parametrize("rate", [None, 0.0, -1.0, float("nan"), 1e-300, 1e300])
def test_meetings_that_happen_now_need_a_rate(rate: float | None) -> None:
    """It says how long they last."""
    with pytest.raises(BadRequest, match="--rate"):
        cast(SETTINGS, Plan(rate=rate), NOW)
