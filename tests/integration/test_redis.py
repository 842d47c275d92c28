"""The bus of several processes, on a real Redis server: what it does while that works, and while it does not."""

import asyncio
import contextlib
import random
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from hub.errors import ConfigRefused
from hub.events import Event
from hub.ports import Announcement, Bus
from storage.redis import RedisBus
from tests.redis_server import RedisSentinel, RedisServer, make_certificate
from tests.waiting import PATIENCE, until

MEBIBYTE = 1024 * 1024
TOPICS = frozenset({"rooms", "bots"})
MakeServer = Callable[..., RedisServer]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One for all tests that leave it running; each has a log of its own."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RedisServer]:
    """One to be stopped, paused and killed."""
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[MakeServer]:
    """Those that are not like the others; started by the test, and gone after it."""
    with contextlib.ExitStack() as ending:

        def make_server(**settings: Any) -> RedisServer:
            server = RedisServer(tmp_path / "redis", **settings)
            ending.callback(server.kill)
            return server

        yield make_server


@pytest.fixture
def epoch() -> str:
    return secrets.token_hex(4)


@dataclass
class Member:
    """A process of the hub, as far as the bus knows of it."""

    bus: RedisBus
    heard: list[Announcement] = field(default_factory=list)

    @property
    def works(self) -> bool:
        return self.bus.problem == ""

    @property
    def lasts(self) -> list[int]:
        return [announcement.last for announcement in self.heard]

    def knows_of(self, last: int) -> Callable[[], bool]:
        return lambda: last in self.lasts


# --- Telling and hearing


async def test_what_one_process_tells_another_hears(server: RedisServer, epoch: str):
    """This is what it is for: the others need not ask storage."""
    async with _member(server, epoch) as one, _member(server, epoch) as other:
        one.bus.publish([_event(7), _event(8)])
        await until(other.knows_of(8))
    assert other.heard == [Announcement(epoch=epoch, first=7, last=8, events=(_event(7), _event(8)))]


async def test_batches_come_in_order_and_each_once(server: RedisServer, epoch: str):
    """Several go out at once; a feed that saw them in another order would go to storage for each."""
    async with _member(server, epoch) as one, _member(server, epoch) as other:
        for number in range(1, 301):
            one.bus.publish([_event(number)])
        await until(other.knows_of(300))
    assert other.lasts == list(range(1, 301))


async def test_a_process_hears_its_own_numbers(server: RedisServer, epoch: str):
    """They are nothing new to it; but that its own words come back shows that all is well."""
    async with _member(server, epoch) as one:
        one.bus.publish([_event(1)])
        await until(one.knows_of(1))


async def test_nothing_is_told_of_no_events(server: RedisServer, epoch: str):
    """A batch of copies adds nothing to the log."""
    async with _member(server, epoch) as one:
        one.bus.publish([])
        one.bus.publish([_event(1)])
        await until(one.knows_of(1))
    assert one.lasts == [1]


async def test_up_to_a_mebibyte_events_are_told_whole(server: RedisServer, epoch: str):
    """The limit is far above what a batch of webhooks is."""
    async with _member(server, epoch) as one:
        one.bus.publish([_event(1, MEBIBYTE - 1000)])
        await until(one.knows_of(1))
    assert len(one.heard[0].events) == 1


