"""Folding a batch of deliveries: which are new, what they change, in which order it enters the log."""

from collections.abc import Mapping, Sequence

import msgspec
import orjson
import structlog

from hub.events import ERASURES, CaptureDetail, Delivery, Event, Fact, TranscriptDetail, Verdict
from hub.fold.bots import BotWork, bot_change, newer
from hub.fold.claims import ERASED, objection, undisputed
from hub.fold.compose import Change, Entry, circumstances, compose
from hub.fold.erasing import erase_bot, erase_room, tombstones
from hub.fold.household import Household
from hub.fold.parts import (
    POOLED,
    StoredSegment,
    decode_pooled,
    decode_segment,
    encode,
    entity_of,
    item_part,
    needs_of,
    provider_of,
    room_parts,
    segment_parts,
)
from hub.fold.recall import Recall
from hub.fold.rooms import documents_of, hidden_of, other_changes, recordings_of, room_changes, source_details
from hub.fold.schedules import ScheduleChange, extended, schedule_changes, scheduled
from hub.ports import Changes, DeliveryRow, Erased, Known, Loaded, Outcome, Refreshed, StateKey, Status
from hub.ports import Document as Row
from hub.state.capture import Capture, Document, told_alike
from hub.state.facts import NOTHING, Facts, merged
from hub.state.room import decode_tally

log = structlog.get_logger()


class Rules(msgspec.Struct, frozen=True):
    """What the configuration says about counting."""

    speaker_roles: frozenset[str] = frozenset({"speaker", "host", "broadcaster"})


class Batch:
    """A batch to be committed together. `needs` says what to load, `fold` what to write."""

    def __init__(self, deliveries: Sequence[Delivery], rules: Rules, recall: Recall | None = None) -> None:
        self.deliveries = tuple(deliveries)
        redriven = frozenset(one.redrive for one in self.deliveries if one.redrive is not None)
        self.needs = msgspec.structs.replace(needs_of(self.deliveries), redriven=redriven)
        self._rules = rules
        self._recall = recall or Recall()

    def fold(self, loaded: Loaded) -> Changes:
        """Fold the deliveries in their order. Pure: equal batches on equal stores give equal changes."""
        work = _Work(loaded, self._rules, self._recall)
        for delivery in self.deliveries:
            work.take(delivery)
        return work.changes()


