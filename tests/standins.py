"""Providers that tests ask, as real servers: they answer as the real ones are documented to, with their faults."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeVar

import jwt
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler
from livekit.protocol.models import ParticipantInfo, Room
from livekit.protocol.room import (
    ListParticipantsRequest,
    ListParticipantsResponse,
    ListRoomsRequest,
    ListRoomsResponse,
)

LIVEKIT_KEY, LIVEKIT_SECRET = "APItestkey123", "lk-test-secret-0123456789abcdef0123456789"
HMS_KEY, HMS_SECRET = "hms-access-key", "hms-app-secret-0123456789-0123456789"
# Tests move their clocks.
_ANY_TIME = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
Said = dict[str, Any]  # whatever JSON holds


Served = TypeVar("Served", bound="StandIn")


class StandIn:
    """A provider whose answers a test decides."""

    def __init__(self) -> None:
        # What was asked, in order.
        self.asked: list[str] = []
        # What is answered instead of anything else; 0: what is right.
        self.status = 0
        # Cleared: nothing is answered.
        self.answers = asyncio.Event()
        self.answers.set()
        self.url = ""

    def routes(self) -> list[web.RouteDef]:
        """Return what it can be asked."""
        raise NotImplementedError

    async def faults(self, asked: str) -> None:
        """Take note of a question, and fail if this is what the test wants."""
        self.asked.append(asked)
        await self.answers.wait()
        if self.status:
            raise Fault(self.status)


class Fault(Exception):
    """What a test wants to be answered."""

    def __init__(self, status: int) -> None:
        self.status = status


@web.middleware
async def _faulty(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Fault as fault:
        return web.json_response({"code": "unavailable", "msg": "a fault"}, status=fault.status)


@contextlib.asynccontextmanager
async def serving(stand_in: Served) -> AsyncIterator[Served]:
    """Serve it on a port of the system's choice."""
    app = web.Application(middlewares=[_faulty])
    app.add_routes(stand_in.routes())
    async with TestServer(app) as server:
        stand_in.url = str(server.make_url("")).rstrip("/")
        try:
            yield stand_in
        finally:
            stand_in.answers.set()


