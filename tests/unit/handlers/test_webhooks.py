"""Webhooks are answered when they are durable, and with what their sender has to know."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from handlers.bindings import Bindings
from handlers.bodies import BodyBudget
from handlers.errors import problems
from handlers.limits import Rates
from handlers.metrics import Metrics
from handlers.parts import ARRIVALS, BINDINGS, BODIES, FAILURES, INGEST, METRICS, NOW, QUARANTINE, SETTINGS
from handlers.providers.arrival import Sample, hashed_secret
from handlers.providers.path_keys import path_key
from handlers.providers.registry import PROVIDERS
from handlers.quarantine import Quarantine
from handlers.webhooks import COMMIT_SECONDS, FAILURES_A_MINUTE, webhook_routes
from hub.commands.send import signed
from hub.events import Verdict
from hub.feed import Feed
from hub.fold import Batch, Rules
from hub.ingest import Ingest
from hub.seals import Seals
from hub.settings import Server, Settings, Source
from hub.stores import make_epoch
from storage.local import LocalBus
from tests.memory_spool import MemorySpool
from tests.memory_store import MemoryStore
from tests.waiting import until

NOW_MS = 1_773_151_300_123
LIVEKIT = Source(provider="livekit", name="livekit", path="/api/livekit/webhook", keys={"APIkey": ("s" * 40,)})
MEETINGBAAS = Source(
    provider="meetingbaas", name="meetingbaas", path="/api/meeting-bot/webhook", callback_secrets=("callback-secret",)
)
OPEN = Source(provider="livekit", name="open", path="/open", proof="none")
NEAR = Source(provider="livekit", name="near", path="/near", proof="ip", allow_ips=("127.0.0.0/8",))
FAR = Source(provider="livekit", name="far", path="/far", proof="ip", allow_ips=("10.0.0.0/8",))
SLOW = Source(provider="livekit", name="slow", path="/slow", proof="none", rate_limit=3)
STRICT = Source(
    provider="livekit", name="strict", path="/strict", keys={"APIkey": ("s" * 40,)}, allow_ips=("10.0.0.0/8",)
)
SOURCES = (LIVEKIT, MEETINGBAAS, OPEN, NEAR, FAR, SLOW, STRICT)
MAX_BODY = 10_000

Answer = tuple[int, dict[str, object], web.Response]


@dataclass
class Door:
    """The webhook paths over a store in memory, at a time that the test sets."""

    client: TestClient
    store: MemoryStore
    quarantine: Quarantine
    spool: MemorySpool
    metrics: Metrics
    now: list[int] = field(default_factory=lambda: [NOW_MS])

    async def post(self, source: Source, body: bytes, method: str = "POST", path: str = "", **headers: str) -> Answer:
        """Send bytes as they are."""
        async with self.client.request(method, path or source.path, data=body, headers=headers) as answer:
            return answer.status, orjson.loads(await answer.read()), answer

    async def sign(self, source: Source, body: bytes, dialect: str = "webhook", **headers: str) -> Answer:
        """Send bytes with a right proof."""
        return await self.post(
            source, body, **signed(source, Sample(payload={}, dialect=dialect), body, self.now[0]), **headers
        )


SEALS = Seals(("token-secret",))


@contextlib.asynccontextmanager
async def door(
    trusted_proxies: tuple[str, ...] = (), spool: MemorySpool | None = None, bodies: BodyBudget | None = None
) -> AsyncIterator[Door]:
    """Serve the webhook paths of all sources."""
    store = MemoryStore(lambda deliveries: Batch(deliveries, Rules(frozenset())))
    ingest = Ingest(store, Feed(store, await store.position(), LocalBus(), make_epoch), spool)
    now = [NOW_MS]
    app = web.Application(middlewares=[problems])
    app[SETTINGS] = Settings(server=Server(max_body=MAX_BODY, trusted_proxies=trusted_proxies))
    app[BODIES], app[FAILURES], app[ARRIVALS], app[INGEST] = bodies or BodyBudget(), Rates(), Rates(), ingest
    app[QUARANTINE] = quarantine = Quarantine(store, lambda _: None)
    app[NOW] = lambda: now[0]
    app[METRICS] = Metrics(app[NOW])
    app[BINDINGS] = Bindings(store, SEALS)
    app.add_routes(webhook_routes(SOURCES))
    writing = asyncio.create_task(ingest.run())
    try:
        async with TestClient(TestServer(app)) as client:
            yield Door(client, store, quarantine, spool or MemorySpool(), app[METRICS], now)
    finally:
        store.commits.release()
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


def joined(number: int = 1) -> bytes:
    """Return somebody's arrival in a room."""
    sample = PROVIDERS["livekit"].samples(NOW_MS)["participant_joined"]
    return orjson.dumps({**sample.payload, "id": f"EV_{number}"})


