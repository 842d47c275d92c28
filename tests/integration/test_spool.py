"""The spool on real files: what it promises, to whom it hands over, and what is left after every way to die."""

import asyncio
import contextlib
import errno
import fcntl
import itertools
import os
import resource
import stat
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from hub.errors import Overloaded, StorageRefused, StorageUnavailable
from hub.events import Delivery, Fact, Kind, Verdict
from hub.ports import Spool
from storage.spool import BATCH_LIMIT, BYTES_LIMIT, FileSpool
from tests.contracts.plain import delivery
from tests.folders import quick_folder
from tests.processes import calling
from tests.unit.hub.fold import stories
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
ERASING = (Fact(kind=Kind.BOT_ERASED, time=1, bot="l:B1"),)

# What an HTTP server makes of any bytes: those that are no UTF-8 become lone surrogates.
_values = st.binary(max_size=8).map(lambda raw: raw.decode("utf-8", "surrogateescape")) | st.text(
    st.characters(exclude_categories=()), max_size=8
)
_headers = st.lists(st.tuples(_values, _values), max_size=3).map(tuple)
_facts = st.one_of(stories.room_facts((stories.NAMED, stories.NAMELESS)), stories.bot_facts, stories.shared_facts)
_deliveries = st.builds(
    Delivery,
    source=st.just("lk"),
    scope=st.just("livekit/"),
    key=st.text(max_size=4),
    window_ms=st.none() | st.integers(0, 2**40),
    received_at=st.integers(0, 2**45),
    body=st.binary(max_size=64),
    headers=_headers,
    provider_type=st.text(max_size=4),
    facts=st.lists(st.one_of(_facts, st.sampled_from(ERASING)), max_size=2).map(tuple),
    verdict=st.sampled_from(Verdict),
    reason=st.text(max_size=4),
    malformed=st.booleans(),
    redrive=st.none() | st.integers(1, 9),
)
_stories = st.lists(_deliveries, max_size=6)


class Store:
    """Takes what is handed over, but for a batch in which somebody says no."""

    def __init__(self) -> None:
        self.batches: list[list[Delivery]] = []
        self.problem: Exception | None = None
        self.problem_at = 0

    async def __call__(self, batch: Sequence[Delivery]) -> None:
        if self.problem and len(self.batches) == self.problem_at:
            raise self.problem
        self.batches.append(list(batch))

    @property
    def deliveries(self) -> list[Delivery]:
        return [one for batch in self.batches for one in batch]

    @property
    def keys(self) -> list[str]:
        return [one.key for one in self.deliveries]


Opener = Callable[..., FileSpool]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "var" / "spool"


@pytest.fixture
async def open_spool(folder: Path) -> AsyncIterator[Opener]:
    async with contextlib.AsyncExitStack() as spools:

        def open_spool(**limits: int) -> FileSpool:
            spool = FileSpool.open(folder, **limits)
            spools.push_async_callback(spool.close)
            return spool

        yield open_spool


@pytest.fixture
def spool(open_spool: Opener) -> FileSpool:
    return open_spool()


@pytest.fixture
def store() -> Store:
    return Store()


async def test_it_is_a_spool(spool: FileSpool):
    """What the hub asks for is what it gets."""
    port: Spool = spool
    assert port.waiting == 0


async def test_the_folder_is_made_for_its_owner_only(folder: Path, spool: FileSpool):
    """What people said in meetings is nobody else's business."""
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_files_are_for_their_owner_only(folder: Path, spool: FileSpool):
    """A folder that was there before may be open to others."""
    await spool.append([delivery("one")])
    assert [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()] == [0o600]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path):
    """The operator learns at the start which key to mend, not in the outage."""
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "spool"):
        with pytest.raises(StorageRefused, match=r"spool\.dir.*file"):
            FileSpool.open(path)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder in which not even root can write")
def test_a_folder_that_cannot_be_written_is_refused():
    """It may well be there: on a disk that is mounted for reading, or somebody else's."""
    with pytest.raises(StorageRefused, match=r"spool\.dir.*/proc"):
        FileSpool.open(Path("/proc"))


async def test_without_a_delivery_there_is_no_file(folder: Path, spool: FileSpool, store: Store):
    """A hub whose store is never away leaves nothing behind."""
    assert await spool.drain(store) == 0
    assert list(folder.iterdir()) == []


