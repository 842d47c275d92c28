"""Asking a provider's REST API, with answers that help when it does not answer."""

from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson

from hub.errors import Unanswered

_SECONDS = aiohttp.ClientTimeout(total=10)
# No answer that the hub asks for is longer.
_LARGEST = 16 * 1024 * 1024

# What JSON objects hold.
Json = dict[str, Any]


async def asked(  # noqa: PLR0913 -- a request has that many parts
    method: str,
    url: str,
    headers: Mapping[str, str],
    *,
    provider: str,
    credentials: str,
    params: Mapping[str, str] | None = None,
    body: Mapping[str, str | None] | None = None,
    missing_is_none: bool = False,
) -> Json | None:
    """Return the JSON object that a provider answers; with `missing_is_none` None for 404.

    `credentials` names the settings that it may refuse. Raises Unanswered.
    """
    try:
        async with (
            aiohttp.ClientSession(timeout=_SECONDS) as session,
            session.request(method, url, headers=headers, params=params, json=body, allow_redirects=False) as answer,
        ):
            status, told = answer.status, await _read(answer)
    except TimeoutError as error:
        raise Unanswered(f"{provider} does not answer in time; it is asked again") from error
    except aiohttp.ClientError as error:
        raise Unanswered(f"{provider} cannot be reached ({type(error).__name__}); it is asked again") from error
    if status == 404 and missing_is_none:
        return None
    if status in (401, 403):
        raise Unanswered(f"{provider} refuses what it is asked ({status}): check {credentials}")
    if status not in (200, 201, 202):
        raise Unanswered(f"{provider} answers {status}; it is asked again")
    return _object(told, provider)


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    told = bytearray()
    async for some in answer.content.iter_any():
        told += some
        if len(told) > _LARGEST:
            raise aiohttp.ClientPayloadError("too long")
    return bytes(told)


def _object(body: bytes, provider: str) -> Json:
    try:
        answered = orjson.loads(body)
    except orjson.JSONDecodeError as problem:
        raise Unanswered(f"{provider} answers something that is not JSON: is its base_url right?") from problem
    if not isinstance(answered, dict):
        raise Unanswered(f"{provider} answers something that is no JSON object: is its base_url right?")
    return answered