async def test_a_webhook_is_answered_when_it_is_durable() -> None:
    """A provider that got 200 never sends it again."""
    async with door() as hub:
        hub.store.commits.hold()
        sending = asyncio.create_task(hub.sign(LIVEKIT, joined()))
        await until(lambda: hub.store.commits.waiting == 1)
        assert not sending.done()
        hub.store.commits.release()
        status, said, _ = await sending
        assert (status, said) == (200, {"status": "accepted", "delivery": "1"})
        assert len(hub.store.kept.deliveries) == len(hub.store.kept.events) == 1


async def test_a_copy_is_answered_with_the_delivery_that_came_first() -> None:
    """Providers repeat what they think was lost."""
    async with door() as hub:
        _, first, _ = await hub.sign(LIVEKIT, joined())
        status, second, _ = await hub.sign(LIVEKIT, joined())
        assert (status, second) == (200, {"status": "duplicate", "delivery": first["delivery"]})


async def test_what_is_of_no_use_is_a_warning_in_the_log_with_the_reason() -> None:
    """Among thousands that were taken nobody would see that a provider has changed its words."""
    with capture_logs() as logs:
        async with door() as hub:
            for body in (b"[]", b"{"):
                await hub.sign(LIVEKIT, body)
    assert [(line["event"], line["log_level"], line["source"]) for line in logs] == [
        ("delivery.dead", "warning", "livekit")
    ] * 2
    assert all(line["reason"] and line["delivery"] for line in logs)


async def test_what_is_genuine_but_says_nothing_is_kept_as_dead_and_answered_200() -> None:
    """Sending it again would not make it better."""
    async with door() as hub:
        status, said, _ = await hub.sign(LIVEKIT, b"[]")
        assert (status, said["status"]) == (200, "dead")
        assert said["reason"]
        assert [row.delivery.body for row in hub.store.kept.deliveries.values()] == [b"[]"]


async def test_what_is_genuine_but_no_json_is_the_senders_mistake_and_kept() -> None:
    """400 shows up in its logs, the bytes in ours."""
    async with door() as hub:
        status, said, _ = await hub.sign(LIVEKIT, b"{")
        assert (status, said["title"], said["delivery"]) == (400, "The body is not JSON", "1")
        assert [row.delivery.body for row in hub.store.kept.deliveries.values()] == [b"{"]


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_callbacks_may_come_by_put(method: str) -> None:
    """The customer of MeetingBaaS chooses the method."""
    async with door() as hub:
        status, _, _ = await hub.post(MEETINGBAAS, b'{"event": "x"}', method, **{"x-mb-secret": "callback-secret"})
        assert status == 200


@pytest.mark.parametrize("source", [LIVEKIT, OPEN])
async def test_no_other_provider_sends_by_put(source: Source) -> None:
    """A webhook that is set up wrongly is seen at once."""
    async with door() as hub:
        status, said, answer = await hub.post(source, joined(), "PUT")
        assert (status, answer.headers["Allow"], said["detail"]) == (405, "POST", "this path takes POST")


async def test_a_path_with_a_key_is_taken_like_the_path_without() -> None:
    """Who posts there is proved as everywhere."""
    async with door() as hub:
        path = MEETINGBAAS.path + "/some-key"
        status, _, _ = await hub.post(MEETINGBAAS, b'{"event": "x"}', path=path, **{"x-mb-secret": "callback-secret"})
        assert status == 200


