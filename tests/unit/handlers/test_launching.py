"""Launching: never two bots, whatever breaks; and everybody is told what became of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from handlers.access import Access
from handlers.bodies import BodyBudget
from handlers.errors import problems
from handlers.launching import launch
from handlers.parts import ACCESS, BODIES, LAUNCHES, NOW, SEALS, SETTINGS, STORE
from handlers.providers.path_keys import path_key
from hub.clock import now_ms
from hub.launches.words import launch_id_of
from hub.seals import Seals
from hub.settings import Settings
from hub.tokens import Tokens
from tests.hubs import API_KEY
from tests.meetingbaas_server import (
    AFTER,
    BEFORE,
    DROP,
    HANG_AFTER,
    PUBLIC_URL,
    Bot,
    Refusal,
    meetingbaas,
)
from tests.memory_spool import MemorySpool
from tests.processes import SECRETS, free_port
from tests.streams import parsed
from tests.unit.handlers.launching import BOTH, ORDER, Launching, Said, launching
from tests.unit.handlers.office import HOUR, LAUNCH_KEY, READ_KEY
from tests.unit.hub.launches.stage import memory, process
from tests.waiting import PATIENCE


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Launching]:
    async with launching(tmp_path) as opened:
        yield opened


@BOTH
async def test_a_launch_is_answered_with_its_bot_which_keeps_the_name_that_it_had_before(
    tmp_path: Path, version: str
) -> None:
    """Who sends a bot may hand out where to look for it before the provider has an id for it."""
    async with launching(tmp_path, version) as desk:
        said, bot = await desk.launched(), desk.provider.only
        shown = said["bot"]
        assert shown["id"] == f"meetingbaas:{bot.id}"
        assert (shown["status"], shown["name"]) == ("queued", "Notes")
        for name in (shown["id"], f"meetingbaas:{shown['launch_id']}", shown["launch_id"]):
            assert (await desk.get(f"/api/bots/{name}"))["id"] == shown["id"]
            assert (await desk.get(f"/api/bots/{name}/transcript"))["bot"] == shown["id"]
        assert len(await desk.bots()) == 1
        assert bot.order["extra"] == {"tenant": "acme-corp", "hub_launch_id": shown["launch_id"]}


async def test_v1_is_told_the_bots_own_webhook(tmp_path: Path) -> None:
    """By it, live status comes without any account webhook."""
    async with launching(tmp_path, "v1") as desk:
        said, order = await desk.launched(recording_mode="audio_only"), desk.provider.only.order
        launch_id = said["bot"]["launch_id"]
        assert order["webhook_url"].startswith(f"{PUBLIC_URL}/api/meeting-bot/webhook/{launch_id}.")
        assert (order["deduplication_key"], order["recording_mode"]) == (launch_id, "audio_only")


@BOTH
async def test_what_a_provider_is_told_is_never_what_a_request_says_that_it_came_to(
    tmp_path: Path, version: str
) -> None:
    """Providers send secrets there: v1 the account's key, v2 what proves every callback."""
    port = free_port()
    async with launching(tmp_path, version, HUB_SERVER__PUBLIC_URL="", PORT=str(port)) as desk:
        headers = {"Authorization": f"Bearer {API_KEY}", "Host": "evil.example"}
        assert (await desk.ask_with(headers, "POST", "/api/bots", ORDER)).status == 201
        order = desk.provider.only.order
        told = order["webhook_url"] if version == "v1" else order["callback_config"]["url"]
        made = (await desk.ask_with(headers, "POST", "/api/bots/webhooks", {})).said
        for url in (told, made["url"]):
            assert url.startswith(f"http://127.0.0.1:{port}/api/meeting-bot/webhook/launch-")


