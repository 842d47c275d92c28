"""Asking over HTTP: whatever goes wrong, it is told whether something may have been done."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from hub.clients.line import Line, Reply
from hub.clients.turns import Turns
from hub.errors import AnswerLate, AnswerLost, Throttled, Unreachable
from tests.processes import free_port

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def line(url: str, seconds: float = 5.0, secret: str = "") -> Line:
    turns = Turns(100, asyncio.get_running_loop().time)
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


async def test_who_is_to_wait_long_is_told_so_and_not_kept() -> None:
    """Short waits are waited: also when only the date of the end is told, or nothing."""
    waits = iter(["Thu, 01 Jan 2026 00:00:00 GMT", "31"])

    async def busy(_: web.Request) -> web.StreamResponse:
        return web.Response(status=429, headers={"Retry-After": next(waits)})

    async with served(busy) as url:
        asking = line(url)
        with pytest.raises(Throttled) as problem:
            await asking.ask("GET", "/it")
        assert problem.value.retry_after == 31


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