async def test_a_path_key_whose_bot_the_store_does_not_tell_is_to_be_sent_again() -> None:
    """It may be good: a refusal would be for ever."""
    async with door() as hub:
        path = f"{MEETINGBAAS.path}/{path_key(SEALS, launch_id='launch-' + '0' * 32)}"
        hub.store.problem = "the disk is full"
        assert (await hub.post(MEETINGBAAS, b'{"event": "x"}', path=path))[0] == 503


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"event": "calendar.event_created", "data": {"calendar_id": "c"}}', 401),
        (b'{"event": "failed", "data": {"bot_id": "b"}}', 200),
        (b'{"event": "failed"}', 200),
        (b"not json", 400),
    ],
)
async def test_a_path_key_alone_speaks_for_one_bot_and_for_nothing_else(body: bytes, status: int) -> None:
    """What says nothing of any bot is kept as dead, like from everybody."""
    async with door() as hub:
        path = f"{MEETINGBAAS.path}/{path_key(SEALS, launch_id='launch-' + '0' * 32)}"
        assert (await hub.post(MEETINGBAAS, body, path=path))[0] == status


@pytest.mark.parametrize("source", [LIVEKIT, MEETINGBAAS])
async def test_without_a_proof_nothing_is_kept_and_the_answer_says_what_was_missing(source: Source) -> None:
    """Whoever sets a webhook up must be able to see what is wrong."""
    async with door() as hub:
        status, said, answer = await hub.post(source, joined())
        assert status == said["status"] == 401
        assert answer.content_type == "application/problem+json"
        assert len(str(said["detail"])) > 20
        assert hub.store.batches == []


async def test_a_body_above_the_limit_is_refused_before_anything_else() -> None:
    """Whether its proof is right could only be told by reading all of it."""
    async with door() as hub:
        status, said, _ = await hub.sign(LIVEKIT, b"x" * (MAX_BODY + 1))
        assert status == said["status"] == 413
        assert hub.store.batches == []


async def test_a_store_that_fails_is_our_trouble() -> None:
    """503 makes every provider try again, and the hub must never say 200 for what it lost."""
    async with door() as hub:
        hub.store.problem = "the disk is full"
        status, said, answer = await hub.sign(LIVEKIT, joined())
        assert status == said["status"] == 503
        assert answer.headers["Retry-After"] == "1"
        hub.store.problem = ""
        status, said, _ = await hub.sign(LIVEKIT, joined())
        assert (status, said["status"]) == (200, "accepted")


async def test_a_store_that_is_slow_is_answered_for_in_time_and_what_it_kept_is_known_later() -> None:
    """Providers wait five seconds at most; sent again it is a duplicate."""
    async with door() as hub:
        hub.store.commits.hold()
        begun = time.monotonic()
        status, _, answer = await hub.sign(LIVEKIT, joined())
        assert (status, answer.headers["Retry-After"]) == (503, "1")
        assert COMMIT_SECONDS - 0.1 <= time.monotonic() - begun < 2 * COMMIT_SECONDS
        hub.store.commits.release()
        await until(lambda: len(hub.store.kept.deliveries) == 1)
        status, said, _ = await hub.sign(LIVEKIT, joined())
        assert (status, said["status"]) == (200, "duplicate")


async def test_all_that_a_webhook_waits_for_together_is_answered_for_in_time() -> None:
    """Whose key that is, which launch it tells of, and that it is kept: a provider does not wait for each."""
    async with door() as hub:
        hub.store.reads.hold()
        hub.store.commits.hold()
        begun = time.monotonic()
        launch = "launch-" + "0" * 32
        body = b'{"event": "bot.failed", "data": {"bot_id": "b"}, "extra": {"hub_launch_id": "%b"}}' % launch.encode()
        path = f"{MEETINGBAAS.path}/{path_key(SEALS, launch_id=launch)}"
        assert (await hub.sign(MEETINGBAAS, body, "callback", path=path))[0] == 503
        assert time.monotonic() - begun < 2 * COMMIT_SECONDS


