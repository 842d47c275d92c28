"""Lists of documents: what a caller may see of what it asked for, in order, page by page."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import ValueRefused
from hub.events import covers
from hub.ports import Document, Query, Refreshed, Store
from tests.contracts.plain import Folding, StoreRules, document, write
from tests.contracts.store_pages import EXAMPLES

_BOTS = (*(document(f"bots/m:{name}") for name in "ab"), document("bots/m:c", durable="bots/m:launch"))
_ROOMS = tuple(document(f"rooms/l:{name}", durable=f"rooms/s@{home}") for name, home in ("ax", "bx", "cy", "dy", "ez"))
_PEOPLE = tuple(
    document(f"{room.topic}/participants/{name}", collection="participants", parent=room.topic)
    for room in _ROOMS[:2]
    for name in "pqr"
)
_RECORDINGS = tuple(
    document(f"recordings/{number}", parent=owner.topic) for number, owner in enumerate((*_BOTS, *_ROOMS, *_ROOMS))
)
_FEW = st.integers(0, 2)
_SELDOM = st.sampled_from(("", "", "", "x"))


def _varied(one: Document) -> st.SearchStrategy[Document]:
    """Return a strategy for a document whose fields are as often equal as not."""
    names = st.sampled_from(("x", "y"))
    return st.builds(
        lambda name, room_id, status, began, active, trending: msgspec.structs.replace(
            one, name=name, room_id=room_id, status=status, began_at=began, active_at=active, trending=trending
        ),
        *(names, names, names, _FEW, _FEW, st.sampled_from((-1e9 + 0.25, 0.5, 82_000.125, 82_000.25))),
    )


_WORLDS = st.tuples(*map(_varied, (*_BOTS, *_ROOMS, *_PEOPLE, *_RECORDINGS)))


def _query(collection: str, sort: str, parent: str, since: int | None, until: int | None, **asked: object) -> Query:
    # What is trending are rooms; a period can be asked for where a list is in the order in which things began.
    sort = "began" if sort == "trending" and collection != "rooms" else sort
    period = {} if parent or sort != "began" else {"since": since, "until": until}
    return Query(**{"collection": collection, "sort": sort, "parent": parent, **period, **asked})


_QUERIES = st.builds(
    _query,
    collection=st.sampled_from(("bots", "rooms", "participants", "recordings")),
    topics=st.one_of(
        st.just(frozenset({"*"})),
        st.frozensets(
            st.sampled_from(
                ("bots", "rooms", "bots/m:a", "rooms/l:a", "rooms/l:c", "rooms/s@x", "rooms/no", "bots/m:launch")
            )
        ),
    ),
    status=_SELDOM,
    name=_SELDOM,
    room_id=_SELDOM,
    parent=st.sampled_from(("", "", "rooms/l:a", "bots/m:a")),
    sort=st.sampled_from(("began", "active", "trending")),
    since=st.none() | _FEW,
    until=st.none() | _FEW,
    limit=st.integers(1, 4),
)


class DocumentRules(StoreRules):
    """What reading documents promises."""

    async def test_a_document_comes_back_with_every_field(self, store: Store, folding: Folding):
        """What is shown depends on the body and on what is hidden beside it."""
        before = document("rooms/a", provider="livekit", status="live", began_at=1, active_at=2, sequence=1)
        after = document(
            "rooms/a",
            provider="pulse",
            status="ended",
            durable="rooms/s@a",
            name="A",
            room_id="r",
            began_at=3,
            active_at=4,
            ended_at=5,
            over=True,
            trending=82_000.125,
            sequence=2,
            body=b"{}",
            hidden=b"\0",
        )
        for version in (before, after, msgspec.structs.replace(after, ended_at=None), after, before):
            await write(store, folding, documents=(version,))
            assert (await store.document("rooms/a")).documents == (version,)

    async def test_reading_tells_its_position(self, store: Store, folding: Folding):
        """A client that read a document follows the stream from there."""
        await write(store, folding, documents=(document("rooms/a"),))
        position = await store.position()
        assert (await store.document("rooms/a")).position == position
        assert (await store.document("rooms/b")).position == position
        assert (await store.read(Query(collection="rooms"))).position == position

    async def test_what_is_not_there_is_no_document(self, store: Store, folding: Folding):
        """Neither a part of its name nor its durable room's is a document's topic."""
        await write(store, folding, documents=(document("rooms/ab", durable="rooms/s@a"),))
        for topic in ("rooms/a", "rooms/s@a", "rooms", "rooms/AB", "*"):
            assert (await store.document(topic)).documents == ()

    async def test_a_bot_is_found_by_the_topic_of_its_launch_too(self, store: Store, folding: Folding):
        """Links of before the provider gave it an id stay good; what has that name itself comes first."""
        bot = document("bots/m:b", durable="bots/m:launch")
        await write(store, folding, documents=(bot, document("rooms/l:a", durable="rooms/s@a")))
        assert [one.topic for one in (await store.document("bots/m:launch")).documents] == ["bots/m:b"]
        assert (await store.document("rooms/s@a")).documents == ()
        await write(store, folding, documents=(document("bots/m:launch"),))
        assert [one.topic for one in (await store.document("bots/m:launch")).documents] == ["bots/m:launch"]

    async def test_what_is_gone_is_not_read_any_more(self, store: Store, folding: Folding):
        """A start that arrives late can take a session its only facts away."""
        await write(store, folding, documents=(document("rooms/a"), document("rooms/b")))
        await write(store, folding, gone=frozenset({"rooms/a", "rooms/never"}))
        assert [one.topic for one in (await store.read(Query(collection="rooms"))).documents] == ["rooms/b"]

    @pytest.mark.parametrize(("sort", "order"), [("began", "cbad"), ("active", "abcd"), ("trending", "dbca")])
    async def test_lists_begin_with_the_latest(self, store: Store, folding: Folding, sort: str, order: str):
        """Equal times are in the order of topics, so that pages have one order to join on."""
        times = {"a": (1, 4), "b": (2, 3), "c": (3, 3), "d": (1, 0)}
        scores = {"a": -1e9, "b": 0.5, "c": 0.25, "d": 82_000.001}
        rooms = [
            document(f"rooms/{name}", began_at=began, active_at=active, trending=scores[name])
            for name, (began, active) in times.items()
        ]
        await write(store, folding, documents=tuple(rooms))
        found = (await store.read(Query(collection="rooms", sort=sort))).documents
        assert [one.topic for one in found] == [f"rooms/{name}" for name in order]

    async def test_parts_of_a_room_begin_with_the_first(self, store: Store, folding: Folding):
        """Who came first is first in a list of participants."""
        times = {"late": 3, "early": 1, "also": 1}
        people = [
            document(f"rooms/a/participants/{name}", collection="participants", parent="rooms/a", began_at=began)
            for name, began in times.items()
        ]
        await write(store, folding, documents=(document("rooms/a"), *people))
        query = Query(collection="participants", parent="rooms/a", limit=2)
        first = (await store.read(query)).documents
        last = first[-1]
        rest = await store.read(msgspec.structs.replace(query, after=(last.began_at, last.topic)))
        names = [one.topic.rpartition("/")[2] for one in (*first, *rest.documents)]
        assert names == ["also", "early", "late"]

    @pytest.mark.parametrize(
        ("since", "until", "names"), [(None, None, "cbad"), (2, None, "cb"), (None, 2, "ad"), (2, 3, "b"), (3, 2, "")]
    )
    async def test_a_list_can_be_of_what_began_in_a_period(
        self, store: Store, folding: Folding, since: int | None, until: int | None, names: str
    ):
        """From a moment on, up to but without another."""
        began = {"a": 1, "b": 2, "c": 3, "d": 1}
        plans = [document(f"schedules/{name}", began_at=time, status="LIVE") for name, time in began.items()]
        await write(store, folding, documents=tuple(plans))
        for status in ("", "LIVE"):
            for topics in (frozenset({"*"}), frozenset(one.topic for one in plans)):
                query = Query(collection="schedules", since=since, until=until, status=status, topics=topics)
                assert [one.topic[-1] for one in (await store.read(query)).documents] == list(names)

    @pytest.mark.parametrize("sort", ["began", "active"])
    async def test_a_collection_and_a_single_room_may_be_seen_together(self, store: Store, folding: Folding, sort: str):
        """Recordings are of bots and of rooms, and a token may name all of the one and some of the other."""
        owners = ("bots/m:a", "rooms/l:a", "rooms/l:c")
        recordings = [document(f"recordings/{place}", parent=owner) for place, owner in enumerate(owners)]
        await write(store, folding, documents=tuple(recordings))
        query = Query(collection="recordings", topics=frozenset({"bots", "rooms/l:a"}), sort=sort)
        assert (await store.read(query)).documents == tuple(recordings[:2])

    async def test_what_nobody_is_told_of_is_kept_with_a_document_that_stays(self, store: Store, folding: Folding):
        """A link that is signed anew: the document has the sequence of what was told, and is found as before."""
        one = document("recordings/a", parent="rooms/l:a", name="x", began_at=5, sequence=17, body=b"{}", hidden=b"old")
        other = document("recordings/b", parent="rooms/l:a", body=b'{"sequence":3}', sequence=3)
        await write(store, folding, documents=(one, other))
        fresh = Refreshed('{"é":1,"sequence":'.encode(), b"\x00new")
        await write(store, folding, refreshed={one.topic: fresh, "recordings/none": fresh})
        kept = (await store.read(Query(collection="recordings", parent="rooms/l:a"))).documents
        assert kept == (other, msgspec.structs.replace(one, body='{"é":1,"sequence":17}'.encode(), hidden=b"\x00new"))

    async def test_nothing_is_found_by_what_cannot_be_kept(self, store: Store):
        """A store that refuses to look for a NUL says that it is the question's fault, not that it is away."""
        asked = [Query(collection="rooms", **{field: "a\0"}) for field in ("status", "name", "room_id", "parent")]
        for query in (*asked, Query(collection="rooms", after=(1, "\0"))):
            with contextlib.suppress(ValueRefused):
                assert (await store.read(query)).documents == ()
        with contextlib.suppress(ValueRefused):
            assert (await store.document("rooms/a\0")).documents == ()
        assert (await store.position()).sequence == 0

    @EXAMPLES
    @given(world=_WORLDS, queries=st.lists(_QUERIES, min_size=1, max_size=8))
    async def test_lists_hold_what_was_asked_for_and_may_be_seen_once_and_in_order(
        self, store: Store, folding: Folding, world: tuple[Document, ...], queries: list[Query]
    ):
        """A token for one room must not reveal another, by whichever path a query is answered."""
        await write(store, folding, documents=tuple(world))
        for query in queries:
            assert await _paged(store, query) == _expected(world, query)


