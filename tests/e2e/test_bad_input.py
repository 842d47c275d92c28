"""Everything that can be sent to a hub and should not be: it is refused in the right words, and the hub goes on."""

import asyncio
import base64
import contextlib
import gzip
import json
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import aiohttp
import orjson
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from handlers.providers.arrival import Sample
from handlers.providers.registry import PROVIDERS
from handlers.routes import routes
from hub.clock import now_ms
from hub.commands.send import sample_for, signed, source_for, with_values
from hub.events import parse_time
from hub.tokens import Claims, Tokens, Use
from tests.hubs import API_KEY, RunningHub, running_hub
from tests.processes import SECRETS, HubProcess
from tests.searching import search
from tests.streams import Sent, Viewer, parsed
from tests.unit.hub.viewing import Clock
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

MEGABYTE = 1024 * 1024
# Every way of proving a webhook.
DIALECTS = (("livekit", "webhook"), *(("meetingbaas", dialect) for dialect in ("v1", "v2", "callback", "guide")))
EVERY_DIALECT = pytest.mark.parametrize(("provider", "dialect"), DIALECTS)
PATHS = ("/api/livekit/webhook", "/api/meeting-bot/webhook", "/api/meeting-bot/webhook/some-bots-key")
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")
TOKENS = Tokens((SECRETS["HUB_TOKEN_SECRET"],))
ROOM = "rooms/livekit:RM_hubsample001"
KEY = f"Authorization: Bearer {API_KEY}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningHub]:
    """The hub that all of this is done to."""
    async with running_hub(tmp_path_factory.mktemp("hub"), HUB_STREAM__HEARTBEAT="0.3") as running:
        yield running


@dataclass(frozen=True)
class Reply:
    """An answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> dict[str, object]:
        return orjson.loads(self.body)


class Wire:
    """A connection on which anything can be sent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, *pieces: bytes, pause: float = 0.0) -> None:
        """Send bytes, with pauses between the pieces; that the hub stops listening is no error."""
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                self._writer.write(piece)
                await self._writer.drain()
                await asyncio.sleep(pause)

    async def reply(self, *, bodyless: bool = False) -> Reply:
        """Read one answer."""
        async with asyncio.timeout(PATIENCE):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            length = 0 if bodyless else int(headers.get("content-length", "0"))
            return Reply(int(status.split(" ")[1]), headers, await self._reader.readexactly(length))

    async def rest(self) -> bytes:
        """Read until the hub closes the connection."""
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionError):
                return await self._reader.read()
        return b""

    async def up_to(self, end: bytes) -> str:
        """Read until something was read."""
        async with asyncio.timeout(PATIENCE):
            return (await self._reader.readuntil(end)).decode()

    def abort(self) -> None:
        """Leave without a word, as a crash does."""
        self._writer.transport.abort()


@contextlib.asynccontextmanager
async def wire(hub: RunningHub) -> AsyncIterator[Wire]:
    """Connect to a hub."""
    host, port = hub.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def request(method: str, target: str | bytes, *headers: str | bytes, body: bytes | None = None) -> bytes:
    """Return a request as bytes; headers are written as they are."""
    raw = target if isinstance(target, bytes) else target.encode()
    lines = [method.encode() + b" " + raw + b" HTTP/1.1", b"Host: hub"]
    lines += [header if isinstance(header, bytes) else header.encode("utf-8", "surrogateescape") for header in headers]
    if body is not None:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


async def ask(
    hub: RunningHub, method: str, target: str | bytes, *headers: str | bytes, body: bytes | None = None
) -> Reply:
    """Send one request on a connection of its own and return the answer."""
    async with wire(hub) as connection:
        await connection.send(request(method, target, *headers, body=body))
        return await connection.reply(bodyless=method == "HEAD")


def is_problem(reply: Reply, status: int) -> bool:
    """Whether an answer is problem details of a status, as RFC 9457 says."""
    assert reply.status == status, reply
    assert reply.headers["content-type"].partition(";")[0] == "application/problem+json"
    said = reply.said
    assert said["status"] == status
    assert said["type"]
    return bool(str(said["title"]).strip())


def proof(hub: RunningHub, provider: str, dialect: str, body: bytes, *, wrong: bool = False) -> dict[str, str]:
    """Return the headers that prove a body, or do not."""
    now = time.time_ns() // 1_000_000
    return dict(signed(source_for(hub.settings, provider), Sample(payload={}, dialect=dialect), body, now, wrong=wrong))


async def deliver(hub: RunningHub, provider: str, dialect: str, body: bytes, below: str = "") -> Reply:
    """Post bytes with a right proof, to the source's path or to one below it."""
    lines = [f"{name}: {value}" for name, value in proof(hub, provider, dialect, body).items()]
    return await ask(hub, "POST", source_for(hub.settings, provider).path + below, *lines, body=body)


async def goes_on(hub: RunningHub) -> None:
    """Fail unless the hub takes a webhook and shows it in its log."""
    name = f"still-here-{time.time_ns()}"
    status, said = await hub.send("livekit", "room_started", id=name, room={"sid": f"RM_{name}", "name": name})
    assert (status, said["status"]) == (200, "accepted")
    assert (await hub.get(f"/api/rooms/livekit:RM_{name}"))[0] == 200


def token(*topics: str, seconds: float = 60, use: Use = Use.ACCESS, tokens: Tokens = TOKENS) -> str:
    """Return a token for topics."""
    return tokens.mint(Claims(use=use, topics=topics, scope=("read",), exp=int(time.time() + seconds)))


# -- bodies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
async def test_a_body_above_the_limit_is_refused_when_its_length_is_told(hub: RunningHub, path: str) -> None:
    """At whatever is read first above it, and whether or not anybody could prove anything."""
    async with wire(hub) as connection:
        await connection.send(request("POST", path, "Content-Length: 20000000"), *[b"x" * MEGABYTE] * 18)
        assert is_problem(await connection.reply(), 413)
    await goes_on(hub)


@pytest.mark.parametrize("path", PATHS)
async def test_a_body_above_the_limit_is_refused_when_its_length_is_not_told(hub: RunningHub, path: str) -> None:
    """Chunks have no end that could be looked at first."""
    async with wire(hub) as connection:
        chunk = b"%x\r\n" % MEGABYTE + b"x" * MEGABYTE + b"\r\n"
        await connection.send(request("POST", path, "Transfer-Encoding: chunked"), *[chunk] * 18)
        assert is_problem(await connection.reply(), 413)
    await goes_on(hub)


async def test_a_body_that_is_longer_than_told_is_what_was_told(hub: RunningHub) -> None:
    """What follows is the next request, and no part of what was signed."""
    body = b'{"event": "x"}'
    lines = [f"{name}: {value}" for name, value in proof(hub, "meetingbaas", "v1", body).items()]
    async with wire(hub) as connection:
        await connection.send(request("POST", "/api/meeting-bot/webhook", *lines, body=body))
        assert (await connection.reply()).status == 200
        await connection.send(b"AND SO ON\r\n\r\n")
        assert (await connection.reply()).status == 400
    await goes_on(hub)


async def test_a_body_that_is_shorter_than_told_is_no_delivery(hub: RunningHub) -> None:
    """Half of a payload may be valid JSON by itself."""
    body = b'{"event": "half-of-it"}'
    lines = [f"{name}: {value}" for name, value in proof(hub, "meetingbaas", "v1", body).items()]
    async with wire(hub) as connection:
        await connection.send(request("POST", "/api/meeting-bot/webhook", *lines, "Content-Length: 1000") + body)
    await goes_on(hub)
    _, log = await hub.get("/api/events?limit=1000&topic=sources/meetingbaas")
    assert "half-of-it" not in str(log)


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: -5",),
        ("Content-Length: 99999999999999999999999",),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Content-Length: five",),
        ("Transfer-Encoding: nonsense",),
        ("Transfer-Encoding: chunked, chunked",),
    ],
)
async def test_a_length_that_can_be_read_in_two_ways_is_refused(hub: RunningHub, lines: tuple[str, ...]) -> None:
    """A proxy that reads it in the other way would take a body for a request."""
    async with wire(hub) as connection:
        await connection.send(request("POST", "/api/livekit/webhook", *lines) + b"0\r\n\r\n{}")
        assert 400 <= (await connection.reply()).status < 500
    await goes_on(hub)