async def test_a_relative_folder_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A process may change its folder, what waits may not."""
    monkeypatch.chdir(tmp_path)
    async with _opened(Path("spool")) as spool:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        await spool.append([delivery("one")])
    assert _files(tmp_path / "spool") != []


async def test_everything_comes_back_in_order_and_the_file_goes(folder: Path, spool: FileSpool, store: Store):
    """The order of arrival is the best guess at the order of events."""
    await spool.append([delivery("one", "rooms"), delivery("two")])
    await spool.append([delivery("three")])
    assert await spool.drain(store) == 3
    assert store.keys == ["one", "two", "three"]
    assert list(folder.iterdir()) == []


async def test_it_is_known_since_when_something_waits(spool: FileSpool, store: Store):
    """Somebody who looks wants to know how late things are."""
    assert spool.oldest is None
    await spool.append([delivery("b", received_at=9), delivery("a", received_at=7)])
    await spool.append([delivery("c", received_at=8)])
    assert spool.oldest == 7
    await spool.drain(store)
    assert spool.oldest is None


async def test_what_was_handed_over_is_not_handed_over_again(spool: FileSpool, store: Store):
    """It would be counted as a copy that no provider sent."""
    await spool.append([delivery("one")])
    await spool.drain(store)
    assert await spool.drain(store) == 0
    await spool.append([delivery("two")])
    assert await spool.drain(store) == 1
    assert store.keys == ["one", "two"]


@given(batches=st.lists(_stories, max_size=3))
def test_what_is_appended_is_what_is_drained(batches: list[list[Delivery]]):
    """Whatever a webhook consists of: its proof was right, so every byte counts."""

    async def run(folder: Path) -> list[Delivery]:
        store = Store()
        async with _opened(folder) as spool:
            for batch in batches:
                await spool.append(batch)
            assert spool.waiting == sum(map(len, batches))
            assert await spool.drain(store) == sum(map(len, batches))
            assert _files(folder) == []
        assert all(len(batch) == 1 for batch in store.batches if any(one.erases for one in batch))
        return store.deliveries

    with tempfile.TemporaryDirectory(dir=quick_folder()) as folder:
        assert asyncio.run(run(Path(folder))) == [one for batch in batches for one in batch]


async def test_a_delivery_that_cannot_be_kept_is_refused_alone(spool: FileSpool, store: Store):
    """The provider sends it again, until the store is back and buries it; others must not pay for it."""
    await spool.append([delivery("before")])
    for odd in (delivery("\udcff"), delivery("huge", window_ms=2**70)):
        with pytest.raises(StorageUnavailable, match="cannot keep"):
            await spool.append([odd])
    await spool.append([delivery("after")])
    await spool.drain(store)
    assert store.keys == ["before", "after"]


async def test_a_batch_is_as_large_as_one_commit_may_be(spool: FileSpool, store: Store):
    """A commit that takes too long is one that fails, again and again."""
    await spool.append([delivery(str(place)) for place in range(BATCH_LIMIT + 1)])
    await spool.drain(store)
    assert [len(batch) for batch in store.batches] == [BATCH_LIMIT, 1]


async def test_a_batch_has_few_bytes_unless_one_delivery_has_more(spool: FileSpool, store: Store):
    """An outage may last longer than the memory does."""
    large, small = b"x" * (BYTES_LIMIT // 2), b"x" * 10
    bodies = [large, small, large, small, large * 3, small]
    await spool.append([delivery(str(place), body=body) for place, body in enumerate(bodies)])
    await spool.drain(store)
    assert [[len(one.body) for one in batch] for batch in store.batches] == [
        [len(large), len(small)],
        [len(large), len(small)],
        [len(large) * 3],
        [len(small)],
    ]


async def test_what_erases_is_alone_in_its_batch(spool: FileSpool, store: Store):
    """It takes away what others stated, and must not meet them half done."""
    erasing = [delivery(f"erasing{place}", facts=ERASING) for place in range(2)]
    await spool.append([delivery("one"), delivery("two"), *erasing, delivery("three")])
    await spool.drain(store)
    assert [[one.key for one in batch] for batch in store.batches] == [
        ["one", "two"],
        ["erasing0"],
        ["erasing1"],
        ["three"],
    ]


async def test_appended_is_on_the_disk(spool: FileSpool, folder: Path, monkeypatch: pytest.MonkeyPatch):
    """A webhook is answered next, and the machine may lose its power: the bytes must be synced, and the file's name."""
    synced: list[Path] = []
    for name in ("fdatasync", "fsync"):
        monkeypatch.setattr(os, name, _watched(getattr(os, name), synced))
    await spool.append([delivery("one")])
    await spool.append([delivery("two")])
    (file,) = folder.iterdir()
    assert synced == [file, folder, file]


async def test_the_removal_of_a_file_is_on_the_disk(spool: FileSpool, folder: Path, monkeypatch: pytest.MonkeyPatch):
    """A file that came back with the power would be handed over a second time, perhaps after an erasure."""
    await spool.append([delivery("one")])
    synced: list[Path] = []
    monkeypatch.setattr(os, "fsync", _watched(os.fsync, synced))
    await spool.drain(Store())
    assert synced == [folder]


