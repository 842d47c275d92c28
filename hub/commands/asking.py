"""Asking a running hub something, as its commands do."""

import contextlib
import re
from collections.abc import AsyncIterator, Mapping

import aiohttp
import msgspec
import orjson

from hub.errors import BadRequest, ConfigRefused, Forbidden, HubError, Unauthenticated

# A provider may take half a minute to launch a bot.
_SECONDS = aiohttp.ClientTimeout(total=60)
_ADDRESS = re.compile(r"https?://(\[[0-9a-fA-F:.]+\]|[^\s/?#\[\]:]+)(:[0-9]+)?([/?#]\S*)?$")


class Hub(msgspec.Struct, frozen=True):
    """A running hub, and the credential with which it is asked."""

    session: aiohttp.ClientSession
    base: str

    async def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: dict[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, dict[str, object]]:
        """Return status and JSON of an answer.

        Raises ConfigRefused when no hub answers there, Unauthenticated when it does not know the credential, Forbidden
        when the credential does not permit this.
        """
        url = f"{self.base}{path}"
        try:
            async with self.session.request(method, url, params=query, json=body, headers=headers) as answer:
                status, told = answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError) as problem:
            raise no_answer(url, problem) from problem
        try:
            said = orjson.loads(told)
        except orjson.JSONDecodeError as problem:
            raise ConfigRefused(f"what answers on {url} is no hub: {status} without JSON") from problem
        if status in (401, 403):
            raise refused(status, str(said.get("detail")))
        return status, said


def base_of(url: str) -> str:
    """Return where the hub is, of a URL as somebody copies it: with a slash, or with the page's login.

    Raises BadRequest for what is no such URL.
    """
    if not _ADDRESS.match(url):
        raise BadRequest(f"--url {url}: expected the address of a hub, such as http://127.0.0.1:8080")
    return re.split(r"[?#]", url, maxsplit=1)[0].rstrip("/")


def no_answer(url: str, problem: Exception) -> ConfigRefused:
    """Return why nothing was answered there, and what to do."""
    if isinstance(problem, aiohttp.ClientSSLError):
        return ConfigRefused(
            f"no secure connection to {url}: {problem.__cause__ or problem}; a certificate that you trust can be named "
            "in SSL_CERT_FILE"
        )
    return ConfigRefused(f"no hub answers on {url}: start it (make run), or name another (--url)")


def refused(status: int, words: str) -> HubError:
    """Return what a refusal of the hub says: of the credential, of what it permits, or of what was asked."""
    kind = {401: Unauthenticated, 403: Forbidden}.get(status, HubError)
    return kind(f"the hub answers {status}: {words}")


@contextlib.asynccontextmanager
async def asking(base: str, credential: str) -> AsyncIterator[Hub]:
    """Open connections to the hub at `base` for the length of the block."""
    headers = {"Authorization": f"Bearer {credential}"}
    async with aiohttp.ClientSession(timeout=_SECONDS, headers=headers) as session:
        yield Hub(session, base)