async def test_above_a_mebibyte_the_numbers_are_told_alone(server: RedisServer, epoch: str):
    """Redis cuts off subscribers who do not take bytes as fast as they come; storage has the events too."""
    async with _member(server, epoch) as one:
        one.bus.publish([_event(1, MEBIBYTE // 2), _event(2, MEBIBYTE // 2)])
        await until(one.knows_of(2))
    assert one.heard == [Announcement(epoch=epoch, first=1, last=2)]


async def test_garbage_is_skipped(server: RedisServer, epoch: str):
    """Whoever can reach Redis can write to it, also another version of the hub."""
    garbage = [b"", b"\xff", b"\xc1" * 100, b'{"epoch": 1}', msgspec.msgpack.encode({"epoch": epoch, "first": "x"})]
    broken = msgspec.msgpack.encode(Announcement(epoch=epoch, first=1, last=1)).replace(epoch.encode(), b"\xff" * 8)
    with capture_logs() as logs:
        async with _member(server, epoch) as one:
            with server.client() as client:
                for message in (*garbage, broken, *(random.Random(1).randbytes(20) for _ in range(20))):
                    client.publish(f"hub:{epoch}:events", message)
            one.bus.publish([_event(1)])
            await until(one.knows_of(1))
            assert one.works
    assert one.lasts == [1]
    assert {entry["event"] for entry in logs} == {"bus.malformed"}


async def test_what_is_of_another_log_on_the_channel_of_this_one_is_skipped(server: RedisServer, epoch: str):
    """A position of one log says nothing in another."""
    async with _member(server, epoch) as one:
        with server.client() as client:
            client.publish(f"hub:{epoch}:events", msgspec.msgpack.encode(Announcement(epoch="x", first=9, last=9)))
        one.bus.publish([_event(1)])
        await until(one.knows_of(1))
    assert one.lasts == [1]


async def test_another_log_is_not_heard(server: RedisServer, epoch: str):
    """Two hubs may use one Redis."""
    async with _member(server, epoch) as one, _member(server, epoch + "b") as other:
        other.bus.publish([_event(5)])
        await until(other.knows_of(5))
        one.bus.publish([_event(1)])
        await until(one.knows_of(1))
    assert (one.lasts, other.lasts) == ([1], [5])


async def test_who_follows_another_log_hears_and_speaks_of_that_one(server: RedisServer, epoch: str):
    """After a restore the log has a new name, in all processes, one after the other."""
    async with _member(server, epoch) as one, _member(server, epoch + "b") as other:
        for name in ("x", "y", epoch + "b"):
            one.bus.follow(name)
        await _until_subscribed(server, epoch + "b", 2)
        other.bus.publish([_event(1)])
        await until(one.knows_of(1))
        one.bus.publish([_event(2)])
        await until(other.knows_of(2))
        assert one.works
    assert {announcement.epoch for announcement in one.heard} == {epoch + "b"}


async def test_to_follow_takes_no_second(server: RedisServer, epoch: str):
    """While it follows the old log, everything new is found by looking at storage once a second."""
    async with _member(server, epoch) as one:
        seconds = [await _seconds(_followed(one.bus, server, f"{epoch}{number}")) for number in range(5)]
    # A machine may be busy each time, but not only then.
    assert min(seconds) < 0.9


async def test_a_hearer_that_fails_does_not_end_it(server: RedisServer, epoch: str):
    """What is wrong with one announcement is written down, and the next one is heard."""
    heard: list[int] = []

    def hear(announcement: Announcement) -> None:
        heard.append(announcement.last)
        if announcement.last == 1:
            raise KeyError("of the hearer")

    with capture_logs() as logs:
        async with _running(RedisBus.open(server.url), epoch, hear) as bus:
            await until(lambda: not bus.problem)
            bus.publish([_event(1)])
            await until(lambda: 1 in heard)
            server.wipe()
            bus.publish([_event(2)])
            await until(lambda: 2 in heard and not bus.problem)
    assert logs[0]["event"] == "bus.unavailable"
    assert isinstance(logs[0]["exc_info"], KeyError)


# --- The last number


async def test_the_last_number_is_told_when_listening_begins(server: RedisServer, epoch: str):
    """What was told before the subscription is missed, and shall not have to wait for storage to be looked at."""
    async with _member(server, epoch) as one:
        one.bus.publish([_event(41), _event(42)])
        await until(one.knows_of(42))
        async with _member(server, epoch) as other:
            await until(other.knows_of(42))
    assert other.heard == [Announcement(epoch=epoch, first=42, last=42)]


async def test_without_a_last_number_nothing_is_told(server: RedisServer, epoch: str):
    """A new log has no events."""
    async with _member(server, epoch) as one:
        await until(lambda: one.works)
    assert one.heard == []


async def test_a_last_number_that_is_none_is_skipped_and_mended(server: RedisServer, epoch: str):
    """Somebody wrote into Redis by hand."""
    with server.client() as client:
        client.set(f"hub:{epoch}:last", "nonsense")
        async with _member(server, epoch) as one:
            one.bus.publish([_event(3)])
            await until(one.knows_of(3))
            assert client.get(f"hub:{epoch}:last") == b"3"
    assert one.lasts == [3]


async def test_the_last_number_never_goes_down(server: RedisServer, epoch: str):
    """Processes tell of their commits in whatever order they get to it."""
    async with _member(server, epoch) as one, _member(server, epoch) as other:
        one.bus.publish([_event(10)])
        await until(other.knows_of(10))
        other.bus.publish([_event(9)])
        await until(one.knows_of(9))
    with server.client() as client:
        assert client.get(f"hub:{epoch}:last") == b"10"


async def test_the_last_number_expires_long_after_the_log_was_used(server: RedisServer, epoch: str):
    """Logs that were given up leave nothing behind for ever."""
    async with _member(server, epoch) as one:
        one.bus.publish([_event(1)])
        await until(one.knows_of(1))
        with server.client() as client:
            client.expire(f"hub:{epoch}:last", 100)
            one.bus.publish([_event(2)])
            await until(one.knows_of(2))
            assert 39 * 86400 < client.ttl(f"hub:{epoch}:last") <= 40 * 86400


async def test_what_was_told_last_is_known_again_after_redis_forgot_it(server: RedisServer, epoch: str):
    """Redis may keep nothing; the processes that spoke still know how far they were."""
    async with _member(server, epoch) as one:
        one.bus.publish([_event(6)])
        await until(one.knows_of(6))
        server.wipe()
        with server.client() as client:
            await until(lambda: client.get(f"hub:{epoch}:last") == b"6")


# --- Outages


async def test_before_it_ran_it_cannot_be_used(server: RedisServer):
    """Whoever asks whether to rely on it must not be told yes too early."""
    bus = RedisBus.open(server.url)
    assert bus.problem == "Redis has not been reached yet"
    assert await bus.shared(TOPICS) is None
    await bus.close()


async def test_redis_that_was_never_there_is_a_problem_and_no_more(make_server: MakeServer, epoch: str):
    """A hub starts without it, and finds it when it comes."""
    server = make_server()
    async with _running(RedisBus.open(server.url), epoch) as bus:
        await until(lambda: bus.problem.startswith("Redis cannot be reached: "))
        _use(bus)
        assert await bus.shared(TOPICS) is None
        assert await bus.viewers("rooms") == 0
        server.start()
        await until(lambda: not bus.problem)


@pytest.mark.parametrize("end", [RedisServer.stop, RedisServer.kill], ids=["stopped", "killed"])
async def test_redis_that_goes_and_comes_back_is_found_without_help(
    own_server: RedisServer, epoch: str, end: Callable[[RedisServer], None]
):
    """Nobody restarts a hub because a cache was restarted."""
    async with _member(own_server, epoch) as one, _member(own_server, epoch) as other:
        end(own_server)
        await until(lambda: not one.works and not other.works)
        own_server.start()
        await until(lambda: one.works and other.works)
        one.bus.publish([_event(2)])
        await until(other.knows_of(2))


async def test_an_outage_is_logged_once_and_so_is_its_end(own_server: RedisServer, epoch: str):
    """Redis may be away for a night."""
    with capture_logs() as logs:
        async with _member(own_server, epoch) as one:
            own_server.stop()
            await until(lambda: one.bus.problem.startswith("Redis cannot be reached: Connect call failed"))
            own_server.start()
            await until(lambda: one.works)
    assert [entry["event"] for entry in logs] == ["bus.unavailable", "bus.back"]


async def test_redis_that_falls_silent_is_noticed_within_seconds(own_server: RedisServer, epoch: str):
    """A network that loses its way ends no connection: who only waits for messages waits for ever."""
    async with _member(own_server, epoch) as one:
        own_server.pause()
        await until(lambda: one.bus.problem == "Redis does not answer in time")
        own_server.resume()
        await until(lambda: one.works)
        one.bus.publish([_event(1)])
        await until(one.knows_of(1))


async def test_a_subscription_that_falls_silent_is_renewed(own_server: RedisServer, epoch: str):
    """Speaking may go on to work while the connection that listens is dead at the other end."""
    async with _relay(own_server.port) as relay:
        url = f"redis://127.0.0.1:{relay.port}/0"
        async with _running(RedisBus.open(url), epoch, (heard := []).append) as bus:
            await until(lambda: not bus.problem)
            relay.lose_all()
            await until(lambda: bool(bus.problem))
            await until(lambda: not bus.problem)
            bus.publish([_event(1)])
            await until(lambda: bool(heard))


async def test_nobody_waits_for_redis_that_is_silent(own_server: RedisServer, epoch: str):
    """Before anybody noticed, a webhook and a viewer are answered as ever."""
    async with _member(own_server, epoch) as one:
        own_server.pause()
        began = time.monotonic()
        _use(one.bus)
        # Whoever waits for an answer here waits a second or more, or, behind all others, three.
        assert time.monotonic() - began < 0.9
        assert await _seconds(one.bus.shared(TOPICS)) < 0.9
        assert await _seconds(one.bus.viewers("rooms")) < 0.9
        assert await _seconds(asyncio.gather(*(one.bus.shared(TOPICS) for _ in range(100)))) < 2
        own_server.resume()


async def test_while_there_is_a_problem_nobody_asks(own_server: RedisServer, epoch: str):
    """A quarter of a second is too long when it is for nothing."""
    async with _member(own_server, epoch) as one:
        own_server.pause()
        await until(lambda: not one.works)
        assert _at_once(one.bus.shared(TOPICS)) is None
        assert _at_once(one.bus.viewers("rooms")) == 0
        own_server.resume()


async def test_a_subscription_that_is_cut_off_is_renewed(server: RedisServer, epoch: str):
    """Redis ends those of clients that are slow."""
    async with _member(server, epoch) as one, _member(server, epoch) as other:
        for number in range(1, 4):
            with server.client() as client:
                assert client.client_kill_filter(_type="pubsub") >= 2
            await until(lambda: not other.works)
            await until(lambda: one.works and other.works)
            one.bus.publish([_event(number)])
            await until(other.knows_of(number))


async def test_the_end_of_every_connection_is_survived(server: RedisServer, epoch: str):
    """A load balancer was restarted."""
    async with _member(server, epoch) as one:
        for number in range(1, 4):
            with server.client() as client:
                client.client_kill_filter(_type="pubsub", skipme=True)
                client.client_kill_filter(_type="normal", skipme=True)
            await until(lambda: not one.works)
            await until(lambda: one.works)
            one.bus.publish([_event(number)])
            await until(one.knows_of(number))


async def test_redis_that_forgot_everything_goes_on(server: RedisServer, epoch: str):
    """Nothing in it is needed."""
    async with _member(server, epoch) as one, _member(server, epoch) as other:
        one.bus.publish([_event(1)])
        await until(other.knows_of(1))
        server.wipe()
        one.bus.publish([_event(2)])
        await until(other.knows_of(2))
        assert one.works and other.works
    assert other.lasts == [1, 2]


async def test_redis_that_takes_nothing_is_a_problem_until_it_does(own_server: RedisServer, epoch: str):
    """It answers, but who relied on it would hear nothing; a server without memory left, or a replica, is like that."""
    with capture_logs() as logs:
        async with _member(own_server, epoch) as one:
            with own_server.client() as client:
                client.config_set("maxmemory", "1")
                one.bus.publish([_event(1)])
                await until(lambda: one.bus.problem == "Redis refuses a command: OutOfMemoryError")
                client.config_set("maxmemory", "0")
            await until(lambda: one.works)
    assert [entry["event"] for entry in logs] == ["bus.unavailable", "bus.back"]


async def test_what_waits_is_bounded_and_the_oldest_is_lost(own_server: RedisServer, epoch: str):
    """Redis may be away for hours; what was told first is the first that everybody has read from storage."""
    own_server.stop()
    async with _running(RedisBus.open(own_server.url), epoch, (heard := []).append) as bus:
        for number in range(1, 5001):
            bus.publish([_event(number)])
        own_server.start()
        await until(lambda: bool(heard) and heard[-1].last == 5000 and bool(heard[-1].events))
    assert [one.last for one in heard if one.events] == list(range(4001, 5001))


async def test_what_waits_is_bounded_in_bytes(own_server: RedisServer, epoch: str):
    """A thousand announcements can be a gibibyte."""
    own_server.stop()
    async with _running(RedisBus.open(own_server.url), epoch, (heard := []).append) as bus:
        for number in range(1, 101):
            bus.publish([_event(number, MEBIBYTE - 1000)])
        own_server.start()
        await until(lambda: bool(heard) and heard[-1].last == 100 and bool(heard[-1].events))
    assert [one.last for one in heard if one.events] == list(range(85, 101))


async def test_it_can_be_cancelled_at_any_moment(server: RedisServer, epoch: str):
    """A hub that is told to stop stops, and leaves no connection open."""
    for turns in range(0, 60, 3):
        async with asyncio.timeout(PATIENCE), _running(RedisBus.open(server.url), epoch) as bus:
            _use(bus)
            for _ in range(turns):
                await asyncio.sleep(0)


# --- Snapshots


async def test_a_snapshot_is_shared_with_all_processes(server: RedisServer, epoch: str):
    """A thousand viewers who come back at once are answered from one read."""
    async with _member(server, epoch) as one, _member(server, epoch) as other:
        await _until_shared(one.bus, other.bus, TOPICS, b"snapshot")
        assert await other.bus.shared(frozenset({"rooms"})) is None


async def test_a_snapshot_is_gone_after_a_second(server: RedisServer, epoch: str):
    """What is older would be followed by more than a moment's events."""
    lefts: list[int] = []
    async with _member(server, epoch) as one:
        with server.client() as client:

            def is_there() -> bool:
                one.bus.share(TOPICS, b"snapshot")
                lefts.extend(client.pttl(key) for key in client.keys(f"hub:{epoch}:snapshot:*"))
                return bool(lefts) and lefts[-1] > 0

            await until(is_there)
    assert -1 not in lefts and max(lefts) <= 1000


async def test_a_snapshot_of_another_log_is_not_shared(server: RedisServer, epoch: str):
    """Its position says nothing in this one."""
    async with _member(server, epoch) as one, _member(server, epoch + "b") as other:
        await _until_shared(one.bus, one.bus, TOPICS, b"snapshot")
        assert await other.bus.shared(TOPICS) is None


async def test_a_snapshot_of_more_than_four_mebibytes_is_not_shared(server: RedisServer, epoch: str):
    """It would hold up what is to be told."""
    large, small = frozenset({"large"}), frozenset({"small"})
    async with _member(server, epoch) as one:
        one.bus.share(large, bytes(4 * MEBIBYTE + 1))
        await _until_shared(one.bus, one.bus, small, bytes(4 * MEBIBYTE))
        assert await one.bus.shared(large) is None


async def test_a_snapshot_is_not_shared_later(own_server: RedisServer, epoch: str):
    """After an outage it would be an old one, as good as new for another second."""
    async with _member(own_server, epoch) as one:
        own_server.pause()
        one.bus.publish([_event(1)])
        await until(lambda: not one.works)
        one.bus.share(TOPICS, b"snapshot")
        own_server.resume()
        await until(lambda: one.works)
        one.bus.publish([_event(2)])
        await until(one.knows_of(2))
        assert await one.bus.shared(TOPICS) is None


# --- Viewers


async def test_viewers_are_added_up_over_all_processes(server: RedisServer, epoch: str):
    """A page shows how many watch with it, wherever they are connected."""
    async with _member(server, epoch) as one, _member(server, epoch) as other:
        one.bus.count({"rooms": 2, "bots": 1})
        other.bus.count({"rooms": 3})
        await _until_viewers(one.bus, "rooms", 5)
        await _until_viewers(other.bus, "bots", 1)
        assert await one.bus.viewers("nobody") == 0


async def test_a_count_stands_instead_of_the_one_before(server: RedisServer, epoch: str):
    """A topic that is no longer counted has no viewers."""
    async with _member(server, epoch) as one:
        one.bus.count({"rooms": 2, "bots": 1})
        one.bus.count({"rooms": 1})
        await _until_viewers(one.bus, "rooms", 1)
        assert await one.bus.viewers("bots") == 0
        one.bus.count({})
        await _until_viewers(one.bus, "rooms", 0)


async def test_many_topics_are_counted(server: RedisServer, epoch: str):
    """Each viewer may watch a room of their own."""
    async with _member(server, epoch) as one:
        one.bus.count({f"rooms/{number}": number for number in range(1, 20_001)})
        await _until_viewers(one.bus, "rooms/20000", 20_000)


async def test_viewers_of_a_process_that_was_killed_are_gone_within_fifteen_seconds(server: RedisServer, epoch: str):
    """Nobody says goodbye for it; while another one lives on."""
    async with _member(server, epoch) as one, _member(server, epoch) as other:
        one.bus.count({"rooms": 2})
        await _until_viewers(one.bus, "rooms", 2)
        with server.client() as client:
            (key,) = client.keys(f"hub:{epoch}:viewers:*")
            assert 0 < client.pttl(key) <= 15_000
            other.bus.count({"rooms": 3})
            await _until_viewers(one.bus, "rooms", 5)
            # The time has come.
            client.pexpire(key, 1)
            await _until_viewers(other.bus, "rooms", 3)


async def test_processes_that_are_gone_are_forgotten(server: RedisServer, epoch: str):
    """After a year of restarts the sum would be over thousands of them."""
    with server.client() as client:
        client.zadd(f"hub:{epoch}:nodes", {"gone": int(time.time()) - 16})
        async with _member(server, epoch) as one:
            one.bus.count({"rooms": 1})
            await _until_viewers(one.bus, "rooms", 1)
            assert len(client.zrange(f"hub:{epoch}:nodes", 0, -1)) == 1
            assert 0 < client.ttl(f"hub:{epoch}:nodes") <= 15


# --- Addresses


@pytest.mark.parametrize(
    "url",
    [
        "",
        "local://",
        "http://127.0.0.1:6379",
        "redis://",
        "redis:///0",
        "redis://:hunter2@/0",
        "redis://:hunter2@host:port/0",
        "redis://:hunter2@host:70000/0",
        "redis://:hunter2@host:6379/zero",
        "redis://:hunter2@host:6379/0/1",
        "redis://:hunter2#5@host:6379/0",
        "redis://:hunter2/5@host:6379/0",
        "redis://:hunter2@host/0?no_such_option=1",
        "redis://:hunter2@host/0?ssl_ca_certs=/file",
        "rediss://:hunter2@host/0?ssl_cert_reqs=perhaps",
        "redis+sentinel://:hunter2@host:26379",
        "redis+sentinel://:hunter2@host:26379/",
        "redis+sentinel://:hunter2@host:26379,/hub/0",
        "redis+sentinel://:hunter2@host:26379/hub/zero",
        "redis+sentinel://:hunter2@host:99999/hub",
        "redis+sentinel://:hunter2@host:26379/hub?no_such_option=1",
        "redis+sentinel://:hunter2@host:26379/hub?sentinel_no_such_option=1",
        "unix:///var/run/redis.sock",
    ],
)
def test_other_addresses_are_refused_without_the_password(url: str):
    """A wrong address is found when the hub starts, and a password is never on a screen."""
    with pytest.raises(ConfigRefused, match=r"bus\.url: expected redis://") as refused:
        RedisBus.open(url)
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None and refused.value.__suppress_context__


@pytest.mark.parametrize(
    "url",
    [
        "redis://host",
        "redis://host/",
        "redis://user:password@[::1]:6379/3",
        "redis://host/0?socket_timeout=60&max_connections=1&protocol=3&decode_responses=true&retry_on_timeout=true",
        "rediss://host:6380/0?ssl_ca_certs=/file&ssl_check_hostname=false",
        "redis+sentinel://one,two:26380,[::1]:26381/hub",
        "redis+sentinel://user:password@one:26379/hub/2?sentinel_password=other&sentinel_username=watch",
        "redis+sentinel://one:26379/hub/2?ssl=true&ssl_ca_certs=/file",
    ],
)
async def test_addresses_are_taken_without_connecting(url: str):
    """A hub starts while Redis is away."""
    await RedisBus.open(url).close()


async def test_a_password_of_any_characters_is_used(make_server: MakeServer, epoch: str):
    """They are percent-encoded in a URL."""
    server = make_server(password="p@ss/w:rd?#%20")
    server.start()
    async with _member(server, epoch) as one:
        one.bus.publish([_event(1)])
        await until(one.knows_of(1))


async def test_a_wrong_password_is_a_problem_and_never_shown(make_server: MakeServer, epoch: str):
    """It may be mended on the other side, without a new start."""
    server = make_server(password="right")
    server.start()
    with capture_logs() as logs:
        async with _running(RedisBus.open(server.url.replace("right", "hunter2")), epoch) as bus:
            await until(lambda: bus.problem == "Redis refuses the credentials")
            _use(bus)
            with server.client() as client:
                client.config_set("requirepass", "hunter2")
            await until(lambda: not bus.problem)
    assert "hunter2" not in repr(logs)


async def test_what_is_no_redis_is_a_problem(epoch: str):
    """A port was mistaken for another."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as other:
        port = other.sockets[0].getsockname()[1]
        async with _running(RedisBus.open(f"redis://127.0.0.1:{port}"), epoch) as bus:
            await until(lambda: bus.problem == "what answers does not speak as Redis does")


async def test_the_database_of_the_address_is_used(server: RedisServer, epoch: str):
    """Redis may be shared with others."""
    url = server.url.replace("/0", "/3")
    async with _running(RedisBus.open(url), epoch) as bus:
        await until(lambda: not bus.problem)
        bus.count({"rooms": 1})
        await _until_viewers(bus, "rooms", 1)
    with server.client() as client:
        assert client.keys(f"hub:{epoch}:*") == []


async def test_tls_is_spoken_with_who_has_the_right_certificate(make_server: MakeServer, epoch: str):
    """Redis may be in another building."""
    server = make_server(tls=True, password="right")
    server.start()
    async with _member(server, epoch) as one:
        one.bus.publish([_event(1)])
        await until(one.knows_of(1))
        await _until_shared(one.bus, one.bus, TOPICS, b"snapshot")


async def test_tls_is_not_spoken_with_anybody_else(make_server: MakeServer, tmp_path: Path, epoch: str):
    """Somebody else would be sent what the hub knows."""
    server = make_server(tls=True)
    server.start()
    make_certificate(tmp_path / "other.pem", tmp_path / "key.pem")
    url = server.url.replace(str(server.certificate), str(tmp_path / "other.pem"))
    async with _running(RedisBus.open(url), epoch) as bus:
        await until(lambda: "certificate verify failed" in bus.problem)


async def test_a_sentinel_is_asked_for_the_master(tmp_path: Path, epoch: str):
    """Which server it is changes, what is configured stays."""
    async with _watched(tmp_path) as (master, _, sentinel), _running(RedisBus.open(sentinel.bus_url), epoch) as bus:
        await until(lambda: not bus.problem)
        await _until_subscribed(master, epoch, 1)


async def test_the_master_that_a_sentinel_chose_is_found(tmp_path: Path, epoch: str):
    """The old one died; nobody restarts the hub."""
    async with _watched(tmp_path) as (master, replica, sentinel):
        url = sentinel.bus_url.replace("//:right@", "//:right@127.0.0.1:1,")
        async with _running(RedisBus.open(url), epoch, (heard := []).append) as bus:
            await until(lambda: not bus.problem)
            master.kill()
            await until(lambda: bool(bus.problem))
            await until(lambda: not bus.problem)
            bus.publish([_event(1)])
            await until(lambda: bool(heard))
            with replica.client() as client:
                assert client.get(f"hub:{epoch}:last") == b"1"


async def test_a_sentinel_that_knows_no_such_service_is_a_problem(tmp_path: Path, epoch: str):
    """A name was mistyped."""
    async with _watched(tmp_path) as (_, _, sentinel):
        url = sentinel.bus_url.replace("/hub/", "/other/")
        async with _running(RedisBus.open(url), epoch) as bus:
            await until(lambda: bus.problem == "no Sentinel names a master of this service")


# --- What the tests are made of


class _Relay:
    """A network between bus and server, that can lose the connections that go through it without ending them."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self._server_port = port
        self._pumps: set[asyncio.Task[None]] = set()
        self._open: list[asyncio.StreamWriter] = []

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up, down = await asyncio.open_connection("127.0.0.1", self._server_port)
        self._open += [writer, down]
        self._pumps |= {asyncio.create_task(_pump(reader, down)), asyncio.create_task(_pump(up, writer))}

    def lose_all(self) -> None:
        for pump in self._pumps:
            pump.cancel()

    async def close(self) -> None:
        self.lose_all()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        for writer in self._open:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while content := await reader.read(65536):
        writer.write(content)
        await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def _relay(port: int) -> AsyncIterator[_Relay]:
    relay = _Relay(port)
    async with await asyncio.start_server(relay.connect, "127.0.0.1", 0) as listening:
        relay.port = listening.sockets[0].getsockname()[1]
        yield relay
        await relay.close()


@contextlib.asynccontextmanager
async def _running(
    bus: RedisBus, epoch: str, hear: Callable[[Announcement], None] = lambda announcement: None
) -> AsyncIterator[RedisBus]:
    bus.follow(epoch)
    running = asyncio.create_task(bus.run(hear))
    try:
        yield bus
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.wait([running])
        await bus.close()


@contextlib.asynccontextmanager
async def _member(server: RedisServer, epoch: str) -> AsyncIterator[Member]:
    member = Member(RedisBus.open(server.url))
    async with _running(member.bus, epoch, member.heard.append):
        await until(lambda: member.works)
        yield member


@contextlib.asynccontextmanager
async def _watched(folder: Path) -> AsyncIterator[tuple[RedisServer, RedisServer, RedisSentinel]]:
    master = RedisServer(folder / "master", password="right", settings=("--masterauth", "right"))
    of = ("--masterauth", "right", "--replicaof", f"127.0.0.1 {master.port}")
    replica = RedisServer(folder / "replica", password="right", settings=of)
    sentinel = RedisSentinel(folder / "sentinel", master, "hub")
    sentinel.folder.mkdir()
    servers = (master, replica, sentinel)
    try:
        for server in servers:
            server.start()
        with sentinel.client() as client:
            await until(lambda: client.sentinel_master("hub")["num-slaves"] == 1)
        yield servers
    finally:
        for server in servers:
            server.kill()


def _event(sequence: int, size: int = 20) -> Event:
    return Event(sequence=sequence, topics=("rooms",), body=b"x" * size)


def _use(bus: Bus) -> None:
    bus.publish([_event(1)])
    bus.share(TOPICS, b"snapshot")
    bus.count({"rooms": 1})


async def _seconds(work: Awaitable[object]) -> float:
    began = time.monotonic()
    await work
    return time.monotonic() - began


def _at_once(asked: Coroutine[Any, Any, object]) -> object:
    """Return an answer for which nothing is waited for at all."""
    with contextlib.closing(asked), pytest.raises(StopIteration) as answered:
        asked.send(None)
    return answered.value.value


async def _followed(bus: RedisBus, server: RedisServer, epoch: str) -> None:
    bus.follow(epoch)
    await _until_subscribed(server, epoch, 1)


async def _until_subscribed(server: RedisServer, epoch: str, number: int) -> None:
    with server.client() as client:
        await until(lambda: client.pubsub_numsub(f"hub:{epoch}:events")[0][1] == number)


async def _until_shared(sharing: Bus, reading: Bus, topics: frozenset[str], snapshot: bytes) -> None:
    async with asyncio.timeout(PATIENCE):
        while await reading.shared(topics) != snapshot:
            # Again, because on a busy machine its second may have passed unseen.
            sharing.share(topics, snapshot)


async def _until_viewers(bus: Bus, topic: str, number: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while await bus.viewers(topic) != number:
            pass