async def test_v2_is_told_a_callback_with_the_secret_that_the_source_knows(desk: Launching) -> None:
    """The end of a bot comes by it; two bots in one meeting come only if somebody asks for that."""
    await desk.launched()
    order = desk.provider.only.order
    config = order["callback_config"]
    assert (order["callback_enabled"], config["method"]) == (True, "POST")
    assert config["secret"] == SECRETS["MEETINGBAAS_CALLBACK_SECRET"]
    assert order["allow_multiple_bots"] is False
    assert await desk.provider.call_back(desk.provider.only) == 200
    assert (await desk.bots())[0]["status"] == "completed"
    await desk.launched(allow_multiple_bots=True)
    assert list(desk.provider.bots.values())[1].order["allow_multiple_bots"] is True


async def test_whoever_gets_the_stream_url_watches_this_bot_and_no_other(desk: Launching) -> None:
    """A page needs no key of its own."""
    said = await desk.launched()
    await desk.sample("meetingbaas", "bot.status_change.in_call_recording")
    url = said["stream_url"].replace(PUBLIC_URL, desk.hub.url)
    async with desk.hub.session.get(url) as answer:
        sent = await anext(one async for one in parsed(answer.content) if one.name == "snapshot")
    assert [bot["id"] for bot in sent.data["bots"]] == [said["bot"]["id"]]
    assert said["websocket_url"].startswith("ws://hub.test/api/ws?topic=bots/meetingbaas:launch-")
    alias = f"/api/bots/{said['bot']['launch_id']}"
    assert (await desk.ask("GET", alias, credential=said["token"])).status == 200
    assert [one["id"] for one in (await desk.get("/api/bots", said["token"]))["items"]] == [said["bot"]["id"]]


async def test_who_follows_the_launch_is_told_what_happens_to_the_bot(desk: Launching) -> None:
    """The link of the first moment is good to the end."""
    said = await desk.launched()
    await desk.provider.call_back(desk.provider.only)
    topic = f"bots/meetingbaas:{said['bot']['launch_id']}"
    events = (await desk.get(f"/api/events?topic={topic}", said["token"]))["items"]
    assert [event["type"] for event in events][:3] == ["bot.requested", "bot.queued", "bot.completed"]


async def test_secrets_in_options_reach_the_provider_and_no_disk(desk: Launching, tmp_path: Path) -> None:
    """Nobody looks for a key of the transcription in the hub's database, but who finds one."""
    options = {
        "transcription_config": {"api_key": "gladia-secret-1"},
        "streaming_config": {"output_url": "wss://x/k3y"},
    }
    await desk.launched(**options)
    assert desk.provider.only.order["transcription_config"] == {"api_key": "gladia-secret-1"}
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("hub.db*"))
    assert b"meet.google.com/abc-defg-hij" in kept
    for secret in (b"gladia-secret-1", b"k3y", b"open-sesame"):
        assert secret not in kept


async def test_the_same_key_is_the_same_launch(desk: Launching) -> None:
    """Whoever did not hear the answer asks again."""
    first = await desk.launched("order-1")
    again = await desk.launch("order-1")
    assert (again.status, again.said["bot"]["id"]) == (200, first["bot"]["id"])
    other = await desk.launch("order-1", bot_name="Other")
    assert other.status == 422
    assert "Idempotency-Key" in other.said["detail"]
    assert len(desk.provider.bots) == 1


async def test_another_order_by_an_old_key_is_known_also_once_secrets_were_replaced(tmp_path: Path) -> None:
    """Its whole text cannot be compared any more; what the bot shows of it can."""
    async with launching(tmp_path, HUB_TOKEN_SECRET="before-0123456789abcdef-0123456789abcdef") as desk:
        await desk.launched("order-1")
    async with launching(tmp_path, HUB_TOKEN_SECRET="after-0123456789abcdef-0123456789abcdef") as desk:
        orders: list[Said] = [{}, {"bot_name": "Other"}, {"meeting_url": "https://other.example/1"}]
        assert [(await desk.launch("order-1", **order)).status for order in orders] == [200, 422, 422]
        assert not desk.provider.bots


async def test_many_at_once_with_one_key_launch_one_bot(desk: Launching) -> None:
    """A button that was pressed five times."""
    answers = await asyncio.gather(*(desk.launch("order-1") for _ in range(5)))
    assert len({answer.said["bot"]["id"] for answer in answers}) == len(desk.provider.bots) == 1
    assert {answer.status for answer in answers} == {200, 201}


