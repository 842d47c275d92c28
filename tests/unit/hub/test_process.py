"""The process of a hub: it stops when it is told to, and may have many connections."""

import asyncio
import gc
import os
import resource
import signal

import pytest

from hub.process import raise_open_files, spare_what_is_loaded, stopped_by_signals

STOPPING = (signal.SIGTERM, signal.SIGINT)


@pytest.mark.parametrize("number", STOPPING)
async def test_a_signal_stops_it_and_one_that_comes_after_that_is_not_heard(number: signal.Signals) -> None:
    """A service manager that asks again must not make a failure of a stop that went well."""
    before = {one: signal.getsignal(one) for one in STOPPING}
    stopping = asyncio.Event()
    try:
        with stopped_by_signals(stopping):
            os.kill(os.getpid(), number)
            async with asyncio.timeout(5):
                await stopping.wait()
        assert [signal.getsignal(one) for one in STOPPING] == [signal.SIG_IGN] * 2
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def test_as_many_files_may_be_open_as_the_system_permits() -> None:
    """Each viewer is one, and the usual limit of 1,024 is far below what is promised."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, before[1]))
    try:
        raise_open_files()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert hard == before[1]
        assert soft == (65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_what_is_loaded_at_start_is_not_walked_over_again() -> None:
    """A full collection took 50 ms, in which nobody was served; nearly all of it went over modules."""
    loaded: list[object] = []
    loaded.append(loaded)
    spare_what_is_loaded()
    try:
        assert not any(one is loaded for one in gc.get_objects())
    finally:
        gc.unfreeze()
        loaded.clear()
