"""`DELETE …?erase=1`: who may, what is left in answers, streams and files, and what is said to viewers."""

import time
from pathlib import Path

import orjson
import pytest

from tests.hubs import API_KEY, RunningHub, running_hub
from tests.streams import Sent, Viewer

NAME = "Annabel Unforgettable"


def room(sid: str) -> dict[str, object]:
    now = int(time.time())
    return {"sid": sid, "name": f"name of {sid}", "creationTime": str(now)}


def person(sid: str) -> dict[str, object]:
    return {"sid": sid, "identity": NAME, "name": NAME, "state": "ACTIVE", "joinedAt": str(int(time.time()))}


async def meet(hub: RunningHub, sid: str) -> None:
    """Let somebody be in a LiveKit room."""
    for place, event in enumerate(("room_started", "participant_joined")):
        told = {"participant": person(f"PA_{sid}")} if place else {}
        status, _ = await hub.send("livekit", event, id=f"EV_{sid}_{place}", room=room(sid), **told)
        assert status == 200


async def delete(hub: RunningHub, path: str, credential: str = API_KEY) -> tuple[int, dict[str, object]]:
    async with hub.session.delete(hub.url + path, headers={"Authorization": f"Bearer {credential}"}) as answer:
        return answer.status, orjson.loads(await answer.read())


async def all_of(hub: RunningHub) -> str:
    """Return everything that can be read, as text."""
    said = [await hub.get(path) for path in ("/api/events?limit=1000", "/api/rooms", "/api/bots", "/api/deliveries")]
    said += [await hub.get(f"/api/deliveries/{item['id']}") for item in said[-1][1]["items"]]
    return orjson.dumps([body for _, body in said]).decode()


async def test_nothing_that_was_told_can_be_read_any_more(tmp_path: Path):
    """Events keep their places in the log and say that something was there."""
    async with running_hub(tmp_path) as hub:
        await meet(hub, "RM_gone")
        await meet(hub, "RM_stays")
        _, before = await hub.get("/api/events?limit=1000")
        status, said = await delete(hub, "/api/rooms/livekit:RM_gone?erase=1")
        assert (status, said["status"]) == (200, "erased")
        _, after = await hub.get("/api/events?limit=1000")
        assert [one["id"] for one in after["items"]][: len(before["items"])] == [one["id"] for one in before["items"]]
        gone = [one for one in after["items"] if one["subject"] == "rooms/livekit:RM_gone"]
        assert {one["type"] for one in gone} == {"room.erased"}
        assert [one["data"] for one in gone[:-1]] == [{"erased": True}] * 2
        assert (await all_of(hub)).count(NAME) > 0
        status, _ = await hub.get("/api/rooms/livekit:RM_gone")
        assert status == 404
        await delete(hub, "/api/rooms/livekit@name~20of~20RM_stays?erase=1")
        assert NAME not in await all_of(hub)


async def test_nothing_of_it_is_left_in_the_file(tmp_path: Path):
    """Forgotten pages would still hold what was on them."""
    async with running_hub(tmp_path) as hub:
        await meet(hub, "RM_gone")
        await delete(hub, "/api/rooms/livekit:RM_gone?erase=1")
    assert not [file for file in tmp_path.iterdir() if NAME.encode() in file.read_bytes()]


async def following(viewer: Viewer, hub: RunningHub, name: str, count: int = 1) -> list[Sent]:
    """Return the next events of a name (none: of the log) that a viewer sees."""
    found: list[Sent] = []
    async for sent in viewer.once(hub.session):
        found += [sent] if sent.name == name else []
        if len(found) == count:
            break
    return found


async def test_who_resumes_gets_no_content(tmp_path: Path):
    """The feed's memory held the events as they were."""
    async with running_hub(tmp_path) as hub:
        await meet(hub, "RM_gone")
        _, log = await hub.get("/api/events?limit=1")
        viewer = Viewer(hub.url, API_KEY, ("rooms",), last_id=log["items"][0]["id"].split(".")[0] + ".0")
        await delete(hub, "/api/rooms/livekit:RM_gone?erase=1")
        events = await following(viewer, hub, "", 3)
        assert [event.data["type"] for event in events] == ["room.erased"] * 3
        assert NAME not in str(events)


