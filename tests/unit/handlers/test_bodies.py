"""Bodies are counted as they come, one by one and all together, and what was held is always given back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from handlers.bodies import BodyBudget
from handlers.errors import problems
from tests.waiting import until

LIMIT = 100_000


class Reader:
    """An application that reads bodies within a budget; it can be told to keep them, or to fail while it has one."""

    def __init__(self, budget: BodyBudget) -> None:
        self.budget = budget
        self.may_go = asyncio.Event()
        self.may_go.set()
        self.fails = False
        self.inside = 0

    async def read(self, request: web.Request) -> web.Response:
        async with self.budget.read(request, LIMIT) as body:
            self.inside += 1
            try:
                await self.may_go.wait()
                if self.fails:
                    raise RuntimeError("on purpose")
            finally:
                self.inside -= 1
            return web.json_response({"size": len(body), "held": self.budget.held})


@contextlib.asynccontextmanager
async def reading(budget: BodyBudget) -> AsyncIterator[tuple[Reader, TestClient]]:
    """Serve a Reader with what the hub serves it with."""
    reader = Reader(budget)
    app = web.Application(middlewares=[problems])
    app.router.add_post("/", reader.read)
    server = TestServer(app)
    await server.start_server(auto_decompress=False)
    async with TestClient(server) as client:
        yield reader, client


async def chunks(count: int, size: int) -> AsyncIterator[bytes]:
    """Yield a body whose length nobody told."""
    for _ in range(count):
        yield b"x" * size


async def test_a_body_is_held_for_as_long_as_it_is_used() -> None:
    """What is being worked on is memory too, not only what is still arriving."""
    async with reading(BodyBudget()) as (reader, client):
        answer = await client.post("/", data=b"x" * 1234)
        assert await answer.json() == {"size": 1234, "held": 1234}
        assert reader.budget.held == 0


@pytest.mark.parametrize("size", [0, 1, LIMIT - 1, LIMIT])
async def test_a_body_up_to_the_limit_is_read(size: int) -> None:
    """The limit is what is promised to be taken."""
    async with reading(BodyBudget()) as (_, client):
        answer = await client.post("/", data=b"x" * size)
        assert answer.status == 200
        assert (await answer.json())["size"] == size


@pytest.mark.parametrize("told", [True, False])
async def test_a_body_above_the_limit_is_refused_whether_or_not_its_length_was_told(told: bool) -> None:
    """A sender that wants to hurt does not tell."""
    async with reading(BodyBudget()) as (reader, client):
        body = b"x" * (LIMIT + 1) if told else chunks(LIMIT // 1000 + 1, 1000)
        answer = await client.post("/", data=body)
        assert answer.status == 413
        assert str(LIMIT) in (await answer.json())["detail"]
        await until(lambda: reader.budget.held == 0)


async def test_too_much_in_all_bodies_is_our_trouble_and_passes() -> None:
    """Each sender is within its limit, so each may come again: 503, and then 200."""
    async with reading(BodyBudget(limit=150_000)) as (reader, client):
        reader.may_go.clear()
        first = asyncio.create_task(client.post("/", data=b"x" * 90_000))
        await until(lambda: reader.inside == 1)
        second = await client.post("/", data=b"x" * 90_000)
        assert second.status == 503
        assert second.headers["Retry-After"] == "1"
        small = asyncio.create_task(client.post("/", data=b"x" * 50_000))
        await until(lambda: reader.inside == 2)
        reader.may_go.set()
        assert (await first).status == (await small).status == 200
        assert (await client.post("/", data=b"x" * 90_000)).status == 200
        assert reader.budget.held == 0


async def test_what_was_held_is_given_back_when_the_work_on_it_fails() -> None:
    """A defect elsewhere must not eat the budget, request by request."""
    async with reading(BodyBudget()) as (reader, client):
        reader.fails = True
        assert (await client.post("/", data=b"x" * 5000)).status == 500
        assert reader.budget.held == 0


async def test_what_was_held_is_given_back_when_the_sender_leaves_in_the_middle() -> None:
    """Mobile networks do that to us, and so would an attacker."""
    async with reading(BodyBudget()) as (reader, client):
        stream, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n" + b"x" * 50_000)
        await until(lambda: reader.budget.held == 50_000)
        writer.close()
        await writer.wait_closed()
        await until(lambda: reader.budget.held == 0)
        assert await stream.read() == b""


async def test_a_compressed_body_stays_compressed() -> None:
    """Signatures are made over the bytes as sent, and nobody can make the hub inflate a bomb."""
    async with reading(BodyBudget()) as (_, client):
        body = b"\x1f\x8b\x08" + b"no gzip at all"
        answer = await client.post("/", data=body, headers={"Content-Encoding": "gzip"})
        assert (await answer.json())["size"] == len(body)
