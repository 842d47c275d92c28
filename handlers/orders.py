"""What is ordered by `POST /api/bots`: read, checked, and told apart from another order."""

import re
import secrets
from collections.abc import Iterator
from urllib.parse import unquote, unquote_plus, urlsplit

import msgspec
import orjson
from aiohttp import web

from handlers.answers import asked
from handlers.parts import LAUNCHES, NOW, SEALS
from handlers.providers.path_keys import path_key
from handlers.watching import webhook_url
from hub.errors import BadRequest
from hub.launches.words import Asked, launch_id_of
from hub.ports.dispatch import Order
from hub.redaction import clean, harmless
from hub.seals import Seals

_NAME_LIMIT = 255
_URL_LIMIT = 4096
_EXTRA_LIMIT = 16 * 1024
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_PURPOSE = "order"
# From here on numbers may have lost their last digits when they were read.
_LARGEST = 2**63
# What is shorter is in most of what anybody says.
_SHORTEST_SECRET = 4
# Options are kept for people to look at: what is a number or a switch, and words that are none of anybody's.
_PLAIN_WORDS = frozenset({"recording_mode", "provider", "language", "audio_frequency"})
_SECRET_WORDS = re.compile(r"key|secret|token|pass|pwd|auth|cred|jwt|sdk|zoom|pin|code|access", re.IGNORECASE)


class Ordered(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it is kept, as it is handed on, and as it was given, in a form in which equal ones are equal."""

    wanted: Asked
    order: Order
    text: str


async def ordered(request: web.Request) -> Ordered:
    """Read what is ordered. Raises BadRequest for what cannot be meant."""
    dispatcher = request.app[LAUNCHES].dispatcher
    key = _key(request)
    said = await asked(request)
    text = _text(said)
    order = _order(request, said, launch_id_of(key), dispatcher.own_options)
    wanted = Asked(
        provider=dispatcher.provider,
        launch_id=order.launch_id,
        name=harmless(clean(order.bot_name)),
        meeting_url=_shown_url(order.meeting_url),
        requested_at=request.app[NOW](),
        extra=orjson.dumps(order.extra).decode() if order.extra else "",
        mark=request.app[SEALS].mark(_PURPOSE, text),
    )
    return Ordered(wanted=wanted, order=order, text=text)


def is_other(seals: Seals, known: Asked, given: Ordered) -> bool:
    """Whether another order is known; once the secret of its mark is gone, by what is still known of it."""
    if seals.knows(known.mark):
        return seals.differs(_PURPOSE, given.text, known.mark)
    return (known.name, known.meeting_url) != (given.wanted.name, given.wanted.meeting_url)


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


def confided(value: object, name: str = "") -> Iterator[str]:
    """Yield the words and numbers in options that are not kept, but for short ones."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from confided(one, f"{name}.{key}")
    elif isinstance(value, list):
        for one in value:
            yield from confided(one, name)
    elif value is None or isinstance(value, bool):
        # Whatever it is called, it is no word.
        return
    elif shown_options(value, name) == "redacted" and len(str(value)) >= _SHORTEST_SECRET:
        yield str(value)


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
        text = orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError as problem:
        raise BadRequest("the body: it is nested too deep") from problem
    if _has_changed(said):
        raise BadRequest("the body: expected whole numbers of at most 64 bits, since larger ones would be sent changed")
    return text


def _has_changed(value: object) -> bool:
    """Whether there is a number of which reading may have kept the first digits only."""
    if isinstance(value, dict):
        return any(map(_has_changed, value.values()))
    if isinstance(value, list):
        return any(map(_has_changed, value))
    return isinstance(value, float) and abs(value) >= _LARGEST


def _order(request: web.Request, said: dict[str, object], launch_id: str, own: frozenset[str]) -> Order:
    options = {name: value for name, value in said.items() if name not in ("meeting_url", "bot_name", "extra")}
    if taken := sorted(own & options.keys()):
        raise BadRequest(f"{taken[0]}: expected nothing, because the hub itself listens to its bots")
    extra = said.get("extra")
    if not isinstance(extra, dict | None) or len(orjson.dumps(extra)) > _EXTRA_LIMIT:
        raise BadRequest(f"extra: expected a JSON object of at most {_EXTRA_LIMIT} bytes")
    meeting_url = _meeting_url(said.get("meeting_url"))
    return Order(
        launch_id=launch_id,
        meeting_url=meeting_url,
        bot_name=_bot_name(said.get("bot_name")),
        options=options,
        secrets=(*confided(options), *confided_by(meeting_url)),
        extra=extra or {},
        webhook_url=webhook_url(request, path_key(request.app[SEALS], launch_id=launch_id)),
    )


def confided_by(url: str) -> tuple[str, ...]:
    """Return what a meeting's address says that is not shown, in each way in which it may be quoted."""
    parts = urlsplit(url)
    words = [one.partition("=")[2] if "=" in one else one for one in f"{parts.query}&{parts.fragment}".split("&")]
    return tuple(dict.fromkeys(confided([*words, *map(unquote, words), *map(unquote_plus, words)])))


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