async def test_bodies_in_flight_are_bounded_together(tmp_path: Path) -> None:
    """Each within its limit, a few slow senders could fill the memory: they get 503, and the rest goes on."""
    async with running_hub(tmp_path) as hub, contextlib.AsyncExitStack() as senders:
        connections = [await senders.enter_async_context(wire(hub)) for _ in range(5)]
        for connection in connections:
            head = request("POST", "/api/livekit/webhook", f"Content-Length: {16 * MEGABYTE}")
            await connection.send(head, *[b"x" * MEGABYTE] * 15)
        replies = [asyncio.create_task(connection.reply()) for connection in connections]
        done, waiting = await asyncio.wait(replies, return_when=asyncio.FIRST_COMPLETED)
        refused = [await reply for reply in done]
        assert all(is_problem(reply, 503) for reply in refused)
        assert all(reply.headers["retry-after"] == "1" for reply in refused)
        assert len(waiting) == 3
        for reply in waiting:
            reply.cancel()
        for connection in connections:
            connection.abort()
        # What they held is given back when they are gone.
        await _until_taken(hub, b'{"event": "' + b"x" * (10 * MEGABYTE) + b'"}')
        await goes_on(hub)


async def _until_taken(hub: RunningHub, body: bytes) -> None:
    async with asyncio.timeout(PATIENCE):
        while (await deliver(hub, "meetingbaas", "v1", body)).status != 200:  # noqa: ASYNC110 -- nothing signals it
            await asyncio.sleep(0.05)


async def test_what_waits_for_a_store_that_does_not_answer_is_bounded_as_well(tmp_path: Path) -> None:
    """Its senders were told 503 and will come again, so the bodies they left must not pile up in memory."""
    async with asyncio.timeout(PATIENCE), running_hub(tmp_path) as hub:
        with _locked(tmp_path / "hub.db"):
            for turn in range(2):
                bodies = [b'{"event": "%d-%d", "pad": "%b"}' % (turn, n, b"x" * (12 * MEGABYTE)) for n in range(5)]
                replies = await asyncio.gather(*(deliver(hub, "meetingbaas", "v1", body) for body in bodies))
                assert {reply.status for reply in replies} == {503}
    # While the lock was held nothing was written: what is there now had all been in memory at one time.
    with contextlib.closing(sqlite3.connect(tmp_path / "hub.db")) as database:
        (kept,) = database.execute("SELECT coalesce(sum(length(body)), 0) FROM deliveries").fetchone()
    assert kept <= (64 + 16) * MEGABYTE


@EVERY_DIALECT
@pytest.mark.parametrize(
    ("body", "statuses"),
    [
        (b"", {400}),
        (b" ", {400}),
        (b"{", {400}),
        (b'{"event": "x"} trailing', {400}),
        (b"event=x&room=y", {400}),
        (b'{"event": NaN}', {400}),
        (b'{"event": Infinity}', {400}),
        (b"\xff\xfe\xfd", {400, 401}),
        ('{"event": "x"}'.encode("utf-16"), {400, 401}),
        (b'{"event": "\xc3\x28"}', {400, 401}),
        (gzip.compress(b'{"event": "x"}', mtime=0), {400, 401}),
        (b"null", {200}),
        (b"[]", {200}),
        (b'[{"event": "x"}]', {200}),
        (b'"text"', {200}),
        (b"5", {200}),
        (b"true", {200}),
        (b"{}", {200}),
        (b'{"event": null}', {200}),
        (b'{"event": {"event": {}}, "data": []}', {200}),
        (b'\xef\xbb\xbf{"event": "with-a-byte-order-mark"}', {200}),
        (b'{"event": "x", "event": "y", "event": "z"}', {200}),
        (b'{"event": "x", "n": 1e999, "m": -1e999}', {200}),
        (b'{"event": "x", "n": ' + b"9" * 4000 + b"}", {200}),
        (b'{"event": "x", "n": ' + b"9" * 5000 + b"}", {200}),
        (b"[" * 100_000 + b"]" * 100_000, {200}),
        (b'{"event":' * 100_000 + b"1" + b"}" * 100_000, {200}),
        (b'{"event": "x", "data": ' + b"[" * 900 + b"]" * 900 + b"}", {200}),
        (b'{"event": "x\\u0000y\\ud800z", "data": {"bot_id": "\\udfff\\u0000"}}', {200}),
    ],
    ids=lambda value: repr(value[:16]) if isinstance(value, bytes) else "",
)
async def test_odd_bytes_with_a_right_proof_are_kept_and_answered(
    hub: RunningHub, provider: str, dialect: str, body: bytes, statuses: set[int]
) -> None:
    """400 only for what is no JSON; a signature over text cannot be over other bytes, so there alone it is 401."""
    reply = await deliver(hub, provider, dialect, body)
    # Equal bytes may have come before, in another dialect of the same account.
    assert reply.status in statuses or (reply.status, reply.said["status"]) == (200, "duplicate"), reply
    assert reply.status != 401 or dialect == "v2"
    assert reply.said["status"] in ("accepted", "dead", "duplicate", 400, 401)


async def test_a_delivery_that_is_no_json_gets_a_problem_that_names_it(hub: RunningHub) -> None:
    """Every answer that is no success can be read in one way, and what was kept can be found."""
    reply = await deliver(hub, "livekit", "webhook", b"{no json %d" % time.time_ns())
    assert reply.said["delivery"]
    assert is_problem(reply, 400)


@EVERY_DIALECT
async def test_ten_megabytes_of_one_string_are_taken_and_shown_cut(
    hub: RunningHub, provider: str, dialect: str
) -> None:
    """Names have 256 characters, events 64 KiB, whatever comes."""
    huge = "n" * (10 * MEGABYTE)
    payload = {
        "event": "participant_joined" if provider == "livekit" else "bot.status_change",
        "id": f"EV_{time.time_ns()}",
        "room": {"sid": "RM_huge", "name": huge, "metadata": huge[:10]},
        "participant": {"sid": huge[:5000], "identity": huge[:5000], "name": huge[:5000]},
        "data": {"bot_id": f"huge-{dialect}", "bot_name": huge[:MEGABYTE], "status": {"code": "queued"}},
    }
    reply = await deliver(hub, provider, dialect, orjson.dumps(payload))
    assert (reply.status, reply.said["status"]) == (200, "accepted")
    _, log = await hub.get("/api/events?limit=1000")
    assert max(len(orjson.dumps(event)) for event in log["items"]) <= 64 * 1024
    assert max(len(word) for word in re.findall("n+", json.dumps(log))) <= 256


STRANGE = (
    "\0",
    "a\0b",
    "\ud800",
    "\udc00\ud800",
    "\U0001f600",
    "\u202e",
    "../../etc",
    "<script>",
    "a/b?c#d",
    " ",
    "é" * 300,
)