async def test_a_caller_that_hangs_up_changes_nothing(desk: Launching) -> None:
    """The bot is on its way, and is found by its key."""
    desk.provider.faults = [HANG_AFTER]
    calling = asyncio.create_task(desk.launch("order-1"))
    await desk.provider.reached.wait()
    assert [one["status"] for one in await desk.bots()] == ["requested"]
    calling.cancel()
    await asyncio.wait([calling])
    desk.provider.go_on.set()
    again = await desk.launch("order-1")
    assert (again.status, again.said["bot"]["id"]) == (200, f"meetingbaas:{desk.provider.only.id}")


async def test_a_bot_that_was_sent_is_answered_also_if_the_store_goes_away_meanwhile() -> None:
    """Whoever was told to try again would get a second one."""
    store = memory()
    async with meetingbaas() as provider, process(store, provider, spool=MemorySpool()) as here:

        async def go_away(_: Bot) -> None:
            store.problem = "away"

        provider.on_created = go_away
        app = web.Application(middlewares=[problems])
        app[SETTINGS], app[SEALS], app[BODIES] = Settings(), Seals(("token-secret",)), BodyBudget()
        app[ACCESS], app[NOW] = Access((API_KEY,), Tokens(("token-secret",)), now_ms), now_ms
        app[STORE], app[LAUNCHES] = store, here.launches
        app.router.add_post("/api/bots", launch)
        credential = {"Authorization": f"Bearer {API_KEY}"}
        async with (
            TestClient(TestServer(app)) as client,
            client.post("/api/bots", json=ORDER, headers=credential) as answer,
        ):
            said = await answer.json()
        bot, launched = said["bot"], answer.headers["Location"]
        assert (answer.status, bot["id"], bot["status"]) == (201, f"meetingbaas:{provider.only.id}", "queued")
        assert launched == f"/api/bots/meetingbaas:{bot['launch_id']}"


@pytest.mark.parametrize(
    ("order", "named"),
    [
        ({"meeting_url": "meet.google.com/abc"}, "meeting_url"),
        ({"meeting_url": "https://"}, "meeting_url"),
        ({"meeting_url": None}, "meeting_url"),
        ({"bot_name": " "}, "bot_name"),
        ({"bot_name": "x" * 256}, "bot_name"),
        ({"extra": "acme"}, "extra"),
        ({"extra": {"a": "x" * 20_000}}, "extra"),
        ({"callback_config": {}}, "callback_config"),
        ({"extra": {"n": [2**64]}}, "the body"),
        ({"options": json.loads("[" * 300 + "]" * 300)}, "the body"),
    ],
)
async def test_an_order_that_cannot_be_meant_is_refused_by_the_hub(desk: Launching, order: Said, named: str) -> None:
    """Nothing is kept of it, and nobody is called."""
    answer = await desk.ask("POST", "/api/bots", json.dumps({**ORDER, **order}).encode())
    assert answer.status == 400
    assert answer.said["detail"].startswith(named)
    assert not desk.provider.calls


async def test_who_may_not_launch_launches_nothing(desk: Launching) -> None:
    """It costs money, and listens in."""
    cases = [(READ_KEY, 403), (desk.token("rooms"), 403), (desk.token("bots", scope=("read",)), 403), ("wrong", 401)]
    for credential, status in cases:
        assert (await desk.launch(credential=credential)).status == status
    assert (await desk.launch(credential=LAUNCH_KEY)).status == 201
    by_token = await desk.launch(credential=desk.token("bots"))
    assert by_token.status == 201
    # Who may not for longer lets nobody watch for longer.
    assert by_token.said["expires_at"] == desk.when(-HOUR)
    assert (await desk.launch("with space")).status == 400


async def test_without_an_account_the_setting_that_is_missing_is_named(tmp_path: Path) -> None:
    """Trying again does not help."""
    async with launching(tmp_path, MEETINGBAAS_API_KEY="") as desk:
        answer = await desk.launch()
    assert answer.status == 503
    assert "MEETINGBAAS_API_KEY" in answer.said["detail"]
    assert "Retry-After" not in answer.headers