async def test_appends_that_queue_up_share_one_sync(spool: FileSpool, store: Store, monkeypatch: pytest.MonkeyPatch):
    """In an outage the disk is asked as often as it can answer, not once for each webhook."""
    gate = _Gate(os.fdatasync)
    monkeypatch.setattr(os, "fdatasync", gate)
    appends = [asyncio.create_task(spool.append([delivery("0")]))]
    await asyncio.to_thread(gate.entered.wait, PATIENCE)
    appends += [asyncio.create_task(spool.append([delivery(str(place))])) for place in range(1, 50)]
    # All have said what they want as soon as the loop has been around once.
    await asyncio.sleep(0)
    gate.opened.set()
    await asyncio.gather(*appends)
    assert gate.times == 2
    await spool.drain(store)
    assert store.keys == [str(place) for place in range(50)]


async def test_an_append_whose_caller_was_cancelled_is_carried_through(
    spool: FileSpool, store: Store, monkeypatch: pytest.MonkeyPatch
):
    """It may be in the middle of it, and nobody was told that it is not kept."""
    gate = _Gate(os.fdatasync)
    monkeypatch.setattr(os, "fdatasync", gate)
    callers = [asyncio.create_task(spool.append([delivery(name)])) for name in ("running", "waiting")]
    await asyncio.to_thread(gate.entered.wait, PATIENCE)
    for caller in callers:
        caller.cancel()
    await asyncio.wait(callers)
    assert all(caller.cancelled() for caller in callers)
    gate.opened.set()
    await spool.drain(store)
    assert store.keys == ["running", "waiting"]


async def test_what_is_more_than_the_limit_is_refused(open_spool: Opener, store: Store):
    """A disk that is full is everybody's outage."""
    spool = open_spool(limit=1000)
    await spool.append([delivery("one", body=b"x" * 600)])
    with pytest.raises(Overloaded, match="full"):
        await spool.append([delivery("two", body=b"x" * 600)])
    await spool.append([delivery("three")])
    assert spool.waiting == 2
    await spool.drain(store)
    assert store.keys == ["one", "three"]
    await spool.append([delivery("two", body=b"x" * 600)])


async def test_the_limit_is_that_of_the_folder(open_spool: Opener):
    """Processes share the disk, and so do they share what may be in it."""
    first, second = open_spool(limit=1000), open_spool(limit=1000)
    await first.append([delivery("one", body=b"x" * 600)])
    with pytest.raises(Overloaded):
        await second.append([delivery("two", body=b"x" * 600)])


async def test_of_appends_that_queued_up_those_that_fit_are_kept(
    open_spool: Opener, store: Store, monkeypatch: pytest.MonkeyPatch
):
    """They were written together, but each has an answer of its own."""
    spool = open_spool(limit=1000)
    gate = _Gate(os.fdatasync)
    monkeypatch.setattr(os, "fdatasync", gate)
    appends = [
        asyncio.create_task(spool.append([delivery(str(place), body=b"x" * size)]))
        for place, size in enumerate((1, 300, 900, 300, 300))
    ]
    await asyncio.to_thread(gate.entered.wait, PATIENCE)
    gate.opened.set()
    answers = await asyncio.gather(*appends, return_exceptions=True)
    assert [type(answer) for answer in answers] == [type(None), type(None), Overloaded, type(None), Overloaded]
    await spool.drain(store)
    assert store.keys == ["0", "1", "3"]


async def test_a_write_that_the_disk_cuts_leaves_no_half_record(spool: FileSpool, folder: Path, store: Store):
    """What came after it would not be found."""
    await spool.append([delivery("one")])
    (file,) = folder.iterdir()
    before = file.read_bytes()
    with _largest_file(len(before) + 50), pytest.raises(StorageUnavailable, match="File too large"):
        await spool.append([delivery("two", body=b"x" * 100)])
    assert file.read_bytes() == before
    assert spool.waiting == 1
    await spool.append([delivery("three")])
    await spool.drain(store)
    assert store.keys == ["one", "three"]


async def test_a_sync_that_fails_takes_back_what_was_written(
    spool: FileSpool, folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch
):
    """The sender is told that it is not kept, and comes again."""
    await spool.append([delivery("one")])
    before = _sizes(folder)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", _failing)
        with pytest.raises(StorageUnavailable, match="Input/output error") as raised:
            await spool.append([delivery("two")])
    assert isinstance(raised.value.__cause__, OSError)
    assert _sizes(folder) == before
    assert spool.waiting == 1
    await spool.append([delivery("three")])
    await spool.drain(store)
    assert store.keys == ["one", "three"]