class LiveKitStandIn(StandIn):
    """A LiveKit server: rooms by name, each with who is in it."""

    def __init__(self, keys: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.keys = dict(keys or {LIVEKIT_KEY: LIVEKIT_SECRET})
        self.rooms: dict[str, tuple[Room, dict[str, ParticipantInfo]]] = {}
        # Answered instead of rooms, if anything.
        self.nonsense = b""
        # A room of this name is gone as soon as it was listed.
        self.vanishing = ""
        # Of a room of this name nobody says who is in it.
        self.broken = ""

    def start(self, name: str, sid: str, at: int) -> None:
        """Let a room begin, at a time in milliseconds; one of that name is over."""
        room = Room(sid=sid, name=name, creation_time=at // 1000, creation_time_ms=at, num_participants=99)
        room.turn_password, room.metadata = "turn-secret", '{"tenant":"acme"}'
        self.rooms[name] = (room, {})

    def join(self, name: str, sid: str, at: int, **told: Any) -> None:
        """Let somebody come."""
        told = {"identity": f"id-{sid}", "name": "Ann", "state": ParticipantInfo.State.ACTIVE, **told}
        one = ParticipantInfo(sid=sid, joined_at=at // 1000, joined_at_ms=at, metadata="secret-note", **told)
        self.rooms[name][1][sid] = one

    def leave(self, name: str, sid: str) -> None:
        """Let somebody go."""
        del self.rooms[name][1][sid]

    def routes(self) -> list[web.RouteDef]:
        """Return the two calls of Twirp that the hub makes."""
        base = "/twirp/livekit.RoomService"
        return [
            web.post(f"{base}/ListRooms", self._list_rooms),
            web.post(f"{base}/ListParticipants", self._list_participants),
        ]

    async def _list_rooms(self, request: web.Request) -> web.Response:
        await self.faults("ListRooms")
        if not self._grants(request).get("roomList"):
            return _refusal()
        ListRoomsRequest.FromString(await request.read())
        answer = ListRoomsResponse(rooms=[room for room, _ in self.rooms.values()])
        self.rooms.pop(self.vanishing, None)
        return web.Response(body=self.nonsense or answer.SerializeToString(), content_type="application/protobuf")

    async def _list_participants(self, request: web.Request) -> web.Response:
        name = ListParticipantsRequest.FromString(await request.read()).room
        await self.faults(f"ListParticipants {name}")
        if name == self.broken:
            raise Fault(503)
        grants = self._grants(request)
        if not (grants.get("roomAdmin") and grants.get("room") == name):
            return _refusal()
        if name not in self.rooms:
            return web.json_response({"code": "not_found", "msg": "no such room"}, status=404)
        answer = ListParticipantsResponse(participants=list(self.rooms[name][1].values()))
        return web.Response(body=answer.SerializeToString(), content_type="application/protobuf")

    def _grants(self, request: web.Request) -> Said:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        try:
            issuer = jwt.decode(token, options={"verify_signature": False})["iss"]
            claims = jwt.decode(token, self.keys[issuer], algorithms=["HS256"])
        except (jwt.InvalidTokenError, KeyError):
            return {}
        return claims.get("video", {})


def _refusal() -> web.Response:
    return web.json_response({"code": "unauthenticated", "msg": "permissions denied"}, status=401)


class HmsStandIn(StandIn):
    """A 100ms account: sessions by id, and deliveries that failed."""

    page = 2

    def __init__(self) -> None:
        super().__init__()
        self.sessions: dict[str, Said] = {}
        self.failed = 0
        self.replays: list[Said] = []
        # Answered instead of sessions, if anything.
        self.page_of_html = b""
        # Id of a session that it fails to tell of.
        self.broken = ""

    def open(self, session: str, room: str, at: str, **peers: Said) -> None:
        """Let a session begin."""
        told = {"id": session, "room_id": room, "active": True, "created_at": at, "updated_at": at}
        self.sessions[session] = {**told, "customer_id": "c1", "peers": peers}

    def close(self, session: str, at: str) -> None:
        """Let it end, with everybody who is in it."""
        told = self.sessions[session]
        told |= {"active": False, "updated_at": at}
        for peer in told["peers"].values():
            peer.setdefault("left_at", at)

    def routes(self) -> list[web.RouteDef]:
        """Return what the hub asks of 100ms."""
        return [
            web.get("/v2/sessions", self._list),
            web.get("/v2/sessions/{id}", self._session),
            web.get("/v2/analytics/webhooks", self._failed),
            web.post("/v2/analytics/webhooks/replay", self._replay),
        ]

    async def _check(self, request: web.Request) -> None:
        await self.faults(f"{request.method} {request.path}")
        claims = jwt.decode(
            request.headers["Authorization"].removeprefix("Bearer "),
            HMS_SECRET,
            algorithms=["HS256"],
            options=_ANY_TIME,
        )
        assert claims["access_key"] == HMS_KEY
        assert (claims["type"], claims["version"]) == ("management", 2)
        assert claims["jti"] and claims["exp"] > claims["iat"] == claims["nbf"]

    async def _list(self, request: web.Request) -> web.Response:
        await self._check(request)
        assert request.query["active"] == "true" and 10 <= int(request.query["limit"]) <= 100
        if self.page_of_html:
            return web.Response(body=self.page_of_html)
        active = [one for one in self.sessions.values() if one["active"]]
        ids = [one["id"] for one in active]
        begin = ids.index(request.query["start"]) + 1 if "start" in request.query else 0
        some = active[begin : begin + self.page]
        return web.json_response({"limit": self.page, "data": some, "last": some[-1]["id"] if some else ""})

    async def _session(self, request: web.Request) -> web.Response:
        await self._check(request)
        if request.match_info["id"] == self.broken:
            raise Fault(500)
        session = self.sessions.get(request.match_info["id"])
        if session is None:
            return web.json_response({"code": 404, "message": "session not found"}, status=404)
        return web.json_response(session)

    async def _failed(self, request: web.Request) -> web.Response:
        await self._check(request)
        assert request.query["status"] == "failed"
        return web.json_response({"events": [{"event_id": str(one)} for one in range(self.failed)]})

    async def _replay(self, request: web.Request) -> web.Response:
        await self._check(request)
        self.replays.append(await request.json())
        return web.json_response({"workflow_id": "w", "status": "started"})
