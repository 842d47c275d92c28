"""Featuring a room: said of the durable room, shown by the session that stands for it."""

import pytest

from tests.unit.handlers.office import HOUR, LAUNCH_KEY, READ_KEY, Office

DURABLE = "/api/rooms/livekit@daily"
FEATURED, NOT_FEATURED = {"featured": True}, {"featured": False}


async def featured(desk: Office) -> list[str]:
    """Return the sessions that are featured."""
    listed = await desk.get("/api/rooms")
    return [room["id"] for room in listed["items"] if room["featured"]]


async def test_a_session_is_featured_and_no_longer(desk: Office) -> None:
    """The answer is the room as it is now, and the change is an event like any other."""
    await desk.start(60)
    for said, score in ((FEATURED, 5.0), (NOT_FEATURED, 0.0)):
        answer = await desk.ask("PATCH", "/api/rooms/livekit:RM_1", said)
        assert (answer.status, answer.said["id"], answer.said["featured"]) == (
            200,
            "livekit:RM_1",
            said["featured"],
        )
        assert answer.said["trending_score"] == pytest.approx(score, abs=0.02)
        assert answer.headers["Hub-Position"].endswith(f".{answer.said['sequence']}")
    told = (await desk.get("/api/events?topic=rooms"))["items"]
    assert [event["type"] for event in told] == ["room.started", "room.updated", "room.updated"]
    assert [event["data"]["room"]["featured"] for event in told] == [False, True, False]
    assert told[1]["source"] == "/sources/hub"


async def test_to_feature_a_room_is_no_sign_of_life_in_it(desk: Office) -> None:
    """Nobody was there."""
    await desk.start(HOUR)
    before = await desk.get("/api/rooms/livekit:RM_1")
    await desk.ask("PATCH", "/api/rooms/livekit:RM_1", FEATURED)
    after = await desk.get("/api/rooms/livekit:RM_1")
    assert after["last_active_at"] == before["last_active_at"]
    assert (after["status"], after["started_at"]) == ("live", before["started_at"])


async def test_a_durable_room_is_featured_before_anybody_met_in_it(desk: Office) -> None:
    """A show is announced before it begins; its first session then has it."""
    answer = await desk.ask("PATCH", DURABLE, FEATURED)
    assert (answer.status, answer.said) == (
        *(200, {"id": "livekit@daily", "durable_room": "livekit@daily", "featured": True}),
    )
    assert (await desk.ask("GET", DURABLE)).status == 404
    assert (await desk.get("/api/rooms"))["items"] == []
    await desk.start(60)
    assert (await desk.get("/api/rooms/livekit:RM_1"))["featured"] is True


async def test_only_the_current_session_is_featured_and_the_next_one_after_it(desk: Office) -> None:
    """It stands for the room: the ones before are history, and their viewers are told."""
    await desk.start(3 * HOUR, "RM_1")
    await desk.ask("PATCH", DURABLE, FEATURED)
    await desk.end(2 * HOUR, "RM_1")
    assert await featured(desk) == ["livekit:RM_1"]
    await desk.start(HOUR, "RM_2")
    assert await featured(desk) == ["livekit:RM_2"]
    told = (await desk.get("/api/events?topic=rooms/livekit:RM_1"))["items"]
    assert told[-1]["data"]["room"]["featured"] is False


async def test_whichever_sessions_id_is_given_the_durable_room_is_meant(desk: Office) -> None:
    """The answer shows the session that has it."""
    await desk.start(3 * HOUR, "RM_1")
    await desk.end(2 * HOUR, "RM_1")
    await desk.start(HOUR, "RM_2")
    for room in ("livekit:RM_1", "livekit:RM_2", "livekit@daily"):
        answer = await desk.ask("PATCH", f"/api/rooms/{room}", FEATURED)
        assert (answer.said["id"], answer.said["featured"]) == ("livekit:RM_2", True)
        assert await featured(desk) == ["livekit:RM_2"]
        await desk.ask("PATCH", f"/api/rooms/{room}", NOT_FEATURED)
        assert await featured(desk) == []


async def test_a_session_of_no_durable_room_is_featured_itself(desk: Office) -> None:
    """Nothing but its sid is known."""
    await desk.livekit("room_started", 60, room="RM_9", name="")
    answer = await desk.ask("PATCH", "/api/rooms/livekit:RM_9", FEATURED)
    assert (answer.status, answer.said["durable_room"], answer.said["featured"]) == (200, None, True)


async def test_what_is_said_twice_adds_no_event(desk: Office) -> None:
    """It was so."""
    await desk.start(60)
    first = await desk.ask("PATCH", DURABLE, FEATURED)
    second = await desk.ask("PATCH", DURABLE, FEATURED)
    assert second.said["sequence"] == first.said["sequence"]
    assert len((await desk.get("/api/events"))["items"]) == 2


@pytest.mark.parametrize(
    "said",
    [{}, {"featured": None}, {"featured": 1}, {"featured": "true"}, {"featured": True, "name": "x"}, {"x": True}],
)
async def test_what_cannot_be_changed_is_refused_by_name(desk: Office, said: dict[str, object]) -> None:
    """Only `featured` can, and it is true or false."""
    await desk.start(60)
    answer = await desk.ask("PATCH", "/api/rooms/livekit:RM_1", said)
    assert (answer.status, "featured" in answer.said["detail"]) == (400, True)
    assert await featured(desk) == []


