"""What a message at a viewer costs its server, and how servers compare that were measured by turns."""

import asyncio
from collections.abc import Callable, Mapping
from statistics import median

import aiohttp
import msgspec

from bench.contenders import Contender
from bench.viewers import Viewers

Watched = Mapping[Contender, Viewers]
# Seconds from when all have a message to the next: caches are as cold as they usually are.
PACE = 0.04


class Cost(msgspec.Struct, frozen=True):
    """What a message at one viewer cost its server and its viewer, in microseconds of CPU, and its bytes."""

    microseconds: float
    viewers_microseconds: float
    message_bytes: float


# A cost of its server: all of it, or what is left of it, given the contender and the round.
Share = Callable[[Contender, int], float]


class Costs:
    """What was measured by turns: what is of one round was measured at about the same time."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._rounds: dict[Contender, list[Cost]] = {contender: [] for contender in watched}
        # What a webhook cost a hub that nobody watches.
        self._webhooks: list[float] = []

    async def measure(
        self, unwatched: Contender, session: aiohttp.ClientSession, rounds: int, bursts: int, burst: int = 1
    ) -> None:
        """Measure each in each round, so that what else the machine does hurts all alike."""
        for _ in range(rounds):
            self._webhooks.append(await alone(unwatched, session, bursts, burst))
            for contender, viewers in self._watched.items():
                self._rounds[contender].append(await spent(contender, viewers, session, bursts, burst))

    @property
    def webhook(self) -> float:
        """The microseconds that a webhook cost a hub that nobody watches."""
        return median(self._webhooks)

    def whole(self, contender: Contender, number: int) -> float:
        """Return what a message at a viewer cost in a round, everything included."""
        return self._rounds[contender][number].microseconds

    def fanned_out(self, contender: Contender, number: int) -> float:
        """Return the same without what a webhook costs a hub anyway. Others still pay for taking the message."""
        anyway = self._webhooks[number] / self._watched[contender].number if contender.takes_webhooks else 0.0
        return self.whole(contender, number) - anyway

    def middle(self, contender: Contender, share: Share) -> float:
        """Return the median."""
        return median(share(contender, number) for number in range(len(self._webhooks)))

    def ratio(self, ours: Contender, theirs: Contender, share: Share) -> float:
        """Return the median of the rounds' ratios."""
        return median(share(ours, number) / share(theirs, number) for number in range(len(self._webhooks)))

    def viewers_middle(self, contender: Contender) -> float:
        """Return the median of what a message cost its viewer."""
        return median(cost.viewers_microseconds for cost in self._rounds[contender])

    def message_bytes(self, contender: Contender) -> float:
        """Return how many bytes a message was at its viewer."""
        return median(cost.message_bytes for cost in self._rounds[contender])


async def spent(
    contender: Contender, viewers: Viewers, session: aiohttp.ClientSession, bursts: int, burst: int = 1
) -> Cost:
    """Publish bursts of messages, each when all have the one before; return what a message at a viewer cost."""
    begun, cpu = await viewers.count(), contender.server.cpu_seconds()
    for number in range(1, bursts + 1):
        await asyncio.gather(*(contender.publish(session) for _ in range(burst)))
        await viewers.until(begun.messages + number * burst * viewers.number)
        await asyncio.sleep(PACE)
    ended, cpu = await viewers.count(), contender.server.cpu_seconds() - cpu
    messages = ended.messages - begun.messages
    viewers_cpu = (ended.cpu_nanoseconds - begun.cpu_nanoseconds) / 1e3
    return Cost(cpu / messages * 1e6, viewers_cpu / messages, (ended.received_bytes - begun.received_bytes) / messages)


async def alone(hub: Contender, session: aiohttp.ClientSession, bursts: int, burst: int = 1) -> float:
    """Return the microseconds of CPU that a webhook costs when nobody watches."""
    cpu = hub.server.cpu_seconds()
    for _ in range(bursts):
        await asyncio.gather(*(hub.publish(session) for _ in range(burst)))
        await asyncio.sleep(PACE)
    return (hub.server.cpu_seconds() - cpu) / bursts / burst * 1e6
