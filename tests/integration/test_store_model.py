"""The store, its fold and its restarts against a model that works everything out anew from all that was told."""

import asyncio
import tempfile
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import orjson
import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hub.errors import StorageUnavailable
from hub.events import Delivery, RoomDetail, ScheduleDetail, format_time
from hub.fold import Batch, Recall, Rules
from hub.ports import Document, Query, Status, Store
from storage.postgres import PostgresStore
from storage.sqlite import SqliteStore
from tests.folders import quick_folder
from tests.postgres_server import PostgresServer
from tests.searching import search
from tests.unit.hub.fold import naive, stories

ROOMS = stories.tellings(stories.room_facts((stories.NAMED, stories.NAMELESS), stories.PRESENCE))
BOTS = stories.tellings(stories.bot_facts, facts_in_one=1)
PLANS = stories.tellings(stories.shared_facts, facts_in_one=1)
EVERYTHING = frozenset({"*"})
_GIVEN_UP_AFTER = 2.0

Answer = TypeVar("Answer")


class StoreModel(RuleBasedStateMachine):
    """What can happen to a store: batches of anything, repetitions, and being closed and opened again."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._folder = tempfile.TemporaryDirectory(dir=quick_folder())
        # It outlives the store, as nothing in the hub does: it must never matter.
        self._recall = Recall(limit=8)
        self._sent: list[Delivery] = []
        self._told: dict[naive.Told, None] = {}

    @initialize()
    def open(self) -> None:
        """Open the store where it was, as every process does that starts."""
        self._store: Store = self._runner.run(self._opened())

    @rule()
    def restart(self) -> None:
        """Close it, and open it as the next process would."""
        self._runner.run(self._store.close())
        self.open()

    @rule(deliveries=st.one_of(ROOMS, ROOMS, BOTS, PLANS))
    def tell(self, deliveries: list[Delivery]) -> None:
        """Commit what was never told, in one batch."""
        number = len(self._sent)
        fresh = [msgspec.structs.replace(one, key=f"{one.key}.{number}") for one in deliveries]
        fresh = list({one.key: one for one in fresh}.values())
        self._commit(fresh, Status.ACCEPTED)
        self._sent += fresh
        # Plans and decisions change nothing of who is where.
        told = [naive.Told(fact, one.key) for one in fresh for fact in one.facts]
        self._told |= dict.fromkeys(one for one in told if not isinstance(one.fact.detail, RoomDetail | ScheduleDetail))

    @rule(data=st.data())
    def tell_again(self, data: st.DataObject) -> None:
        """Commit what was told before, as a provider does that got no answer."""
        if self._sent:
            self._commit(data.draw(st.lists(st.sampled_from(self._sent), min_size=1, max_size=4)), Status.DUPLICATE)

    @invariant()
    def rooms_and_bots_are_those_of_the_model(self) -> None:
        """Whatever was committed together, and however often the store was opened."""
        if not hasattr(self, "_store"):
            return
        rooms = {str(shown["id"]): shown for shown in self._shown("rooms")}
        active: dict[str, set[str]] = {room: set() for room in rooms}
        for person in self._shown("participants"):
            active[str(person["room"])] |= {str(person["id"])} if person["active"] else set()
        found = {
            room: naive.RoomNow(
                shown["status"], frozenset(active[room]), shown["participant_count"], shown["speaker_count"]
            )
            for room, shown in rooms.items()
        }
        assert found == naive.rooms_now(list(self._told))
        bots = {one["id"]: (one["status"], one["status_since"], one["attempt"]) for one in self._shown("bots")}
        expected = naive.bots_now(list(self._told))
        assert bots == {bot: (one.status, format_time(one.since), one.attempt) for bot, one in expected.items()}

    @invariant()
    def the_log_has_no_gaps(self) -> None:
        """Every sequence up to the head is there once."""
        if hasattr(self, "_store"):
            page = self._asked(lambda: self._store.page(EVERYTHING, 0, 100_000))
            assert [event.sequence for event in page.events] == list(range(1, page.head + 1))

    def teardown(self) -> None:
        """Leave nothing behind."""
        if hasattr(self, "_store"):
            self._runner.run(self._store.close())
        self._runner.close()
        self._folder.cleanup()

    async def _opened(self) -> Store:
        url = f"sqlite:///{Path(self._folder.name)}/hub.db"
        return await SqliteStore.open(url, self._batch, lambda: "epoch")

    def _batch(self, deliveries: Sequence[Delivery]) -> Batch:
        return Batch(deliveries, Rules(), self._recall)

    def _asked(self, question: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        """Ask again what took so long that the store gave it up: its server does so after two seconds."""

        async def answered() -> Answer:
            loop = asyncio.get_running_loop()
            while True:
                begun = loop.time()
                try:
                    return await question()
                except StorageUnavailable:
                    if loop.time() - begun < _GIVEN_UP_AFTER:
                        raise

        return self._runner.run(answered())

    def _commit(self, deliveries: list[Delivery], status: Status) -> None:
        committed = self._asked(lambda: self._store.commit(deliveries))
        assert {outcome.status for outcome in committed.outcomes} == {status}

    def _shown(self, collection: str) -> list[dict[str, object]]:
        query = Query(collection=collection, limit=1000)
        found: tuple[Document, ...] = self._asked(lambda: self._store.read(query)).documents
        return [orjson.loads(one.body) for one in found]


class PostgresModel(StoreModel):
    """The same on PostgreSQL."""

    def __init__(self) -> None:
        super().__init__()
        self._server = servers[0]
        self._url = self._server.create()

    async def _opened(self) -> Store:
        return await PostgresStore.open(self._url, self._batch, lambda: "epoch")

    def teardown(self) -> None:
        """Leave nothing behind."""
        super().teardown()
        self._server.give_back(self._url)


# What a state machine may use that is made without arguments.
servers: list[PostgresServer] = []


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[PostgresServer]:
    """One server for all examples."""
    postgres = PostgresServer()
    postgres.start()
    servers.append(postgres)
    yield postgres
    servers.clear()
    postgres.close()


TestStoreModel = StoreModel.TestCase
TestStoreModel.settings = search(40, stateful_step_count=12, suppress_health_check=list(HealthCheck))
TestPostgresModel = PostgresModel.TestCase
TestPostgresModel.settings = search(20, stateful_step_count=12, suppress_health_check=list(HealthCheck))
