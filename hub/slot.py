"""The place of one worker, which one process after the other takes: started, followed, and started again."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import structlog

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_LONG_LIFE = 10.0
_REFUSALS = (1, 2)
_CHUNK_BYTES = 65_536

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Slot:
    """A place that is kept filled until `stopping` is set; `on_ready` gets the first line of every process."""

    number: int
    command: Sequence[str]
    stopping: asyncio.Event
    on_ready: Callable[[str], None]
    clock: Callable[[], float]
    was_ready: bool = False
    _process: asyncio.subprocess.Process | None = None
    _is_asked: bool = False
    _is_killed: bool = False
    _renewed: asyncio.Event = field(default_factory=asyncio.Event)

    async def keep(self) -> int:
        """Run processes until told to stop, or until the set-up is refused; return the status of the last.

        A slot that is told to stop while it has no process returns 0.
        """
        pause = 0.0
        while not self.stopping.is_set():
            self._is_asked, started = False, self.clock()
            status = await self._run()
            if self.stopping.is_set() or self._is_refused(status):
                return status
            pause = 0.0 if self._is_asked else pause_after(pause, self.clock() - started)
            await self._rest(pause)
        return 0

    def ask(self) -> None:
        """Let the process end by itself; it is asked only once."""
        if self._process is not None and not self._is_asked:
            self._is_asked = True
            self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End the process at once, also one whose start has only begun."""
        self._is_killed = True
        self._send(signal.SIGKILL)

    async def renew(self, grace: float) -> None:
        """Let the process end, by force after the grace, and return when its successor takes requests."""
        self._renewed.clear()
        if self._process is not None:
            self.ask()
            try:
                async with asyncio.timeout(grace):
                    await self._process.wait()
            except TimeoutError:
                self._send(signal.SIGKILL)
        await self._renewed.wait()

    async def _run(self) -> int:
        try:
            process = self._process = await _start(self.command)
        except OSError as problem:
            # Short of memory or of processes: that may pass, and the other workers serve meanwhile.
            log.warning("worker.not_started", number=self.number, problem=str(problem))
            return 1
        log.info("worker.started", number=self.number, pid=process.pid)
        try:
            await self._follow(process)
        finally:
            self._send(signal.SIGKILL)
            status = await _ended(process)
            log.info("worker.ended", number=self.number, pid=process.pid, status=status)
            self._process = None
        return status

    async def _follow(self, process: asyncio.subprocess.Process) -> None:
        if self.stopping.is_set():
            # It was told to stop while it was being started.
            self.kill() if self._is_killed else self.ask()
        line = await _output(process).readline()
        if line.endswith(b"\n"):
            self.was_ready = True
            if not self._is_asked:
                self._renewed.set()
            self.on_ready(line.decode(errors="replace").strip())
        await _ended(process)

    def _is_refused(self, status: int) -> bool:
        return status in _REFUSALS and not self.was_ready and not self._is_asked

    async def _rest(self, pause: float) -> None:
        if not pause:
            return
        log.warning("worker.restarting", number=self.number, pause=pause)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self.stopping.wait()

    def _send(self, number: signal.Signals) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        # Not process.terminate(): on the standard loop it may take the status before the loop does, which is lost then.
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)


def pause_after(pause: float, lived: float) -> float:
    """Return how long to wait before the next start, after that pause and a life of so many seconds."""
    if not pause or lived > _LONG_LIFE:
        return _FIRST_PAUSE
    return min(2 * pause, _LONGEST_PAUSE)


async def _start(command: Sequence[str]) -> asyncio.subprocess.Process:
    # Nothing is written to its input: that ends when this process does, by which a worker notices it.
    # In a session of its own: a SIGINT typed in the terminal is for the supervisor, which decides.
    return await asyncio.create_subprocess_exec(
        *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )


async def _ended(process: asyncio.subprocess.Process) -> int:
    # Read to the end: a full pipe would make the worker wait.
    while await _output(process).read(_CHUNK_BYTES):
        pass
    return await process.wait()


def _output(process: asyncio.subprocess.Process) -> asyncio.StreamReader:
    return cast(asyncio.StreamReader, process.stdout)  # there is one: a pipe was asked for
