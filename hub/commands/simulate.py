"""Playing whole meetings of all providers against a running hub."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable

import aiohttp
import msgspec

from handlers.providers.arrival import Sample
from handlers.providers.registry import PROVIDERS
from hub.commands.send import post, source_for
from hub.errors import BadRequest
from hub.settings import Settings, Source

_IN_FLIGHT = 64
_SLOWEST, _FASTEST = 0.01, 10_000.0
_ROOMS, _BOTS = "livekit", "meetingbaas"


class Plan(msgspec.Struct, frozen=True):
    """How many meetings of each sort, and how many webhooks a second altogether."""

    rooms: int = 3
    bots: int = 3
    rate: float = 5.0
    seed: int = 1


class Result(msgspec.Struct, frozen=True):
    """How many webhooks were sent, how they were answered, and how long it took."""

    answers: dict[str, int]
    seconds: float

    def line(self) -> str:
        """Return the result as a sentence."""
        said = ", ".join(f"{count} {name}" for name, count in sorted(self.answers.items()))
        total = sum(self.answers.values())
        return f"{total} webhooks in {self.seconds:.1f} s ({total / max(self.seconds, 0.001):.0f}/s): {said}"


async def play(settings: Settings, base: str, plan: Plan, report: Callable[[str], None]) -> Result:
    """Play the plan in real time and return how it was answered; `report` is called with what went wrong.

    Raises BadRequest for a plan of nothing, and ConfigRefused when no hub answers.
    """
    try:
        return await _play(settings, base, plan, report)
    except ExceptionGroup as failures:
        # One sentence says it for all that were on their way.
        raise failures.exceptions[0] from None


async def _play(settings: Settings, base: str, plan: Plan, report: Callable[[str], None]) -> Result:
    answers: Counter[str] = Counter()
    limit = asyncio.Semaphore(_IN_FLIGHT)
    begun = time.monotonic()
    script = _script(settings, plan, time.time_ns() // 1_000_000)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_IN_FLIGHT)) as session:

        async def send(source: Source, sample: Sample) -> None:
            async with limit:
                answer = await post(session, base, source, sample, time.time_ns() // 1_000_000)
            answers[f"answered {answer.status}"] += 1
            if answer.status != 200:
                report(f"{answer.method} {answer.url}: {answer.status} {answer.text}")

        async with asyncio.TaskGroup() as sending:
            for moment, source, sample in script:
                await asyncio.sleep(max(0.0, moment / 1000 - time.time()))
                sending.create_task(send(source, sample))
    return Result(dict(answers), time.monotonic() - begun)


async def play_for_ever(settings: Settings, base: str, plan: Plan, report: Callable[[str], None]) -> None:
    """Play one plan after the other, each with other people, until cancelled."""
    while True:
        plan = msgspec.structs.replace(plan, seed=plan.seed + plan.rooms + plan.bots)
        await play(settings, base, plan, report)


def _script(settings: Settings, plan: Plan, start: int) -> list[tuple[int, Source, Sample]]:
    """Return who says what when. The meetings last as long as the rate asks for, so that told times are real."""
    if not _SLOWEST <= plan.rate <= _FASTEST or plan.rooms < 0 or plan.bots < 0 or plan.rooms + plan.bots == 0:
        raise BadRequest(f"--rate, --rooms, --bots: expected meetings, and {_SLOWEST} to {_FASTEST} webhooks a second")
    count = sum(len(_meeting(provider, seed, start, 60.0)) for provider, seed in _cast(plan))
    minutes = count / plan.rate / 60
    script = [
        (moment, source_for(settings, provider), sample)
        for provider, seed in _cast(plan)
        for moment, sample in _meeting(provider, seed, start, minutes)
    ]
    return sorted(script, key=lambda line: line[0])


def _cast(plan: Plan) -> list[tuple[str, int]]:
    rooms = [(_ROOMS, plan.seed + place) for place in range(plan.rooms)]
    return rooms + [(_BOTS, plan.seed + place) for place in range(plan.bots)]


def _meeting(provider: str, seed: int, start: int, minutes: float) -> list[tuple[int, Sample]]:
    return PROVIDERS[provider].meeting(seed, start, minutes)
