"""Launching bots: `POST /api/bots`."""

import asyncio
import contextlib
import re
import secrets
from urllib.parse import quote, urlsplit

import msgspec
import orjson
from aiohttp import web

from handlers.access import Caller
from handlers.answers import answer, asked, demanded
from handlers.parts import ACCESS, LAUNCHES, NOW, SEALS, SETTINGS, STORE
from handlers.providers.path_keys import path_key
from handlers.providers.registry import LAUNCHED_WITH
from hub.errors import BadRequest, Expired, OtherOrder, StorageUnavailable, UnderWay
from hub.events import Position, format_time
from hub.launches.launches import Launches
from hub.launches.words import Asked, asked_of, launch_id_of, launched_document, may_be_repeated
from hub.ports import Document, Reading
from hub.ports.dispatch import Order
from hub.redaction import clean, harmless
from hub.seals import Seals
from hub.tokens import LONGEST_SECONDS, Claims, Use

_NAME_LIMIT = 255
_URL_LIMIT = 4096
_EXTRA_LIMIT = 16 * 1024
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_PURPOSE = "order"
_OTHER = "this Idempotency-Key was given before with another order: what differs needs another key"
# For a launch that is under way, before somebody who asks for it again is told to come back.
_WAIT_SECONDS = 3.0
_LOOK_SECONDS = 0.25
# Options are kept for people to look at: what is a number or a switch, and words that are none of anybody's.
_PLAIN_WORDS = frozenset({"recording_mode", "provider", "language", "audio_frequency"})
_SECRET_WORDS = re.compile(r"key|secret|token|pass|pwd|auth|cred|jwt|sdk|zoom|pin|code|access", re.IGNORECASE)


async def launch(request: web.Request) -> web.Response:
    """`POST /api/bots {meeting_url, bot_name, extra?, …}` → 201 `{bot, token, expires_at, stream_url, websocket_url}`.

    With an `Idempotency-Key` that was given before → 200 and the bot of then. What is not `meeting_url`, `bot_name` or
    `extra` is an option of the provider's, and handed on.
    """
    caller = demanded(request, "launch")
    caller.narrowed(frozenset({"bots"}))
    launches = request.app[LAUNCHES]
    own = launches.dispatcher.own_options
    key = _key(request)
    said = await asked(request)
    text = _text(said)
    order = _order(request, said, launch_id_of(key), own)
    wanted = Asked(
        provider=launches.dispatcher.provider,
        launch_id=order.launch_id,
        name=harmless(clean(order.bot_name)),
        meeting_url=_shown_url(order.meeting_url),
        requested_at=request.app[NOW](),
        extra=orjson.dumps(order.extra).decode() if order.extra else "",
        mark=request.app[SEALS].mark(_PURPOSE, text),
    )
    return await _launched(request, caller, launches, (wanted, order, text))


async def _launched(
    request: web.Request, caller: Caller, launches: Launches, ordered: tuple[Asked, Order, str]
) -> web.Response:
    wanted, order, text = ordered
    known = await _known(request, wanted, text)
    if known and not may_be_repeated(known):
        return _answer(request, caller, await _settled(request, wanted, known), 200)
    if known:
        wanted = msgspec.structs.replace(wanted, attempt=asked_of(known).attempt + 1)
    body = orjson.dumps(
        {"launch_id": wanted.launch_id, "meeting_url": wanted.meeting_url, "bot_name": wanted.name}
        | {"options": shown_options(order.options)}
    )
    # It goes on when the caller hangs up.
    running = launches.begin(wanted, order, body)
    if running.asked.mark != wanted.mark:
        raise OtherOrder(_OTHER)
    if bot := await asyncio.shield(running.task):
        return await _sent(request, caller, running.asked, bot, 201 if running.asked is wanted else 200)
    # Another process was faster, or what came of it is gone.
    known = await _known(request, wanted, text)
    if known is None:
        raise Expired("what was launched by this Idempotency-Key was erased: launch with another one")
    return _answer(request, caller, await _settled(request, wanted, known), 200)


async def _sent(request: web.Request, caller: Caller, sent: Asked, bot: str, status: int) -> web.Response:
    """Answer with a bot that was sent: whoever was told to try again, because the store is away, would get another."""
    reading = None
    with contextlib.suppress(StorageUnavailable):
        reading = await request.app[STORE].document(f"bots/{sent.id}")
    if reading and [document.status for document in reading.documents] != ["requested"]:
        return _answer(request, caller, reading, status)
    # What the provider answered is spooled, and not shown yet.
    said = {**launched_document(sent, bot, request.app[NOW]()), "sequence": 0}
    kept = Document(
        topic=f"bots/{said['id']}", collection="bots", parent="", durable=f"bots/{sent.id}", body=orjson.dumps(said)
    )
    return _answered(request, caller, kept, reading.position if reading else None, status)


def shown_options(value: object, name: str = "") -> object:
    """Return options as they are kept: without any words that could be a secret, and without addresses.

    What is within something that is called like a secret, at whatever depth, is taken for one; numbers too.
    """
    if isinstance(value, dict):
        return {clean(str(key), 64): shown_options(one, f"{name}.{key}") for key, one in value.items()}
    if isinstance(value, list):
        return [shown_options(one, name) for one in value]
    if _SECRET_WORDS.search(name):
        return "redacted"
    if isinstance(value, str) and name.rpartition(".")[2] not in _PLAIN_WORDS:
        return "redacted"
    return harmless(clean(value)) if isinstance(value, str) else value


