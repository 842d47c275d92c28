"""Launching: the intent is durable before the provider is called, and what it answers is kept whoever waits for it."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence

import msgspec
import structlog

from hub.errors import AnswerLost, NotConfigured, ProviderProblem, StorageUnavailable
from hub.events import Delivery
from hub.ingest import Ingest
from hub.launches import words
from hub.launches.words import Asked
from hub.ports import Status
from hub.ports.dispatch import Dispatcher, Order

# When a bot is looked for whose answer was lost: it may take the provider a while to list it.
FINDING_PAUSES = (0.5, 2.0, 5.0)
_KEEPING_PAUSE = 1.0

log = structlog.get_logger()


class Running(msgspec.Struct, frozen=True):
    """A launch that is under way; its task returns the provider's id of the bot, empty when another has the launch."""

    asked: Asked
    task: asyncio.Task[str]


class Launches:
    """Sends bots by one account. What is begun goes on when the caller goes; `close` waits for it, not for ever."""

    def __init__(
        self,
        dispatcher: Dispatcher | None,
        ingest: Ingest,
        now: Callable[[], int],
        pauses: Sequence[float] = FINDING_PAUSES,
        *,
        missing: str = "no account is configured",
    ) -> None:
        self._dispatcher = dispatcher
        # What to set where there is none.
        self._missing = missing
        self._ingest = ingest
        self._now = now
        self._pauses = tuple(pauses)
        self._running: dict[str, Running] = {}
        # Called with the id of its bot once that is kept.
        self.on_answered: Callable[[Asked, str], None] = lambda _asked, _bot: None
        self._leaving: set[asyncio.Task[None]] = set()

    @property
    def dispatcher(self) -> Dispatcher:
        """The account that bots are sent by. Raises NotConfigured when there is none."""
        if self._dispatcher is None:
            raise NotConfigured(self._missing)
        return self._dispatcher

    @property
    def is_configured(self) -> bool:
        """Whether bots can be sent."""
        return self._dispatcher is not None

    def running(self, launch_id: str) -> Running | None:
        """Return the launch if this process is at it."""
        return self._running.get(launch_id)

    def begin(self, asked: Asked, order: Order, body: bytes) -> Running:
        """Begin a launch, or return the one that is under way by its name; `body` is what may be kept of the order."""
        if running := self._running.get(asked.launch_id):
            return running
        task = asyncio.create_task(self._launch(asked, order, body), name=asked.launch_id)
        self._running[asked.launch_id] = Running(asked, task)
        task.add_done_callback(lambda done: self._ended(asked.launch_id, done))
        return self._running[asked.launch_id]

    async def leave(self, bot: str) -> None:
        """Ask a bot (as documents call it) to leave, and say so in the log. Raises ProviderProblem."""
        task = asyncio.create_task(self._leave(bot), name=f"leave {bot}")
        self._leaving.add(task)
        task.add_done_callback(self._left)
        await asyncio.shield(task)

    async def check(self, bot: str) -> None:
        """Ask the provider whether it knows a bot, by its id there. Raises ProviderProblem: NoSuchBot if not."""
        with _may_be_asked_again():
            await self.dispatcher.status(bot)

    async def keep(self, delivery: Delivery) -> None:
        """Make durable what is known, however long that takes: nobody else knows it."""
        while True:
            try:
                await self._ingest.submit(delivery, may_be_spooled=True)
            except StorageUnavailable as problem:
                log.warning("launch.unkept", type=delivery.provider_type, problem=str(problem))
                await asyncio.sleep(_KEEPING_PAUSE)
            else:
                return

    async def find(self, asked: Asked) -> str:
        """Look for the bot of a launch; return its id, empty when there is none, or it cannot be looked for."""
        return await self.dispatcher.find(asked.launch_id) if self.dispatcher.finds_launches else ""

    async def settle(self, seconds: float) -> None:
        """Let what is under way come to its end, for so long; what is cut off is found out by the next process."""
        tasks = [*(one.task for one in self._running.values()), *self._leaving]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)

    async def close(self) -> None:
        """End what is under way."""
        tasks = [*(one.task for one in self._running.values()), *self._leaving]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _launch(self, asked: Asked, order: Order, body: bytes) -> str:
        outcome = await self._ingest.submit(words.requested(asked, body, self._now()))
        if outcome.status is not Status.ACCEPTED:
            return ""
        log.info("launch.requested", launch=asked.launch_id, attempt=asked.attempt)
        try:
            bot = await self._sent(asked, order)
        except AnswerLost as problem:
            log.warning("launch.lost", launch=asked.launch_id, problem=str(problem), code=problem.code)
            await self.keep(words.lost(asked, self._now()))
            problem.launch_id = asked.launch_id
            raise
        except ProviderProblem as problem:
            log.warning("launch.refused", launch=asked.launch_id, fault=problem.fault, code=problem.code)
            await self.keep(words.refused(asked, problem, self._now()))
            problem.launch_id = asked.launch_id
            raise
        except Exception:  # Whatever nobody foresaw, it may have been sent; who waits, and the log, are told.
            await self.keep(words.lost(asked, self._now()))
            raise
        log.info("launch.sent", launch=asked.launch_id, bot=bot)
        await self.keep(words.answered(asked, bot, self._now()))
        self.on_answered(asked, bot)
        return bot

    async def _sent(self, asked: Asked, order: Order) -> str:
        try:
            return await self.dispatcher.launch(order)
        except AnswerLost:
            if bot := await self._found(asked):
                return bot
            raise

    async def _found(self, asked: Asked) -> str:
        """Look for a bot whose answer was lost, a few times."""
        for pause in self._pauses if self.dispatcher.finds_launches else ():
            await asyncio.sleep(pause)
            try:
                if bot := await self.find(asked):
                    return bot
            except ProviderProblem as problem:
                log.warning("launch.unfound", launch=asked.launch_id, problem=str(problem))
        return ""

    async def _leave(self, bot: str) -> None:
        with _may_be_asked_again():
            await self.dispatcher.leave(bot.partition(":")[2])
        log.info("bot.leaving", bot=bot)
        await self.keep(words.leaving(bot, self._now()))

    def _ended(self, launch_id: str, task: asyncio.Task[str]) -> None:
        self._running.pop(launch_id, None)
        _note(task)

    def _left(self, task: asyncio.Task[None]) -> None:
        self._leaving.discard(task)
        _note(task)


@contextlib.contextmanager
def _may_be_asked_again() -> Iterator[None]:
    """Say of an answer that was lost that the same may be asked again: done twice it does what it does done once."""
    try:
        yield
    except AnswerLost as problem:
        problem.retry = True
        raise


def _note(task: asyncio.Task[str] | asyncio.Task[None]) -> None:
    """Log what nobody foresaw; what was is told to who waits, if anybody does."""
    problem = None if task.cancelled() else task.exception()
    if problem and not isinstance(problem, ProviderProblem | StorageUnavailable | NotConfigured):
        log.error("launch.failed", task=task.get_name(), exc_info=problem)