async def test_one_row_that_the_store_refuses_does_not_fail_the_others() -> None:
    """They came from other meetings, and in one batch only by chance."""
    async with door() as hub:
        hub.store.refuses = lambda delivery: b"EV_2" in delivery.body and delivery.verdict.value != "dead"
        hub.store.commits.hold()
        sending = [asyncio.create_task(hub.sign(LIVEKIT, joined(number))) for number in range(1, 4)]
        await until(lambda: hub.store.commits.waiting == 1)
        with capture_logs() as logs:
            hub.store.commits.release()
            answers = [await one for one in sending]
        assert {line["event"] for line in logs if line["log_level"] == "error"} == {"ingest.refused"}
        assert [status for status, _, _ in answers] == [200, 200, 200]
        assert [said["status"] for _, said, _ in answers] == ["accepted", "dead", "accepted"]


@pytest.mark.parametrize(("source", "expected"), [(OPEN, 200), (NEAR, 200), (FAR, 401)])
async def test_a_source_proved_by_address_takes_only_its_networks(source: Source, expected: int) -> None:
    """It is the only thing that proves anything there."""
    async with door() as hub:
        status, said, _ = await hub.post(source, joined())
        assert status == expected
        assert expected == 200 or "allow_ips" in said["detail"]


async def test_the_address_is_what_a_trusted_proxy_says_and_not_the_client() -> None:
    """Else whoever can write a header is in every network."""
    async with door() as hub:
        assert (await hub.post(FAR, joined(), **{"X-Forwarded-For": "10.0.0.1"}))[0] == 401
    async with door(trusted_proxies=("127.0.0.0/8",)) as hub:
        assert (await hub.post(FAR, joined(), **{"X-Forwarded-For": "10.0.0.1"}))[0] == 200
        assert (await hub.post(FAR, joined(), **{"X-Forwarded-For": "10.0.0.1, 192.0.2.1"}))[0] == 401


async def test_a_right_proof_from_a_network_that_is_not_allowed_is_refused_like_a_wrong_one() -> None:
    """A secret that leaked is of no use elsewhere; whoever tries is counted and kept like everybody who fails."""
    async with door(trusted_proxies=("127.0.0.0/8",)) as hub:
        outside, inside = {"X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-For": "10.0.0.1"}
        assert (await hub.sign(STRICT, joined(), **inside))[0] == 200
        for _ in range(FAILURES_A_MINUTE):
            status, said, _ = await hub.sign(STRICT, joined(2), **outside)
        assert (status, "allow_ips" in said["detail"]) == (401, True)
        assert (await hub.sign(STRICT, joined(2), **outside))[0] == 429
        assert (await hub.sign(STRICT, joined(2), **inside))[0] == 200
        await hub.quarantine.flush()
        assert {refusal.address for refusal in hub.store.kept.arrivals.refusals.values()} == {"192.0.2.1"}


async def test_a_client_cannot_choose_the_address_that_is_counted() -> None:
    """Else each guess would come from somewhere else, and 429 never."""
    async with door(trusted_proxies=("127.0.0.0/8",)) as hub:
        for number in range(FAILURES_A_MINUTE + 1):
            forged = {"X-Forwarded-For": f"198.51.100.{number % 250}, 203.0.113.1"}
            status, _, _ = await hub.post(MEETINGBAAS, b"{}", **forged)
        assert status == 429


async def test_what_is_proved_is_never_slowed_down() -> None:
    """However much comes from one address: there is no limit unless one is configured."""
    async with door() as hub:
        statuses = {(await hub.sign(LIVEKIT, joined(number)))[0] for number in range(FAILURES_A_MINUTE + 10)}
        assert statuses == {200}


async def test_what_was_refused_is_kept_for_a_second_look() -> None:
    """A secret that was mistyped must not cost what came meanwhile."""
    async with door() as hub:
        status, said, _ = await hub.post(MEETINGBAAS, b'{"event": "x"}', **{"x-mb-secret": "wrong"})
        await hub.quarantine.flush()
        (refusal,) = hub.store.kept.arrivals.refusals.values()
        assert status == 401
        assert (refusal.source, refusal.body, refusal.reason) == ("meetingbaas", b'{"event": "x"}', said["detail"])
        assert refusal.received_at == NOW_MS


