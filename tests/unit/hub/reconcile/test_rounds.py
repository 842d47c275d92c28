"""Providers are asked at start, after webhooks were refused, soon when something is missing, and from time to time."""

from collections.abc import Iterator

import pytest
import structlog

from hub.errors import Unanswered
from hub.events import Position
from hub.feed import Feed
from hub.ingest import Ingest
from hub.reconcile.rounds import Rounds, one_after_the_other
from hub.reconcile.seen import Looked
from hub.stores import make_epoch
from storage.local import LocalBus
from tests.contracts.plain import Folding
from tests.memory_store import MemoryStore

PERIOD, SOON = 1000.0, 100.0


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[structlog.typing.EventDict]]:
    """What was logged, instead of printing it."""
    with structlog.testing.capture_logs() as entries:
        yield entries


class Asked:
    """A provider that counts, and a clock that a test moves."""

    def __init__(self) -> None:
        self.now, self.count = 1_000_000.0, 0
        self.outcome: Looked | Exception = Looked()
        store = MemoryStore(Folding())
        self.ingest = Ingest(store, Feed(store, Position(epoch="e", sequence=0), LocalBus(), make_epoch))
        self.rounds = Rounds(
            "x", self.look, self.ingest, lambda: 0.5, lambda: self.now, period=PERIOD, again_after=SOON
        )

    async def look(self) -> Looked:
        self.count += 1
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    async def after(self, seconds: float) -> int:
        """Let time pass; return how often was asked by then."""
        self.now += seconds
        await self.rounds.round()
        return self.count


async def test_a_provider_is_asked_at_start_and_then_from_time_to_time() -> None:
    """Whoever was away does not know what it missed; and webhooks get lost at any time."""
    asked = Asked()
    assert [await asked.after(seconds) for seconds in (0, 1, PERIOD - 2, 1, PERIOD - 1)] == [1, 1, 1, 2, 2]


async def test_a_provider_is_asked_when_webhooks_were_refused_and_are_taken_again() -> None:
    """Some of them are not sent again."""
    asked = Asked()
    await asked.after(0)
    asked.ingest.refused, asked.ingest.problem = 3, "the store is away"
    assert await asked.after(SOON) == 1
    asked.ingest.problem = ""
    assert [await asked.after(5), await asked.after(5)] == [2, 2]


async def test_refusals_in_a_row_do_not_make_the_hub_a_nuisance() -> None:
    """An hour of trouble is one thing to be asked about, not seven hundred."""
    asked = Asked()
    await asked.after(0)
    counts = []
    for _ in range(10):
        asked.ingest.refused += 1
        counts.append(await asked.after(SOON / 10))
    assert counts == [1] * 9 + [2]


async def test_a_provider_is_asked_sooner_when_something_is_missing() -> None:
    """The second look decides."""
    asked = Asked()
    asked.outcome = Looked(is_unsettled=True)
    assert [await asked.after(seconds) for seconds in (0, SOON - 1, 1)] == [1, 1, 2]


async def test_what_is_wrong_is_logged_once_and_so_is_its_end(logged: list[structlog.typing.EventDict]) -> None:
    """A log in which the same is said every minute is not read."""
    asked = Asked()
    asked.outcome = Unanswered("X refuses: check Y")
    for _ in range(3):
        await asked.after(PERIOD)
    asked.outcome = Looked()
    await asked.after(PERIOD)
    assert [(entry["event"], entry.get("problem")) for entry in logged] == [
        ("reconcile.unanswered", "X refuses: check Y"),
        ("reconcile.answered", None),
    ]


async def test_of_several_looks_each_is_done_whatever_becomes_of_the_others() -> None:
    """Sessions can be listed where failed webhooks cannot be had."""
    asked, failing = Asked(), Asked()
    failing.outcome = Unanswered("no")
    looked = await one_after_the_other(failing.look, asked.look)()
    assert (looked, asked.count) == (Looked(("no",), is_unsettled=True), 1)