async def _paged(store: Store, query: Query) -> list[Document]:
    found: list[Document] = []
    while True:
        page = (await store.read(query)).documents
        assert len(page) <= query.limit
        assert not {one.topic for one in page} & {one.topic for one in found}
        found += page
        if len(page) < query.limit:
            return found
        query = msgspec.structs.replace(query, after=(_sort_value(page[-1], query), page[-1].topic))


def _expected(documents: tuple[Document, ...], query: Query) -> list[Document]:
    homes = {one.topic: one.durable for one in documents if one.collection in ("rooms", "bots")}
    chosen = [
        one
        for one in documents
        if one.collection == query.collection
        and query.status in ("", one.status)
        and query.name in ("", one.name)
        and query.room_id in ("", one.room_id)
        and query.parent in ("", one.parent)
        and (query.since is None or one.began_at >= query.since)
        and (query.until is None or one.began_at < query.until)
        and (covers(query.topics, one.parent) or homes.get(one.parent, "nowhere") in query.topics)
    ]
    direction = 1 if query.parent else -1
    return sorted(chosen, key=lambda one: (direction * _sort_value(one, query), one.topic))


def _sort_value(one: Document, query: Query) -> float:
    values = {"began": one.began_at, "active": one.active_at, "trending": one.trending}
    return values["began" if query.parent else query.sort]
