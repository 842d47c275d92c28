"""Planned meetings by REST: made, changed, cancelled; and who came to them."""

from typing import Any

import pytest

from tests.unit.handlers.office import DAY, HOUR, LAUNCH_KEY, MINUTE, READ_KEY, Answer, Office, Said

LIST = "/api/schedules"
PEOPLE = [{"identity": "ann", "name": "Ann"}, "bob"]


async def plan(desk: Office, ago: float = HOUR, credential: str = LAUNCH_KEY, **said: object) -> Answer:
    """Plan a meeting that begins some time ago, or ahead."""
    whole: Said = {"title": "Daily", "provider": "livekit", "room_id": "daily", "starts_at": desk.when(ago)}
    body = {name: value for name, value in (whole | said).items() if value is not ...}
    return await desk.ask("POST", LIST, body, credential=credential)


async def made(desk: Office, ago: float = HOUR, **said: object) -> str:
    """Return the path of a planned meeting."""
    answer = await plan(desk, ago, **said)
    assert answer.status == 201, answer.text
    return f"{LIST}/{answer.said['id']}"


async def meet(desk: Office) -> None:
    """Let Ann and an uninvited guest come, and all be over."""
    await desk.start(HOUR)
    await desk.join("ann", HOUR - MINUTE, name="Ann")
    await desk.join("zoe", HOUR - 2 * MINUTE)
    await desk.join("eg", HOUR, kind="EGRESS")
    await desk.leave("zoe", HOUR - 3 * MINUTE)
    await desk.end(HOUR - 10 * MINUTE)


async def test_a_meeting_is_planned_and_can_be_read_at_once(desk: Office) -> None:
    """The answer says where it is, and is what is there."""
    answer = await plan(desk, -DAY, expected_participants=PEOPLE)
    assert answer.status == 201
    said = answer.said
    assert answer.headers["Location"] == f"{LIST}/{said['id']}"
    assert answer.headers["Hub-Position"].endswith(".1")
    assert (said["title"], said["provider"], said["room_id"]) == ("Daily", "livekit", "daily")
    assert (said["durable_room"], said["starts_at"], said["status"]) == (
        *("livekit@daily", desk.when(-DAY), "SCHEDULED"),
    )
    assert said["expected_participants"] == [{"identity": "ann", "name": "Ann"}, {"identity": "bob", "name": None}]
    assert [(one["identity"], one["expected"], one["visits"]) for one in said["participants"]] == [
        ("ann", True, 0),
        ("bob", True, 0),
    ]
    assert await desk.get(answer.headers["Location"]) == said


async def test_who_came_and_who_did_not_is_told_with_the_meeting(desk: Office) -> None:
    """Recorders do not attend."""
    path = await made(desk, expected_participants=PEOPLE)
    await meet(desk)
    said = await desk.get(path)
    assert (said["status"], said["sessions"]) == ("COMPLETED", ["livekit:RM_1"])
    assert (said["started_at"], said["ended_at"]) == (desk.when(HOUR), desk.when(HOUR - 10 * MINUTE))
    people = [(one["identity"], one["expected"], one["watch_duration"], one["left_at"]) for one in said["participants"]]
    assert people == [
        ("ann", True, 540, desk.when(HOUR - 10 * MINUTE)),
        ("zoe", False, 60, desk.when(HOUR - 3 * MINUTE)),
        ("bob", True, 0, None),
    ]


async def test_a_meeting_that_goes_on_counts_up_to_now(desk: Office) -> None:
    """Who is there is active, and watches on."""
    path = await made(desk)
    await desk.start(HOUR)
    await desk.join("ann", HOUR)
    said = await desk.get(path)
    assert said["status"] == "LIVE"
    [ann] = said["participants"]
    assert (ann["active"], ann["watch_duration"]) == (True, pytest.approx(HOUR, abs=30))


async def test_the_rooms_of_both_paths_of_an_account_are_one(desk: Office) -> None:
    """A plan may name the provider, or either of its sources."""
    for provider in ("100ms", "100ms-rooms"):
        answer = await plan(desk, provider=provider, room_id="R/1")
        assert (answer.said["provider"], answer.said["durable_room"]) == ("100ms", "100ms@R~2f1")