def _code(code: str, message: str = "") -> Said:
    return {"success": False, "code": code, "error": "Error", "message": message}


FAULTS = [
    (Refusal(400, _code("FST_ERR_VALIDATION", "meeting_url is not for bots")), 422, "caller", False),
    (Refusal(422, {"error": "BadUrl"}), 422, "caller", False),
    (Refusal(403, _code("FST_ERR_FORBIDDEN")), 502, "hub", False),
    (Refusal(400, {"error": "InvalidApiKey"}), 502, "hub", False),
    (Refusal(404, {}), 502, "hub", False),
    (Refusal(302, {}, {"Location": "/elsewhere"}), 502, "hub", False),
    (Refusal(402, _code("FST_ERR_INSUFFICIENT_TOKENS")), 402, "account", False),
    # A cap is no rate: tomorrow is no time to wait for.
    (Refusal(429, _code("FST_ERR_DAILY_BOT_CAP_REACHED"), {"Retry-After": "3600"}), 402, "account", False),
    (Refusal(409, _code("FST_ERR_BOT_ALREADY_EXISTS")), 409, "caller", False),
    # Last, since nobody asks for a while then.
    (Refusal(429, {"code": "FST_ERR_TOO_MANY_REQUESTS", "retryAfter": 60}), 429, "account", True),
]


async def test_a_refusal_says_whose_fault_it_is_and_whether_to_try_again(desk: Launching) -> None:
    """The caller, the account, the hub's set-up or the provider: each is mended by somebody else."""
    for refusal, status, fault, retry in FAULTS:
        desk.provider.faults = [refusal]
        answer = await desk.launch()
        assert (answer.status, answer.said["fault"], answer.said["retry"]) == (status, fault, retry), answer.text
        # Clients repeat by themselves what has it.
        assert ("Retry-After" in answer.headers) is retry
        assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert not desk.provider.bots
    assert {one["status"] for one in await desk.bots()} == {"failed"}
    assert len(await desk.bots()) == len(FAULTS)


async def test_a_refused_launch_is_shown_with_what_the_provider_said(desk: Launching) -> None:
    """And repeating it by its key says so again, since it would be refused again."""
    said = "https://meet.example/x?pwd=1 of ann@acme.example is not for bots"
    desk.provider.faults = [Refusal(400, _code("FST_ERR_VALIDATION", said))]
    answer = await desk.launch("order-1")
    assert answer.said["provider"] == {"code": "FST_ERR_VALIDATION", "message": "https://… of ann@… is not for bots"}
    again = await desk.launch("order-1")
    assert (again.status, again.said["bot"]["status"]) == (200, "failed")
    assert again.said["bot"]["reason"] == {
        "code": "FST_ERR_VALIDATION",
        "group": "meeting",
        "message": "https://… of ann@… is not for bots",
    }


async def test_what_the_provider_was_told_in_confidence_is_not_quoted(desk: Launching) -> None:
    """It may say what it does not like; that is shown to everybody who sees the bot."""
    key = path_key(Seals(desk.hub.settings.auth.token_secrets), launch_id=launch_id_of("order-1"))
    told = ("gladia-secret-1", SECRETS["MEETINGBAAS_CALLBACK_SECRET"], "open-sesame", key)
    desk.provider.faults = [Refusal(400, _code("FST_ERR_VALIDATION", f"not valid: {', '.join(told)}"))]
    answer = await desk.launch("order-1", transcription_config={"api_key": "gladia-secret-1"})
    assert answer.said["provider"]["message"] == "not valid: …, …, …, …"
    assert (await desk.bots())[0]["reason"]["message"] == "not valid: …, …, …, …"