@pytest.mark.parametrize("strange", STRANGE, ids=ascii)
async def test_strange_ids_and_names_become_documents_that_can_be_read_and_followed(
    hub: RunningHub, strange: str
) -> None:
    """An id is one string in documents, topics and addresses, whatever the provider calls it."""
    mark = f"{strange}{time.time_ns()}"
    participant = {"sid": f"PA_{mark}", "identity": strange, "name": strange}
    payloads = (
        (
            "livekit",
            "webhook",
            {"event": "participant_joined", "room": {"sid": mark, "name": mark}, "participant": participant},
        ),
        ("meetingbaas", "v1", {"event": "bot.status_change", "data": {"bot_id": mark, "status": {"code": "queued"}}}),
    )
    _, before = await hub.get("/api/events?limit=1")
    for provider, dialect, payload in payloads:
        reply = await deliver(hub, provider, dialect, json.dumps(payload).encode())
        assert (reply.status, reply.said["status"]) == (200, "accepted")
    for collection, provider in (("rooms", "livekit"), ("bots", "meetingbaas")):
        _, listed = await hub.get(f"/api/{collection}?limit=1000")
        newest = max(listed["items"], key=lambda document: document["sequence"])
        assert re.fullmatch(rf"{provider}:[A-Za-z0-9._:@~-]{{1,210}}", newest["id"])
        status, document = await hub.get(f"/api/{collection}/{newest['id']}")
        assert (status, document["id"]) == (200, newest["id"])
        status, log = await hub.get(f"/api/events?topic={collection}/{newest['id']}")
        assert (status, len(log["items"]) >= 1) == (200, True)
        assert "\0" not in str(document)
    assert before is not None


# -- headers ---------------------------------------------------------------------------------------------------------


@EVERY_DIALECT
@pytest.mark.parametrize(
    "content_type",
    [
        (),
        ("Content-Type: text/plain",),
        ("Content-Type: ;;;=",),
        (b"Content-Type: \xff\xfe",),
        ("Content-Type:",),
        ("Content-Type: application/json; charset=klingon",),
    ],
    ids=["absent", "wrong", "garbage", "bytes", "empty", "charset"],
)
async def test_the_content_type_never_refuses(
    hub: RunningHub, provider: str, dialect: str, content_type: tuple[str | bytes, ...]
) -> None:
    """What a provider calls its bytes is its business."""
    body = b'{"event": "x%d"}' % time.time_ns()
    lines = [
        f"{name}: {value}" for name, value in proof(hub, provider, dialect, body).items() if name != "content-type"
    ]
    reply = await ask(hub, "POST", source_for(hub.settings, provider).path, *lines, *content_type, body=body)
    assert reply.status == 200


async def test_a_content_type_that_comes_twice_is_the_senders_mistake(hub: RunningHub) -> None:
    """HTTP itself has no meaning for it; it must not be ours."""
    reply = await ask(hub, "POST", "/api/livekit/webhook", "Content-Type: a/b", "Content-Type: c/d", body=b"{}")
    assert 400 <= reply.status < 500
    await goes_on(hub)


def _twice(headers: dict[str, str], name: str, *, right_first: bool) -> list[str]:
    """Return header lines in which one header comes twice, wrong once."""
    both = [f"{name}: {headers[name]}", f"{name}: wrong"]
    others = [f"{other}: {value}" for other, value in headers.items() if other != name]
    return others + (both if right_first else both[::-1])


@pytest.mark.parametrize(
    ("provider", "dialect", "name"),
    [
        ("livekit", "webhook", "authorization"),
        ("meetingbaas", "v1", "x-meeting-baas-api-key"),
        ("meetingbaas", "callback", "x-mb-secret"),
    ],
)
@pytest.mark.parametrize("right_first", [True, False])
async def test_one_valid_proof_suffices_wherever_it_stands(
    hub: RunningHub, provider: str, dialect: str, name: str, right_first: bool
) -> None:
    """A proxy that adds a header of its own must not lose webhooks."""
    body = b'{"event": "x%d"}' % time.time_ns()
    lines = _twice(proof(hub, provider, dialect, body), name, right_first=right_first)
    assert (await ask(hub, "POST", source_for(hub.settings, provider).path, *lines, body=body)).status == 200


@pytest.mark.parametrize("name", ["svix-id", "svix-timestamp", "svix-signature"])
@pytest.mark.parametrize("right_first", [True, False])
async def test_a_part_of_a_signature_that_comes_twice_is_read_in_one_way(
    hub: RunningHub, name: str, right_first: bool
) -> None:
    """The first counts, so that nobody can choose which of two is checked and which is used."""
    body = b'{"event": "x%d"}' % time.time_ns()
    lines = _twice(proof(hub, "meetingbaas", "v2", body), name, right_first=right_first)
    reply = await ask(hub, "POST", "/api/meeting-bot/webhook", *lines, body=body)
    assert reply.status == (200 if right_first else 401)


@EVERY_DIALECT
async def test_a_refusal_says_what_the_path_takes_and_what_was_wrong(
    hub: RunningHub, provider: str, dialect: str
) -> None:
    """Whoever sets a webhook up sees nothing else."""
    takes = {"livekit": "authorization", "meetingbaas": "x-meeting-baas-api-key"}[provider]
    path, body = source_for(hub.settings, provider).path, b'{"event": "x"}'
    wrong = [f"{name}: {value}" for name, value in proof(hub, provider, dialect, body, wrong=True).items()]
    for lines in ([], wrong):
        reply = await ask(hub, "POST", path, *lines, body=body)
        assert is_problem(reply, 401)
        assert takes in str(reply.said["detail"]).lower(), reply.said


@pytest.mark.parametrize("path", [*PATHS, "/api/rooms", "/api/stream", "/", "/healthz"])
@pytest.mark.parametrize(
    "header",
    [
        b"X-Long: " + b"a" * 8000,
        b"X-Long: " + b"a" * 20_000,
        b"X-Bytes: \xff\xfe\xc3\xa9",
        b"Authorization: Bearer \xff",
        b"Authorization: " + b"a." * 4000,
        b"Authorization: Basic dXNlcjpwYXNz",
        b'Cookie: hub_token=\xff; =;;"; $x',
        b"Cookie: " + b"a=b; " * 1500,
        b"X-Forwarded-For: " + b"1," * 3000,
        b"Last-Event-ID: \xf0\x9f\x98\x80",
        b"svix-id: \xff",
        b"svix-timestamp: 1e308",
        b"svix-signature: " + b"v1,AAAA " * 900,
        b"x-mb-secret: \xff",
        b"Content-Encoding: gzip",
        b"Content-Encoding: br, zstd, nonsense",
        b"Expect: 100-continue",
        b"Connection: upgrade\r\nUpgrade: h2c",
        b"Range: bytes=5-1",
        b"If-Modified-Since: yesterday",
        b"Accept: " + b"*/*;q=x," * 500,
        b"\r\n".join(b"X-%d: y" % number for number in range(300)),
        b"No-Colon",
        b": no name",
        b"Folded: a\r\n b",
        b"Nul: a\0b",
    ],
    ids=lambda header: ascii(header[:20]) if isinstance(header, bytes) else None,
)
async def test_no_header_makes_a_mistake_of_the_hub(hub: RunningHub, path: str, header: bytes) -> None:
    """Proxies, scanners and attackers send all of them."""
    method = "POST" if "hook" in path else "GET"
    async with wire(hub) as connection:
        await connection.send(request(method, path, header, body=b"{}" if method == "POST" else None))
        reply = await connection.reply()
        while reply.status == 100:
            reply = await connection.reply()
    assert reply.status < 500, reply


@pytest.mark.parametrize(
    "raw",
    [
        b"FOO / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /api/rooms?name=\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET " + b"/" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://x:99999999/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"\0" * 100 + b"\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=lambda raw: ascii(raw[:20]),
)
async def test_what_is_not_http_is_refused_and_the_connection_closed(hub: RunningHub, raw: bytes) -> None:
    """Somebody who speaks TLS to this port, or something else altogether."""
    async with wire(hub) as connection:
        await connection.send(raw)
        answer = await connection.rest()
    assert answer.startswith((b"HTTP/1.0 400", b"HTTP/1.1 400")), answer[:100]
    await goes_on(hub)


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /api/rooms HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 40_000 + b"\r\n\r\n",
        b"POST /api/livekit/webhook HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\nContent-Type: c/d\r\n\r\n",
        b"GET /api/rooms HTTP/1.1\r\nHost: x\r\nExpect: bananas\r\nConnection: close\r\n\r\n",
    ],
    ids=["too long", "twice", "expect"],
)
async def test_what_the_http_parser_does_not_take_is_refused_and_the_hub_goes_on(hub: RunningHub, raw: bytes) -> None:
    """It reaches no handler, so the server answers by itself, in plain text; it must not be our trouble."""
    async with wire(hub) as connection:
        await connection.send(raw)
        reply = await connection.reply()
    assert 400 <= reply.status < 500
    assert (await hub.get("/healthz"))[0] == 200