async def test_all_appends_of_a_write_that_fails_are_refused(spool: FileSpool, monkeypatch: pytest.MonkeyPatch):
    """Only who did the work would hear of it, and the others would answer 200."""
    gate = _Gate(_failing)
    monkeypatch.setattr(os, "fdatasync", gate)
    appends = [asyncio.create_task(spool.append([delivery(str(place))])) for place in range(3)]
    await asyncio.to_thread(gate.entered.wait, PATIENCE)
    gate.opened.set()
    answers = await asyncio.gather(*appends, return_exceptions=True)
    assert [type(answer) for answer in answers] == [StorageUnavailable] * 3
    assert len(set(map(id, answers))) == 3
    assert spool.waiting == 0


async def test_after_a_defect_nobody_is_told_that_it_is_kept(spool: FileSpool, monkeypatch: pytest.MonkeyPatch):
    """Whoever did the work hears what was wrong; the others must not take silence for a yes."""
    syncs: Iterator[Callable[[int], None]] = iter((os.fdatasync, _defective))
    gate = _Gate(lambda descriptor: next(syncs)(descriptor))
    monkeypatch.setattr(os, "fdatasync", gate)
    appends = [asyncio.create_task(spool.append([delivery("0")]))]
    await asyncio.to_thread(gate.entered.wait, PATIENCE)
    appends += [asyncio.create_task(spool.append([delivery(str(place))])) for place in range(1, 3)]
    await asyncio.sleep(0)
    gate.opened.set()
    answers = await asyncio.gather(*appends, return_exceptions=True)
    assert [type(answer) for answer in answers] == [type(None), ZeroDivisionError, StorageUnavailable]


