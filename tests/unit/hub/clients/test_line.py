"""Asking over HTTP: whatever goes wrong, it is told whether something may have been done."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import orjson
import pytest
from aiohttp import web

from hub.clients.line import Line, Reply
from hub.clients.turns import Turns
from hub.errors import AnswerLate, AnswerLost, Throttled, Unreachable
from tests.processes import free_port

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Clock:
    """Time that passes when somebody waits, and only then."""

    def __init__(self) -> None:
        self.now = 0.0

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def line(url: str, seconds: float = 5.0, secret: str = "", clock: Clock | None = None) -> Line:
    turns = Turns(100, clock.time, clock.sleep) if clock else Turns(100, asyncio.get_running_loop().time)
    return Line(url, lambda: {"x-key": "k"}, turns, secret=secret, seconds=seconds)


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/it", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_where_nobody_listens_nothing_was_done() -> None:
    """No byte has left."""
    asking = line(f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Unreachable):
        await asking.ask("POST", "/it", {})


async def test_an_answer_that_does_not_come_in_time_may_still_be_carried_out() -> None:
    """The request has left."""

    async def sleep(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    async with served(sleep) as url:
        for asking in (line(url, seconds=0.05), line(url).within(0.05)):
            with pytest.raises(AnswerLate):
                await asking.ask("POST", "/it", {})


async def test_an_answer_that_breaks_off_or_never_ends_is_lost() -> None:
    """The request has left, and nobody knows what it did."""

    async def drop(request: web.Request) -> web.StreamResponse:
        assert request.transport
        request.transport.abort()
        return web.Response()

    async def flood(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(20):
            await answer.write(b"x" * 1_000_000)
        return answer

    for handler in (drop, flood):
        async with served(handler) as url:
            asking = line(url)
            with pytest.raises(AnswerLost):
                await asking.ask("POST", "/it", {})


async def test_credentials_are_not_carried_to_where_a_server_points() -> None:
    """An API has no redirects; whoever sends one may be anybody."""

    async def elsewhere(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/it")

    async with served(elsewhere) as url:
        assert (await line(url).ask("GET", "/it")).status == 302


async def test_short_waits_are_waited_and_long_ones_are_told() -> None:
    """Also when only the date of the end is told; whoever asks is not kept for long."""
    waits = iter(["0.05", "Thu, 01 Jan 2026 00:00:00 GMT", "31"])

    async def busy(_: web.Request) -> web.StreamResponse:
        return web.Response(status=429, headers={"Retry-After": next(waits)})

    clock = Clock()
    async with served(busy) as url:
        asking = line(url, clock=clock)
        with pytest.raises(Throttled) as problem:
            await asking.ask("GET", "/it")
        assert problem.value.retry_after == 31
        # However short a wait is said to be, nobody hammers.
        assert clock.now == pytest.approx(1 + 2)


@pytest.mark.parametrize("told", ["0", "Thu, 01 Jan 2026 00:00:00 GMT", "-1", ""])
async def test_a_provider_that_stays_busy_is_asked_a_few_times(told: str) -> None:
    """It may ask for no wait at all, or its clock may be behind; whose fault it is, is said."""
    asked = 0

    async def busy(_: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        return web.Response(status=429, headers={"Retry-After": told})

    async with served(busy) as url:
        with pytest.raises(Throttled, match="the provider is asked too often"):
            await line(url, clock=Clock()).ask("POST", "/it", {})
    assert asked == 3


ODD_WAITS = [
    "²",
    "9" * 400,
    "Fri, 31 Dec 9999 23:59:59 -2359",
    "Fri, 31 Dec 9999 23:59:59 -0000",
    "Mon, 01 Jan 0001 00:00:00 +2359",
    "Mon, 01 Jan 99999 00:00:00 GMT",
    1e300,
    2**63,
]


@pytest.mark.parametrize("told", ODD_WAITS)
def test_whatever_wait_is_told_is_one_that_can_be_passed_on(told: str | float) -> None:
    """It is the provider's, and goes into an answer of the hub's own."""
    for reply in (Reply(429, {}, orjson.dumps({"retryAfter": told})), Reply(429, {"Retry-After": str(told)}, b"")):
        assert reply.retry_after is None or 0 <= reply.retry_after <= 3600


async def test_what_is_quoted_holds_no_secret() -> None:
    """It is shown to whoever launches."""
    quoted = line("http://x", secret="k3y").quoted("key k3y of ann@acme.example is bad for https://x/?pwd=1 now")
    assert quoted == "key … of ann@… is bad for https://… now"


def test_what_is_no_json_object_says_nothing() -> None:
    """Proxies answer in HTML."""
    for body in (b"<html>", b"[1]", b"", b'"x"'):
        assert Reply(502, {}, body).said == {}
    assert Reply(429, {}, b'{"retryAfter": 2}').retry_after == 2
    assert Reply(429, {"Retry-After": "soon"}, b'{"retryAfter": true}').retry_after is None