@pytest.mark.parametrize(("credentials", "status"), [((API_KEY, "wrong"), 200), (("wrong", API_KEY), 401)])
async def test_of_two_credentials_the_first_counts(hub: RunningHub, credentials: tuple[str, ...], status: int) -> None:
    """A caller has one; which of two it is must not depend on where it is looked at."""
    lines = [f"Authorization: Bearer {credential}" for credential in credentials]
    for path in ("/api/rooms", "/api/events"):
        assert (await ask(hub, "GET", path, *lines)).status == status


# -- methods, paths, parameters --------------------------------------------------------------------------------------


async def test_every_method_that_a_path_does_not_take_is_405_with_those_that_it_does(hub: RunningHub) -> None:
    """Also where the method is one that HTTP libraries add by themselves."""
    known: dict[str, set[str]] = {}
    for route in routes(hub.settings.sources):
        known.setdefault(re.sub(r"\{\w+(:[^}]+)?\}", "x", route.path), set()).add(route.method)
    for path, methods in known.items():
        for method in METHODS:
            if method in methods or (method == "HEAD" and "GET" in methods and path != "/api/stream"):
                continue
            reply = await ask(hub, method, path, KEY)
            assert reply.status == 405, (method, path)
            assert methods <= set(reply.headers["allow"].split(","))
            assert method == "HEAD" or is_problem(reply, 405)


NOWHERE = [
    "/nothing",
    "/api",
    "/api/",
    "/api/nothing",
    "/api/rooms/",
    "/api/rooms/a/b",
    "/api/livekit/webhook/",
    "/api/livekit/webhook/x",
    "/static",
    "/static/",
    "/api/meeting-bot/webhook/",
    "/api/meeting-bot/webhook/a/b",
    "//api/rooms",
    "/API/ROOMS",
    "/api/rooms%20",
    "/%2e%2e/api/rooms",
    "/index.html",
    "/.env",
    "/.git/config",
    "/wp-login.php",
    "/api/rooms;a=b",
    "/%00",
    "/%ff",
    "/api/stream/",
]


@pytest.mark.parametrize("path", NOWHERE)
async def test_an_unknown_path_is_404(hub: RunningHub, path: str) -> None:
    """For every method."""
    for method in ("GET", "POST"):
        assert is_problem(await ask(hub, method, path, KEY), 404)


TRAVERSALS = [
    "../pyproject.toml",
    "..%2fpyproject.toml",
    "%2e%2e/pyproject.toml",
    "%2e%2e%2fpyproject.toml",
    "....//pyproject.toml",
    "/etc/passwd",
    "..%5cpyproject.toml",
    "..%252fpyproject.toml",
    "%2fetc%2fpasswd",
    "..%c0%afpyproject.toml",
    "%00",
    "hub.js%00",
    "%ff",
    ".",
    "..",
    "~root",
    "file:%2f%2f%2fetc%2fpasswd",
]


@pytest.mark.parametrize("name", [*TRAVERSALS, "a" * 300, "a" * 7000], ids=lambda name: name[:24])
async def test_nothing_but_the_pages_own_files_is_served(hub: RunningHub, name: str) -> None:
    """Whatever the way there is called."""
    reply = await ask(hub, "GET", f"/static/{name}")
    assert is_problem(reply, 404)
    assert b"root:" not in reply.body


STRANGERS = [
    "x",
    "livekit:RM_nobody",
    "%00",
    "%ff",
    "%ed%a0%80",
    "%f0%9f%98%80",
    "a%2fb",
    "..%2f..",
    "%27%3b%20DROP%20TABLE%20documents%3b--",
    "%25",
    "%",
    "%zz",
    "*",
    "~~",
    "a%20b",
    "a+b",
    "a%0d%0aSet-Cookie:%20x=y",
    "[]",
    "'\"<>",
]


@pytest.mark.parametrize("path", ["/api/rooms/{}", "/api/rooms/{}/participants", "/api/bots/{}"])
@pytest.mark.parametrize("identity", [*STRANGERS, "a" * 4000, "%c3%a9" * 500], ids=lambda identity: identity[:24])
async def test_an_id_that_is_none_is_404(hub: RunningHub, path: str, identity: str) -> None:
    """It is looked for as it is, never decoded into something else."""
    reply = await ask(hub, "GET", path.format(identity), KEY)
    assert is_problem(reply, 404)
    assert "set-cookie" not in reply.headers


LISTS = ("/api/rooms", "/api/bots", "/api/events")
PARAMETERS = (
    *(f"limit={value}" for value in ("0", "-1", "1001", "x", "1.5", "1e3", "", "%D9%A3", "%00", "9" * 4000)),
    *(f"limit=000000001{more}" for more in ("9" * 6, "9" * 20, "9" * 5000)),
)


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda parameter: parameter[:24])
async def test_a_limit_that_is_none_is_refused_by_name(hub: RunningHub, path: str, parameter: str) -> None:
    """Nobody gets more than a thousand at once, however it is written."""
    reply = await ask(hub, "GET", f"{path}?{parameter}", KEY)
    assert is_problem(reply, 400)
    assert "limit" in str(reply.said["detail"])


ODDITIES = [
    "cursor=x",
    "cursor=%00",
    "cursor=W10",
    "cursor=bnVsbA==",
    "cursor=WzEsMl0=",
    "cursor=%ff",
    "cursor=%F0%9F%98%80",
    "cursor=",
    "status",
    "limit",
    "sort=",
    "sort=name",
    "sort=%00",
    "sort=trending%00",
    "status=%00",
    "status=%ed%a0%80",
    "name=%27%20OR%201=1--",
    "room_id=%ff",
    "name=%00",
    "limit=5&limit=x",
    "&&&==&",
    "%00=%00",
    "topic=&after=",
    "after=x",
    "after=%00.1",
    "after=a.b.c",
    "topic=%00",
    "topic=rooms%2f%2f",
    "topic=*&topic=*",
    "token=x",
    "reconnect=x",
    "last_event_id=x",
]
LONG_ODDITIES = (
    *("cursor=" + "A" * 6000, "cursor=" + base64.urlsafe_b64encode(b"[" * 4000).decode(), "after=x." + "9" * 400),
    *(f"{name}{'a' * 6000}" for name in ("provider=", "topic=", "")),
)


@pytest.mark.parametrize("parameter", [*ODDITIES, *LONG_ODDITIES], ids=lambda parameter: parameter[:24])
@pytest.mark.parametrize("path", LISTS)
async def test_no_parameter_makes_a_mistake_of_the_hub(hub: RunningHub, path: str, parameter: str) -> None:
    """What is wrong is refused by its name, and what is only odd finds nothing."""
    reply = await ask(hub, "GET", f"{path}?{parameter}", KEY)
    assert reply.status in (200, 400, 410), reply
    assert reply.status == 200 or is_problem(reply, reply.status)


# -- connections -----------------------------------------------------------------------------------------------------


async def test_pipelined_requests_are_answered_in_their_order(hub: RunningHub) -> None:
    """A proxy may send several at once."""
    marks = [b"pipelined-%d-%d" % (number, time.time_ns()) for number in range(3)]
    pieces = []
    for mark in marks:
        body = b'{"event": "%b"}' % mark
        pieces.append(
            request(
                "POST", "/api/meeting-bot/webhook", f"x-mb-secret: {SECRETS['MEETINGBAAS_CALLBACK_SECRET']}", body=body
            )
        )
    pieces.append(request("GET", "/nothing"))
    pieces.append(request("GET", "/healthz"))
    async with wire(hub) as connection:
        await connection.send(b"".join(pieces))
        replies = [await connection.reply() for _ in pieces]
    assert [reply.status for reply in replies] == [200, 200, 200, 404, 200]
    deliveries = [int(str(reply.said["delivery"])) for reply in replies[:3]]
    assert deliveries == sorted(set(deliveries))


