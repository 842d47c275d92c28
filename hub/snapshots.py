"""What a viewer sees first: the state of its topics at one position, in pages, shared for a second."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

import msgspec
import orjson

from hub.events import Position, covers, format_time
from hub.fold.parts import StoredSegment, decode_segment, segment_document
from hub.ports import Bus, Document, Snapshot, Store
from hub.present import Clockwork, is_missed, lives_until, presented, visits_of
from hub.state.presence import Visit
from hub.wire import Form, Message, message

SHARED_SECONDS = 1.0
SEGMENTS = 200
_REMEMBERED = 256
_DOCUMENTS_PER_TURN = 50
# What a single bot, room or schedule is shown with.
_PARTS = {
    "bots": ["bots", "recordings", "segments"],
    "rooms": ["rooms", "participants", "recordings"],
    "schedules": ["schedules", "rooms", "participants", "recordings"],
}


class Pages(msgspec.Struct, frozen=True, dict=True):
    """A snapshot as it is sent: its position, and its pages."""

    epoch: str
    sequence: int
    pages: tuple[Message, ...]

    @property
    def position(self) -> Position:
        """Where the log was when they were read."""
        return Position(epoch=self.epoch, sequence=self.sequence)

    def framed(self, form: Form) -> list[bytes]:
        """Return the pages for a connection: the same objects for all that share them."""
        if form not in self._frames:
            self._frames[form] = [page.framed(form) for page in self.pages]
        return self._frames[form]

    @cached_property
    def _frames(self) -> dict[Form, list[bytes]]:
        return {}


class Snapshots:
    """Reads and encodes snapshots; whoever asks for the same topics within a second shares one."""

    def __init__(
        self, store: Store, bus: Bus, clockwork: Clockwork, now: Callable[[], int], *, recent: int, page_size: int
    ) -> None:
        self._store = store
        self._bus = bus
        self._clockwork = clockwork
        self._now = now
        self._recent_ms = recent * 1000
        self._page_size = page_size
        self._shared: dict[frozenset[str], tuple[int, asyncio.Task[Pages]]] = {}
        # What was read before is not shown.
        self._forgotten: Position | None = None

    async def take(self, topics: frozenset[str], at_least: Position) -> Pages:
        """Return the snapshot of topics, not older than a second and not before a position.

        It may be of a log of another name, which has other positions. Raises StorageUnavailable.
        """
        task = self._current(topics, self._needed(at_least))
        while _is_before(pages := await asyncio.shield(task), needed := self._needed(at_least)):
            newer = self._current(topics, needed)
            # All who need a newer one share that as well.
            task = self._begin(topics, needed) if newer is task else newer
        return pages

    def forget(self, before: Position) -> None:
        """Share nothing of what was read before a position, by this process or by another."""
        self._shared.clear()
        self._forgotten = before

    def _needed(self, at_least: Position) -> Position:
        forgotten = self._forgotten
        is_newer = forgotten and forgotten.epoch == at_least.epoch and forgotten.sequence > at_least.sequence
        return forgotten if forgotten and is_newer else at_least

    def _current(self, topics: frozenset[str], at_least: Position) -> asyncio.Task[Pages]:
        taken_at, task = self._shared.get(topics, (0, None))
        is_fresh = 0 <= self._now() - taken_at <= SHARED_SECONDS * 1000
        return task if task and is_fresh and not _failed(task) else self._begin(topics, at_least)

    def _begin(self, topics: frozenset[str], at_least: Position) -> asyncio.Task[Pages]:
        now = self._now()
        task = asyncio.create_task(self._shared_or_read(topics, now, at_least))
        # All who wait may have left when it fails: that is then nobody's business.
        task.add_done_callback(_failed)
        self._shared.pop(topics, None)
        self._sweep(now)
        self._shared[topics] = (now, task)
        if len(self._shared) > _REMEMBERED:
            del self._shared[next(iter(self._shared))]
        return task

    def _sweep(self, now: int) -> None:
        """Let go of what nobody is shown any more: each may hold all rooms, in every form."""
        for topics, (taken_at, task) in tuple(self._shared.items()):
            if task.done() and not 0 <= now - taken_at <= SHARED_SECONDS * 1000:
                del self._shared[topics]

    async def _shared_or_read(self, topics: frozenset[str], now: int, at_least: Position) -> Pages:
        """Return what another process took lately, if that is new enough, else take one and share it."""
        shared = _decoded(await self._bus.shared(topics))
        if shared and shared.epoch == at_least.epoch and not _is_before(shared, at_least):
            return shared
        pages = await self._read(topics, now)
        self._bus.share(topics, msgspec.msgpack.encode(pages))
        return pages

    async def _read(self, topics: frozenset[str], now: int) -> Pages:
        snapshot = await self._store.snapshot(topics, now - self._recent_ms)
        pages = await self._pages(topics, snapshot, now)
        position = str(snapshot.position)
        last = len(pages) - 1
        told = [
            message(
                "snapshot",
                {**page, "complete": place == last, "time": format_time(now), "recent": self._recent_ms // 1000},
                position=position if place == last else "",
            )
            for place, page in enumerate(pages)
        ]
        return Pages(snapshot.position.epoch, snapshot.position.sequence, tuple(told))

    async def _pages(self, topics: frozenset[str], snapshot: Snapshot, now: int) -> list[dict[str, object]]:
        """Cut the documents into pages; the first names every collection, so that none is taken for missing."""
        named: dict[str, object] = {collection: [] for collection in _collections(topics)}
        lives = lives_until(snapshot.documents, self._clockwork)
        visits = visits_of(one for one in snapshot.documents if one.collection == "participants")
        shown: list[tuple[str, object]] = []
        for place, document in enumerate(snapshot.documents):
            until = min(now, lives.get(document.parent, now)) if document.collection == "participants" else now
            fragment = self._fragment(document, topics, until, visits.get(document.topic, ()))
            shown += [(document.collection, fragment)] if fragment is not None else []
            if place % _DOCUMENTS_PER_TURN == 0:
                await asyncio.sleep(0)
        shown += [("segments", segment) for segment in _segments(snapshot.segments)]
        pages = [_page(shown[start : start + self._page_size]) for start in range(0, len(shown), self._page_size)]
        return [{**named, **pages[0]}, *pages[1:]] if pages else [named]

    def _fragment(
        self, document: Document, topics: frozenset[str], until: int, visits: Iterable[Visit]
    ) -> orjson.Fragment | None:
        shown = presented(document, self._clockwork, until, visits)
        # What died without a word, or never came to be, is not shown as one of those that live now.
        is_past = shown.stale or is_missed(document, until)
        if is_past and not (topics & {document.topic, document.durable}):
            return None
        return orjson.Fragment(shown.body)


def _decoded(shared: bytes | None) -> Pages | None:
    """Return what another process shared, None when there is nothing, or it is of another version of the hub."""
    try:
        return msgspec.msgpack.decode(shared, type=Pages) if shared else None
    except ValueError:
        # What is no UTF-8 raises another one than what is no MessagePack.
        return None


def _is_before(pages: Pages, position: Position) -> bool:
    return pages.epoch == position.epoch and pages.sequence < position.sequence


def _page(shown: Sequence[tuple[str, object]]) -> dict[str, object]:
    page: dict[str, list[object]] = {}
    for collection, fragment in shown:
        page.setdefault(collection, []).append(fragment)
    return dict(page)


def _collections(topics: frozenset[str]) -> list[str]:
    wanted = [name for name in ("bots", "rooms", "schedules") if covers(topics, name)]
    for topic in sorted(topics):
        collection, slash, _ = topic.partition("/")
        wanted += _PARTS.get(collection, []) if slash else []
    return list(dict.fromkeys(wanted))


def _segments(bodies: Sequence[bytes]) -> list[object]:
    """Return the last segments of each bot, in the order in which they were spoken."""
    spoken: dict[str, list[StoredSegment]] = {}
    for body in bodies:
        stored = decode_segment(body)
        spoken.setdefault(stored.bot, []).append(stored)
    return [segment_document(one) for bot in spoken for one in sorted(spoken[bot], key=_place_in_speech)[-SEGMENTS:]]


def _place_in_speech(stored: StoredSegment) -> tuple[float, str]:
    return stored.segment.start, stored.segment.id


def _failed(task: asyncio.Task[Pages]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