async def test_schedules_are_listed_the_latest_first_and_by_what_is_asked(desk: Office) -> None:
    """By status in any case, provider, room, and when they begin."""
    past = await made(desk, HOUR, title="past")
    soon = await made(desk, -HOUR * 20, title="soon")
    later = await made(desk, -3 * DAY, title="later", provider="pulse", room_id="other")
    await desk.start(HOUR)
    names = {path.rpartition("/")[2]: name for path, name in ((past, "past"), (soon, "soon"), (later, "later"))}

    async def listed(query: str) -> list[str]:
        return [names[one] for one in (await desk.ask("GET", LIST + query)).ids]

    assert await listed("") == ["later", "soon", "past"]
    assert await listed("?status=scheduled") == ["later", "soon"]
    assert await listed("?status=LIVE") == ["past"]
    assert await listed("?provider=pulse") == ["later"]
    assert await listed("?room_id=daily") == ["soon", "past"]
    assert await listed(f"?from={desk.when(0)}") == ["later", "soon"]
    assert await listed(f"?to={desk.when(0)}") == ["past"]
    assert await listed(f"?from={desk.when(HOUR)}&to={desk.when(-DAY)}") == ["soon", "past"]
    assert await listed(f"?from={desk.when(HOUR)}&room_id=daily&status=scheduled") == ["soon"]
    assert await listed("?status=cancelled") == []
    first = await desk.ask("GET", f"{LIST}?limit=2")
    rest = await desk.ask("GET", f"{LIST}?limit=2&cursor={first.said['next']}")
    assert [names[one] for one in first.ids + rest.ids] == ["later", "soon", "past"]


async def test_lists_and_events_do_not_name_who_is_expected(desk: Office) -> None:
    """Identities may be addresses of people; who may see the meeting asks for it."""
    await made(desk, expected_participants=["ann@example.com", {"identity": "bob", "name": "Bob Example"}])
    for path in (LIST, "/api/events"):
        text = (await desk.ask("GET", path)).text
        assert "ann@example" not in text
        assert "Bob Example" not in text


async def test_who_is_expected_by_an_address_is_found_when_they_come(desk: Office) -> None:
    """Identities are shown without addresses everywhere, and must still be one."""
    path = await made(desk, expected=["ann@example.com"])
    await desk.start(HOUR)
    await desk.join("ann@example.com", HOUR - MINUTE)
    [who] = (await desk.get(path))["participants"]
    assert (who["expected"], who["visits"]) == (True, 1)
    assert who["identity"].startswith("ann@…#")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({"title": "Standup"}, {"title": "Standup"}),
        ({"title": None}, {"title": None}),
        ({"expected_participants": ["cy"]}, {"expected_participants": [{"identity": "cy", "name": None}]}),
        ({"expected_participants": []}, {"expected_participants": [], "expected_count": 0}),
        ({"starts_at": "2026-03-10T12:00:00+02:00"}, {"starts_at": "2026-03-10T10:00:00Z"}),
        ({"room_id": "other"}, {"room_id": "other", "durable_room": "livekit@other"}),
        ({"provider": "pulse", "room_id": "p"}, {"provider": "pulse", "room_id": "p", "durable_room": "pulse@p"}),
    ],
)
async def test_what_is_changed_is_changed_and_the_rest_stays(desk: Office, said: Said, shown: Said) -> None:
    """Field by field."""
    path = await made(desk, expected_participants=PEOPLE)
    before = await desk.get(path)
    answer = await desk.ask("PATCH", path, said)
    assert answer.status == 200
    depending = {"sequence", "participants", "expected_count", "durable_room"}
    expected = {name: value for name, value in (before | shown).items() if name not in depending or name in shown}
    assert {name: answer.said[name] for name in expected} == expected
    assert await desk.get(path) == answer.said


async def test_a_plan_that_moves_to_another_room_is_in_one_list_once_and_has_that_rooms_meeting(desk: Office) -> None:
    """Its viewers are told of the change, and never that it is gone."""
    path = await made(desk)
    await meet(desk)
    await desk.start(HOUR, "RM_2", "other")
    said = (await desk.ask("PATCH", path, {"room_id": "other"})).said
    assert (said["status"], said["sessions"]) == ("LIVE", ["livekit:RM_2"])
    assert (await desk.ask("GET", LIST)).ids == [said["id"]]
    told = (await desk.get(f"/api/events?topic=schedules/{said['id']}"))["items"]
    assert told[-1]["type"] == "schedule.updated"
    assert "schedule.cancelled" not in {event["type"] for event in told}
    back = (await desk.ask("PATCH", path, {"room_id": "daily"})).said
    assert (back["status"], back["sessions"]) == ("COMPLETED", ["livekit:RM_1"])