async def test_a_key_in_the_path_is_kept_as_a_hash() -> None:
    """Paths are shown and logged; the key opens a bot."""
    async with door() as hub:
        await hub.post(MEETINGBAAS, b"{}", path=f"{MEETINGBAAS.path}/some-key")
        await hub.quarantine.flush()
        (refusal,) = hub.store.kept.arrivals.refusals.values()
        assert refusal.path_key == hashed_secret("some-key")
        assert "some-key" not in repr(refusal)


async def test_a_refusal_is_answered_whatever_the_store_does() -> None:
    """Guessing must not become a way to keep the hub busy."""
    async with door() as hub:
        hub.store.problem = "the disk is full"
        hub.store.commits.hold()
        assert (await hub.post(MEETINGBAAS, b"{}"))[0] == 401


async def test_a_source_with_a_limit_takes_no_more_a_minute() -> None:
    """It was configured so, and every provider tries again."""
    async with door() as hub:
        statuses = [(await hub.post(SLOW, joined(number)))[0] for number in range(5)]
        hub.now[0] += 60_000
        statuses.append((await hub.post(SLOW, joined(9)))[0])
        assert statuses == [200, 200, 200, 429, 429, 200]
        assert b'hub_deliveries_total{source="slow",status="limited"} 2.0' in hub.metrics.text()


async def test_a_source_over_its_limit_is_in_the_log_once_a_minute() -> None:
    """What is turned away may be lost, as LiveKit gives up early; a line for each would only add to the flood."""
    async with door() as hub:
        with capture_logs() as logs:
            for minute in (0, 60_000):
                hub.now[0] += minute
                for number in range(6):
                    await hub.post(SLOW, joined(number))
        over = [line for line in logs if line["event"] == "delivery.limited"]
        assert over == [{"event": "delivery.limited", "log_level": "warning", "source": "slow", "limit": 3}] * 2


@pytest.mark.parametrize(
    ("bodies", "size", "cut", "status", "said"),
    [
        (BodyBudget(), MAX_BODY + 1, 0, "oversized", {"event": "delivery.oversized", "address": "127.0.0.1"}),
        (BodyBudget(limit=100), 200, 0, "unavailable", {"event": "delivery.overloaded"}),
        (BodyBudget(seconds=0.02), 200, 1, "stalled", {"event": "delivery.stalled", "address": "127.0.0.1"}),
    ],
    ids=["too large", "too much at once", "never ends"],
)
async def test_a_body_that_is_not_read_is_counted_and_in_the_log(
    bodies: BodyBudget, size: int, cut: int, status: str, said: dict[str, str]
) -> None:
    """LiveKit takes 413 for delivered: nothing else would tell that an event is gone for good."""
    async with door(bodies=bodies) as hub:
        with capture_logs() as logs:
            stream, writer = await asyncio.open_connection(hub.client.host, hub.client.port)
            head = f"POST {LIVEKIT.path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n"
            writer.write(head.encode() + b"x" * (size - cut))
            await stream.readline()
            writer.close()
        assert logs == [{"log_level": "warning", "source": "livekit", **said}]
        assert b'hub_deliveries_total{source="livekit",status="%b"} 1.0' % status.encode() in hub.metrics.text()


async def test_what_is_refused_or_cannot_be_taken_is_counted_by_source() -> None:
    """It is not in the log, so that only a number tells of it."""
    async with door() as hub:
        await hub.post(LIVEKIT, b"{}")
        hub.store.problem = "the disk is full"
        assert (await hub.sign(LIVEKIT, joined()))[0] == 503
        text = hub.metrics.text()
        for status in (b"refused", b"unavailable"):
            assert b'hub_deliveries_total{source="livekit",status="%b"} 1.0' % status in text


