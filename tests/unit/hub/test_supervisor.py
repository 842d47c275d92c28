"""Workers are started, restarted, renewed and stopped together, and none outlives its supervisor."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog

from hub.errors import ConfigRefused
from hub.supervisor import Supervisor, reserve
from tests.waiting import PATIENCE, until

FOR_EVER = 3600.0

# Signals are held back from the first moment on, so that none comes too early for the script that waits for it.
PRELUDE = """
import os, signal, sys, time
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
folder = sys.argv[1]

def note(word):
    with open(f"{folder}/notes", "ab", buffering=0) as notes:
        notes.write(f"{word} {os.getpid()}\\n".encode())

def noted(word):
    return open(f"{folder}/notes").read().count(f"{word} ")

def wait_until(condition):
    while not condition():
        time.sleep(0.005)

def is_first(place="first"):
    try:
        os.close(os.open(f"{folder}/{place}", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True

def serve(url="http://127.0.0.1"):
    note("serving")
    print(url, flush=True)

def wait_for_stop():
    signal.sigwait({signal.SIGTERM})
    note("asked")

note("started")
"""
SERVE = "serve(); wait_for_stop()"
STUBBORN = "serve(); wait_for_stop(); signal.sigwait({signal.SIGTERM})"
SUPERVISOR = """
import sys
import uvloop
from hub.supervisor import supervise

work = supervise(sys.argv[2:], 2, lambda line: None, grace=float(sys.argv[1]))
sys.exit(uvloop.run(work))
"""
PARENT_GONE = """
import asyncio, uvloop
from hub.supervisor import parent_gone

async def work():
    watching = asyncio.create_task(parent_gone())
    serve()
    note("watching")
    await watching
    # Standard input itself is left open: its number must not go to whatever is opened next.
    os.fstat(0)
    note("gone")

{run}(work())
"""


async def ended(process: asyncio.subprocess.Process) -> int:
    """Return its status when it ended, without a complaint about anything that it left open."""
    _, complaints = await process.communicate()
    assert complaints == b""
    assert process.returncode is not None
    return process.returncode


class Crew:
    """The workers of a test, what they noted, and who supervises them."""

    def __init__(self, folder: Path) -> None:
        self.announced: list[str] = []
        self._folder = folder
        self._running: list[asyncio.Task[int]] = []
        self._processes: list[asyncio.subprocess.Process] = []

    def command(self, script: str, *options: str) -> list[str]:
        return [sys.executable, *options, "-c", PRELUDE + script, str(self._folder)]

    def supervised(self, script: str, *, workers=2, grace=FOR_EVER, clock=time.monotonic):
        """Supervise workers that do what the script says, here; return the supervisor and its run."""
        command = self.command(script, "-I", "-S")
        supervisor = Supervisor(command, workers, self.announced.append, grace=grace, clock=clock)
        self._running.append(asyncio.create_task(supervisor.run()))
        return supervisor, self._running[-1]

    async def supervised_elsewhere(self, script: str, *, grace=FOR_EVER) -> asyncio.subprocess.Process:
        """Supervise two workers by a process, on the loop that a hub uses; return it when both serve."""
        command = [sys.executable, "-W", "error", "-c", SUPERVISOR, str(grace), *self.command(script)]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        self._processes.append(process)
        await self.until_noted("serving", 2)
        return process

    def notes(self) -> list[tuple[str, int]]:
        path = self._folder / "notes"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(word, int(process)) for word, process in (line.split() for line in lines)]

    def noted(self, word: str) -> list[int]:
        return [process for noted, process in self.notes() if noted == word]

    async def until_noted(self, word: str, times: int) -> None:
        await until(lambda: len(self.noted(word)) >= times)

    async def until_announced(self) -> None:
        await until(lambda: bool(self.announced))

    def still_running(self) -> list[int]:
        return [process for process in self.noted("started") if is_running(process)]

    async def dismiss(self) -> None:
        """End whatever a test left running."""
        for running in self._running:
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        for process in self._processes:
            if process.returncode is None:
                process.terminate()
        # Each of them ends when its workers are gone, however stubborn these are.
        for left in self.still_running():
            with contextlib.suppress(ProcessLookupError):
                os.kill(left, signal.SIGKILL)
        for process in self._processes:
            await asyncio.wait_for(process.communicate(), PATIENCE)


def is_running(process: int) -> bool:
    """Whether there is such a process, and not only its status that nobody has asked for yet."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
async def crew(tmp_path: Path) -> AsyncIterator[Crew]:
    crew = Crew(tmp_path)
    yield crew
    await crew.dismiss()


async def test_nothing_is_announced_before_every_worker_takes_requests(crew: Crew, tmp_path: Path) -> None:
    """Who follows the link at once must not come to a hub of which a part is still missing."""
    go = tmp_path / "go"
    crew.supervised(f"if not is_first(): wait_until(lambda: os.path.exists({str(go)!r}))\n{SERVE}")
    await crew.until_noted("serving", 1)
    await crew.until_noted("started", 2)
    assert crew.announced == []

    go.touch()
    await crew.until_announced()
    assert len(crew.noted("serving")) == 2


async def test_the_line_that_was_the_first_is_announced(crew: Crew) -> None:
    """All workers name the same dashboard, each with a login of its own; one is enough."""
    crew.supervised(
        "if is_first(): serve('http://first'); note('written')\n"
        "else: wait_until(lambda: noted('written')); serve('http://second')\n"
        "wait_for_stop()"
    )
    await crew.until_announced()
    assert crew.announced == ["http://first"]


async def test_it_is_announced_only_once(crew: Crew) -> None:
    """A worker that is restarted is no news to whoever reads the output."""
    supervisor, run = crew.supervised("serve(str(os.getpid()))\nif is_first(): sys.exit(3)\nwait_for_stop()", workers=1)
    await crew.until_noted("serving", 2)
    supervisor.stop()
    await run
    assert crew.announced == [str(crew.noted("serving")[0])]


async def test_a_worker_is_told_its_number_and_its_successor_the_same(crew: Crew) -> None:
    """Series and lines of the log go by it: by process ids there would be new ones with every restart."""
    crew.supervised("note('is-' + sys.argv[-1])\nserve()\nif is_first(): sys.exit(3)\nwait_for_stop()")
    await crew.until_noted("serving", 3)
    assert sorted(len(crew.noted(f"is-{number}")) for number in (1, 2)) == [1, 2]


async def test_what_a_worker_writes_after_its_line_does_not_block_it(crew: Crew) -> None:
    """A pipe that nobody reads is full after a few pages, and the worker would stand still."""
    crew.supervised("serve(); print('x' * 1_000_000, flush=True); note('written'); wait_for_stop()", workers=1)
    await crew.until_noted("written", 1)


@pytest.mark.parametrize("ending", ["sys.exit(0)", "sys.exit(1)", "os.kill(os.getpid(), signal.SIGKILL)"])
async def test_a_worker_that_ends_by_itself_is_restarted(crew: Crew, ending: str) -> None:
    """However it ended, nobody asked it to: viewers want it back."""
    supervisor, run = crew.supervised(f"serve()\nif is_first(): {ending}\nwait_for_stop()")
    await crew.until_noted("serving", 3)
    supervisor.stop()
    assert await run == 0


async def test_the_others_serve_on_while_one_is_restarted(crew: Crew) -> None:
    """One defect must not cost the viewers of all."""
    crew.supervised("serve()\nif is_first(): sys.exit(3)\nwait_for_stop()")
    await crew.until_noted("serving", 3)
    assert crew.noted("asked") == []
    assert len(crew.still_running()) == 2


async def test_a_worker_that_keeps_ending_is_restarted_ever_later(crew: Crew) -> None:
    """A defect that comes at once again would else burn a processor and fill the log."""
    with structlog.testing.capture_logs() as entries:
        crew.supervised("sys.exit(3)", workers=1)
        await crew.until_noted("started", 4)
    assert [entry["pause"] for entry in entries if entry["event"] == "worker.restarting"][:3] == [0.1, 0.2, 0.4]


async def test_a_worker_that_lived_long_is_restarted_soon(crew: Crew) -> None:
    """What happened hours ago says nothing about this end."""
    times = iter(range(0, 1_000_000, 11))
    with structlog.testing.capture_logs() as entries:
        crew.supervised("sys.exit(3)", workers=1, clock=lambda: next(times))
        await crew.until_noted("started", 4)
    assert [entry["pause"] for entry in entries if entry["event"] == "worker.restarting"][:3] == [0.1, 0.1, 0.1]


async def test_starts_and_ends_are_logged(crew: Crew) -> None:
    """Who looks for the reason of a reconnect must find which worker ended, and how."""
    with structlog.testing.capture_logs() as entries:
        supervisor, run = crew.supervised("serve()\nif is_first(): sys.exit(3)\nwait_for_stop()", workers=1)
        await crew.until_noted("serving", 2)
        supervisor.stop()
        await run
    logged = [(entry["event"], entry["number"], entry.get("status")) for entry in entries]
    assert [entry for entry in logged if entry[0] != "worker.restarting"] == [
        ("worker.started", 1, None),
        ("worker.ended", 1, 3),
        ("worker.started", 1, None),
        ("worker.ended", 1, 0),
    ]


@pytest.mark.parametrize("status", [1, 2])
async def test_a_set_up_that_is_refused_stops_all_with_its_status(crew: Crew, status: int) -> None:
    """What is wrong with a configuration does not mend itself: an end with a reason is better than endless tries."""
    refusing = f"if is_first():\n  wait_until(lambda: noted('serving'))\n  sys.exit({status})\n"
    _, run = crew.supervised(refusing + SERVE)
    assert await run == status
    assert crew.noted("asked") == crew.noted("serving")


async def test_a_worker_that_ends_in_the_middle_of_its_line_was_never_ready(crew: Crew) -> None:
    """A line that is cut off says nothing, and a set-up may still be refused."""
    _, run = crew.supervised("print('http:', end='', flush=True); sys.exit(2)", workers=1)
    assert await run == 2
    assert crew.announced == []


async def test_another_status_is_no_refusal(crew: Crew) -> None:
    """A worker that is killed while it starts has said nothing about the set-up."""
    crew.supervised(f"if is_first(): sys.exit(3)\n{SERVE}")
    await crew.until_announced()


async def test_a_set_up_that_was_taken_once_is_not_refused_later(crew: Crew) -> None:
    """A hub that has run for weeks must not end because a restart fails: what is missing may come back."""
    crew.supervised(f"if is_first('a'): serve(); sys.exit(1)\nif is_first('b'): sys.exit(1)\n{SERVE}", workers=1)
    await crew.until_noted("serving", 2)
    assert len(crew.noted("started")) == 3


async def test_a_command_that_cannot_be_started_is_a_refusal(crew: Crew, tmp_path: Path) -> None:
    """There is nothing to restart."""
    supervisor = Supervisor([str(tmp_path / "missing")], 2, crew.announced.append, grace=FOR_EVER)
    assert await supervisor.run() == 1


async def test_a_stop_asks_all_workers_at_once(crew: Crew) -> None:
    """One after the other would take the time of all drains together."""
    supervisor, run = crew.supervised(SERVE + "; wait_until(lambda: noted('asked') == 3)", workers=3)
    await crew.until_announced()
    supervisor.stop()
    assert await run == 0


async def test_a_worker_that_ends_badly_when_stopped_is_told(crew: Crew) -> None:
    """Who stopped the hub must learn that something was perhaps not drained."""
    supervisor, run = crew.supervised(SERVE + "\nif is_first(): sys.exit(3)")
    await crew.until_announced()
    supervisor.stop()
    assert await run == 1


async def test_nothing_is_restarted_after_a_stop(crew: Crew) -> None:
    """Else a stop would never come to its end."""
    supervisor, run = crew.supervised("if is_first(): sys.exit(3)\n" + SERVE + "; sys.exit(3)", workers=1)
    await crew.until_announced()
    supervisor.stop()
    await run
    assert len(crew.noted("started")) == 2
    assert crew.still_running() == []


async def test_a_stop_does_not_wait_for_a_restart(crew: Crew) -> None:
    """A worker that waits to be restarted has nothing to drain."""
    with structlog.testing.capture_logs() as entries:
        supervisor, run = crew.supervised("sys.exit(3)", workers=1)
        await until(lambda: any(entry["event"] == "worker.restarting" for entry in entries))
        supervisor.stop()
        assert await run == 0
    assert len(crew.noted("started")) == 1


@pytest.mark.parametrize(("script", "stops"), [(SERVE, 1), (STUBBORN, 2)])
async def test_a_stop_while_workers_are_being_started_leaves_none(crew: Crew, script: str, stops: int) -> None:
    """A worker whose start was begun is in no list yet, and must not be forgotten."""
    supervisor, run = crew.supervised(script)
    await asyncio.sleep(0)
    for _ in range(stops):
        supervisor.stop()
    await run
    assert crew.still_running() == []


async def test_who_is_still_there_after_the_grace_is_killed(crew: Crew) -> None:
    """A worker that hangs must not keep the machine from shutting down."""
    supervisor, run = crew.supervised(STUBBORN, grace=1.5)
    await crew.until_announced()
    supervisor.stop()
    await crew.until_noted("asked", 2)
    assert await run == 1


async def test_a_second_stop_kills_at_once(crew: Crew) -> None:
    """Who asks twice does not want to wait."""
    supervisor, run = crew.supervised(STUBBORN)
    await crew.until_announced()
    supervisor.stop()
    await crew.until_noted("asked", 2)
    supervisor.stop()
    assert await run == 1


async def test_a_supervisor_that_is_cancelled_leaves_no_worker(crew: Crew) -> None:
    """Every process has an owner, which ends it."""
    _, run = crew.supervised(STUBBORN)
    await crew.until_announced()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert crew.still_running() == []


async def test_workers_are_renewed_one_after_the_other(crew: Crew) -> None:
    """While one drains and its successor starts, all others take requests: an upgrade that nobody notices."""
    supervisor, _ = crew.supervised(SERVE, workers=3)
    await crew.until_announced()
    supervisor.renew()
    await crew.until_noted("serving", 6)
    words = [word for word, _ in crew.notes() if word != "started"]
    assert words == ["serving"] * 3 + ["asked", "serving"] * 3
    assert set(crew.noted("asked")) == set(crew.noted("serving")[:3])


async def test_a_renewal_goes_no_further_than_a_successor_that_does_not_start(crew: Crew, tmp_path: Path) -> None:
    """A new version that fails costs one worker; the others serve on until it is mended."""
    broken = tmp_path / "broken"
    supervisor, _ = crew.supervised(f"if os.path.exists({str(broken)!r}): sys.exit(1)\n{SERVE}")
    await crew.until_announced()
    broken.touch()
    supervisor.renew()
    await crew.until_noted("started", 4)
    assert len(crew.noted("asked")) == 1

    broken.unlink()
    await crew.until_noted("serving", 4)
    assert len(crew.noted("asked")) == 2


async def test_a_successor_is_started_without_a_pause(crew: Crew) -> None:
    """A worker that was asked to end has no defect that a pause could spare."""
    with structlog.testing.capture_logs() as entries:
        supervisor, _ = crew.supervised(SERVE + "; sys.exit(3)", workers=1)
        await crew.until_announced()
        supervisor.renew()
        await crew.until_noted("serving", 2)
    assert "worker.restarting" not in [entry["event"] for entry in entries]


async def test_a_worker_that_hangs_does_not_hold_up_a_renewal(crew: Crew) -> None:
    """The grace is for this end as for any other."""
    supervisor, _ = crew.supervised(STUBBORN, grace=0.2)
    await crew.until_announced()
    supervisor.renew()
    await crew.until_noted("serving", 4)


async def test_a_renewal_asked_for_during_another_is_done_after_it(crew: Crew) -> None:
    """The workers renewed first may have read the configuration before it was changed again."""
    supervisor, _ = crew.supervised(SERVE)
    await crew.until_announced()
    supervisor.renew()
    await crew.until_noted("asked", 1)
    supervisor.renew()
    await crew.until_noted("serving", 6)


async def test_a_stop_ends_a_renewal(crew: Crew) -> None:
    """A stop is a stop, whatever else was begun; and nobody is asked twice, which could mean: at once."""
    check = "wait_until(lambda: noted('asked') == 2); sys.exit(len(signal.sigpending()))"
    supervisor, run = crew.supervised(f"{SERVE}; {check}")
    await crew.until_announced()
    supervisor.renew()
    await crew.until_noted("asked", 1)
    supervisor.stop()
    assert await run == 0
    assert len(crew.noted("started")) == 2


async def test_workers_are_in_a_session_of_their_own(crew: Crew) -> None:
    """A SIGINT typed in the terminal goes to a whole process group; only the supervisor decides what it means."""
    crew.supervised(SERVE)
    await crew.until_announced()
    assert [os.getsid(process) for process in crew.noted("started")] == crew.noted("started")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signals_stop_it(crew: Crew, number: signal.Signals) -> None:
    """The one is a service manager's, the other is typed in a terminal."""
    process = await crew.supervised_elsewhere(SERVE)
    process.send_signal(number)
    assert await ended(process) == 0
    assert sorted(crew.noted("asked")) == sorted(crew.noted("serving"))


async def test_a_second_signal_kills(crew: Crew) -> None:
    """Pressed twice, Ctrl-C means: now."""
    process = await crew.supervised_elsewhere(STUBBORN)
    process.send_signal(signal.SIGINT)
    await crew.until_noted("asked", 2)
    process.send_signal(signal.SIGTERM)
    assert await ended(process) == 1
    assert crew.still_running() == []


async def test_sighup_renews(crew: Crew) -> None:
    """It is what service managers send for a reload."""
    process = await crew.supervised_elsewhere(SERVE)
    process.send_signal(signal.SIGHUP)
    await crew.until_noted("serving", 4)
    process.send_signal(signal.SIGTERM)
    assert await ended(process) == 0


@pytest.mark.parametrize("run", ["asyncio.run", "uvloop.run"])
async def test_a_worker_notices_that_its_supervisor_was_killed(crew: Crew, run: str) -> None:
    """Workers without a supervisor would hold the port, and the next hub could not start."""
    process = await crew.supervised_elsewhere(PARENT_GONE.format(run=run))
    await crew.until_noted("watching", 2)
    process.kill()
    await crew.until_noted("gone", 2)
    assert await ended(process) == -signal.SIGKILL
    await until(lambda: not crew.still_running())


def listening(port: int = 0, *options: int) -> socket.socket:
    server = socket.socket()
    for option in options:
        server.setsockopt(socket.SOL_SOCKET, option, 1)
    server.bind(("127.0.0.1", port))
    server.listen()
    return server


@pytest.mark.parametrize("options", [(), (socket.SO_REUSEADDR, socket.SO_REUSEPORT)])
def test_a_port_on_which_somebody_listens_is_refused(options: tuple[int, ...]) -> None:
    """Two hubs that share a port by mistake would each get half of the webhooks."""
    with listening(0, *options) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigRefused) as refused, reserve("127.0.0.1", port):
            pass
    expected = f"server.host, server.port: cannot listen on 127.0.0.1:{port}: Address already in use"
    assert str(refused.value) == expected


def test_a_port_that_is_held_is_refused_before_any_worker_listens_on_it() -> None:
    """Two hubs started at the same time, or one whose workers are all being restarted, are two hubs still."""
    with reserve("127.0.0.1", 0) as port, pytest.raises(ConfigRefused), reserve("127.0.0.1", port):
        pass


def test_workers_listen_on_the_port_that_is_held_and_get_all_its_connections() -> None:
    """A connection given to who never accepts would hang."""
    with (
        reserve("127.0.0.1", 0) as port,
        listening(port, socket.SO_REUSEPORT) as one,
        listening(port, socket.SO_REUSEPORT) as other,
    ):
        callers = [socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) for _ in range(20)]
        accepted = []
        for server in (one, other):
            server.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    accepted.append(server.accept()[0])
        for connection in (*callers, *accepted):
            connection.close()
    assert len(accepted) == 20


def test_a_port_is_given_back_at_the_end() -> None:
    """Who holds it no longer must not keep others from it."""
    with reserve("127.0.0.1", 0) as port:
        pass
    listening(port).close()


def test_connections_left_behind_by_an_earlier_hub_are_no_reason_to_refuse() -> None:
    """The system keeps them for a minute after a stop; a restart cannot wait so long."""
    with listening(0, socket.SO_REUSEADDR) as earlier:
        port = earlier.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as caller:
            earlier.accept()[0].close()
            assert caller.recv(1) == b""
    with reserve("127.0.0.1", port) as reserved:
        assert reserved == port


def test_a_name_of_several_addresses_is_held_at_all_of_them_by_one_number() -> None:
    """Workers listen on each of them, with the number that they are told."""
    with reserve("localhost", 0) as port, pytest.raises(ConfigRefused), reserve("127.0.0.1", port):
        pass


def test_a_host_that_is_not_this_machine_is_refused() -> None:
    """The reason names the keys to correct."""
    expected = r"server\.host, server\.port: cannot listen on 192\.0\.2\.1:8080"
    with pytest.raises(ConfigRefused, match=expected), reserve("192.0.2.1", 8080):
        pass