def viewer_access(request: web.Request, caller: Caller, topics: tuple[str, ...]) -> dict[str, object]:
    """Return a token that lets somebody watch a bot, until when, and where: by the name that it has from the start."""
    access = request.app[ACCESS]
    expires_at = access.seconds() + LONGEST_SECONDS
    if caller.expires_at is not None:
        expires_at = min(expires_at, caller.expires_at)
    # Whoever sends a bot may have it watched, also with a key that is good for launching only.
    token = access.mint(Claims(use=Use.ACCESS, topics=tuple(sorted(topics)), scope=("read",), exp=expires_at))
    query = f"topic={quote(topics[0], safe=':/@')}&token={token}"
    base = base_url(request)
    return {
        "token": token,
        "expires_at": format_time(expires_at * 1000),
        "stream_url": f"{base}/api/stream?{query}",
        "websocket_url": f"{base.replace('http', 'ws', 1)}/api/ws?{query}",
    }


def base_url(request: web.Request) -> str:
    """Return how the hub is reached: as configured, else as it was for this request."""
    return request.app[SETTINGS].server.public_url.rstrip("/") or f"{request.scheme}://{request.host}"


def webhook_path(request: web.Request, key: str) -> str:
    """Return the path of a source to which the provider may post with a key; empty when there is none."""
    source = request.app[SETTINGS].heard_by(LAUNCHED_WITH)
    return f"{source.path.rstrip('/')}/{key}" if source else ""


def _key(request: web.Request) -> str:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return secrets.token_hex(16)
    if not _KEY.fullmatch(key):
        raise BadRequest("Idempotency-Key: expected 1 to 255 printable ASCII characters without spaces")
    return key


def _text(said: dict[str, object]) -> str:
    """Return an order in the one form in which equal ones are equal."""
    try:
        return orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError as problem:
        raise BadRequest("the body: it is nested too deep") from problem


def _order(request: web.Request, said: dict[str, object], launch_id: str, own: frozenset[str]) -> Order:
    options = {name: value for name, value in said.items() if name not in ("meeting_url", "bot_name", "extra")}
    if taken := sorted(own & options.keys()):
        raise BadRequest(f"{taken[0]}: expected nothing, because the hub itself listens to its bots")
    extra = said.get("extra")
    if not isinstance(extra, dict | None) or len(orjson.dumps(extra)) > _EXTRA_LIMIT:
        raise BadRequest(f"extra: expected a JSON object of at most {_EXTRA_LIMIT} bytes")
    path = webhook_path(request, path_key(request.app[SEALS], launch_id=launch_id))
    return Order(
        launch_id=launch_id,
        meeting_url=_meeting_url(said.get("meeting_url")),
        bot_name=_bot_name(said.get("bot_name")),
        options=options,
        extra=extra or {},
        webhook_url=f"{base_url(request)}{path}" if path else "",
    )


def _meeting_url(value: object) -> str:
    if isinstance(value, str) and len(value) <= _URL_LIMIT and not re.search(r"[\x00-\x20\x7f]", value):
        try:
            parts = urlsplit(value)
            if parts.scheme.lower() in ("http", "https") and parts.hostname:
                return value
        except ValueError:
            pass
    raise BadRequest("meeting_url: expected the http or https address of a meeting")


def _bot_name(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > _NAME_LIMIT:
        raise BadRequest(f"bot_name: expected text of 1 to {_NAME_LIMIT} characters")
    return value


def _shown_url(url: str) -> str:
    return harmless(clean(url, _URL_LIMIT).partition("?")[0].partition("#")[0])


async def _known(request: web.Request, wanted: Asked, text: str) -> Document | None:
    """Return what is known of a launch, if anything is. Raises OtherOrder when another one was meant."""
    seals = request.app[SEALS]
    running = request.app[LAUNCHES].running(wanted.launch_id)
    documents = (await request.app[STORE].document(f"bots/{wanted.id}")).documents
    known = [running.asked] if running else []
    known += [asked_of(document) for document in documents]
    if any(_is_other(seals, one, wanted, text) for one in known if one.mark):
        raise OtherOrder(_OTHER)
    return documents[0] if documents else None


def _is_other(seals: Seals, known: Asked, wanted: Asked, text: str) -> bool:
    """Whether another order was given; once the secret of its mark is gone, by what is still known of it."""
    if seals.knows(known.mark):
        return seals.differs(_PURPOSE, text, known.mark)
    return (known.name, known.meeting_url) != (wanted.name, wanted.meeting_url)


async def _settled(request: web.Request, wanted: Asked, known: Document) -> Reading:
    """Return a launch as soon as it is no longer under way, in whichever process. Raises UnderWay after a while."""
    until = asyncio.get_running_loop().time() + _WAIT_SECONDS
    while True:
        reading = await request.app[STORE].document(f"bots/{wanted.id}")
        document = reading.documents[0] if reading.documents else known
        if document.status != "requested":
            return reading
        if asyncio.get_running_loop().time() > until:
            raise UnderWay(
                "this launch is under way, or was when the hub stopped: ask again in a while with the same key; "
                "what became of it will be known within minutes"
            )
        await asyncio.sleep(_LOOK_SECONDS)


def _answer(request: web.Request, caller: Caller, reading: Reading, status: int) -> web.Response:
    if not reading.documents:
        raise Expired("what was launched was erased")
    return _answered(request, caller, reading.documents[0], reading.position, status)


def _answered(
    request: web.Request, caller: Caller, document: Document, position: Position | None, status: int
) -> web.Response:
    alias = document.durable or document.topic
    access = viewer_access(request, caller, tuple(dict.fromkeys((alias, document.topic))))
    said = {"bot": orjson.Fragment(document.body), **access}
    return answer(said, position, status, {"Location": f"/api/{alias}"} if status == 201 else None)