class _Work:
    """What is known and what is to be written while a batch is folded."""

    def __init__(self, loaded: Loaded, rules: Rules, recall: Recall) -> None:
        self._loaded = loaded
        self._rules = rules
        self._known = dict(loaded.known)
        self._dead = set(loaded.dead)
        self._last_delivery = loaded.last_delivery
        self._state = _State(loaded, rules, recall)
        self._outcomes: list[Outcome] = []
        self._deliveries: list[DeliveryRow] = []
        self._redriven: list[DeliveryRow] = []
        self._copies: list[tuple[int, int]] = []
        self._events: list[tuple[Event, int]] = []
        self._documents: dict[str, Row] = {}
        self._gone: set[str] = set()
        self._refreshed: dict[str, Refreshed] = {}

    def take(self, delivery: Delivery) -> None:
        """Decide whether a delivery is new; if it is, keep it and fold it."""
        if delivery.redrive is not None:
            self._take_again(delivery, delivery.redrive)
            return
        known = self._known.get((delivery.scope, delivery.key))
        if known and _is_copy(delivery, known):
            self._copies.append((known.delivery, delivery.received_at))
            known = msgspec.structs.replace(known, copies=known.copies + 1)
            self._known[delivery.scope, delivery.key] = known
            self._outcomes.append(Outcome(Status.DUPLICATE, known.delivery, copies=known.copies))
            return
        self._last_delivery += 1
        self._known[delivery.scope, delivery.key] = Known(self._last_delivery, delivery.received_at)
        self._deliveries.append(self._fold(delivery, self._last_delivery))

    def _take_again(self, delivery: Delivery, identity: int) -> None:
        """Fold a delivery that was kept as dead; what was accepted, by now or ever, is not told twice."""
        if identity not in self._dead:
            self._outcomes.append(Outcome(Status.DUPLICATE, identity))
            return
        row = self._fold(delivery, identity)
        self._redriven.append(row)
        if row.status is Status.ACCEPTED:
            self._dead.discard(identity)

    def changes(self) -> Changes:
        """Return everything to be written."""
        return Changes(
            outcomes=tuple(self._outcomes),
            deliveries=tuple(self._deliveries),
            copies=tuple(self._copies),
            events=tuple(self._events),
            states=self._state.written(),
            documents=self._documents,
            gone=frozenset(self._gone),
            redriven=tuple(self._redriven),
            erased=self._state.erased,
            dropped=frozenset(self._state.dropped),
            refreshed=self._refreshed,
        )

    def _fold(self, delivery: Delivery, identity: int) -> DeliveryRow:
        before = len(self._events)
        status, reason = self._merge(delivery, identity)
        self._outcomes.append(Outcome(status, identity, reason, events=len(self._events) - before))
        return DeliveryRow(identity, _blank(delivery) if reason == ERASED else delivery, status, reason)

    def _merge(self, delivery: Delivery, identity: int) -> tuple[Status, str]:
        if delivery.verdict is Verdict.DEAD:
            return Status.DEAD, delivery.reason
        state = self._state.copy()
        told: list[_Told] = []
        try:
            if refusal := objection(delivery, state.bot):
                return Status.DEAD, refusal
            for fact in undisputed(delivery.facts, state.bot):
                told += state.absorb(fact, delivery)
            sequence = self._loaded.head + len(self._events)
            events = [compose(one.entry, delivery, sequence + place) for place, one in enumerate(told, 1)]
            documents = [one.documents(sequence + place) for place, one in enumerate(told, 1)]
        except Exception as problem:
            # A poison row must never fail its batch: it is kept as dead.
            log.exception("delivery.poison", source=delivery.source, delivery=identity)
            return Status.DEAD, f"folding failed: {type(problem).__name__}"
        self._state = state
        # Launches that became bots: what tells of the bot says so.
        self._gone |= state.vanished
        for topic in state.vanished:
            self._documents.pop(topic, None)
        self._events += [(event, identity) for event in events]
        for one, rows in zip(told, documents, strict=True):
            self._gone = (self._gone | one.gone) - rows.keys()
            for topic in one.gone:
                self._documents.pop(topic, None)
            self._documents |= rows
        self._refresh(state.refreshed)
        return Status.ACCEPTED, ""

    def _refresh(self, refreshed: Mapping[str, Refreshed]) -> None:
        self._refreshed |= refreshed
        for topic in self._refreshed.keys() & (self._documents.keys() | self._gone):
            known, fresh = self._documents.get(topic), self._refreshed.pop(topic)
            if known and topic in refreshed:
                self._documents[topic] = fresh.applied(known)


class _Told(msgspec.Struct, frozen=True):
    """An entry, and the documents that go with it once its sequence is known."""

    entry: Entry
    rows: tuple[Row, ...] = ()
    shown: dict[str, Document] = {}
    hidden: dict[str, bytes] = {}
    gone: frozenset[str] = frozenset()

    def documents(self, sequence: int) -> dict[str, Row]:
        """Return the rows with their bodies."""
        return {
            row.topic: msgspec.structs.replace(
                row,
                sequence=sequence,
                body=orjson.dumps({**self.shown[row.topic], "sequence": sequence}),
                hidden=self.hidden.get(row.topic, b""),
            )
            for row in self.rows
        }


