"""What a LiveKit server lists and the hub does not show is told; what it lists no more ends after a second look."""

import orjson
import pytest
from livekit.protocol.models import ParticipantInfo, ParticipantPermission

from tests.unit.hub.reconcile.asking import BASE, HOUR, LIVEKIT, MINUTE, ROOM, asking, person

OTHER_SECRET = "o" * 40


async def test_a_room_whose_webhooks_were_lost_is_shown_as_they_would_have_shown_it() -> None:
    """The times are the provider's own, and so are sorts of participants and what they may do."""
    async with asking() as one:
        one.livekit.start("daily", "RM_1", BASE + 213)
        one.livekit.join("daily", "PA_1", BASE + 1087, permission=ParticipantPermission(can_publish=True))
        one.livekit.join("daily", "PA_2", BASE + 2000, kind=ParticipantInfo.Kind.AGENT)
        one.livekit.join("daily", "PA_3", BASE + 3000, state=ParticipantInfo.State.JOINED)
        assert await one.look(after=HOUR) == ()
        room = one.hub.shown(ROOM)
        assert (room["status"], room["started_at"], room["name"]) == ("live", "2026-03-10T12:00:00.213Z", "daily")
        assert (room["durable_room"], room["participant_count"], room["speaker_count"]) == ("livekit@daily", 1, 1)
        assert one.hub.active() == {"PA_1", "PA_2"}
        assert one.hub.shown(f"{ROOM}/participants/PA_1")["joined_at"] == "2026-03-10T12:00:01.087Z"


async def test_a_room_of_which_nobody_says_who_is_in_it_keeps_nothing_of_the_others_back() -> None:
    """It may stay broken for hours; whoever is known to be in it stays there meanwhile."""
    async with asking() as one:
        await one.hub.hear("room_started", BASE)
        await one.hub.hear("participant_joined", BASE, **person("PA_1", BASE))
        one.livekit.start("daily", "RM_1", BASE)
        one.livekit.start("weekly", "RM_2", BASE)
        one.livekit.join("weekly", "PA_2", BASE)
        one.livekit.broken = "daily"
        for _ in range(3):
            (problem,) = await one.look(after=10 * MINUTE)
        assert "who is in a room" in problem and "503" in problem
        assert one.hub.rooms() == {"livekit:RM_1": "live", "livekit:RM_2": "live"}
        assert (one.hub.active(), one.hub.active("rooms/livekit:RM_2")) == ({"PA_1"}, {"PA_2"})


async def test_what_is_back_is_told_once_also_after_the_clock_was_set_back() -> None:
    """Told at a time before the end that was presumed it would change nothing, and be told in every round."""
    async with asking() as one:
        await one.hub.hear("room_started", BASE)
        await one.hub.hear("participant_joined", BASE, **person("PA_1", BASE))
        await one.hub.hear("room_started", BASE, room="RM_2", name="weekly")
        one.livekit.start("daily", "RM_1", BASE)
        for _ in range(2):
            await one.look(after=HOUR)
        assert (one.hub.active(), one.hub.rooms()["livekit:RM_2"]) == (set(), "ended")
        one.livekit.join("daily", "PA_1", BASE)
        one.livekit.start("weekly", "RM_2", BASE)
        await one.look(after=-HOUR)
        kept = len(one.hub.deliveries())
        assert (one.hub.active(), one.hub.rooms()["livekit:RM_2"]) == ({"PA_1"}, "live")
        for _ in range(3):
            await one.look(after=MINUTE)
        assert len(one.hub.deliveries()) == kept


@pytest.mark.parametrize("room", ["livekit:RM_1", ""])
async def test_a_session_that_was_erased_while_it_goes_on_is_not_told_again(room: str) -> None:
    """Nor if all of its durable room was; the next session of that name is another one."""
    async with asking() as one:
        await one.hub.hear("room_started", BASE)
        one.livekit.start("daily", "RM_1", BASE)
        await one.look(after=MINUTE)
        await one.hub.erase(room, "livekit@daily")
        await one.look(after=MINUTE)
        assert one.hub.rooms() == {}
        # Another session of that name is none of it: one from before, if only the first was erased, or a later one.
        one.livekit.start("daily", "RM_2", BASE + (1000 if room else HOUR))
        await one.look(after=2 * HOUR)
        assert one.hub.rooms() == {"livekit:RM_2": "live"}