@pytest.mark.parametrize("room", ["livekit:RM_7", "daily", "livekit:RM@7", "%00", "@", "a@" + "b" * 500])
async def test_a_room_that_is_not_there_cannot_be_changed(desk: Office, room: str) -> None:
    """A session is there when it was told of; what looks like no durable room is none."""
    answer = await desk.ask("PATCH", f"/api/rooms/{room}", FEATURED)
    assert answer.status == 404
    assert (await desk.get("/api/events"))["items"] == []


async def test_a_room_that_is_called_by_an_address_is_found_by_it(desk: Office) -> None:
    """Personal rooms often are. It is never shown, but who knows it names the room: to change it, to plan, to watch."""
    address = "ann+x@example.com"
    room = "livekit@ann~2bx@example.com"
    assert (await desk.ask("PATCH", f"/api/rooms/{room}", FEATURED)).status == 200
    minted = (await desk.ask("POST", "/api/tokens", {"topics": [f"rooms/{room}"]})).said
    await desk.start(60, name=address)
    plan = {"provider": "livekit", "room_id": address, "starts_at": desk.when(0)}
    assert (await desk.ask("POST", "/api/schedules", plan)).status == 201
    said = await desk.get(f"/api/rooms/{room}", minted["token"])
    assert (said["id"], said["featured"]) == ("livekit:RM_1", True)
    assert minted["topics"] == [f"rooms/{said['durable_room']}"]
    for path in (f"events?topic=rooms/{room}", "rooms?name=ann%2Bx@example.com", f"deliveries?subject=rooms/{room}"):
        assert (await desk.get(f"/api/{path}"))["items"] != []
    assert len((await desk.get("/api/schedules?room_id=ann%2Bx@example.com"))["items"]) == 1
    assert (await desk.get(f"/api/topics/rooms/{room}/viewers"))["topic"] == minted["topics"][0]


async def test_who_may_not_launch_may_not_change_a_room(desk: Office) -> None:
    """A key for dashboards, and no credential at all."""
    await desk.start(60)
    refused = await desk.ask("PATCH", DURABLE, FEATURED, credential=READ_KEY)
    assert (refused.status, "launch" in refused.said["detail"]) == (403, True)
    assert (await desk.ask_with({}, "PATCH", DURABLE, FEATURED)).status == 401
    assert await featured(desk) == []
    assert (await desk.ask("PATCH", DURABLE, FEATURED, credential=LAUNCH_KEY)).status == 200


async def test_a_token_changes_only_its_own_rooms(desk: Office) -> None:
    """And does not learn of others, be they there or not."""
    await desk.start(60)
    other = desk.token("rooms/livekit@other", "bots")
    hidden = await desk.ask("PATCH", "/api/rooms/livekit:RM_1", FEATURED, credential=other)
    missing = await desk.ask("PATCH", "/api/rooms/livekit:RM_9", FEATURED, credential=other)
    assert (hidden.status, hidden.said) == (missing.status, missing.said) == (404, hidden.said)
    assert (await desk.ask("PATCH", DURABLE, FEATURED, credential=other)).status == 404
    assert await featured(desk) == []
    own = desk.token("rooms/livekit@daily")
    assert (await desk.ask("PATCH", DURABLE, FEATURED, credential=own)).status == 200
    assert (await desk.ask("PATCH", "/api/rooms/livekit@other", FEATURED, credential=own)).status == 404
    assert (await desk.ask("PATCH", "/api/rooms/livekit@other", FEATURED, credential=other)).status == 200


async def test_a_request_with_the_pages_cookie_must_come_from_the_page(desk: Office) -> None:
    """Another site's page must not change anything by a form."""
    await desk.start(60)
    for origin in ("", "https://evil.example", "null"):
        assert (await desk.ask_by_cookie("PATCH", DURABLE, FEATURED, origin=origin)).status == 403
    assert await featured(desk) == []
    assert (await desk.ask_by_cookie("PATCH", DURABLE, FEATURED, origin=desk.hub.url)).status == 200


@pytest.mark.parametrize("room", ["foo@bar", "livekit@", "@daily", "livekit:RM_none"])
async def test_a_mistyped_room_is_not_featured(desk: Office, room: str) -> None:
    """Only durable rooms of configured sources are known before their first session."""
    assert (await desk.ask("PATCH", f"/api/rooms/{room}", FEATURED)).status == 404


async def test_who_has_a_single_session_does_not_decide_for_all_to_come(desk: Office) -> None:
    """What is featured is the durable room."""
    await desk.start(60)
    one = desk.token("rooms/livekit:RM_1")
    answer = await desk.ask("PATCH", "/api/rooms/livekit:RM_1", FEATURED, credential=one)
    assert (answer.status, answer.said["detail"]) == (403, "the credential does not cover the durable room")
    whole = desk.token("rooms/livekit@daily")
    assert (await desk.ask("PATCH", "/api/rooms/livekit:RM_1", FEATURED, credential=whole)).status == 200
