"""One round: a cluster, a load, viewers, faults; then peace, and the verdict."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from tests.chaos.cluster import KEY, Cluster, Spooling, running
from tests.chaos.faults import Fault, Havoc, drawn
from tests.chaos.load import Load
from tests.chaos.mirror import Mirror
from tests.chaos.verdict import TOPICS, Log, judge, read_log
from tests.chaos.witness import Witness

FAULTS = 12
MIRRORS = 2
_PEACE_SECONDS = 60.0
_POLL_SECONDS = 0.1
_TAIL_LINES = 60
# What a hub says all the time, and what it says at its start to who started it.
_USUAL = ("delivery.taken", "viewer.gone", "note ", "Dashboard:")


@dataclass
class Report:
    """What a round was, and what was not as it must be."""

    seed: int
    spooling: Spooling
    faults: Sequence[Fault]
    problems: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    tails: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    events: int = 0
    connections: int = 0
    lost_messages: int = 0
    seconds: float = 0.0

    def line(self) -> str:
        """Return the round in a line."""
        return (
            f"seed {self.seed}: {self.spooling.value}; {', '.join(map(str, self.faults))}; "
            f"{self.answered} webhooks answered 200 ({sum(self.answers.values())} attempts), {self.events} events, "
            f"{self.connections} connections of viewers, {self.lost_messages} messages lost, {self.seconds:.0f}s: "
            + (f"{len(self.problems)} PROBLEMS" if self.problems else "fine")
        )

    def story(self) -> str:
        """Return everything that somebody needs who looks for the cause."""
        answers = [f"{count} × {answer}" for answer, count in self.answers.most_common()]
        return "\n".join([self.line(), *self.problems, *self.told, *answers, *self.tails])


async def play(folder: Path, seed: int, faults: Sequence[Fault] = (), spooling: Spooling | None = None) -> Report:
    """Play a round; without faults, or without a word on spools, these are drawn by the seed."""
    chance = random.Random(seed)
    drawn_spooling, drawn_faults = chance.choice(list(Spooling)), drawn(chance, FAULTS)
    report = Report(seed, spooling or drawn_spooling, faults or drawn_faults)
    began = time.monotonic()
    async with running(folder, chance, report.spooling) as cluster:
        await _play(cluster, report, chance)
        report.lost_messages = cluster.proxy.lost
        if report.problems:
            report.tails = [_tail(cluster, place) for place in range(len(cluster.nodes))]
    report.seconds = time.monotonic() - began
    return report


async def _play(cluster: Cluster, report: Report, chance: random.Random) -> None:
    load = Load(cluster.nodes, chance)
    report.answers = load.answers
    witnesses = [_witness(cluster, chance, topic, roams=roams) for topic in TOPICS for roams in (False, True)]
    mirrors = [_mirror(cluster, chance) for _ in range(MIRRORS)]
    viewers = [*witnesses, *mirrors]
    following = [asyncio.create_task(viewer.follow()) for viewer in viewers]
    try:
        await _until(lambda: all(witness.start for witness in witnesses), "the viewers are not let in", report)
        await _storm(cluster, load, report)
        await _settle(cluster, report)
        log = await read_log(cluster.nodes[0])
        report.events = len(log.events)
        await _until(lambda: all(_is_there(one, log) for one in witnesses), "the viewers do not arrive", report)
        await _until(lambda: all(one.here >= len(log.events) for one in mirrors), "a mirror does not arrive", report)
        report.problems += await judge(cluster, load, log, witnesses, mirrors)
    except (AssertionError, OSError, aiohttp.ClientError) as problem:
        report.problems.append(f"{type(problem).__name__}: {problem}")
    finally:
        report.problems += await _end(following)
    report.answered = len(load.answered)
    report.connections = sum(len(viewer.statuses) for viewer in viewers)


async def _storm(cluster: Cluster, load: Load, report: Report) -> None:
    """Let everything fail under load, and return when nothing does any more and all webhooks are taken."""
    havoc = Havoc(cluster)
    report.told = havoc.told
    sending = asyncio.create_task(load.run())
    try:
        await havoc.wreak(report.faults)
        load.is_over = True
        await asyncio.wait([sending], timeout=_PEACE_SECONDS)
        if not sending.done():
            report.problems.append("there are webhooks that are not taken, though nothing is broken any more")
    finally:
        report.problems += [*havoc.problems, *await _end([sending])]


async def _settle(cluster: Cluster, report: Report) -> None:
    """Wait until all is well, which it must become by itself."""
    try:
        async with asyncio.timeout(_PEACE_SECONDS):
            while not await cluster.is_well():  # noqa: ASYNC110 -- other processes
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        report.problems.append(f"the cluster does not recover: {await cluster.condition()}")


async def _until(condition: Callable[[], bool], complaint: str, report: Report) -> None:
    try:
        async with asyncio.timeout(_PEACE_SECONDS):
            while not condition():  # noqa: ASYNC110 -- what other processes told
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError:
        report.problems.append(complaint)


def _witness(cluster: Cluster, chance: random.Random, topic: str, *, roams: bool) -> Witness:
    own = random.Random(chance.random())
    return Witness(cluster.nodes[0].url, KEY, (topic,), nodes=cluster.nodes, roams=roams, chance=own)


def _mirror(cluster: Cluster, chance: random.Random) -> Mirror:
    own = random.Random(chance.random())
    return Mirror(cluster.nodes[0].url, KEY, nodes=cluster.nodes, chance=own)


def _is_there(witness: Witness, log: Log) -> bool:
    """Whether a viewer was told as much as there is, or more."""
    due = log.topics[witness.topics]
    return not due or (bool(witness.seen) and int(witness.seen[-1].id.rpartition(".")[2]) >= _number(due[-1].id))


def _number(identity: str) -> int:
    return int(identity.rpartition(".")[2])


def _tail(cluster: Cluster, place: int) -> str:
    lines = cluster.nodes[place].log.read_text(errors="replace").splitlines()
    told = [line for line in lines if line and not any(usual in line for usual in _USUAL)]
    return "\n".join([f"--- node {place}", *told[-_TAIL_LINES:]])


async def _end(tasks: Sequence["asyncio.Task[None]"]) -> list[str]:
    """End tasks; return what those had met that had ended before."""
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    return [f"{type(one).__name__}: {one}" for one in ended if isinstance(one, Exception)]
