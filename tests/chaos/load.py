"""Webhooks as providers send them: signed, each until it is answered 200; what was answered is remembered."""

import asyncio
import contextlib
import itertools
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import aiohttp
import orjson

from handlers.providers.arrival import Sample
from hub.commands.send import sample_for, signed, source_for, with_values
from tests.processes import HubProcess

ROOM = "chaos"
DURABLE_ROOM = f"rooms/livekit@{ROOM}"
ROOMS = 4
SENDERS = 16
# Between two meetings' webhooks of one sender, at most.
PAUSE_SECONDS = 0.04
_GIVEN_UP_AFTER = 3.0

# The type of the event, and the participant or bot that it is about.
Mark = tuple[str, str]


@dataclass(frozen=True)
class Webhook:
    """What a provider wants to tell, the same bytes each time; and the event that it has to become."""

    provider: str
    sample: Sample
    mark: Mark

    @property
    def body(self) -> bytes:
        """The bytes that are sent."""
        return orjson.dumps(self.sample.payload)


@dataclass
class Load:
    """Sends until it is over, to all processes in turn; then what was begun is still brought to its end."""

    nodes: Sequence[HubProcess]
    chance: random.Random
    pause: float = PAUSE_SECONDS
    is_over: bool = False
    answered: list[Mark] = field(default_factory=list)
    # How often each answer was given, or none.
    answers: Counter[str] = field(default_factory=Counter)
    # What must never be answered to a genuine webhook.
    wrong: list[str] = field(default_factory=list)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    turns: "itertools.count[int]" = field(default_factory=itertools.count)

    async def run(self) -> None:
        """Send until it is over."""
        async with patience() as session, asyncio.TaskGroup() as tasks:
            for _ in range(SENDERS):
                tasks.create_task(self._send(session))

    async def _send(self, session: aiohttp.ClientSession) -> None:
        while not self.is_over:
            number = next(self.numbers)
            for webhook in _bot(number) if number % 5 == 0 else _person(number):
                await self.tell(session, webhook)
                if self.chance.random() < 0.25:
                    # Not everybody leaves.
                    break
            await asyncio.sleep(self.chance.uniform(0.0, self.pause))

    async def tell(self, session: aiohttp.ClientSession, webhook: Webhook) -> None:
        """Send it until it is taken."""
        while not await self._is_taken(session, webhook):  # noqa: ASYNC110 -- it is what a provider does
            await asyncio.sleep(self.chance.uniform(0.05, 0.3))

    async def _is_taken(self, session: aiohttp.ClientSession, webhook: Webhook) -> bool:
        node = self.nodes[next(self.turns) % len(self.nodes)]
        try:
            answer = await send(session, node, webhook)
        except (aiohttp.ClientError, OSError) as problem:
            self.answers[type(problem).__name__] += 1
            return False
        self.answers[f"{answer.status} {answer.said.get('status', '')}".strip()] += 1
        if answer.status == 200 and answer.said["status"] in ("accepted", "duplicate"):
            self.answered.append(webhook.mark)
            return True
        if answer.status != 503 or not answer.retry_after:
            self.wrong.append(f"{webhook.mark}: {answer}")
        return False


@dataclass(frozen=True)
class Answer:
    """What a hub said to a webhook."""

    status: int
    said: dict[str, object]
    retry_after: str


async def send(session: aiohttp.ClientSession, node: HubProcess, webhook: Webhook) -> Answer:
    """Send a webhook once, signed now."""
    source = source_for(node.settings, webhook.provider)
    headers = signed(source, webhook.sample, webhook.body, time.time_ns() // 1_000_000)
    async with session.post(node.url + source.path, data=webhook.body, headers=headers) as answer:
        # A proxy has pages of its own.
        said = await answer.json(content_type=None) if answer.content_type.endswith("json") else {}
        return Answer(answer.status, said, answer.headers.get("Retry-After", ""))


@contextlib.asynccontextmanager
async def patience(seconds: float = _GIVEN_UP_AFTER) -> AsyncIterator[aiohttp.ClientSession]:
    """Yield what webhooks are sent with: it waits as long as a provider."""
    timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=1)
    # No connection is used again: a process that was killed would look like one that answers wrongly.
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        yield session


def joined(number: int) -> Webhook:
    """Return the webhook that says that somebody came."""
    return _about_person("participant_joined", "participant.joined", number)


def left(number: int) -> Webhook:
    """Return the webhook that says that somebody went."""
    return _about_person("participant_left", "participant.left", number)


def _person(number: int) -> tuple[Webhook, ...]:
    return joined(number), left(number)


def _bot(number: int) -> tuple[Webhook, ...]:
    bot = f"bot-{number:06d}"
    return (
        _about_bot("in_call_recording", "recording.started", bot),
        _about_bot("call_ended", "bot.left", bot),
    )


def _about_person(event: str, kind: str, number: int) -> Webhook:
    participant, room = f"PA_{number:06d}", number % ROOMS
    values = [
        f"id=EV_{participant}_{event}",
        f"participant.sid={participant}",
        f"participant.identity=person-{number}",
        f"room.sid=RM_chaos{room}",
        # Every second session is one of the same durable room.
        f"room.name={ROOM if room % 2 else f'elsewhere-{room}'}",
    ]
    sample = with_values(sample_for("livekit", event, time.time_ns() // 1_000_000), values)
    return Webhook("livekit", sample, (kind, participant))


def _about_bot(code: str, kind: str, bot: str) -> Webhook:
    named = sample_for("meetingbaas", f"bot.status_change.{code}", time.time_ns() // 1_000_000)
    sample = with_values(named, [f"data.bot_id={bot}"])
    # Sent again it has the id of the first time.
    sample = Sample(
        payload=sample.payload, dialect=sample.dialect, method=sample.method, delivery_id=f"msg_{bot}_{code}"
    )
    return Webhook("meetingbaas", sample, (kind, f"meetingbaas:{bot}"))