async def test_a_body_that_arrives_slowly_is_taken(hub: RunningHub) -> None:
    """Mobile networks and far-away data centres are slow."""
    body = b'{"event": "slow-%d"}' % time.time_ns()
    lines = [f"{name}: {value}" for name, value in proof(hub, "livekit", "webhook", body).items()]
    whole = request("POST", "/api/livekit/webhook", *lines, body=body)
    async with wire(hub) as connection:
        await connection.send(*(whole[place : place + 40] for place in range(0, len(whole), 40)), pause=0.02)
        reply = await connection.reply()
    assert (reply.status, reply.said["status"]) == (200, "accepted")


async def test_senders_that_leave_in_the_middle_of_a_body_cost_nothing(hub: RunningHub) -> None:
    """However many, and however they leave."""
    for number in range(30):
        async with wire(hub) as connection:
            chunked = number % 2
            length = "Transfer-Encoding: chunked" if chunked else "Content-Length: 10000000"
            await connection.send(
                request("POST", "/api/livekit/webhook", length) + (b"100000\r\n" if chunked else b"") + b"x" * 500_000
            )
            if number % 3 == 0:
                connection.abort()
    await goes_on(hub)


async def test_senders_that_leave_before_the_answer_are_taken_all_the_same(hub: RunningHub) -> None:
    """What arrived whole is a delivery; its sender will send it again, and then it is a duplicate."""
    bodies = [b'{"event": "left-%d-%d"}' % (number, time.time_ns()) for number in range(20)]
    for body in bodies:
        lines = [f"{name}: {value}" for name, value in proof(hub, "meetingbaas", "v1", body).items()]
        async with wire(hub) as connection:
            await connection.send(request("POST", "/api/meeting-bot/webhook", *lines, body=body))
            connection.abort()
    await goes_on(hub)
    for body in bodies:
        assert (await deliver(hub, "meetingbaas", "v1", body)).status == 200


async def test_readers_that_leave_in_the_middle_of_an_answer_cost_nothing(hub: RunningHub) -> None:
    """Streams above all: that is how every one of them ends."""
    for target in ("/api/events?limit=1000", "/api/rooms?limit=1000", "/api/stream?topic=*") * 10:
        async with wire(hub) as connection:
            await connection.send(request("GET", target, KEY))
            await connection.up_to(b"HTTP/1.1 200")
            connection.abort()
    await goes_on(hub)


