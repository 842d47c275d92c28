"""The same stream over a WebSocket, where the client may say something too."""

import asyncio
from collections.abc import Coroutine, Mapping

import msgspec
import structlog
from aiohttp import ClientError, WSCloseCode, WSMessage, WSMsgType, web

from handlers.access import Access, Caller
from handlers.addresses import client_address
from handlers.connections import SocketConnection
from handlers.parts import ACCESS, DESK, FANOUT, SETTINGS
from handlers.viewing import limited, opening, parse_topics, permitted, seated, serve
from hub.errors import BadRequest, Forbidden, Gone, HubError, TokenRefused, TooMany
from hub.fanout import Fanout
from hub.subscriber import Subscriber
from hub.wire import Form

PROTOCOL = "hub.v1"
MESSAGE_LIMIT = 64 * 1024
# What one client may say in so many seconds.
MESSAGES = 200
MESSAGES_SECONDS = 10.0
TURNS = 20
_CLOSING_SECONDS = 2.0
# What a stream ended for, as the code that its connection is closed with (RFC 6455 and IANA; 4000 and more are ours).
CLOSE_CODES: Mapping[str, int] = {
    "drain": WSCloseCode.SERVICE_RESTART,
    "overloaded": WSCloseCode.TRY_AGAIN_LATER,
    "expired": 4401,
}
_ERRORS: Mapping[type[HubError], str] = {
    BadRequest: "bad_request",
    Forbidden: "forbidden",
    TokenRefused: "unauthorized",
    TooMany: "too_many",
}

log = structlog.get_logger()


class Subscribe(msgspec.Struct, tag_field="action", tag="subscribe", frozen=True):
    """Follow these topics too; the state of those that are new comes first."""

    topics: tuple[str, ...]


class Unsubscribe(msgspec.Struct, tag_field="action", tag="unsubscribe", frozen=True):
    """Follow these topics no more."""

    topics: tuple[str, ...]


class Authenticate(msgspec.Struct, tag_field="action", tag="authenticate", frozen=True):
    """Go on with another token, before the permission ends."""

    token: str


class Ping(msgspec.Struct, tag_field="action", tag="ping", frozen=True):
    """Ask for a `pong`."""


Action = Subscribe | Unsubscribe | Authenticate | Ping
_decoder: msgspec.json.Decoder[Action] = msgspec.json.Decoder(Action)


class _TalksTooMuch(HubError):
    """The client says more than anybody has to."""


async def websocket(request: web.Request) -> web.StreamResponse:
    """`GET /api/ws?topic=…`: what `/api/stream` tells, each as a JSON text `{"event", "id", "data"}`."""
    opened = opening(request)
    request.app[ACCESS].demand_welcome(request, opened.caller)
    socket = web.WebSocketResponse(
        protocols=(PROTOCOL,), compress=False, max_msg_size=MESSAGE_LIMIT, timeout=_CLOSING_SECONDS
    )
    if not socket.can_prepare(request):
        raise BadRequest(f"this path takes a WebSocket (version 13, subprotocol {PROTOCOL})")
    try:
        writer = await socket.prepare(request)
        connection = SocketConnection(request, writer, Form.WEBSOCKET, request.app[SETTINGS].stream.stall)
    except (ConnectionError, Gone):
        return socket
    with seated(request, connection, opened) as viewer:
        conversation = Conversation(viewer, connection, request.app[FANOUT], request.app[ACCESS], opened.caller)
        code = await _meet(socket, conversation, serve(request, viewer, opened.wish))
        if code == WSCloseCode.POLICY_VIOLATION:
            log.warning("viewer.talks", address=client_address(request, request.app[SETTINGS].server.trusted_proxies))
            request.app[DESK].counts.drop("viewer", "talkative")
    await _close(socket, connection, code)
    return socket


class Conversation:
    """What one client says, and the answers."""

    def __init__(
        self, viewer: Subscriber, connection: SocketConnection, fanout: Fanout, access: Access, caller: Caller
    ) -> None:
        self.viewer = viewer
        self._connection = connection
        self._fanout = fanout
        self._access = access
        self._caller = caller
        # What it will follow when everything that it said has come into effect.
        self._asked = viewer.grant.asked
        self._said = 0
        self._counted_at = 0.0

    async def hold(self, socket: web.WebSocketResponse) -> None:
        """Answer until the client is gone, which raises Gone; or until it says too much, which raises as well."""
        try:
            async for said in socket:
                self._count()
                self._hear(said)
                # Who does not read what it asked for is not heard any further.
                await self._connection.drain()
        except (ClientError, ConnectionError) as lost:
            # It asked for a pong and left before it came.
            raise Gone("the connection is lost") from lost
        raise Gone("the peer has left")

    def _count(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._counted_at > MESSAGES_SECONDS:
            self._counted_at, self._said = now, 0
        self._said += 1
        if self._said > MESSAGES:
            raise _TalksTooMuch

    def _hear(self, said: WSMessage) -> None:
        try:
            self._do(_action(said))
        except tuple(_ERRORS) as problem:
            self.viewer.send("error", {"code": _ERRORS[type(problem)], "message": str(problem)})

    def _do(self, action: Action) -> None:
        match action:
            case Subscribe(topics):
                self._turn_to(self._asked | permitted(self._caller, parse_topics(topics)), "subscribed")
            case Unsubscribe(topics):
                self._turn_to(self._asked - parse_topics(topics), "unsubscribed")
            case Authenticate(token):
                self._authenticate(token)
            case Ping():
                self.viewer.send("pong", {})

    def _turn_to(self, asked: frozenset[str], answer: str) -> None:
        if self.viewer.turns >= TURNS:
            raise TooMany("wait for the answers to what was said before")
        self._asked = limited(asked)
        self.viewer.turn_to(asked, answer)
        self._fanout.recall(self.viewer)

    def _authenticate(self, token: str) -> None:
        caller = self._access.bearer(token)
        caller.demand("read")
        # Also what it will follow no more: as long as it does, it is by this permission.
        permitted(caller, self._asked | self.viewer.following)
        self._caller = caller
        viewer = self.viewer
        viewer.grant = viewer.grant.renewed(caller.topics, caller.expires_at)
        self._fanout.renew(viewer)
        viewer.send("authenticated", {"expires_at": viewer.grant.expiry})
        viewer.send_token()


async def _meet(socket: web.WebSocketResponse, conversation: Conversation, serving: Coroutine[None, None, None]) -> int:
    """Serve a viewer while its client may talk; return the code to close the connection with."""
    is_welcome = True
    try:
        async with asyncio.TaskGroup() as tasks:
            talking = tasks.create_task(conversation.hold(socket))
            await serving
            talking.cancel()
    except* Gone:
        # It has left: no line of the log, as for whoever leaves `/api/stream`.
        pass
    except* _TalksTooMuch:
        is_welcome = False
    ending = conversation.viewer.ending
    return CLOSE_CODES.get(ending, WSCloseCode.OK) if is_welcome else WSCloseCode.POLICY_VIOLATION


async def _close(socket: web.WebSocketResponse, connection: SocketConnection, code: int) -> None:
    """Say goodbye, but wait for nobody who does not read it."""
    try:
        async with asyncio.timeout(_CLOSING_SECONDS):
            await socket.close(code=code)
    except TimeoutError:
        connection.abort()


def _action(said: WSMessage) -> Action:
    if said.type is not WSMsgType.TEXT:
        raise BadRequest("expected text")
    try:
        return _decoder.decode(said.data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as problem:
        raise BadRequest(f"expected an action as JSON: {problem}") from None