async def test_a_plan_that_is_cancelled_is_gone_and_its_people_stay_in_the_room(desk: Office) -> None:
    """Who met all the same met."""
    path = await made(desk)
    await meet(desk)
    answer = await desk.ask("DELETE", path)
    assert (answer.status, answer.text) == (204, "")
    assert answer.headers["Hub-Position"]
    for method in ("GET", "PATCH", "DELETE"):
        assert (await desk.ask(method, path, {"title": "x"})).status == 404
    assert (await desk.get(LIST))["items"] == []
    assert len((await desk.get("/api/rooms/livekit:RM_1/participants"))["items"]) == 3
    told = (await desk.get(f"/api/events?topic={path.removeprefix('/api/')}"))["items"]
    assert (told[-1]["type"], told[-1]["data"]["schedule"]["status"]) == ("schedule.cancelled", "CANCELLED")


_WRONG: list[tuple[dict[str, Any], str]] = [
    ({"provider": ...}, "provider"),
    ({"room_id": ...}, "room_id"),
    ({"starts_at": ...}, "starts_at"),
    ({"provider": "zoom"}, "provider"),
    ({"provider": 1}, "provider"),
    ({"room_id": ""}, "room_id"),
    ({"room_id": " "}, "room_id"),
    ({"room_id": None}, "room_id"),
    ({"room_id": "x" * 257}, "room_id"),
    ({"title": 5}, "title"),
    ({"title": ""}, "title"),
    ({"starts_at": "tomorrow"}, "starts_at"),
    ({"starts_at": 1773144000}, "starts_at"),
    ({"starts_at": None}, "starts_at"),
    ({"starts_at": "0001-01-01T00:00:00Z"}, "starts_at"),
    ({"expected_participants": "ann"}, "expected_participants"),
    ({"expected_participants": [1]}, "expected_participants"),
    *(({"expected_participants": [{"identity": "ann", "name": name}]}, "name") for name in ({}, [], 0, False)),
    ({"expected_participants": [None]}, "expected_participants"),
    ({"expected_participants": [{"name": "Ann"}]}, "expected_participants"),
    ({"expected_participants": [{"identity": "ann", "mail": "x"}]}, "expected_participants"),
    ({"expected_participants": [{"identity": ""}]}, "identity"),
    ({"expected_participants": [{"identity": "ann", "name": 5}]}, "name"),
    ({"expected_participants": ["x"] * 1001}, "expected_participants"),
    *(({name: "a\0b"}, name) for name in ("title", "room_id")),
    ({"expected_participants": ["a\0"]}, "identity"),
    ({"when": "2026-03-10T12:00:00Z"}, "when"),
]


@pytest.mark.parametrize(("said", "names"), _WRONG, ids=range(len(_WRONG)))
async def test_a_plan_that_is_none_is_refused_by_name(desk: Office, said: dict[str, Any], names: str) -> None:
    """Nothing is made of it, and nothing changed by it."""
    answer = await plan(desk, **said)
    assert (answer.status, names in answer.said["detail"]) == (400, True)
    assert (await desk.get(LIST))["items"] == []
    if ... not in said.values():
        path = await made(desk)
        before = await desk.get(path)
        answer = await desk.ask("PATCH", path, said)
        assert (answer.status, names in answer.said["detail"]) == (400, True)
        assert await desk.get(path) == before


async def test_a_change_of_nothing_is_refused(desk: Office) -> None:
    """It was probably meant to be one."""
    answer = await desk.ask("PATCH", await made(desk), {})
    assert (answer.status, "starts_at" in answer.said["detail"]) == (400, True)


async def test_of_one_person_who_is_named_twice_the_last_name_is_taken(desk: Office) -> None:
    """They are expected once."""
    said = (await plan(desk, expected_participants=["ann", {"identity": "ann", "name": "Ann"}])).said
    assert said["expected_participants"] == [{"identity": "ann", "name": "Ann"}]


@pytest.mark.parametrize("query", ["?from=x", "?to=2026-13-01T00:00:00Z", "?limit=0", "?cursor=x"])
async def test_a_list_that_cannot_be_is_refused_by_name(desk: Office, query: str) -> None:
    """An empty one would say that nothing is planned."""
    answer = await desk.ask("GET", LIST + query)
    assert (answer.status, query[1:].partition("=")[0] in answer.said["detail"]) == (400, True)