async def test_failures_that_come_too_often_are_answered_shortly_and_a_right_proof_as_ever() -> None:
    """Guessing is slowed down, while a provider that shares the address of somebody misconfigured loses nothing."""
    async with door() as hub:
        statuses = [(await hub.post(MEETINGBAAS, b"{}"))[0] for _ in range(FAILURES_A_MINUTE)]
        assert set(statuses) == {401}
        status, said, answer = await hub.post(MEETINGBAAS, b"{}")
        assert (status, answer.headers["Retry-After"]) == (429, "60")
        assert said["title"]
        assert (await hub.post(MEETINGBAAS, b'{"event": "x"}', **{"x-mb-secret": "callback-secret"}))[0] == 200
        # Another source, and another minute, have counts of their own.
        assert (await hub.post(LIVEKIT, b"{}"))[0] == 401
        hub.now[0] += 60_000
        assert (await hub.post(MEETINGBAAS, b"{}"))[0] == 401


async def test_failures_are_counted_for_each_address() -> None:
    """One that guesses must not use up the patience for others."""
    async with door(trusted_proxies=("127.0.0.0/8",)) as hub:
        for _ in range(FAILURES_A_MINUTE + 1):
            status, _, _ = await hub.post(MEETINGBAAS, b"{}", **{"X-Forwarded-For": "203.0.113.1"})
        assert status == 429
        assert (await hub.post(MEETINGBAAS, b"{}", **{"X-Forwarded-For": "203.0.113.2"}))[0] == 401


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "nonsense", "a/b; charset=klingon"]
)
async def test_the_content_type_never_refuses(content_type: str) -> None:
    """What a provider calls its bytes is its business."""
    async with door() as hub:
        status, _, _ = await hub.post(OPEN, joined(), **{"Content-Type": content_type})
        assert status == 200


async def test_what_was_spooled_is_accepted_without_a_number() -> None:
    """It is durable, and the provider need not send it again; its number is given when the store is back."""
    async with door(spool=MemorySpool()) as hub:
        hub.store.problem = "away"
        for _ in range(2):
            status, said, _ = await hub.sign(LIVEKIT, joined())
            assert (status, said) == (200, {"status": "accepted"})
        assert [one.verdict for one in hub.spool.files[-1]] == [Verdict.ACCEPTED] * 2


async def test_what_was_spooled_and_is_no_json_is_the_senders_mistake_all_the_same() -> None:
    """Whether our store is there says nothing about its body."""
    async with door(spool=MemorySpool()) as hub:
        hub.store.problem = "away"
        status, said, _ = await hub.sign(LIVEKIT, b"{")
        assert (status, said["title"]) == (400, "The body is not JSON")
        assert "delivery" not in said
        assert [one.body for one in hub.spool.files[-1]] == [b"{"]


async def test_what_was_spooled_and_says_nothing_is_dead_with_its_reason() -> None:
    """Sending it again would not make it better."""
    async with door(spool=MemorySpool()) as hub:
        hub.store.problem = "away"
        status, said, _ = await hub.sign(LIVEKIT, b"[]")
        assert (status, said["status"], "delivery" in said) == (200, "dead", False)
        assert said["reason"]


async def test_without_a_proof_nothing_is_spooled() -> None:
    """Anybody could fill the disk."""
    async with door(spool=MemorySpool()) as hub:
        hub.store.problem = "away"
        status, _, _ = await hub.post(LIVEKIT, joined())
        assert (status, hub.spool.waiting) == (401, 0)


async def test_a_spool_that_is_full_is_our_trouble() -> None:
    """200 would be a lie; the provider sends it again."""
    async with door(spool=MemorySpool(limit=0)) as hub:
        hub.store.problem = "away"
        status, said, answer = await hub.sign(LIVEKIT, joined())
        assert status == said["status"] == 503
        assert answer.headers["Retry-After"] == "1"


async def test_a_store_that_hangs_costs_no_provider_its_webhook() -> None:
    """With a spool everybody is answered 200 in the time that providers wait."""
    async with door(spool=MemorySpool()) as hub:
        hub.store.commits.hold()
        sent = await asyncio.gather(*(hub.sign(LIVEKIT, joined(number)) for number in range(3)))
        assert [(status, said) for status, said, _ in sent] == [(200, {"status": "accepted"})] * 3