async def test_what_certainly_was_not_sent_may_be_launched_by_the_same_key(desk: Launching) -> None:
    """Nothing happened, and somebody has mended the API key, and the account."""
    desk.provider.faults = [Refusal(401), Refusal(402), Refusal(404)]
    desk.provider.faults.append(Refusal(429, _code("FST_ERR_DAILY_BOT_CAP_REACHED")))
    assert [(await desk.launch("order-1")).status for _ in range(4)] == [502, 402, 502, 402]
    said = await desk.launched("order-1")
    assert (said["bot"]["id"], said["bot"]["attempt"]) == (f"meetingbaas:{desk.provider.only.id}", 5)
    assert len(await desk.bots()) == 1


async def test_a_provider_that_wants_to_be_left_alone_is_asked_by_no_launch_meanwhile(desk: Launching) -> None:
    """It said so to one caller, and meant the account; nothing is sent, and it may be asked for again."""
    desk.provider.faults = [Refusal(429, {}, {"Retry-After": "30"})]
    answers = [await desk.launch(key) for key in ("order-1", "order-1", "order-2")]
    assert [(one.status, one.headers["Retry-After"], one.said["retry"]) for one in answers] == [(429, "30", True)] * 3
    assert desk.provider.calls["POST /v2/bots"] == 1
    assert [one["attempt"] for one in await desk.bots()] == [1, 2]


async def test_a_provider_that_cannot_be_reached_is_not_taken_for_one_that_did_not_answer(tmp_path: Path) -> None:
    """No byte has left: it is safe to try again."""
    async with launching(tmp_path, HUB_MEETINGBAAS__BASE_URL=f"http://127.0.0.1:{free_port()}") as desk:
        for attempt in (1, 2):
            answer = await desk.launch("order-1")
            assert (answer.status, answer.said["fault"], answer.said["retry"]) == (502, "provider", True)
            shown = (await desk.bots())[0]
            assert (shown["status"], shown["attempt"]) == ("failed", attempt)


@pytest.mark.parametrize("fault", [AFTER, BEFORE, DROP])
async def test_of_an_answer_that_was_lost_nobody_knows_and_nobody_tries_again(
    desk: Launching, fault: str, tmp_path: Path
) -> None:
    """Of two bots in a meeting one is too many, and what went wrong may have gone wrong after the bot was sent."""
    desk.provider.faults = [fault]
    answer = await desk.launch("order-1")
    assert (answer.status, answer.said["fault"], answer.said["retry"]) == (502, "provider", False)
    again = await desk.launch("order-1")
    assert (again.status, again.said["bot"]["status"]) == (200, "unknown")
    assert again.said["bot"]["launch_id"] == answer.said["launch_id"]
    assert desk.provider.calls["POST /v2/bots"] == 1
    alias = f"/api/bots/{again.said['bot']['id']}"
    refused = await desk.ask("DELETE", alias)
    assert refused.status == 409
    assert "erase" in refused.said["detail"]
    assert (await desk.ask("DELETE", f"{alias}?erase=1")).status == 200
    assert (await desk.launch("order-1")).status == 410
    assert len(desk.provider.bots) == (0 if fault == BEFORE else 1)


async def test_a_bot_whose_answer_was_lost_is_known_as_soon_as_it_tells_of_itself(desk: Launching) -> None:
    """What comes back with every webhook says which launch it was; nothing else has to be known."""
    desk.provider.faults = [DROP]
    await desk.launch("order-1")
    await desk.provider.call_back(desk.provider.only)
    (shown,) = await desk.bots()
    assert (shown["id"], shown["status"]) == (f"meetingbaas:{desk.provider.only.id}", "completed")
    assert (shown["name"], shown["launch_id"][:7]) == ("Notes", "launch-")
    assert (await desk.get(f"/api/bots/{shown['id']}"))["extra"] == {"tenant": "acme-corp"}


@pytest.mark.parametrize("fault", [AFTER, DROP])
async def test_v1_finds_the_bot_whose_answer_was_lost(tmp_path: Path, fault: str) -> None:
    """Its list can be searched for what was said with the launch."""
    async with launching(tmp_path, "v1") as desk:
        desk.provider.faults = [fault]
        said = await desk.launched()
        assert said["bot"]["id"] == f"meetingbaas:{desk.provider.only.id}"