async def test_a_disk_that_stays_full_does_not_fill_up_with_empty_files(
    spool: FileSpool, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    """Every webhook tries again."""
    monkeypatch.setattr(os, "fdatasync", _failing)
    for _ in range(3):
        with pytest.raises(StorageUnavailable):
            await spool.append([delivery("one")])
    assert list(_sizes(folder).values()) == [0]


async def test_behind_what_cannot_be_taken_back_nothing_is_written(
    spool: FileSpool, folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch
):
    """A record behind half a record would be lost, though somebody was told that it is kept."""
    await spool.append([delivery("one")])
    (file,) = folder.iterdir()
    with monkeypatch.context() as patched, _largest_file(file.stat().st_size + 50):
        patched.setattr(os, "ftruncate", _failing)
        with pytest.raises(StorageUnavailable):
            await spool.append([delivery("two", body=b"x" * 100)])
    await spool.append([delivery("three")])
    assert len(_files(folder)) == 2
    assert await spool.drain(store) == 2
    assert store.keys == ["one", "three"]


async def test_a_folder_that_went_away_is_our_trouble(spool: FileSpool, folder: Path):
    """Nothing was promised, and somebody can mend it."""
    folder.rmdir()
    with pytest.raises(StorageUnavailable, match="No such file"):
        await spool.append([delivery("one")])


async def test_what_commit_raises_is_raised_and_the_file_stays(spool: FileSpool, folder: Path, store: Store):
    """Nothing is let go before the store has it, whatever is wrong with the store."""
    await spool.append([delivery("one")])
    before = _sizes(folder)
    for store.problem in (StorageUnavailable("away"), OSError("reset"), ZeroDivisionError()):
        with pytest.raises(type(store.problem)) as raised:
            await spool.drain(store)
        assert raised.value is store.problem
    assert _sizes(folder) == before
    assert spool.waiting == 1
    store.problem = None
    assert await spool.drain(store) == 1
    assert store.keys == ["one"]


async def test_a_file_is_handed_over_from_its_beginning_after_a_failure(spool: FileSpool, store: Store):
    """The store recognises copies; what it has of a file is nowhere written down."""
    keys = [str(place) for place in range(BATCH_LIMIT + 1)]
    await spool.append([delivery(key) for key in keys])
    store.problem, store.problem_at = StorageUnavailable("away"), 1
    with pytest.raises(StorageUnavailable, match="away"):
        await spool.drain(store)
    assert spool.waiting == len(keys)
    store.problem = None
    assert await spool.drain(store) == len(keys)
    assert store.keys == keys[:BATCH_LIMIT] + keys


async def test_files_that_were_handed_over_before_a_failure_are_gone(spool: FileSpool, store: Store):
    """A store that comes and goes still gets through a long outage's files."""
    store.problem, store.problem_at = StorageUnavailable("away"), 0
    await spool.append([delivery("one")])
    with pytest.raises(StorageUnavailable):
        await spool.drain(store)
    await spool.append([delivery("two"), delivery("three")])
    store.problem_at = 1
    with pytest.raises(StorageUnavailable):
        await spool.drain(store)
    assert spool.waiting == 2
    store.problem = None
    assert await spool.drain(store) == 2
    assert store.keys == ["one", "two", "three"]


async def test_a_long_outage_makes_few_files(spool: FileSpool, folder: Path, store: Store):
    """Whoever looks once a second whether the store is back must not leave a file each time."""
    store.problem = StorageUnavailable("away")
    for place in range(20):
        await spool.append([delivery(str(place))])
        with pytest.raises(StorageUnavailable):
            await spool.drain(store)
    assert len(_files(folder)) == 2
    store.problem = None
    assert await spool.drain(store) == 20
    assert store.keys == [str(place) for place in range(20)]


async def test_what_arrives_while_draining_goes_to_another_file(spool: FileSpool, folder: Path, store: Store):
    """Else draining would never end, or end with a file in which somebody still writes."""

    async def commit(batch: Sequence[Delivery]) -> None:
        await spool.append([delivery("late")])
        assert len(_files(folder)) == 2
        await store(batch)

    await spool.append([delivery("one")])
    assert await spool.drain(commit) == 1
    assert spool.waiting == 1
    assert await spool.drain(store) == 1
    assert store.keys == ["one", "late"]


async def test_two_drains_at_once_hand_over_each_delivery_once(spool: FileSpool, store: Store):
    """The second comes when the first is through, and then there is nothing left."""
    await spool.append([delivery("one")])
    assert sorted(await asyncio.gather(spool.drain(store), spool.drain(store))) == [0, 1]
    assert store.keys == ["one"]


async def test_a_drain_that_is_cancelled_lets_go_of_its_file(spool: FileSpool, open_spool: Opener, store: Store):
    """Whoever drains next, here or elsewhere, finds all of it."""
    reached = asyncio.Event()
    await spool.append([delivery("one")])
    draining = asyncio.create_task(spool.drain(_stuck(reached)))
    await reached.wait()
    draining.cancel()
    await asyncio.wait([draining])
    assert draining.cancelled()
    assert await open_spool().drain(store) == 1


async def test_live_files_of_others_are_left_alone(open_spool: Opener, store: Store):
    """Somebody writes in them, and hands them over."""
    first, second = open_spool(), open_spool()
    await first.append([delivery("first")])
    await second.append([delivery("second")])
    assert await second.drain(store) == 1
    assert store.keys == ["second"]
    assert (first.waiting, second.waiting) == (1, 0)
    await first.append([delivery("third")])
    assert await first.drain(store) == 2
    assert store.keys == ["second", "first", "third"]


async def test_a_file_that_somebody_hands_over_is_left_alone(spool: FileSpool, open_spool: Opener, store: Store):
    """Two who drain at once would make a copy of everything."""
    reached = asyncio.Event()
    await spool.append([delivery("one")])
    draining = asyncio.create_task(spool.drain(_stuck(reached)))
    await reached.wait()
    assert await open_spool().drain(store) == 0
    draining.cancel()
    await asyncio.wait([draining])


async def test_a_new_file_that_somebody_removed_before_it_was_locked_is_not_used(
    spool: FileSpool, folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch
):
    """Whoever drains finds it empty, and what were written to it then would be nowhere."""
    monkeypatch.setattr(fcntl, "flock", _late(fcntl.flock, folder))
    await spool.append([delivery("one")])
    assert await spool.drain(store) == 1


async def test_a_file_that_was_handed_over_before_it_was_locked_is_not_handed_over_again(
    spool: FileSpool, folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch
):
    """Two who drain at once may both have opened it."""
    await spool.append([delivery("one")])
    monkeypatch.setattr(fcntl, "flock", _late(fcntl.flock, folder))
    assert await spool.drain(store) == 0
    assert store.batches == []


async def test_many_who_append_and_drain_at_once_lose_nothing(open_spool: Opener, store: Store):
    """A file that is new, or just handed over, is a moment in which two can meet."""
    spools = [open_spool() for _ in range(3)]

    async def work(name: int, spool: FileSpool) -> None:
        for place in range(60):
            await spool.append([delivery(f"{name}/{place}")])
            await spool.drain(store)

    await asyncio.gather(*itertools.starmap(work, enumerate(spools)))
    for spool in spools:
        await spool.drain(store)
    assert sorted(store.keys) == sorted(f"{name}/{place}" for name in range(3) for place in range(60))
    assert [spool.waiting for spool in spools] == [0, 0, 0]


async def test_waiting_forgets_what_somebody_else_handed_over(spool: FileSpool, open_spool: Opener, store: Store):
    """A sealed file is anybody's; nobody tells us that it is gone."""
    store.problem = StorageUnavailable("away")
    await spool.append([delivery("one")])
    with pytest.raises(StorageUnavailable):
        await spool.drain(store)
    store.problem = None
    await open_spool().drain(store)
    assert await spool.drain(store) == 0
    assert (spool.waiting, spool.oldest) == (0, None)
    assert store.keys == ["one"]


async def test_a_closed_spool_leaves_its_files_to_the_next(spool: FileSpool, open_spool: Opener, store: Store):
    """The store may be away for longer than a hub lives."""
    await spool.append([delivery("one")])
    await spool.close()
    successor = open_spool()
    assert successor.waiting == 0
    assert await successor.drain(store) == 1
    assert store.keys == ["one"]


async def test_files_are_handed_over_oldest_first(open_spool: Opener, store: Store):
    """However many processes there were."""
    for place in range(12):
        spool = open_spool()
        await spool.append([delivery(str(place))])
        await spool.close()
    await open_spool().drain(store)
    assert store.keys == [str(place) for place in range(12)]


async def test_a_closed_spool_takes_and_gives_nothing(spool: FileSpool, store: Store):
    """Its thread is gone, and nobody would ever answer."""
    await spool.append([delivery("one")])
    await spool.close()
    with pytest.raises(StorageUnavailable, match="closed"):
        await spool.append([delivery("two")])
    with pytest.raises(StorageUnavailable, match="closed"):
        await spool.drain(store)
    await spool.close()


async def test_closing_waits_for_what_is_under_way(
    spool: FileSpool, open_spool: Opener, store: Store, monkeypatch: pytest.MonkeyPatch
):
    """What was handed in before is kept."""
    gate = _Gate(os.fdatasync)
    monkeypatch.setattr(os, "fdatasync", gate)
    append = asyncio.create_task(spool.append([delivery("one")]))
    await asyncio.to_thread(gate.entered.wait, PATIENCE)
    closing = asyncio.create_task(spool.close())
    gate.opened.set()
    await asyncio.gather(append, closing)
    assert await open_spool().drain(store) == 1


async def test_closing_ends_a_drain_after_the_batch_under_way(spool: FileSpool, open_spool: Opener, store: Store):
    """A hub that stops does not first work through an outage."""
    closing: list[asyncio.Task[None]] = []

    async def commit(batch: Sequence[Delivery]) -> None:
        closing.append(asyncio.create_task(spool.close()))
        await asyncio.sleep(0)
        await store(batch)

    await spool.append([delivery(str(place)) for place in range(BATCH_LIMIT + 1)])
    with pytest.raises(StorageUnavailable, match="closed"):
        await spool.drain(commit)
    await asyncio.gather(*closing)
    assert len(store.batches) == 1
    assert await open_spool().drain(store) == BATCH_LIMIT + 1


async def test_its_thread_is_one_and_ends_with_it(spool: FileSpool, store: Store):
    """However much is asked of it at once."""
    await asyncio.gather(*(spool.append([delivery(str(place))]) for place in range(50)), spool.drain(store))
    assert len(_threads()) == 1
    await spool.close()
    assert _threads() == []


@given(story=_stories, data=st.data())
def test_a_file_cut_anywhere_gives_what_is_whole_before_the_cut(story: list[Delivery], data: st.DataObject):
    """Power fails at any byte; nobody was told that what is torn is kept."""

    async def run(folder: Path) -> None:
        ends = await _write(folder, story)
        cut = data.draw(st.integers(0, ends[-1]))
        os.truncate(_files(folder)[0], cut) if story else None
        whole = sum(end <= cut for end in ends[1:])
        assert await _drained(folder) == story[:whole]
        assert list(folder.iterdir()) == []

    with tempfile.TemporaryDirectory(dir=quick_folder()) as folder:
        asyncio.run(run(Path(folder)))


@given(story=_stories.filter(bool), data=st.data())
def test_a_file_with_a_wrong_byte_gives_what_is_before_it_and_keeps_the_rest(
    story: list[Delivery], data: st.DataObject
):
    """A disk that forgets is no reason to take its word, nor to throw away what may be mended by hand."""

    async def run(folder: Path) -> None:
        ends = await _write(folder, story)
        (file,) = _files(folder)
        raw = bytearray(file.read_bytes())
        place = data.draw(st.integers(0, ends[-1] - 1))
        raw[place] ^= data.draw(st.integers(1, 255))
        file.write_bytes(raw)
        whole = sum(end <= place for end in ends[1:])
        assert await _drained(folder) == story[:whole]
        (rest,) = folder.iterdir()
        assert rest.name == f"{file.name}.broken"
        assert rest.read_bytes() == raw[ends[whole] :]

    with tempfile.TemporaryDirectory(dir=quick_folder()) as folder:
        asyncio.run(run(Path(folder)))


async def test_a_torn_tail_is_logged_and_dropped(folder: Path, open_spool: Opener, store: Store):
    """The sender got no answer, and sends it again."""
    ends = await _write(folder, [delivery("one"), delivery("two")])
    (file,) = _files(folder)
    os.truncate(file, ends[2] - 1)
    with capture_logs() as logs:
        assert await open_spool().drain(store) == 1
    cut = ends[2] - 1 - ends[1]
    assert logs == [{"event": "spool.cut", "log_level": "warning", "file": file.name, "bytes": cut, "kept": False}]
    assert list(folder.iterdir()) == []


async def test_a_broken_rest_is_logged_once_and_does_not_come_back(folder: Path, open_spool: Opener, store: Store):
    """Else it would be in the way of everything younger, for ever."""
    ends = await _write(folder, [delivery("one"), delivery("two"), delivery("three")])
    (file,) = _files(folder)
    _overwrite(file, ends[2] - 1, b"\xff")
    spool = open_spool()
    with capture_logs() as logs:
        assert await spool.drain(store) == 1
        await spool.append([delivery("four")])
        assert await spool.drain(store) == 1
    cut = ends[3] - ends[1]
    assert logs == [{"event": "spool.cut", "log_level": "warning", "file": file.name, "bytes": cut, "kept": True}]
    assert store.keys == ["one", "four"]


async def test_a_broken_rest_is_for_its_owner_only(folder: Path, open_spool: Opener, store: Store):
    """It holds what the file held."""
    await _write(folder, [delivery("one")])
    _overwrite(_files(folder)[0], 0, b"\xff")
    await open_spool().drain(store)
    assert [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()] == [0o600]


async def test_a_broken_rest_is_kept_only_when_the_store_has_what_is_before_it(
    folder: Path, open_spool: Opener, store: Store
):
    """Until then the file is what it was, and is cut once."""
    ends = await _write(folder, [delivery("one"), delivery("two")])
    _overwrite(_files(folder)[0], ends[2] - 1, b"\xff")
    before = _sizes(folder)
    spool = open_spool()
    store.problem = StorageUnavailable("away")
    with capture_logs() as logs, pytest.raises(StorageUnavailable):
        await spool.drain(store)
    assert (logs, _sizes(folder)) == ([], before)


async def test_a_broken_rest_that_was_mended_is_handed_over(folder: Path, open_spool: Opener, store: Store):
    """It begins with a record, so that its name is all that keeps it from being a spool."""
    ends = await _write(folder, [delivery("one"), delivery("two"), delivery("three")])
    _overwrite(_files(folder)[0], ends[1] + 20, b"\xff")
    spool = open_spool()
    await spool.drain(store)
    (rest,) = folder.iterdir()
    mended = rest.read_bytes()[ends[2] - ends[1] :]
    rest.with_suffix("").write_bytes(mended)
    await spool.drain(store)
    assert store.keys == ["one", "three"]


async def test_a_record_that_this_hub_cannot_read_is_kept_aside(folder: Path, open_spool: Opener, store: Store):
    """A newer hub wrote it, before somebody went a step back."""
    unknown = msgspec.structs.replace(delivery("two"), verdict="postponed")
    await _write(folder, [delivery("one"), unknown])
    await open_spool().drain(store)
    assert store.keys == ["one"]
    assert [path.suffix for path in folder.iterdir()] == [".broken"]


async def test_zeros_are_no_records(folder: Path, open_spool: Opener, store: Store):
    """After a power failure a file may be as long as it should be, and hold nothing."""
    await _write(folder, [delivery("one")])
    with _files(folder)[0].open("ab") as file:
        file.write(bytes(4096))
    await open_spool().drain(store)
    assert store.keys == ["one"]
    assert [path.stat().st_size for path in folder.iterdir()] == [4096]


async def test_an_empty_file_is_removed(folder: Path, spool: FileSpool, store: Store):
    """Its process was killed before it could write."""
    (folder / "000000000001-00000000.spool").touch()
    assert await spool.drain(store) == 0
    assert list(folder.iterdir()) == []


async def test_a_file_that_cannot_be_opened_is_not_in_the_way(folder: Path, spool: FileSpool, store: Store):
    """Somebody once ran the hub as another user; what is younger must still be handed over."""
    (folder / "000000000001-00000000.spool").symlink_to(folder / "000000000001-00000000.spool")
    await spool.append([delivery("one")])
    with capture_logs() as logs:
        assert await spool.drain(store) == 1
    assert [entry["event"] for entry in logs] == ["spool.unreadable"]


async def test_other_files_are_nobodys_business(folder: Path, spool: FileSpool, store: Store):
    """People put notes, and backups, where they belong."""
    (folder / "README").write_text("what is this?")
    assert await spool.drain(store) == 0
    assert (folder / "README").exists()


async def test_a_process_that_is_killed_loses_nothing_that_it_was_told_is_kept(folder: Path):
    """A `200` means that the delivery will be in the log, whatever happens to the process next."""
    expected = 0
    for _ in range(3):
        async with calling(write, folder, expected) as process:
            lines = [await process.stdout.readline() for _ in range(20)]
            process.kill()
            lines += (await process.stdout.read()).splitlines(keepends=True)
        # The last line may have been cut in the middle.
        told = max(int(line) for line in lines if line.endswith(b"\n"))
        drained = [int(one.key) for one in await _drained(folder)]
        assert drained == list(range(expected, drained[-1] + 1))
        assert drained[-1] >= told
        expected = drained[-1] + 1
        assert list(folder.iterdir()) == []


async def test_a_file_of_another_process_is_left_alone_until_that_is_gone(folder: Path):
    """However it ends, `kill -9` included, the file is free at once."""
    async with calling(hold, folder, 7) as process:
        assert await process.stdout.readline() == b"held\n"
        assert await _drained(folder) == []
        process.kill()
        await process.wait()
        assert [one.key for one in await _drained(folder)] == ["7"]


class _Gate:
    """Does what is asked only once it is opened, and counts."""

    def __init__(self, sync: Callable[[int], None]) -> None:
        self._sync = sync
        self.times = 0
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self, descriptor: int) -> None:
        self.times += 1
        self.entered.set()
        assert self.opened.wait(PATIENCE)
        self._sync(descriptor)


