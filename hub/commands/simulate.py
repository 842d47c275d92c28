"""Playing whole meetings of all providers against a running hub, and seeing whether it shows what is true."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence

import aiohttp
import msgspec
import orjson

from hub.commands.asking import asking
from hub.commands.casting import Line, Plan, cast, planned, script
from hub.commands.compare import compare
from hub.commands.comparison import Comparison
from hub.commands.planning import compare_plans, plan_ahead
from hub.commands.send import Answer, post
from hub.commands.shown import Reads
from hub.settings import Settings

__all__ = ["Plan", "Result", "planned", "play", "play_and_compare", "play_for_ever"]

_IN_FLIGHT = 64
# Providers come again when the hub is in trouble.
_ATTEMPTS, _RETRY_SECONDS = 10, 1.0


class Result(msgspec.Struct, frozen=True):
    """How many webhooks were sent, how they were answered, and how long it took."""

    answers: dict[str, int]
    seconds: float
    # What became of those that were taken: accepted, duplicate or dead.
    statuses: dict[str, int] = {}

    @property
    def is_good(self) -> bool:
        """Whether every webhook was taken and understood."""
        return set(self.answers) <= {"answered 200"} and "dead" not in self.statuses

    def line(self) -> str:
        """Return the result as a sentence."""
        total = sum(self.answers.values())
        counts = [f"{count} {name}" for name, count in sorted(self.answers.items())]
        counts += [f"{count} {status}" for status, count in sorted(self.statuses.items()) if status != "accepted"]
        return f"{total} webhooks in {self.seconds:.1f} s ({total / max(self.seconds, 0.001):.0f}/s): " + ", ".join(
            counts
        )


async def play(settings: Settings, base: str, plan: Plan, report: Callable[[str], None]) -> Result:
    """Play the plan and return how it was answered; `report` is called with what went wrong.

    Raises BadRequest for a plan of nothing, and ConfigRefused when no hub answers.
    """
    now = _now()
    return await _told(base, plan, script(cast(settings, plan, now), plan, now), report)


async def play_and_compare(
    settings: Settings, base: str, credential: str, plan: Plan, report: Callable[[str], None]
) -> tuple[Result, Comparison]:
    """Plan the meetings of rooms ahead, play the plan, then compare what the hub shows with what is true.

    Raises BadRequest for a plan of nothing, ConfigRefused when no hub answers, Unauthenticated when it does not know
    the credential.
    """
    plan, now = msgspec.structs.replace(plan, compared=True), _now()
    performances = cast(settings, plan, now)
    async with asking(base, credential) as hub:
        plans = await plan_ahead(hub, performances)
        result = await _told(base, plan, script(performances, plan, now), report)
        comparison = await compare(Reads(hub), settings, performances)
        await compare_plans(Reads(hub), plans, comparison)
    return result, comparison


async def play_for_ever(settings: Settings, base: str, plan: Plan, report: Callable[[str], None]) -> None:
    """Play one plan after the other, each with other people, until cancelled."""
    while True:
        # One more than there are meetings, so that rooms speak other dialects each time.
        plan = msgspec.structs.replace(plan, seed=plan.seed + plan.rooms + plan.bots + 1)
        await play(settings, base, plan, report)


async def _told(base: str, plan: Plan, lines: Sequence[Line], report: Callable[[str], None]) -> Result:
    try:
        return await _Telling(base, report, hurries=plan.rate is None).tell(lines)
    except ExceptionGroup as failures:
        # One sentence says it for all that were on their way.
        raise failures.exceptions[0] from None


class _Telling:
    """Sends webhooks, each at its time or, if it hurries, as fast as they are taken."""

    def __init__(self, base: str, report: Callable[[str], None], *, hurries: bool) -> None:
        self._base = base
        self._report = report
        self._hurries = hurries
        self._limit = asyncio.Semaphore(_IN_FLIGHT)
        self._answers: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()

    async def tell(self, lines: Sequence[Line]) -> Result:
        begun = time.monotonic()
        connector = aiohttp.TCPConnector(limit=_IN_FLIGHT)
        async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as sending:
            for line in lines:
                if not self._hurries:
                    await asyncio.sleep(max(0.0, line.at / 1000 - time.time()))
                await self._limit.acquire()
                sending.create_task(self._send(session, line))
        return Result(dict(self._answers), time.monotonic() - begun, dict(self._statuses))

    async def _send(self, session: aiohttp.ClientSession, line: Line) -> None:
        try:
            answer = await self._taken(session, line)
        finally:
            self._limit.release()
        self._answers[f"answered {answer.status}"] += 1
        status = str(orjson.loads(answer.text)["status"]) if answer.status == 200 else ""
        if status:
            self._statuses[status] += 1
        if status not in ("accepted", "duplicate"):
            self._report(f"{answer.method} {answer.url}: {answer.status} {answer.text}")

    async def _taken(self, session: aiohttp.ClientSession, line: Line) -> Answer:
        """Send a webhook, proved at this very moment, until the hub is not in trouble any more."""
        for _ in range(_ATTEMPTS):
            answer = await post(session, self._base, line.source, line.sample, _now())
            if answer.status != 503:
                break
            await asyncio.sleep(_RETRY_SECONDS)
        return answer


def _now() -> int:
    return time.time_ns() // 1_000_000