async def test_a_webhook_that_overtakes_the_answer_tells_which_bot_it_is(tmp_path: Path) -> None:
    """By the key in its path alone; what the answer adds later changes nothing of it."""
    async with launching(tmp_path, "v1") as desk:

        async def hurry(bot: Bot) -> None:
            for code in ("in_waiting_room", "joining_call", "in_waiting_room"):
                assert await desk.provider.tell_v1(bot, code, at=desk.now * 1000) == 200
            (shown,) = await desk.bots()
            assert (shown["id"], shown["name"], shown["status"]) == (f"meetingbaas:{bot.id}", "Notes", "waiting")

        desk.provider.on_created = hurry
        said = await desk.launched()
        assert said["bot"]["status"] == "waiting"
        assert len(await desk.bots()) == 1
        told = [event["type"] for event in (await desk.get("/api/events"))["items"]]
        assert sorted(told) == ["bot.joining", "bot.queued", "bot.requested", "bot.waiting"]


async def test_a_bot_that_the_provider_names_is_shown_also_if_another_has_told_by_its_key(tmp_path: Path) -> None:
    """The account's own answer is the better proof: somebody has to be able to make that bot leave."""
    async with launching(tmp_path, "v1") as desk:

        async def hurry(bot: Bot) -> None:
            assert await desk.provider.tell_v1(Bot("another", bot.order), "joining_call") == 200

        desk.provider.on_created = hurry
        assert (await desk.launched())["bot"]["id"] == "meetingbaas:another"
        bot = f"meetingbaas:{desk.provider.only.id}"
        assert {(one["id"], one["name"]) for one in await desk.bots()} == {
            (bot, "Notes"),
            ("meetingbaas:another", "Notes"),
        }
        assert (await desk.ask("DELETE", f"/api/bots/{bot}")).status == 202


async def test_a_path_key_proves_its_own_bot_only(tmp_path: Path) -> None:
    """It stands in the logs of whoever is in between; whoever finds it must not speak for other bots."""
    async with launching(tmp_path, "v1") as desk:
        await desk.launched()
        bot = desk.provider.only
        other = Bot("another", bot.order)
        assert await desk.provider.tell_v1(other, "in_call_recording") == 401
        wrong = {**bot.order, "webhook_url": bot.order["webhook_url"][:-1] + "_"}
        assert await desk.provider.tell_v1(Bot(bot.id, wrong), "in_call_recording") == 401
        assert (await desk.bots())[0]["status"] == "queued"
        refused: list[Said] = []
        async with asyncio.timeout(PATIENCE):
            while len(refused) < 2:
                refused = (await desk.get("/api/deliveries?verdict=refused"))["items"]
                await asyncio.sleep(0.05)
        assert "none that this hub made" in refused[0]["reason"]
        assert "another bot's" in refused[1]["reason"]
        kept = (await desk.ask("GET", f"/api/deliveries/{refused[0]['id']}")).text
        assert bot.order["webhook_url"].rpartition(".")[2] not in kept
        # Looked at again, it is still not its bot.
        assert (await desk.ask("POST", f"/api/deliveries/{refused[-1]['id']}/redrive")).status == 409
        assert await desk.provider.tell_v1(bot, "in_call_recording") == 200


async def test_without_an_account_webhook_v2_is_asked_how_far_its_bots_are(tmp_path: Path) -> None:
    """Its callbacks tell the end only."""
    async with launching(tmp_path, MEETINGBAAS_WEBHOOK_SECRET="") as desk:
        said = await desk.launched()
        desk.provider.become(desk.provider.only, "in_waiting_room")
        url = said["stream_url"].replace(PUBLIC_URL, desk.hub.url)
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with desk.hub.session.get(url, timeout=timeout) as answer:
            told = await anext(
                one
                async for one in parsed(answer.content)
                if not one.name and one.data["data"]["bot"]["status"] == "waiting"
            )
        assert told.data["source"] == "/sources/reconcile"