# -- anything at all -------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(
    [
        "event",
        "type",
        "id",
        "data",
        "room",
        "sid",
        "name",
        "participant",
        "identity",
        "createdAt",
        "creationTime",
        "creationTimeMs",
        "joinedAt",
        "joinedAtMs",
        "kind",
        "disconnectReason",
        "permission",
        "track",
        "egressInfo",
        "egressId",
        "roomId",
        "roomName",
        "status",
        "startedAt",
        "endedAt",
        "updatedAt",
        "fileResults",
        "duration",
        "size",
        "error",
        "ingressInfo",
        "ingressId",
        "state",
        "job",
        "bot_id",
        "botId",
        "code",
        "created_at",
        "sent_at",
        "attempt",
        "start_time",
        "bot_name",
        "meeting_url",
        "joined_at",
        "exited_at",
        "participants",
        "speakers",
        "transcript",
        "segments",
        "segment",
        "speaker",
        "text",
        "words",
        "start",
        "end",
        "mp4",
        "audio",
        "duration_seconds",
        "error_code",
        "error_message",
        "message",
        "message_id",
        "sender_name",
        "calendar_id",
    ]
)
WORDS = st.sampled_from(
    ["RM_1", "PA_1", "bot-1", "\0", "\ud800", "\udfff", "é", "x" * 400, "EGRESS_ACTIVE", "JS_RUNNING", "queued"]
)
STAMPS = st.sampled_from(
    [0, -1, 1, 1_773_151_300, 1_773_151_300_123, 2**53, 2**63, 10**18, 1e300, "1773151300", "2026-03-10T12:00:00Z"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS | STAMPS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=30,
)
EVENTS = sorted(
    {
        str(sample.payload.get("event") or sample.payload.get("type"))
        for one in PROVIDERS.values()
        for sample in one.samples(0).values()
    }
)
ANYTHING = search(60, suppress_health_check=list(HealthCheck), database=None)


@ANYTHING
@given(body=st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
async def test_whatever_bytes_come_with_a_right_proof_the_hub_answers(hub: RunningHub, body: bytes) -> None:
    """And with nothing that says that it made a mistake."""
    for provider, dialect in DIALECTS:
        reply = await deliver(hub, provider, dialect, body)
        assert reply.status in ({200, 400, 401} if dialect == "v2" else {200, 400}), reply
    assert (await deliver(hub, "meetingbaas", "v1", body, "/some-key")).status == 200


@ANYTHING
@given(event=st.sampled_from(EVENTS), payload=st.dictionaries(NAMES, JSON, max_size=8))
async def test_whatever_a_payload_says_it_is_taken(hub: RunningHub, event: str, payload: dict[str, object]) -> None:
    """And what it became can be read by everybody afterwards."""
    data = payload.get("data")
    for provider, dialect in DIALECTS:
        told = {
            **payload,
            "event": event,
            "type": event,
            "data": {"bot_id": "bot-1", **data} if isinstance(data, dict) else data,
        }
        reply = await deliver(hub, provider, dialect, json.dumps(told).encode())
        assert reply.status in (200, 400), reply
        assert reply.status == 200 or "not JSON" in str(reply.said)
        assert "could not be stored" not in str(reply.said), reply.said
        assert "translation failed" not in str(reply.said), reply.said


async def test_after_all_of_that_the_log_has_no_gap_and_every_document_can_be_read(hub: RunningHub) -> None:
    """What was let in must not break what is let out: pages, documents, snapshots."""
    sequences: list[int] = []
    following: str | None = ""
    while following is not None:
        status, page = await hub.get(f"/api/events?limit=1000&after={following}")
        assert status == 200
        for event in page["items"]:
            sequences.append(int(event["sequence"]))
            assert event["specversion"] == "1.0"
            assert parse_time(event["time"]) is not None
            assert len(orjson.dumps(event)) <= 64 * 1024
        following = page["next"]
    assert sequences == list(range(1, len(sequences) + 1))
    for collection in ("rooms", "bots"):
        _, listed = await hub.get(f"/api/{collection}?limit=1000")
        for document in listed["items"]:
            assert (await hub.get(f"/api/{collection}/{document['id']}"))[0] == 200
    (_, *snapshot) = await _greeting(hub, ("*",))
    assert snapshot[-1].data["complete"] is True
    await goes_on(hub)


# -- streams ---------------------------------------------------------------------------------------------------------


async def _seen(hub: RunningHub, query: Iterable[tuple[str, str]], last: str, **headers: str) -> list[Sent]:
    """Return what a stream brings up to the first of a name, or up to its end."""
    seen: list[Sent] = []
    async with (
        asyncio.timeout(PATIENCE),
        hub.session.get(f"{hub.url}/api/stream", params=list(query), headers=headers) as answer,
    ):
        assert answer.status == 200, await answer.text()
        async for sent in parsed(answer.content):
            seen.append(sent)
            if sent.name == last and (last != "snapshot" or sent.data["complete"]):
                break
    return seen


async def _greeting(hub: RunningHub, topics: Iterable[str], credential: str = API_KEY, **headers: str) -> list[Sent]:
    """Return how a stream begins, up to the end of the snapshot."""
    query = [("topic", topic) for topic in topics]
    return await _seen(hub, query, "snapshot", Authorization=f"Bearer {credential}", **headers)


BAD_TOPICS = (
    "",
    "room",
    "rooms/",
    "/rooms",
    "rooms/a/b",
    "rooms/%C3%A9",
    "**",
    "rooms%00",
    "rooms/%20",
    "rooms/" + "a" * 500,
    "%FF",
    "*/*",
    "Rooms",
)


@pytest.mark.parametrize("topic", BAD_TOPICS, ids=lambda topic: topic[:24])
async def test_a_topic_that_is_none_is_refused_by_name(hub: RunningHub, topic: str) -> None:
    """A stream in which nothing ever comes would look like a quiet one."""
    reply = await ask(hub, "GET", f"/api/stream?topic=rooms&topic={topic}", KEY)
    assert is_problem(reply, 400)
    assert "topic" in str(reply.said["detail"])


async def test_more_than_a_hundred_topics_are_refused(hub: RunningHub) -> None:
    """Each costs at every event."""
    topics = [f"rooms/x:{number}" for number in range(101)]
    assert is_problem(await ask(hub, "GET", "/api/stream?" + "&".join(f"topic={topic}" for topic in topics), KEY), 400)
    hello, snapshot = await _greeting(hub, topics[:100])
    assert (hello.name, snapshot.data["complete"]) == ("hello", True)


@pytest.mark.parametrize(
    "path",
    [
        "/api/stream?topic=rooms",
        "/api/rooms",
        "/api/bots",
        "/api/rooms/x",
        "/api/bots/x",
        "/api/rooms/x/participants",
        "/api/events",
    ],
)
async def test_without_a_good_credential_nothing_is_told_but_how_to_come_with_one(hub: RunningHub, path: str) -> None:
    """401 with the challenge: nothing there, something wrong, expired, forged, or made for something else."""
    other = Tokens(("another secret of another hub",))
    reconnect = str((await _greeting(hub, ["rooms"]))[0].data["reconnect_token"])
    bad = (
        "wrong",
        token("*", seconds=-1),
        token("*", tokens=other),
        token("*")[:-2],
        reconnect,
        "..",
        API_KEY + " ",
        f"{API_KEY}:read",
    )
    join = "&" if "?" in path else "?"
    for target, lines in (
        (path, []),
        *((path, [f"Authorization: Bearer {credential}"]) for credential in bad if credential.strip() != API_KEY),
        *((f"{path}{join}token={credential.strip()}", []) for credential in bad),
        *((path, [f"Cookie: hub_token={credential.strip()}"]) for credential in bad),
    ):
        reply = await ask(hub, "GET", target, *lines)
        assert is_problem(reply, 401), (target, lines)
        assert reply.headers["www-authenticate"].startswith("Bearer")


BRACKETS = tuple(
    base64.urlsafe_b64encode(opening).decode().rstrip("=") + ".c2lnbmF0dXJl"
    for opening in (b'{"x":' + b"[" * 5000, b"[" * 5000, b'{"a":' * 1100)
)


@pytest.mark.parametrize("path", ["/api/stream?topic=rooms", "/api/rooms", "/"])
@pytest.mark.parametrize("credential", BRACKETS, ids=["in an object", "in a list", "objects"])
async def test_a_token_of_nothing_but_brackets_is_refused_like_any_other(
    hub: RunningHub, path: str, credential: str
) -> None:
    """Anybody can send one, without knowing anything."""
    join = "&" if "?" in path else "?"
    replies = [
        await ask(hub, "GET", f"{path}{join}token={credential}"),
        await ask(hub, "GET", path, f"Authorization: Bearer {credential}"),
    ]
    replies += [await ask(hub, "GET", "/api/stream?reconnect=" + credential)]
    assert [reply.status for reply in replies if reply.status >= 500] == []


async def test_a_topic_that_is_not_covered_is_refused_whether_or_not_it_is_there(hub: RunningHub) -> None:
    """Word for word the same, so that nobody can find out what there is."""
    await hub.send("livekit", "room_started")
    bearer = f"Authorization: Bearer {token('rooms/livekit:RM_mine')}"
    replies = [
        await ask(hub, "GET", f"/api/stream?topic={topic}", bearer)
        for topic in (ROOM, "rooms/livekit:RM_nobody", "rooms", "*", "bots", "rooms/livekit:RM_mine&topic=rooms")
    ]
    assert all(is_problem(reply, 403) for reply in replies)
    assert len({reply.body for reply in replies}) == 1


async def test_a_reconnect_token_is_good_for_one_thing_only(hub: RunningHub) -> None:
    """It opens the stream that it was given in, for as long as that was permitted, and nothing more."""
    hello, *_ = await _greeting(hub, [ROOM], token("rooms", seconds=30))
    reconnect = str(hello.data["reconnect_token"])
    (again, *_) = await _seen(hub, [("reconnect", reconnect)], "snapshot")
    assert again.data["expires_at"] == hello.data["expires_at"]
    for target, status in (
        (f"/api/stream?reconnect={reconnect}&topic=rooms", 403),
        (f"/api/stream?reconnect={reconnect}&topic=bots", 403),
        (f"/api/stream?reconnect={reconnect[:-3]}AAA", 401),
        (f"/api/stream?reconnect={token('rooms')}", 401),
        (f"/api/stream?reconnect={API_KEY}", 401),
        (f"/api/stream?reconnect={token('rooms', seconds=-1, use=Use.RECONNECT)}", 401),
        (f"/api/rooms?token={reconnect}", 401),
    ):
        assert is_problem(await ask(hub, "GET", target), status), target
    login = await ask(hub, "GET", f"/?token={reconnect}")
    assert "login=refused" in login.headers["location"]


async def test_a_reconnect_token_that_is_refused_is_not_replaced_by_another_credential(hub: RunningHub) -> None:
    """An expired permission must not turn into the larger one of a cookie."""
    expired = token("rooms", seconds=-1, use=Use.RECONNECT)
    assert is_problem(await ask(hub, "GET", f"/api/stream?reconnect={expired}", KEY), 401)


@pytest.mark.parametrize(
    "garbage",
    [
        "x",
        "0",
        "1",
        "-1",
        ".",
        "..",
        "a.b",
        "epoch.1",
        "\U0001f600",
        "1e9.5",
        "x" * 5000,
        "'; --",
        "null",
        "00000000.0",
        "a." + "9" * 30,
    ],
)
async def test_a_place_that_cannot_be_read_is_made_good_by_the_state(hub: RunningHub, garbage: str) -> None:
    """A 400 would end the page's stream for good."""
    for query, lines in (("", [f"Last-Event-ID: {garbage}"]), (f"&last_event_id={quote(garbage)}", [])):
        async with wire(hub) as connection:
            await connection.send(request("GET", f"/api/stream?topic=rooms{query}", KEY, *lines))
            head = await connection.reply(bodyless=True)
            assert head.status == 200
            told = await connection.up_to(b'"complete":true')
        assert "event: reset" in told
        assert "epoch_changed" in told
        assert '"resumed":false' in told
        assert told.index("event: hello") < told.index("event: reset") < told.index("event: snapshot")


async def test_a_place_ahead_of_the_log_is_no_place(hub: RunningHub) -> None:
    """It was of another log, or of one that was lost: to wait there would be to wait for ever."""
    _, before = await hub.get("/api/events?limit=1")
    epoch = str(before["items"][0]["id"]).partition(".")[0]
    names = [sent.name for sent in await _greeting(hub, ["rooms"], **{"Last-Event-ID": f"{epoch}.{10**15}"})]
    assert names[:3] == ["hello", "reset", "snapshot"]


async def test_the_place_in_the_header_wins_over_the_one_in_the_address(hub: RunningHub) -> None:
    """The browser keeps the one up to date, and nobody the other."""
    await goes_on(hub)
    _, log = await hub.get("/api/events?topic=rooms&limit=1000")
    head = log["items"][-1]["id"]
    query = [("topic", "rooms"), ("last_event_id", "garbage")]
    seen = await _seen(hub, query, "heartbeat", Authorization=f"Bearer {API_KEY}", **{"Last-Event-ID": head})
    assert seen[0].data["resumed"] is True
    assert [sent for sent in seen if sent.name in ("reset", "snapshot")] == []
    seen = await _seen(
        hub, [("topic", "rooms"), ("last_event_id", head)], "heartbeat", Authorization=f"Bearer {API_KEY}"
    )
    assert seen[0].data["resumed"] is True


async def test_a_token_for_one_room_neither_sees_nor_guesses_another(tmp_path: Path) -> None:
    """Live, replayed, in snapshots and by REST: what is not its own is not there."""
    async with running_hub(tmp_path, HUB_STREAM__HEARTBEAT="0.2") as hub:
        for room in ("mine", "yours"):
            await _join(hub, room, "early")
        mine = token("rooms/livekit:RM_mine")
        viewer = Viewer(hub.url, mine, ("rooms/livekit:RM_mine",))
        following = asyncio.create_task(_collected(hub, viewer))
        await until(lambda: bool(viewer.statuses))
        for _ in range(3):
            await _join(hub, "yours")
            await _join(hub, "mine")
        await hub.send("meetingbaas", "bot.completed")
        seen = await following
        replayed = await _seen(
            hub, [("last_event_id", seen[1].id.partition(".")[0] + ".0")], "heartbeat", Authorization=f"Bearer {mine}"
        )
        everything = str(seen) + str(replayed)
        assert everything.count("RM_mine") > 5
        assert "yours" not in everything
        assert "bots" not in {str(sent.data.get("subject", "")).partition("/")[0] for sent in [*seen, *replayed]}
        bearer = f"Authorization: Bearer {mine}"
        for path in ("/api/rooms/livekit:RM_{}", "/api/rooms/livekit:RM_{}/participants"):
            hidden, missing = [await ask(hub, "GET", path.format(room), bearer) for room in ("yours", "nobody")]
            assert is_problem(hidden, 404)
            assert hidden.body == missing.body
        for path in ("/api/rooms?limit=1000", "/api/bots", "/api/events?limit=1000", "/api/rooms?name=yours"):
            assert b"yours" not in (await ask(hub, "GET", path, bearer)).body


async def _join(hub: RunningHub, room: str, who: str = "") -> None:
    """Let somebody join a room, which has the same name everywhere."""
    person = who or str(time.time_ns())
    payload = {"sid": f"RM_{room}", "name": room}
    status, _ = await hub.send(
        "livekit", "participant_joined", id=f"{room}{person}", room=payload, participant={"sid": f"PA_{room}_{person}"}
    )
    assert status == 200


async def _collected(hub: RunningHub, viewer: Viewer) -> list[Sent]:
    """Return what a viewer sees up to its third event."""
    seen: list[Sent] = []
    async with asyncio.timeout(PATIENCE):
        async for sent in viewer.once(hub.session):
            seen.append(sent)
            if sum(not one.name for one in seen) == 3:
                break
    return seen


async def test_viewers_of_a_full_hub_are_told_to_come_back(tmp_path: Path) -> None:
    """200, when to come back, goodbye: EventSource gives up for good on anything else."""
    async with running_hub(tmp_path, HUB_STREAM__MAX_VIEWERS="2") as hub, contextlib.AsyncExitStack() as viewers:
        for _ in range(2):
            connection = await viewers.enter_async_context(wire(hub))
            await connection.send(request("GET", "/api/stream?topic=rooms", KEY))
            assert (await connection.reply(bodyless=True)).status == 200
        async with wire(hub) as connection:
            await connection.send(request("GET", "/api/stream?topic=rooms", KEY, "Connection: close"))
            told = await connection.rest()
        assert told.startswith(b"HTTP/1.1 200")
        assert re.search(rb"retry: \d{4}\nevent: bye\ndata: {\"reason\":\"overloaded\",\"reconnect\":true}\n\n", told)
        assert told.endswith(b"0\r\n\r\n")
        await goes_on(hub)


async def test_a_permission_that_ends_in_the_middle_ends_the_stream(tmp_path: Path) -> None:
    """Bye, and nothing after it, whatever happens in that moment."""
    clock = Clock(now_ms())
    async with running_hub(tmp_path, clock) as hub:
        credential = token("rooms", seconds=30)
        ending = asyncio.create_task(_seen(hub, [("topic", "rooms")], "never", Authorization=f"Bearer {credential}"))
        async with asyncio.timeout(PATIENCE):
            while not await hub.viewers():
                pass
        while not ending.done():
            await _join(hub, "busy")
            clock.advance(1)
        seen = await ending
        assert (seen[-1].name, seen[-1].data) == ("bye", {"reason": "expired", "reconnect": False})
        end = parse_time(str(seen[0].data["expires_at"]))
        assert all(parse_time(str(sent.data["receivedat"])) <= end for sent in seen if not sent.name)
        assert is_problem(await ask(hub, "GET", "/api/stream?topic=rooms", f"Authorization: Bearer {credential}"), 401)


# -- secrets ---------------------------------------------------------------------------------------------------------

HIDDEN_WORDS = {
    "X-Amz-Signature": "links that open recordings for anybody",
    "turnPassword": "LiveKit's TURN credentials",
    "sample-turn-password": "LiveKit's TURN credentials",
    "streamKey": "with it anybody can stream into the room",
    "sample-stream-key": "with it anybody can stream into the room",
    "geheimer-strom": "with it anybody can stream into the room",
    "acme.example": "e-mail addresses",
    "authuser": "the query of a meeting's address",
    "secret-metadata": "what customers put into metadata",
    "tenant_id": "what customers get back in extra",
}
EXTRA: dict[str, dict[str, object]] = {
    "livekit": {
        "room.metadata": "secret-metadata",
        "room.turnPassword": "sample-turn-password",
        "participant.metadata": "secret-metadata",
    },
    "meetingbaas": {"data.user_data": "ann@acme.example", "data.secret": "secret-metadata"},
    "100ms": {"data.user_data": "ann@acme.example", "data.secret": "secret-metadata"},
    "pulse": {"participant.metadata": "secret-metadata", "stream_key": "secret-metadata"},
}


@pytest.mark.parametrize("log_format", ["text", "json"])
async def test_no_secret_leaves_the_hub_in_its_log_or_in_an_answer(tmp_path: Path, log_format: str) -> None:
    """After everything that is sent in earnest, by mistake and in malice, at every level of logging."""
    process = HubProcess(tmp_path, HUB_LOG__FORMAT=log_format, HUB_LOG__LEVEL="debug")
    await asyncio.to_thread(process.start)
    try:
        async with _client_of(process) as hub:
            carried, answers = await _everything_that_is_sent(hub)
            shown = await _everything_that_is_shown(hub)
        await asyncio.to_thread(process.stop)
    finally:
        process.kill()
    log = "\n".join(line for line in process.log.read_text().splitlines() if "Dashboard:" not in line)
    hidden = HIDDEN_WORDS | {secret: name for name, secret in SECRETS.items() if name != "LIVEKIT_API_KEY"}
    hidden |= dict.fromkeys(carried, "a credential that was sent")
    quoted = {text for text in _texts_of_samples() if text in log}
    leaks = {
        (place, reason)
        for place, content in (("log", log), ("shown", shown), ("answer", answers))
        for word, reason in hidden.items()
        if word in content
    }
    assert len(carried) > 100
    assert "delivery.taken" in log
    assert leaks == set()
    assert quoted == set()


def _texts_of_samples() -> set[str]:
    """Return what the bodies of all samples say, but for the names of events, which are logged."""
    now = time.time_ns() // 1_000_000
    samples = [sample.payload for provider in PROVIDERS.values() for sample in provider.samples(now).values()]
    names = {str(payload.get("event") or payload.get("type")) for payload in samples}
    texts = {text for payload in samples for text in _texts_in(payload) if len(text) >= 8}
    assert len(texts) > 300
    return {text for text in texts if not any(text in name for name in names)}


def _texts_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts_in(one)


@contextlib.asynccontextmanager
async def _client_of(process: HubProcess) -> AsyncIterator[RunningHub]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as session:
        yield RunningHub(process.url, process.login_url(), process.settings, session)


async def _everything_that_is_sent(hub: RunningHub) -> tuple[set[str], str]:
    """Send every sample, rightly and wrongly proved, and every sort of refused request; return the credentials."""
    carried: set[str] = set()
    answers: list[str] = []
    public = {"content-type", "user-agent", "svix-id", "svix-timestamp", "x-pulse-event"}
    for provider in PROVIDERS:
        source = source_for(hub.settings, provider)
        now = time.time_ns() // 1_000_000
        for name in PROVIDERS[provider].samples(now):
            sample = with_values(
                sample_for(provider, name, now), [f"{path}={value}" for path, value in EXTRA[provider].items()]
            )
            body = orjson.dumps(sample.payload)
            for wrong in (False, True):
                headers = dict(signed(source, sample, body, now, wrong=wrong))
                carried |= {value for key, value in headers.items() if key not in public and value != "wrong"}
                async with hub.session.request(
                    sample.method, hub.url + source.path, data=body, headers=headers
                ) as answer:
                    assert answer.status == (401 if wrong else 200)
                    answers.append(await answer.text())
    access, reconnect = token("*"), token("*", use=Use.RECONNECT)
    carried |= {access, reconnect, "the-bots-own-path-key", hub.login_url.partition("token=")[2]}
    proved = f"x-mb-secret: {SECRETS['MEETINGBAAS_CALLBACK_SECRET']}"
    # What breaks a parser, a translator or a handler is logged with what it was about.
    for raw in (
        request("POST", "/api/meeting-bot/webhook/the-bots-own-path-key", body=b"{}"),
        request("POST", "/api/meeting-bot/webhook/the-bots-own-path-key", proved, body=b"{"),
        request(
            "POST",
            "/api/meeting-bot/webhook",
            proved,
            body=b'{"event": "ann@acme.example https://x/?X-Amz-Signature=5"}',
        ),
        request("POST", "/api/meeting-bot/webhook", proved + "\0", body=b"{}"),
        request("GET", f"/api/rooms?token={access}"),
        request("GET", f"/api/rooms?token={access}&limit=x"),
        request("GET", f"/api/rooms?token={access}&limit=000000001{'9' * 30}"),
        request("GET", f"/static/{'a' * 300}?token={access}", KEY),
        request("GET", f"/api/stream?token={access}&topic=nonsense"),
        request("GET", f"/api/rooms?token={reconnect}"),
        request("GET", f"/?token={access}"),
        request("GET", f"/?token={BRACKETS[0]}"),
        request("GET", f"/nothing?token={access}", KEY),
        request("GET", f"/api/rooms?token={access}\xff".encode("latin-1")),
        request("GET", f"/api/stream?reconnect={reconnect}\x01"),
        request("GET", "/api/rooms", KEY + "\0"),
        request("GET", "/api/rooms", KEY, "No-Colon"),
        request("DELETE", "/api/rooms", KEY),
    ):
        async with wire(hub) as connection:
            await connection.send(raw)
            answers.append((await connection.reply()).body.decode())
    # To the sender of a malformed request its own line may be shown; nobody else sees that answer.
    own = [answer for answer in answers if answer.startswith("{")]
    return carried, "\n".join(own)


async def _everything_that_is_shown(hub: RunningHub) -> str:
    """Return every event, document and snapshot."""
    shown: list[object] = []
    following: str | None = ""
    while following is not None:
        _, page = await hub.get(f"/api/events?limit=1000&after={following}")
        shown.append(page)
        following = page["next"]
    topics = ["*"]
    for collection in ("rooms", "bots"):
        _, listed = await hub.get(f"/api/{collection}?limit=1000")
        for document in listed["items"]:
            topics.append(f"{collection}/{document['id']}")
            shown.append(await hub.get(f"/api/{collection}/{document['id']}"))
            if collection == "rooms":
                shown.append(await hub.get(f"/api/rooms/{document['id']}/participants"))
    for topic in topics:
        # The greeting holds a reconnect token, which is for the one who gets it.
        shown += (await _greeting(hub, [topic]))[1:]
    assert len(topics) > 4
    return repr(shown)


@pytest.mark.parametrize("log_format", ["text", "json"])
async def test_a_defect_is_logged_without_what_variables_held(log_format: str) -> None:
    """Tracebacks with local variables are full of bodies and keys."""
    script = (
        "import structlog; from hub import telemetry; from hub.settings import Log\n"
        f"telemetry.set_up(Log(format={log_format!r}))\n"
        "def fail(credential):\n"
        "    raise LookupError('on purpose')\n"
        "try:\n"
        "    fail('geheim' + 'nis')\n"
        "except LookupError:\n"
        "    structlog.get_logger().exception('request.failed')\n"
    )
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert "request.failed" in done.stderr
    assert "LookupError" in done.stderr
    assert "geheimnis" not in done.stderr


# -- limits and trouble ----------------------------------------------------------------------------------------------


async def test_failures_from_one_address_are_answered_shortly_and_a_right_proof_as_ever(tmp_path: Path) -> None:
    """From three hundred a minute on; a provider may share the address with whoever guesses."""
    async with running_hub(tmp_path) as hub:
        # The minute may turn in the middle, once.
        statuses = [(await _fail(hub)).status for _ in range(300)]
        assert set(statuses) == {401}
        while (reply := await _fail(hub)).status == 401:
            statuses.append(401)
            assert len(statuses) < 700
        assert is_problem(reply, 429)
        assert reply.headers["retry-after"]
        for provider, dialect in DIALECTS:
            assert (await deliver(hub, provider, dialect, b'{"event": "x-%b"}' % dialect.encode())).status == 200
        assert (await ask(hub, "POST", "/api/livekit/webhook", body=b"{}")).status == 401


async def _fail(hub: RunningHub) -> Reply:
    return await ask(hub, "POST", "/api/meeting-bot/webhook", "x-mb-secret: guess", body=b"{}")


@contextlib.contextmanager
def _locked(file: Path) -> Iterable[None]:
    """Hold the write lock of a database, as a backup that hangs does."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


async def test_a_store_that_does_not_take_anything_is_our_trouble_and_passes(tmp_path: Path) -> None:
    """In time for the provider, visible to operators and viewers, and over as soon as it is over."""
    async with running_hub(tmp_path, HUB_STREAM__HEARTBEAT="0.3") as hub:
        await goes_on(hub)
        with _locked(tmp_path / "hub.db"):
            begun = time.monotonic()
            reply = await deliver(hub, "livekit", "webhook", b'{"event": "x", "id": "EV_locked"}')
            assert time.monotonic() - begun < 4
            assert is_problem(reply, 503)
            assert reply.headers["retry-after"] == "1"
            await _until_degraded(hub, is_so=True)
            # What needs no writing goes on.
            assert (await hub.get("/api/rooms"))[0] == 200
            beats = await _seen(hub, [("topic", "rooms")], "heartbeat", Authorization=f"Bearer {API_KEY}")
            assert beats[-1].data["degraded"] is True
        reply = await deliver(hub, "livekit", "webhook", b'{"event": "x", "id": "EV_locked"}')
        assert reply.status == 200
        await _until_degraded(hub, is_so=False)
        await goes_on(hub)


async def test_trouble_that_is_over_is_not_shown_until_somebody_happens_to_send_something(tmp_path: Path) -> None:
    """A quiet hub must not look broken all night because of one bad minute."""
    async with running_hub(tmp_path) as hub:
        with _locked(tmp_path / "hub.db"):
            assert (await deliver(hub, "livekit", "webhook", b'{"event": "x"}')).status == 503
            await _until_degraded(hub, is_so=True)
        await _until_degraded(hub, is_so=False)


async def _until_degraded(hub: RunningHub, *, is_so: bool) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            status, said = await hub.get("/readyz")
            assert (status, said["status"]) == (200, "ready")
            if said["degraded"] is is_so:
                assert bool(said["reasons"]) is is_so
                return
            await asyncio.sleep(0.05)