async def test_what_is_kept_of_an_answer_holds_no_secrets() -> None:
    """Rooms come with TURN passwords, and with whatever the customer attached."""
    async with asking() as one:
        one.livekit.start("daily", "RM_1", BASE)
        one.livekit.join("daily", "PA_1", BASE)
        await one.look(after=MINUTE)
        kept = b"".join(delivery.body for delivery in one.hub.deliveries())
        assert b"RM_1" in kept
        assert b"secret" not in kept and b"acme" not in kept


async def test_events_of_what_was_found_out_say_where_it_came_from() -> None:
    """Whoever looks at a timeline wants to know what the provider told and what the hub had to ask for."""
    async with asking() as one:
        one.livekit.start("daily", "RM_1", BASE)
        await one.look(after=MINUTE)
        ((event, _),) = one.hub.store.kept.events
        assert orjson.loads(event.json("e"))["source"] == "/sources/reconcile"


async def test_asking_again_adds_nothing() -> None:
    """A hub that asks every five minutes must not fill its store with what it knows."""
    async with asking() as one:
        one.livekit.start("daily", "RM_1", BASE)
        one.livekit.join("daily", "PA_1", BASE)
        await one.look(after=MINUTE)
        kept = len(one.hub.deliveries()), len(one.hub.store.kept.events)
        for _ in range(3):
            await one.look(after=MINUTE)
        assert (len(one.hub.deliveries()), len(one.hub.store.kept.events)) == kept


async def test_what_webhooks_told_is_not_told_again() -> None:
    """Else every meeting would be told twice."""
    async with asking() as one:
        await one.hub.hear("room_started", BASE)
        await one.hub.hear("participant_joined", BASE, **person("PA_1", BASE))
        one.livekit.start("daily", "RM_1", BASE)
        one.livekit.join("daily", "PA_1", BASE)
        await one.look(after=HOUR)
        assert one.hub.told() == []


async def test_webhooks_that_come_after_all_add_nothing() -> None:
    """They were on their way while the hub asked."""
    async with asking() as one:
        one.livekit.start("daily", "RM_1", BASE)
        one.livekit.join("daily", "PA_1", BASE + 87)
        await one.look(after=MINUTE)
        events = len(one.hub.store.kept.events)
        await one.hub.hear("room_started", BASE)
        await one.hub.hear("participant_joined", BASE, **person("PA_1", BASE + 87))
        assert len(one.hub.store.kept.events) == events


async def test_a_room_that_vanished_ends_when_it_is_missing_for_the_second_time() -> None:
    """A node that was killed sends nothing, ever. The end is when it was missed first: it was over by then."""
    async with asking() as one:
        await one.hub.hear("room_started", BASE)
        await one.hub.hear("participant_joined", BASE, **person("PA_1", BASE))
        await one.look(after=HOUR)
        assert one.hub.rooms() == {"livekit:RM_1": "live"}
        await one.look(after=5 * MINUTE)
        room, ann = one.hub.shown(ROOM), one.hub.shown(f"{ROOM}/participants/PA_1")
        assert (room["status"], room["ended_at"], room["end_reason"]) == ("ended", "2026-03-10T13:00:00Z", "not_listed")
        assert (ann["active"], ann["left_at"], ann["leave_reason"]) == (False, "2026-03-10T13:00:00Z", "not_listed")


async def test_a_room_that_nobody_asked_about_for_days_ended_when_it_was_presumed_to() -> None:
    """The hub was away for longer: nobody is to pay for that."""
    async with asking() as one:
        await one.hub.hear("room_started", BASE)
        await one.hub.hear("participant_joined", BASE, **person("PA_1", BASE))
        for _ in range(2):
            await one.look(after=72 * HOUR)
        assert one.hub.shown(ROOM)["ended_at"] == "2026-03-11T00:00:00Z"