async def test_who_watches_is_told(tmp_path: Path):
    """What a page shows of it must go too."""
    async with running_hub(tmp_path) as hub:
        await meet(hub, "RM_gone")
        viewer = Viewer(hub.url, API_KEY, ("rooms/livekit:RM_gone",))
        await following(viewer, hub, "snapshot")
        await delete(hub, "/api/rooms/livekit:RM_gone?erase=1")
        (event,) = await following(viewer, hub, "")
        assert event.data["data"]["room"]["erased"] is True


async def test_a_snapshot_that_others_share_does_not_show_it(tmp_path: Path):
    """Snapshots are shared for a second."""
    async with running_hub(tmp_path) as hub:
        await meet(hub, "RM_gone")
        for erase in (False, True):
            if erase:
                await delete(hub, "/api/rooms/livekit:RM_gone?erase=1")
            (page,) = await following(Viewer(hub.url, API_KEY, ("rooms",)), hub, "snapshot")
            assert bool(page.data["rooms"]) != erase


async def test_a_bot_goes_with_what_it_heard(tmp_path: Path):
    """Transcripts are the most personal of all."""
    async with running_hub(tmp_path) as hub:
        await hub.send("meetingbaas", "v1.complete")
        _, bots = await hub.get("/api/bots")
        bot = bots["items"][0]["id"]
        assert (await hub.get(f"/api/bots/{bot}/transcript"))[1]["items"]
        assert (await delete(hub, f"/api/bots/{bot}?erase=1"))[0] == 200
        assert (await hub.get("/api/bots"))[1]["items"] == []
        assert (await hub.get("/api/recordings"))[1]["items"] == []
        assert (await hub.get(f"/api/bots/{bot}/transcript"))[0] == 404


@pytest.mark.parametrize(
    "path", ["/api/rooms/livekit:RM_1", "/api/bots/meetingbaas:B?erase=0", "/api/rooms/livekit:RM_1?erase=yes"]
)
async def test_it_has_to_be_said_that_erasing_is_meant(tmp_path: Path, path: str):
    """It cannot be undone, and DELETE of a bot alone means that it shall leave."""
    async with running_hub(tmp_path) as hub:
        status, said = await delete(hub, path)
        assert status == 400
        assert "erase: expected 1" in str(said["detail"])


async def test_what_is_not_there_cannot_be_erased(tmp_path: Path):
    """A mistyped id must not look like a success."""
    async with running_hub(tmp_path) as hub:
        assert (await delete(hub, "/api/rooms/livekit:RM_none?erase=1"))[0] == 404
        assert (await delete(hub, "/api/bots/meetingbaas:none?erase=1"))[0] == 404


async def test_only_administrators_erase(tmp_path: Path):
    """A key that reads and launches is given to more people."""
    async with running_hub(tmp_path, HUB_AUTH__API_KEYS=f"{API_KEY},other-0123456789abcdef:read+launch") as hub:
        await meet(hub, "RM_1")
        status, said = await delete(hub, "/api/rooms/livekit:RM_1?erase=1", "other-0123456789abcdef")
        assert (status, said["detail"]) == (403, "this needs the scope admin")
        assert (await hub.get("/api/rooms/livekit:RM_1"))[0] == 200


async def test_what_was_planned_for_an_erased_room_is_not_told_any_more(tmp_path: Path):
    """A title and who was to come are personal too."""
    async with running_hub(tmp_path) as hub:
        said = {"title": NAME, "provider": "livekit", "room_id": "daily", "starts_at": "2026-03-10T12:00:00Z"}
        authorized = {"Authorization": f"Bearer {API_KEY}"}
        made = []
        for _ in range(2):
            async with hub.session.post(f"{hub.url}/api/schedules", json=said, headers=authorized) as answer:
                made.append((await answer.json())["id"])
        async with hub.session.delete(f"{hub.url}/api/schedules/{made[0]}", headers=authorized) as answer:
            assert answer.status == 204
        assert (await delete(hub, "/api/rooms/livekit@daily?erase=1"))[0] == 200
        assert NAME not in await all_of(hub)
        _, log = await hub.get("/api/events?topic=schedules")
        assert {event["type"] for event in log["items"]} == {"schedule.erased"}
    assert not [file for file in tmp_path.iterdir() if NAME.encode() in file.read_bytes()]


async def test_a_mistyped_durable_room_is_not_said_to_be_erased(tmp_path: Path):
    """Whoever erases relies on the answer."""
    async with running_hub(tmp_path) as hub:
        assert (await delete(hub, "/api/rooms/xx@nope?erase=1"))[0] == 404
