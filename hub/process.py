"""What serving needs of its process: enough open files, no long pauses, and to be told when to stop."""

import asyncio
import contextlib
import gc
import resource
import signal
from collections.abc import Iterator

from hub.supervisor import parent_gone

_OPEN_FILES = 65_536
_STOPPING_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def raise_open_files() -> None:
    """Allow as many connections as the system permits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def spare_what_is_loaded() -> None:
    """Keep the garbage collector from walking over what is loaded by now: it stays for as long as the process."""
    # While it walks over everything, nobody is served.
    gc.freeze()


@contextlib.contextmanager
def stopped_by_signals(stopping: asyncio.Event) -> Iterator[None]:
    """Stop when asked to, however often; asked again afterwards, the process still ends as one that stopped well."""
    loop = asyncio.get_running_loop()
    for number in _STOPPING_SIGNALS:
        loop.add_signal_handler(number, stopping.set)
    try:
        yield
    finally:
        for number in _STOPPING_SIGNALS:
            # The loop would give it back its default, by which the rest of this process is cut off with another status.
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)


async def stop_with_parent(stopping: asyncio.Event) -> None:
    """Stop when the supervisor of this worker is gone."""
    await parent_gone()
    stopping.set()
