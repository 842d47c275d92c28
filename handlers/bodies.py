"""Reading request bodies: counted as they come, one by one and all together."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiohttp import web

from hub.errors import BodyTooLarge, Overloaded

ALL_BODIES = 64 * 1024 * 1024
SMALL_BODY = 64 * 1024
READ_SECONDS = 30.0


class BodyBudget:
    """What all bodies in flight may hold together, in bytes, and how long each may take to arrive."""

    def __init__(self, limit: int = ALL_BODIES, seconds: float = READ_SECONDS) -> None:
        self._limit = limit
        self._seconds = seconds
        self.held = 0

    @contextlib.asynccontextmanager
    async def read(self, request: web.Request, limit: int) -> AsyncIterator[bytes]:
        """Read a body and hold it for the length of the block.

        Raises BodyTooLarge above `limit` bytes, whatever Content-Length says, Overloaded when all bodies
        together are too much, and TimeoutError when it does not arrive.
        """
        size = 0
        chunks: list[bytes] = []
        try:
            async with asyncio.timeout(self._seconds):
                async for chunk in request.content.iter_any():
                    size += len(chunk)
                    self.held += len(chunk)
                    self._check(size, limit)
                    chunks.append(chunk)
            body = b"".join(chunks)
            chunks.clear()
            yield body
        finally:
            self.held -= size

    def _check(self, size: int, limit: int) -> None:
        if size > limit:
            raise BodyTooLarge(f"the body has more than {limit} bytes")
        # The last quarter is for small bodies, so that a few large ones that never end do not keep everybody out.
        if self.held > (self._limit if size <= SMALL_BODY else self._limit * 3 // 4):
            raise Overloaded("too many bodies are being received")