class _State:
    """The entities that a batch touches."""

    def __init__(self, loaded: Loaded, rules: Rules, recall: Recall) -> None:
        self._loaded = loaded
        self._rules = rules
        self._recall = recall
        self._bots: dict[str, BotWork] = {}
        self._houses: dict[str, Household] = {}
        # Which durable room a session belongs to, as soon as anybody said.
        self._homes: dict[str, str] = {}
        self._items: dict[StateKey, bytes] = dict(loaded.items)
        self._written: dict[StateKey, bytes] = {}
        self.erased = Erased()
        self.dropped: set[StateKey] = set()
        # Documents that go without an event of their own, with the delivery that is being folded.
        self.vanished: frozenset[str] = frozenset()
        # Those of which only links are fresher, with the delivery that is being folded.
        self.refreshed: dict[str, Refreshed] = {}
        self._load()
        self._load_siblings()

    def copy(self) -> "_State":
        """Return one that can be changed without changing this one: a delivery that fails leaves nothing behind."""
        twin = object.__new__(_State)
        twin._loaded, twin._rules, twin._recall = self._loaded, self._rules, self._recall
        twin._bots, twin._houses, twin._homes = dict(self._bots), dict(self._houses), dict(self._homes)
        twin._items, twin._written = dict(self._items), dict(self._written)
        twin.erased, twin.dropped = self.erased, set(self.dropped)
        twin.vanished, twin.refreshed = frozenset(), {}
        return twin

    def written(self) -> dict[StateKey, bytes]:
        """Return the parts that changed."""
        return self._written

    def bot(self, identity: str) -> BotWork:
        """Return a bot, or a launch, as it is known so far."""
        return self._bots.get(identity) or BotWork(identity, {}, {})

    def absorb(self, fact: Fact, delivery: Delivery) -> list[_Told]:
        """Merge a fact; return what it adds to the log."""
        told = self._absorbed(fact, delivery)
        for topic in {row.topic for one in told for row in one.rows}:
            # It is written with what is told.
            self.refreshed.pop(topic, None)
        return told

    def _absorbed(self, fact: Fact, delivery: Delivery) -> list[_Told]:
        if fact.kind in ERASURES:
            return self._erase(fact)
        item = item_part(fact)
        news = self._add_item((entity_of(fact, delivery), item)) if item else False
        if fact.bot:
            return self._absorb_bot(fact, delivery, item_news=news)
        if fact.room or fact.durable:
            return self._absorb_room(fact, delivery, item_news=news)
        return self._absorb_source(fact, delivery, news=news)

    def _load(self) -> None:
        parts: dict[str, dict[str, bytes]] = {}
        for (subject, part), body in self._loaded.states.items():
            parts.setdefault(subject, {})[part] = body
        for subject, bodies in parts.items():
            collection, _, identity = subject.partition("/")
            if collection == "bots":
                decoded = {part: self._recall.decoded((subject, part), body) for part, body in bodies.items()}
                self._bots[identity] = BotWork(identity, decoded, self._loaded.segments.get(subject, {}))
            elif collection == "rooms":
                self._load_room(identity, bodies)

    def _load_room(self, identity: str, bodies: dict[str, bytes]) -> None:
        own = {part: body for part, body in bodies.items() if not part.startswith(POOLED)}
        facts = {part: self._recall.decoded((f"rooms/{identity}", part), body) for part, body in own.items()}
        pooled = {part: decode_pooled(body) for part, body in bodies.items() if part.startswith(POOLED)}
        if "@" in identity.partition(":")[0]:
            house = self._house(identity)
            house.shared = facts
        else:
            durable = (
                facts[""].text("durable") if "" in facts else next((one.fact.durable for one in pooled.values()), "")
            )
            self._homes[identity] = durable
            house = self._house(durable or identity, durable)
            house.sessions[identity] = facts
        house.pool |= pooled
        house.kept |= dict.fromkeys(pooled, identity)

    def _load_siblings(self) -> None:
        for topic, hidden in self._loaded.siblings.items():
            house = self._house(topic.partition("/")[2])
            told = {session.partition("/")[2]: body for session, body in hidden.items()}
            house.siblings = {
                session: decode_tally(body) for session, body in told.items() if session not in house.sessions
            }

    def _house(self, key: str, durable: str | None = None) -> Household:
        if key not in self._houses:
            self._houses[key] = Household(key if durable is None else durable, self._rules.speaker_roles, self._recall)
        return self._houses[key]

    def _home(self, fact: Fact, delivery: Delivery) -> tuple[Household, Household | None]:
        """Return the household of a fact, and the one that its session leaves now that it tells of another."""
        if not fact.room:
            return self._house(fact.durable), None
        known = self._homes.get(fact.room, fact.durable)
        current = self._house(known or fact.room, known)
        if fact.room not in self._homes and room_parts(fact, delivery.key, provider_of(delivery)):
            # What is not kept, such as a note that announces nothing, is not known by the next batch either.
            self._homes[fact.room] = known
        if fact.durable in ("", known):
            return current, None
        told = _durable_after(fact, delivery, current)
        if told == known:
            return current, None
        self._homes[fact.room] = told
        self._houses[known or fact.room] = current.without(fact.room)
        return self._house(told), current

    def _absorb_room(self, fact: Fact, delivery: Delivery, *, item_news: bool) -> list[_Told]:
        before, left = self._home(fact, delivery)
        after = before.copy()
        if left:
            after.adopt(fact.room, left)
        news = after.absorb(fact, delivery.key, provider_of(delivery), delivery.received_at) or item_news
        self._houses[before.durable or fact.room] = after
        self._write_room(before, after)
        changes = list(room_changes(fact, delivery, before, after, left, news=news))
        told = self._told(fact, changes, before, after)
        if isinstance(fact.detail, CaptureDetail):
            owner = after.owner_of(fact)
            old, new = (left or before).derive(owner), after.derive(owner)
            self._refresh(recordings_of(old) if old else {}, recordings_of(new) if new else {})
        return told + self._left_behind(fact, left) if left and left.durable else told

    def _left_behind(self, fact: Fact, left: Household) -> list[_Told]:
        """Tell what changed in the durable room that a session was taken for one of."""
        rest = self._houses[left.durable]
        self._write_pool(left, rest)
        return self._told(fact, list(other_changes(fact, fact.room, left, rest)), left, rest)

    def _told(self, fact: Fact, changes: list[Change], before: Household, after: Household) -> list[_Told]:
        written = {row.topic for change in changes for row in change.rows}
        sessions = {change.entry.subject.partition("/")[2] for change in changes}
        shown: dict[str, Document] = {}
        hidden: dict[str, bytes] = {}
        for derived in filter(None, map(after.derive, sessions)):
            shown |= documents_of(derived, written)
            hidden |= _encoded(hidden_of(derived, written))
        # What moved to another session is gone from one and written with the other, in one go.
        told = [_Told(change.entry, change.rows, shown, hidden, change.gone - written) for change in changes]
        return self._with_schedules(fact, told, before, after) if before.plans or after.plans else told

    def _with_schedules(self, fact: Fact, told: list[_Told], before: Household, after: Household) -> list[_Told]:
        old, new = scheduled(before), scheduled(after)
        extensions = [msgspec.structs.replace(one, entry=extended(one.entry, after, new)) for one in told]
        return extensions + [_told_of_schedule(change) for change in schedule_changes(fact, old, new)]

    def _erase(self, fact: Fact) -> list[_Told]:
        if fact.bot:
            known = self._bots.pop(fact.bot, BotWork(fact.bot, {}, {}))
            change = erase_bot(fact, known)
            # Of a bot that the hub launched, also what was known before the provider gave it an id.
            self.erased = Erased(self.erased.topics | {fact.entity, known.alias} - {""}, self.erased.parts)
            for (topic, part), facts in tombstones(fact, known).items():
                self._put((topic, part), facts)
                identity = topic.partition("/")[2]
                self._bots[identity] = BotWork(identity, {part: facts}, {})
            return [_Told(change.entry, gone=change.gone)]
        home = self._homes.get(fact.room, "") or fact.durable
        before = self._house(home or fact.room, home)
        after = before.copy()
        changes, erased = erase_room(fact, before, after)
        self.erased = Erased(self.erased.topics | erased.topics, self.erased.parts | erased.parts)
        self._houses[before.durable or fact.room] = after
        return self._told(fact, changes, before, after)

    def _write_room(self, before: Household, after: Household) -> None:
        for session, parts in after.sessions.items():
            known = before.sessions.get(session, {})
            for part, facts in parts.items():
                if known.get(part) is not facts:
                    self._put((f"rooms/{session}", part), facts)
        for part, facts in after.shared.items():
            if before.shared.get(part) is not facts:
                self._put((f"rooms/{after.durable}", part), facts)
        self._write_pool(before, after)

    def _write_pool(self, before: Household, after: Household) -> None:
        """Keep every fact that names no session with the session that it belongs to."""
        for part, owner in after.attachments().items():
            kept = after.kept.get(part)
            if kept == owner and before.pool.get(part) is after.pool[part]:
                continue
            if kept not in (None, owner):
                self._written.pop((f"rooms/{kept}", part), None)
                self.dropped.add((f"rooms/{kept}", part))
            self._written[f"rooms/{owner}", part] = encode(after.pool[part])
            self.dropped.discard((f"rooms/{owner}", part))
            after.kept[part] = owner

    def _absorb_bot(self, fact: Fact, delivery: Delivery, *, item_news: bool) -> list[_Told]:
        before = self.bot(fact.bot)
        after = before.copy()
        news = after.absorb(fact, delivery.key) or item_news
        spoken = segment_parts(fact, delivery.key)
        for part, stored in spoken.items():
            news |= self._add_segment(after, (fact.entity, part), stored)
        # A late word about a segment does not take back a later one.
        segments = [decode_segment(self._items[fact.entity, part]) for part in spoken]
        self._bots[fact.bot] = after
        for part, facts in after.parts.items():
            if before.parts.get(part) is not facts:
                self._put((fact.entity, part), facts)
        if after.has_become:
            self.vanished |= frozenset(before.documents())
            return []
        if isinstance(fact.detail, CaptureDetail | TranscriptDetail):
            self._refresh(before.kept(), after.kept())
        change = bot_change(fact, before, after, segments, news=news)
        return [_Told(change.entry, change.rows, after.documents(), _encoded(after.hidden()))] if change else []

    def _refresh(self, old: Mapping[str, Capture], new: Mapping[str, Capture]) -> None:
        """Take note of what is told as before, but for its links."""
        for topic, one in new.items():
            if topic in old and old[topic] != one and told_alike(old[topic], one):
                begun = orjson.dumps(one.document)[:-1] + b',"sequence":'
                self.refreshed[topic] = Refreshed(begun, msgspec.msgpack.encode(one.artifacts))

    def _absorb_source(self, fact: Fact, delivery: Delivery, *, news: bool) -> list[_Told]:
        if not news:
            return []
        data = source_details(fact, delivery) | circumstances(fact)
        return [_Told(Entry(fact.kind, f"sources/{delivery.source}", (), fact, data))]

    def _put(self, key: StateKey, facts: Facts) -> None:
        self._written[key] = self._recall.encoded(key, facts)

    def _add_item(self, key: StateKey) -> bool:
        if key in self._items:
            return False
        self._items[key] = self._written[key] = b""
        return True

    def _add_segment(self, bot: BotWork, key: StateKey, stored: StoredSegment) -> bool:
        body = self._items.get(key)
        known = decode_segment(body) if body else None
        if not newer(stored, known):
            return False
        self._items[key] = self._written[key] = encode(stored)
        if known is None:
            bot.count(key[1])
        return known is None or known.segment != stored.segment