async def test_a_key_that_only_reads_may_not_plan(desk: Office) -> None:
    """It is told which scope it would need."""
    path = await made(desk)
    before = await desk.get(path, READ_KEY)
    for method, where in (("POST", LIST), ("PATCH", path), ("DELETE", path)):
        answer = await desk.ask(method, where, {"title": "x"}, credential=READ_KEY)
        assert (answer.status, "launch" in answer.said["detail"]) == (403, True)
        assert (await desk.ask_with({}, method, where, {"title": "x"})).status == 401
    assert await desk.get(path) == before


async def test_a_token_sees_and_changes_only_its_schedules(desk: Office) -> None:
    """The others are not there; and who has but one of them makes no more."""
    path, other = await made(desk), await made(desk, -DAY)
    one = desk.token(path.removeprefix("/api/"))
    assert (await desk.ask("GET", LIST, credential=one)).ids == [path.rpartition("/")[2]]
    assert (await desk.ask("PATCH", path, {"title": "x"}, credential=one)).status == 200
    missing = await desk.ask("GET", f"{LIST}/none", credential=one)
    for method in ("GET", "PATCH", "DELETE"):
        hidden = await desk.ask(method, other, {"title": "x"}, credential=one)
        assert (hidden.status, hidden.said) == (404, missing.said)
    assert (await plan(desk, credential=one)).status == 403
    assert (await plan(desk, credential=desk.token("rooms"))).status == 403
    assert (await plan(desk, credential=desk.token("schedules", "rooms"))).status == 201
    assert len((await desk.get(LIST))["items"]) == 3


async def test_a_request_with_the_pages_cookie_must_come_from_the_page(desk: Office) -> None:
    """Another site's page must not plan or cancel anything."""
    path = await made(desk)
    for method, where in (("POST", LIST), ("PATCH", path), ("DELETE", path)):
        for origin in ("", "https://evil.example"):
            assert (await desk.ask_by_cookie(method, where, {"title": "x"}, origin=origin)).status == 403
    assert (await desk.ask_by_cookie("PATCH", path, {"title": "x"}, origin=desk.hub.url)).status == 200
    assert (await desk.ask_by_cookie("GET", path)).status == 200
    assert (await desk.ask_by_cookie("DELETE", path, origin=desk.hub.url)).status == 204


async def test_who_plans_a_meeting_must_be_allowed_to_see_its_room(desk: Office) -> None:
    """A schedule shows who comes: it must not open a room to whom it is closed."""
    schedules = desk.token("schedules")
    refused = await desk.ask(
        "POST", LIST, {"provider": "livekit", "room_id": "daily", "starts_at": desk.when(0)}, credential=schedules
    )
    assert (refused.status, refused.said["detail"]) == (403, "the credential does not cover the room")
    path = await made(desk)
    own = desk.token(path.removeprefix("/api/"))
    moved = await desk.ask("PATCH", path, {"room_id": "secret"}, credential=own)
    assert (moved.status, moved.said["detail"]) == (403, "the credential does not cover the room")
    assert (await desk.ask("PATCH", path, {"title": "New"}, credential=own)).status == 200
    both = desk.token("schedules", "rooms/livekit@daily")
    planned = {"provider": "livekit", "room_id": "daily", "starts_at": desk.when(0)}
    assert (await desk.ask("POST", LIST, planned, credential=both)).status == 201


async def test_a_meeting_of_a_room_that_nobody_hears_of_is_marked(desk: Office) -> None:
    """It is not said to go on for ever without a doubt."""
    path = await made(desk)
    assert (await desk.get(path))["stale"] is False
    await desk.start(HOUR)
    said = await desk.get(path)
    assert (said["status"], said["stale"]) == ("LIVE", False)


async def test_a_meeting_that_goes_on_is_never_marked_while_it_is_looked_at(desk: Office) -> None:
    """The clock goes on between one look at it and the next; of many answers some are given across a millisecond."""
    path = await made(desk)
    await desk.start(HOUR)
    assert {(await desk.get(path))["stale"] for _ in range(100)} == {False}


async def test_titles_show_no_addresses(desk: Office) -> None:
    """They are streamed to everybody who may see the schedule."""
    said = (await plan(desk, title="Therapy of ann@example.com", room_id="ann@example.com")).said
    assert "example.com" not in str(said)