async def test_a_provider_that_was_just_restarted_closes_nothing() -> None:
    """Its list is empty until its clients are back, within a minute, in the rooms that they were in."""
    async with asking() as one:
        one.livekit.start("daily", "RM_1", BASE)
        one.livekit.join("daily", "PA_1", BASE)
        await one.look(after=HOUR)
        rooms, one.livekit.rooms = one.livekit.rooms, {}
        await one.look(after=MINUTE)
        await one.look(after=MINUTE // 2)
        one.livekit.rooms = rooms
        await one.look(after=MINUTE)
        one.livekit.rooms = {}
        await one.look(after=MINUTE)
        assert one.hub.rooms() == {"livekit:RM_1": "live"}


async def test_a_room_that_gave_a_sign_of_life_within_the_minute_is_not_missing_yet() -> None:
    """It may have started on a node that the list does not know of."""
    async with asking() as one:
        await one.hub.hear("room_started", BASE)
        for _ in range(2):
            await one.look(after=MINUTE // 2)
        await one.hub.hear("participant_joined", BASE, **person("PA_1", one.hub.clock()))
        await one.look(after=MINUTE)
        assert one.hub.rooms() == {"livekit:RM_1": "live"}


async def test_the_providers_own_end_replaces_the_hubs_conclusion() -> None:
    """A webhook that comes hours late still knows better, also why."""
    async with asking() as one:
        await one.hub.hear("room_started", BASE)
        await one.look(after=HOUR)
        await one.look(after=HOUR)
        await one.hub.hear("room_finished", BASE + 7 * MINUTE, roomEndReason="ROOM_END_IDLE_TIMEOUT")
        room = one.hub.shown(ROOM)
        assert (room["ended_at"], room["end_reason"]) == ("2026-03-10T12:07:00Z", "idle_timeout")


async def test_a_room_that_turns_out_to_go_on_lives_again() -> None:
    """A list that was wrong twice must not end a meeting for good."""
    async with asking() as one:
        await one.hub.hear("room_started", BASE)
        await one.look(after=HOUR)
        await one.look(after=HOUR)
        assert one.hub.rooms() == {"livekit:RM_1": "ended"}
        one.livekit.start("daily", "RM_1", BASE)
        await one.look(after=HOUR)
        assert one.hub.rooms() == {"livekit:RM_1": "live"}


async def test_a_session_whose_name_another_one_has_was_over_before_that_began() -> None:
    """Names are used again at once, sids never: a successor says more than a list does."""
    async with asking() as one:
        await one.hub.hear("room_started", BASE)
        one.livekit.start("daily", "RM_2", BASE + 10 * MINUTE)
        await one.look(after=HOUR)
        await one.look(after=MINUTE)
        assert one.hub.rooms() == {"livekit:RM_1": "ended", "livekit:RM_2": "live"}
        assert one.hub.shown(ROOM)["ended_at"] == "2026-03-10T12:10:00Z"


async def test_somebody_whose_leave_was_lost_leaves_when_missing_twice() -> None:
    """Else they would be counted, and paid for, until the room ends."""
    async with asking() as one:
        one.livekit.start("daily", "RM_1", BASE)
        for sid in ("PA_1", "PA_2"):
            one.livekit.join("daily", sid, BASE)
        await one.look(after=HOUR)
        one.livekit.leave("daily", "PA_1")
        await one.look(after=MINUTE)
        assert one.hub.active() == {"PA_1", "PA_2"}
        await one.look(after=MINUTE)
        assert one.hub.active() == {"PA_2"}
        assert one.hub.shown(f"{ROOM}/participants/PA_1")["left_at"] == "2026-03-10T13:01:00Z"
        await one.hub.hear("participant_left", BASE + 5 * MINUTE, **person("PA_1", BASE))
        assert one.hub.shown(f"{ROOM}/participants/PA_1")["left_at"] == "2026-03-10T12:05:00Z"


async def test_somebody_who_turns_out_to_be_there_is_shown_again() -> None:
    """The same rule as for rooms."""
    async with asking() as one:
        one.livekit.start("daily", "RM_1", BASE)
        one.livekit.join("daily", "PA_1", BASE)
        await one.look(after=HOUR)
        one.livekit.leave("daily", "PA_1")
        for _ in range(2):
            await one.look(after=MINUTE)
        assert one.hub.active() == set()
        one.livekit.join("daily", "PA_1", BASE)
        await one.look(after=MINUTE)
        assert one.hub.active() == {"PA_1"}


async def test_a_room_that_vanishes_while_it_is_asked_about_is_left_for_the_next_round() -> None:
    """Who is in it by then says nothing of who was."""
    async with asking() as one:
        one.livekit.start("daily", "RM_1", BASE)
        one.livekit.join("daily", "PA_1", BASE)
        await one.look(after=HOUR)
        one.livekit.vanishing = "daily"
        assert await one.look(after=HOUR) == ()
        assert one.hub.active() == {"PA_1"}


async def test_a_room_in_which_nothing_happens_for_long_is_not_taken_for_over() -> None:
    """Without webhooks for twelve hours it would leave the dashboard, though the provider says that it goes on."""
    async with asking() as one:
        one.livekit.start("daily", "RM_1", BASE)
        await one.look(after=HOUR)
        assert one.hub.told() == ["room.listed"]
        await one.look(after=11 * HOUR + 40 * MINUTE)
        await one.look(after=HOUR)
        assert one.hub.told() == ["room.listed", "room.alive"]


async def test_an_api_key_that_is_refused_leaves_rooms_open_that_it_could_have_listed() -> None:
    """The rooms of another project are not missing, only unseen; those of the other sources are told all the same."""
    other = LIVEKIT.__class__(
        provider="livekit", name="other", home="other", path="/o", account="b", keys={"APIother": ("x" * 40,)}
    )
    async with asking(LIVEKIT, other) as one:
        await one.hub.hear_of(
            other, {"event": "room_started", "room": {"sid": "RM_9", "name": "b", "creationTime": "1"}}
        )
        one.livekit.start("daily", "RM_1", BASE)
        for _ in range(3):
            (problem,) = await one.look(after=HOUR)
        assert "refuses an API key of other" in problem and "sources.other.keys" in problem
        assert one.hub.rooms() == {"livekit:RM_9": "live", "livekit:RM_1": "live"}


async def test_rooms_belong_to_the_source_whose_webhooks_told_of_them() -> None:
    """Two API keys of one server list the same rooms; what a room is called must not depend on who asked first."""
    other = LIVEKIT.__class__(
        provider="livekit", name="other", home="other", path="/o", account="b", keys={"APIother": (OTHER_SECRET,)}
    )
    keys = {"APIother": OTHER_SECRET, **{key: secrets[0] for key, secrets in LIVEKIT.keys.items()}}
    async with asking(LIVEKIT, other, **keys) as one:
        named = {"sid": "RM_9", "name": "b", "creationTimeMs": str(BASE)}
        await one.hub.hear_of(other, {"event": "room_started", "room": named})
        one.livekit.start("b", "RM_9", BASE)
        one.livekit.join("b", "PA_1", BASE)
        await one.look(after=HOUR)
        assert one.hub.shown("rooms/livekit:RM_9")["durable_room"] == "other@b"
        assert one.hub.active("rooms/livekit:RM_9") == {"PA_1"}


async def test_a_session_whose_room_nobody_named_is_of_the_room_that_the_list_names() -> None:
    """Some payloads hold a sid alone."""
    async with asking() as one:
        await one.hub.hear("room_started", BASE, name="")
        assert one.hub.shown(ROOM)["durable_room"] is None
        one.livekit.start("daily", "RM_1", BASE)
        one.livekit.join("daily", "PA_1", BASE)
        await one.look(after=HOUR)
        assert one.hub.shown(ROOM)["durable_room"] == "livekit@daily"