def _blank(delivery: Delivery) -> Delivery:
    """Return a delivery without content: it came, and is about what was erased."""
    return msgspec.structs.replace(delivery, body=b"", headers=(), facts=())


def _durable_after(fact: Fact, delivery: Delivery, house: Household) -> str:
    """Return which durable room a session is of: the one that was told last, by the times of the facts."""
    known = house.sessions.get(fact.room, {}).get("", NOTHING)
    stated = room_parts(fact, delivery.key, provider_of(delivery)).get("", NOTHING)
    return merged(known, stated).text("durable") or house.durable


def _told_of_schedule(change: ScheduleChange) -> _Told:
    topic, shown = change.entry.subject, change.shown
    if shown is None:
        return _Told(change.entry, gone=frozenset({topic}))
    return _Told(change.entry, (shown.row(),), {topic: shown.document()}, _encoded({topic: shown.attended}))


def _encoded(hidden: Mapping[str, msgspec.Struct]) -> dict[str, bytes]:
    return {topic: msgspec.msgpack.encode(beside) for topic, beside in hidden.items()}


def _is_copy(delivery: Delivery, known: Known) -> bool:
    """Whether an equal key means the same delivery; equal bytes without a time do only for a while."""
    return delivery.window_ms is None or abs(delivery.received_at - known.received_at) <= delivery.window_ms
