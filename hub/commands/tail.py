"""Following topics in a terminal."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import aiohttp
import msgspec
import orjson

from hub.commands.asking import no_answer, refused
from hub.redaction import printable

_LONGEST_LINE = 4 * 1024 * 1024
_RETRY_SECONDS = 2.0
_SILENCE_SECONDS = 75.0


class Message(msgspec.Struct, frozen=True):
    """One server-sent event as it was received."""

    name: str
    position: str
    data: dict[str, object]


async def tail(base: str, credential: str, topics: Sequence[str], show: Callable[[str], None]) -> None:
    """Show every event of the topics, one a line, through restarts of the hub, until cancelled.

    Raises HubError when the hub refuses it: Unauthenticated when it does not know the credential, Forbidden when that
    does not permit it.
    """
    position = ""
    timeout = aiohttp.ClientTimeout(total=None, sock_read=_SILENCE_SECONDS)
    headers = {"Authorization": f"Bearer {credential}"}
    async with aiohttp.ClientSession(timeout=timeout, headers=headers, read_bufsize=_LONGEST_LINE) as session:
        while True:
            try:
                async for message in _messages(session, base, topics, position):
                    position = message.position or position
                    line = _line(message)
                    if line:
                        show(printable(line))
            except aiohttp.ClientConnectorError as problem:
                show(f"-- not connected: {no_answer(base, problem)}; trying again")
            except (aiohttp.ClientError, TimeoutError) as problem:
                show(f"-- not connected ({type(problem).__name__}), trying again")
            await asyncio.sleep(_RETRY_SECONDS)


async def _messages(
    session: aiohttp.ClientSession, base: str, topics: Sequence[str], position: str
) -> AsyncIterator[Message]:
    query = [("topic", topic) for topic in topics] + [("snapshot", "0")]
    headers = {"Last-Event-ID": position} if position else {}
    async with session.get(f"{base}/api/stream", params=query, headers=headers) as answer:
        if 400 <= answer.status < 500:
            raise refused(answer.status, await answer.text())
        answer.raise_for_status()
        fields: dict[str, str] = {}
        async for raw in answer.content:
            name, _, value = raw.decode().rstrip("\r\n").partition(":")
            if name:
                fields[name] = value.removeprefix(" ")
            elif fields:
                yield _message(fields)
                fields = {}


def _message(fields: dict[str, str]) -> Message:
    data = orjson.loads(fields.get("data", "{}"))
    return Message(fields.get("event", ""), fields.get("id", ""), data)


def _line(message: Message) -> str:
    if not message.name:
        return _event_line(message.data)
    if message.name == "hello":
        return f"-- connected at {message.position}" + (" (resumed)" if message.data.get("resumed") else "")
    if message.name in ("reset", "bye"):
        return f"-- {message.name}: {message.data.get('reason')}"
    return ""


def _event_line(event: dict[str, object]) -> str:
    said = event.get("data")
    data = said if isinstance(said, dict) else {}
    return f"{event.get('time')}  {event.get('type')!s:24}  {event.get('subject')}  {_gist(data)}".rstrip()


def _gist(data: dict[str, dict[str, object]]) -> str:
    """Say in a few words what an event led to."""
    words: list[str] = []
    if isinstance(delivery := data.get("delivery"), dict):
        words += _fate(delivery)
    if isinstance(bot := data.get("bot"), dict):
        words.append(f"{bot.get('status')} (attempt {bot.get('attempt')})")
    if isinstance(who := data.get("participant"), dict):
        words.append(f"{who.get('identity') or who.get('id')} {'in' if who.get('active') else 'out'}")
    if isinstance(recording := data.get("recording") or data.get("stream"), dict):
        words.append(f"{recording.get('status')}")
    if isinstance(room := data.get("room"), dict):
        count = room.get("participant_count")
        words.append(f"{room.get('name') or ''}: {room.get('status')}, {count} {'person' if count == 1 else 'people'}")
    if isinstance(reason := data.get("reason"), dict):
        words.append(f"[{reason.get('code')}]")
    return "  ".join(words)


def _fate(delivery: dict[str, object]) -> list[str]:
    """Say in a few words what became of something that arrived."""
    words = [str(delivery[name]) for name in ("source", "provider_type") if delivery.get(name)]
    if delivery.get("copies"):
        words.append(f"copy {delivery['copies']}")
    if delivery.get("events"):
        words.append(f"{delivery['events']} events")
    return [*words, *([f"[{delivery['reason']}]"] if delivery.get("reason") else [])]
