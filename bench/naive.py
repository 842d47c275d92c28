"""The usual way: aiohttp-sse with a queue per viewer. Run as a server, the baseline of the fan-out."""

import asyncio
import os

import uvloop
from aiohttp import web
from aiohttp_sse import sse_response

VIEWERS = web.AppKey("VIEWERS", set)


async def publish(request: web.Request) -> web.Response:
    event = (await request.read()).decode()
    for queue in request.app[VIEWERS]:
        queue.put_nowait(event)
    return web.Response()


async def view(request: web.Request) -> web.StreamResponse:
    queue: asyncio.Queue[str] = asyncio.Queue()
    request.app[VIEWERS].add(queue)
    async with sse_response(request) as response:
        while True:
            await response.send(await queue.get(), id="1")


def main() -> None:
    app = web.Application()
    app[VIEWERS] = set()
    app.add_routes([web.post("/publish", publish), web.get("/view", view)])
    web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), print=None, loop=uvloop.new_event_loop())


if __name__ == "__main__":
    main()