def _watched(sync: Callable[[int], None], synced: list[Path]) -> Callable[[int], None]:
    def watch(descriptor: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")))
        sync(descriptor)

    return watch


def _failing(*_: object) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def _defective(_: int) -> None:
    raise ZeroDivisionError


def _late(flock: Callable[[int, int], None], folder: Path) -> Callable[[int, int], None]:
    """Let somebody else be through with every file before the first lock is taken."""
    before = iter([lambda: [path.unlink() for path in _files(folder)]])

    def lock(descriptor: int, operation: int) -> None:
        for somebody_else in before:
            somebody_else()
        flock(descriptor, operation)

    return lock


def _stuck(reached: asyncio.Event) -> Callable[[Sequence[Delivery]], Awaitable[object]]:
    async def commit(_: Sequence[Delivery]) -> None:
        reached.set()
        await asyncio.Event().wait()

    return commit


@contextlib.contextmanager
def _largest_file(size: int) -> Iterator[None]:
    """Let the kernel cut every write behind so many bytes, as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextlib.asynccontextmanager
async def _opened(folder: Path) -> AsyncIterator[FileSpool]:
    spool = FileSpool.open(folder)
    try:
        yield spool
    finally:
        await spool.close()


async def _write(folder: Path, story: Sequence[Delivery]) -> list[int]:
    """Leave a file of these deliveries; return where each of its records begins and the last one ends."""
    ends = [0]
    async with _opened(folder) as spool:
        for one in story:
            await spool.append([one])
            ends += _sizes(folder).values()
    return ends


async def _drained(folder: Path) -> list[Delivery]:
    store = Store()
    async with _opened(folder) as spool:
        assert await spool.drain(store) == len(store.deliveries)
    return store.deliveries


def _overwrite(file: Path, place: int, raw: bytes) -> None:
    with file.open("r+b") as opened:
        opened.seek(place)
        opened.write(raw)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.spool"))


def _sizes(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_size for path in _files(folder)}


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("hub-spool")]


def hold(folder: str, first: int) -> None:
    """Keep a file with one delivery until killed."""

    async def run() -> None:
        async with _opened(Path(folder)) as spool:
            await spool.append([delivery(str(first))])
            print("held", flush=True)
            sys.stdin.read()

    asyncio.run(run())


def write(folder: str, first: int) -> None:
    """Append until killed, several at once, and tell of each when it is kept."""

    async def append(spool: FileSpool, number: int) -> None:
        await spool.append([delivery(str(number), body=b"x" * (number % 5 * 4000))])
        print(number, flush=True)

    async def run() -> None:
        async with _opened(Path(folder)) as spool:
            for number in itertools.count(first, 5):
                await asyncio.gather(*(append(spool, number + place) for place in range(5)))

    asyncio.run(run())
