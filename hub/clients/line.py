"""One provider's API over HTTP: in turns, within limits, and with every way to fail told apart."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import orjson

from hub.clients.turns import Turns
from hub.errors import AnswerLate, AnswerLost, Throttled, Unreachable
from hub.redaction import without_addresses, without_mail

# In seconds: to reach it, and for all of its answer.
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
# For a turn, and in all for what it asks to be waited for.
PATIENCE = 15.0
# A wait that is longer is the caller's business.
LONGEST_WAIT = 5.0
# Whatever a provider asks for, after that it is asked again.
_LONGEST_REST = 3600.0
# So often in all it is asked, if it is busy; before the second time after so long at least, then twice that. What it
# asks to be waited for may be nothing, or over by its clock.
_TIMES = 3
_SHORTEST_WAIT = 1.0
_LONGEST_ANSWER = 16 * 1024 * 1024
_QUOTED = 300
# Of what it says, before what nobody may see is taken out.
_LOOKED_AT = 10_000


class Reply:
    """An answer: its status, and the JSON object that it holds, empty when it holds none."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.body = body
        self._headers = headers
        try:
            said = orjson.loads(body)
        except orjson.JSONDecodeError:
            said = None
        self.said: dict[str, Any] = said if isinstance(said, dict) else {}  # Any: it is the provider's

    @property
    def retry_after(self) -> float | None:
        """For how many seconds not to ask again, where that is told, in a header or in the body."""
        for told in (self._headers.get("Retry-After"), self.said.get("retryAfter"), self.said.get("retry_after")):
            seconds = _seconds(told)
            if seconds is not None:
                return seconds
        return None

    def texts(self, *names: str) -> list[str]:
        """Return what it says in text by some names."""
        return [value for name in names if isinstance(value := self.said.get(name), str) and value]


def is_busy(reply: Reply) -> bool:
    """Whether an answer says that the provider is asked too often."""
    return reply.status == 429


class Line:
    """Asks one provider, with the headers that each question needs. `secret` is never quoted in what is raised."""

    def __init__(
        self,
        base_url: str,
        headers: Callable[[], Mapping[str, str]],
        turns: Turns,
        *,
        secret: str = "",
        seconds: float = ANSWER_SECONDS,
        is_busy: Callable[[Reply], bool] = is_busy,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._headers = headers
        self._turns = turns
        self._secret = secret
        self._seconds = seconds
        self._is_busy = is_busy

    def within(self, seconds: float) -> "Line":
        """Return a line to the same, with the same turns, that waits no longer than that for an answer."""
        return Line(self._base, self._headers, self._turns, secret=self._secret, seconds=seconds, is_busy=self._is_busy)

    async def ask(self, method: str, path: str, said: object = None, **query: str) -> Reply:
        """Return what is answered, but that it is busy, which is waited out if that is short.
        Raises Throttled and Unreachable when certainly nothing was done, AnswerLost and AnswerLate when it may be.
        """
        clock = asyncio.get_running_loop().time
        until = clock() + PATIENCE
        for time in range(_TIMES):
            await self._turn(until - clock())
            reply = await self._asked(method, path, said, query)
            if not self._is_busy(reply):
                return reply
            wait = max(reply.retry_after or 0.0, _SHORTEST_WAIT * 2**time)
            # It is said to one, and meant for all.
            self._turns.pause(wait)
            if wait > LONGEST_WAIT or clock() + wait > until:
                break
        code = next(iter(reply.texts("code", "error")), "")
        raise Throttled("the provider is asked too often", code=self.quoted(code), retry_after=wait)

    def quoted(self, words: str, *secrets: str) -> str:
        """Return words of the provider without what nobody may see, such as what it was told in confidence."""
        words = words[:_LOOKED_AT]
        for secret in sorted({self._secret, *secrets} - {""}, key=len, reverse=True):
            words = words.replace(secret, "…")
        return without_mail(without_addresses(words))[:_QUOTED]

    async def _turn(self, patience: float) -> None:
        """Wait until it may be asked. Raises Throttled when that takes too long, or it does not want to be."""
        self._check_rest()
        if not await self._turns.take(patience):
            raise Throttled("the hub itself has more to ask than it may, so this was not asked", retry_after=5)
        # Others may have been told while this one waited.
        self._check_rest()

    def _check_rest(self) -> None:
        if (rest := self._turns.rest) > LONGEST_WAIT:
            raise Throttled("the provider does not want to be asked for a while, so this was not", retry_after=rest)

    async def _asked(self, method: str, path: str, said: object, query: Mapping[str, str]) -> Reply:
        body = None if said is None else orjson.dumps(said)
        headers = {**self._headers(), **({"Content-Type": "application/json"} if body else {})}
        # A connection of its own for each: on one that was kept, nobody knows whether what is sent arrives.
        timeout = aiohttp.ClientTimeout(total=self._seconds, sock_connect=CONNECT_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.request(
                    method, self._base + path, params=query, data=body, headers=headers, allow_redirects=False
                ) as answer,
            ):
                return Reply(answer.status, answer.headers, await _read(answer))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as problem:
            # No byte of the request has left.
            raise Unreachable(f"the provider cannot be reached: {type(problem).__name__}") from problem
        except TimeoutError as problem:
            raise AnswerLate(f"the provider did not answer within {self._seconds:.0f} seconds") from problem
        except (aiohttp.ClientError, OSError) as problem:
            raise AnswerLost(f"the answer of the provider broke off: {type(problem).__name__}") from problem


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    chunks, size = [], 0
    async for chunk in answer.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > _LONGEST_ANSWER:
            raise AnswerLost("the answer of the provider is too long")
    return b"".join(chunks)


def _seconds(told: object) -> float | None:
    """Return how many seconds are told, as a number or as a time; never more than anybody is waited for."""
    if isinstance(told, int | float) and not isinstance(told, bool) and told >= 0:
        return float(min(told, _LONGEST_REST))
    if not isinstance(told, str):
        return None
    if told.isascii() and told.strip().isdigit():
        return min(float(told), _LONGEST_REST)
    try:
        moment = parsedate_to_datetime(told)
        left = (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, left), _LONGEST_REST)
