"""Keeps the workers of `hub serve --workers` running: announces, renews and stops them, and holds their port."""

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence

from hub.errors import ConfigRefused
from hub.slot import Slot

_STDIN = 0
_CHUNK_BYTES = 65_536


async def supervise(command: Sequence[str], workers: int, announce: Callable[[str], None], *, grace: float) -> int:
    """Run that many workers until SIGTERM or SIGINT, and return the exit status; SIGHUP renews them one by one."""
    supervisor = Supervisor(command, workers, announce, grace=grace)
    orders = {signal.SIGTERM: supervisor.stop, signal.SIGINT: supervisor.stop, signal.SIGHUP: supervisor.renew}
    loop = asyncio.get_running_loop()
    for number, order in orders.items():
        loop.add_signal_handler(number, order)
    try:
        return await supervisor.run()
    finally:
        for number in orders:
            loop.remove_signal_handler(number)


class Supervisor:
    """Workers that are kept running until told to stop.

    The last argument of a worker is its number, from 1. It writes a line once it takes requests. `announce` is called
    once, when each of them has done so for the first time, with the line that was the first of all.
    """

    def __init__(
        self,
        command: Sequence[str],
        workers: int,
        announce: Callable[[str], None],
        *,
        grace: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._announce = announce
        self._grace = grace
        self._first_line: str | None = None
        self._is_announced = False
        self._refusal = 0
        self._stopping = asyncio.Event()
        self._renewing = asyncio.Event()
        self._slots = [
            Slot(
                number=number,
                command=[*command, str(number)],
                stopping=self._stopping,
                on_ready=self._note_ready,
                clock=clock,
            )
            for number in range(1, workers + 1)
        ]

    async def run(self) -> int:
        """Keep them running until told to stop; return 0 if all ended well then, else 1.

        A set-up that a worker refuses stops all of them, and its status is returned.
        """
        async with asyncio.TaskGroup() as tasks:
            keeping = [tasks.create_task(self._keep(slot)) for slot in self._slots]
            directing = [tasks.create_task(self._renew_when_asked()), tasks.create_task(self._kill_after_grace())]
            # Not gather(): cancelled, it and the group would each cancel them, the second in the midst of the first.
            await asyncio.wait(keeping)
            for task in directing:
                task.cancel()
        return self._refusal or int(any(task.result() for task in keeping))

    def stop(self) -> None:
        """Ask all workers to stop, and end after the grace who is still there; asked again, end them at once."""
        is_repeated = self._stopping.is_set()
        self._stopping.set()
        for slot in self._slots:
            slot.kill() if is_repeated else slot.ask()

    def renew(self) -> None:
        """Replace the workers, one after the other; asked meanwhile, do it all once more."""
        self._renewing.set()

    async def _keep(self, slot: Slot) -> int:
        status = await slot.keep()
        if not self._stopping.is_set():
            self._refusal = status
            self.stop()
        return status

    def _note_ready(self, line: str) -> None:
        if self._first_line is None:
            self._first_line = line
        if not self._is_announced and all(slot.was_ready for slot in self._slots):
            self._is_announced = True
            self._announce(self._first_line)

    async def _renew_when_asked(self) -> None:
        while True:
            await self._renewing.wait()
            self._renewing.clear()
            for slot in self._slots:
                await slot.renew(self._grace)

    async def _kill_after_grace(self) -> None:
        await self._stopping.wait()
        await asyncio.sleep(self._grace)
        for slot in self._slots:
            slot.kill()


async def parent_gone() -> None:
    """Return when the process that started this one, with a pipe as standard input, is gone, however it ended."""
    reader = asyncio.StreamReader()
    connect = asyncio.get_running_loop().connect_read_pipe
    # A duplicate, as the transport closes it: the number 0 itself would be given to whatever is opened next.
    pipe = os.fdopen(os.dup(_STDIN), "rb", buffering=0)
    transport, _ = await connect(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    try:
        while await reader.read(_CHUNK_BYTES):
            pass
    finally:
        transport.close()


@contextlib.contextmanager
def reserve(host: str, port: int) -> Iterator[int]:
    """Hold a port for workers that listen on it with SO_REUSEPORT, and yield its number; 0 takes any that is free.

    Raises ConfigRefused when it is not to be had, above all when somebody listens there.
    """
    with contextlib.ExitStack() as held:
        try:
            for family, _, _, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                bound = held.enter_context(_hold(family, (address[0], port, *address[2:])))
                # Left to the system for the first address, it is the same for all others.
                port = bound.getsockname()[1]
        except OSError as problem:
            place = f"{host}:{port}"
            raise ConfigRefused(f"server.host, server.port: cannot listen on {place}: {problem.strerror}") from problem
        yield port


def _hold(family: int, address: tuple[object, ...]) -> socket.socket:
    """Return a socket that shares its port with the workers; as it never listens, it gets no connections."""
    # With SO_REUSEPORT alone another hub with workers would not be noticed: its port would be shared.
    _bound(family, address, socket.SO_REUSEADDR).close()
    try:
        return _bound(family, address, socket.SO_REUSEPORT)
    except OSError:
        # A hub without workers ended here a moment ago, and the system still keeps its connections for a while.
        # Not the first choice: others could bind the port, unnoticed, while no worker listens on it.
        return _bound(family, address, socket.SO_REUSEPORT, socket.SO_REUSEADDR)


def _bound(family: int, address: tuple[object, ...], *options: int) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        for option in options:
            bound.setsockopt(socket.SOL_SOCKET, option, 1)
        if family == socket.AF_INET6:
            # As servers do: else :: would take the port of 0.0.0.0 too.
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound
