"""How state is kept: each entity in parts, each part a row; and the parts that are only looked up by name.

""                              the entity itself
participant/<id>, recording/<id>, stream/<id>, transcript/<id>
fact/<hash>                     a fact that names only the durable room, kept with the session that it belongs to
erased                          of a bot or a launch: that it was erased, and nothing else
own, schedule/<id>, pool        of a durable room: what was decided, what is planned, and that it has such facts
~item/<kind>/<id or hash>       something that happened and changes no document
~segment/<generation>/<id>      a stretch of transcript
"""

import hashlib
from collections.abc import Iterator

import msgspec

from hub.events import (
    ERASURES,
    BotDetail,
    CaptureDetail,
    ChatDetail,
    Delivery,
    Fact,
    JobDetail,
    Kind,
    NoteDetail,
    ParticipantDetail,
    RoomDetail,
    ScheduleDetail,
    Segment,
    TrackDetail,
    TranscriptDetail,
    escape_id,
)
from hub.ports import Depth, Needs, StateKey
from hub.state.bot import bot_facts
from hub.state.capture import capture_facts
from hub.state.facts import NOTHING, Facts, is_news, merged
from hub.state.participant import participant_facts
from hub.state.room import announced_facts, decided_facts, room_facts
from hub.state.schedule import schedule_facts

Parts = dict[str, Facts]
ITEM, SEGMENT = "~item/", "~segment/"
POOLED, OWN, SCHEDULE, HAS_POOL = "fact/", "own", "schedule/", "pool"
TOMBSTONE = "erased"

_encoder = msgspec.msgpack.Encoder(order="deterministic")


class PooledFact(msgspec.Struct, frozen=True):
    """A fact of a durable room that names no session, with the delivery and the provider that stated it."""

    fact: Fact
    key: str
    provider: str
    heard_at: int | None = None


class StoredSegment(msgspec.Struct, frozen=True):
    """A stretch of transcript with the version that it is: later versions replace earlier ones."""

    time: int
    key: str
    segment: Segment
    # Id of the bot that heard it.
    bot: str = ""


def encode(part: Facts | PooledFact | StoredSegment) -> bytes:
    """Return a part as the store keeps it."""
    return _encoder.encode(part)


decode_facts = msgspec.msgpack.Decoder(Facts).decode
decode_pooled = msgspec.msgpack.Decoder(PooledFact).decode
decode_segment = msgspec.msgpack.Decoder(StoredSegment).decode


def provider_of(delivery: Delivery) -> str:
    """Return the name of the provider whose account a delivery came from."""
    return delivery.scope.partition("/")[0]


def room_parts(fact: Fact, key: str, provider: str, heard_at: int | None = None) -> Parts:
    """Return what a fact states, part by part of its session; `heard_at` is when the hub received it."""
    if isinstance(fact.detail, RoomDetail):
        return {"": decided_facts(fact, fact.detail, key)}
    if fact.kind is Kind.PROVIDER_EVENT:
        # What nobody knows the meaning of must not change anything.
        announced = announced_facts(fact, key)
        return {"": announced} if announced.latest else {}
    parts = {"": room_facts(fact, key, provider, heard_at)}
    if isinstance(fact.detail, ParticipantDetail):
        parts[f"participant/{fact.detail.id}"] = participant_facts(fact, fact.detail, key)
    if isinstance(fact.detail, CaptureDetail):
        parts[capture_part(fact, fact.detail)] = capture_facts(fact, fact.detail, key)
    return parts


def shared_parts(fact: Fact, key: str) -> Parts:
    """Return what a fact states of its durable room as a whole, part by part."""
    if isinstance(fact.detail, ScheduleDetail):
        return {f"{SCHEDULE}{fact.detail.id}": schedule_facts(fact, fact.detail, key)}
    return {OWN: decided_facts(fact, fact.detail, key)} if isinstance(fact.detail, RoomDetail) else {}


def bot_parts(fact: Fact, key: str) -> Parts:
    """Return what a fact states, part by part of its bot."""
    if fact.kind is Kind.PROVIDER_EVENT:
        return {}
    parts = {"": bot_facts(fact, key)}
    if isinstance(fact.detail, CaptureDetail):
        parts[capture_part(fact, fact.detail)] = capture_facts(fact, fact.detail, key)
    return parts


def merge_into(parts: Parts, stated: Parts) -> bool:
    """Merge facts part by part; return whether they tell anything that had not happened yet."""
    news = False
    for part, facts in stated.items():
        known = parts.get(part, NOTHING)
        parts[part] = merged(known, facts)
        news |= is_news(known, parts[part])
    return news


def capture_part(fact: Fact, detail: CaptureDetail) -> str:
    """Return the part of a recording, of a stream, or of a room's transcript."""
    return f"{fact.kind.value.partition('.')[0]}/{detail.id}"


def capture_name(part: str) -> str:
    """Return what a recording, stream or transcript is called beside the others of its provider."""
    family, _, identity = part.partition("/")
    # A provider may call a recording and its transcript by one id.
    return f"transcript:{identity}" if family == "transcript" else identity


def item_part(fact: Fact) -> str | None:
    """Return the part by which something without a document is recognised, None for what has one."""
    detail = fact.detail
    if isinstance(detail, TrackDetail | JobDetail):
        return f"{ITEM}{fact.kind}/{escape_id(detail.id)}/{fact.time}"
    if isinstance(detail, ChatDetail) and detail.id:
        return f"{ITEM}{fact.kind}/{escape_id(detail.id)}"
    if isinstance(detail, NoteDetail | ChatDetail):
        return f"{ITEM}{fact.kind}/{digest(fact)}"
    is_shown = fact.bot or ((fact.room or fact.durable) and not fact.kind.startswith("transcript."))
    return None if is_shown else f"{ITEM}{fact.kind}/{escape_id(getattr(detail, 'id', ''))}/{fact.time}"


def segment_parts(fact: Fact, key: str) -> dict[str, StoredSegment]:
    """Return the stretches of transcript that a fact states, by part."""
    detail = fact.detail
    if not isinstance(detail, TranscriptDetail):
        return {}
    generation = fact.time if detail.whole else 0
    return {
        f"{SEGMENT}{generation:016d}/{escape_id(segment.id)}": StoredSegment(fact.time, key, segment, fact.bot)
        for segment in detail.segments
    }


def segment_document(stored: StoredSegment) -> dict[str, object]:
    """Return a stretch of transcript as it is shown."""
    segment = stored.segment
    return {
        # As it is kept by; made ids hold the name of who speaks.
        "id": escape_id(segment.id),
        "bot": stored.bot,
        "speaker": segment.speaker,
        "start": segment.start,
        "end": segment.end,
        "text": segment.text,
        "final": segment.final,
    }


def pooled_part(fact: Fact) -> str:
    """Return the part of a fact that names no session."""
    return f"{POOLED}{digest(fact)}"


def digest(fact: Fact) -> str:
    """Return a name for what a fact says."""
    # Not as the store keeps it: a text that cannot be encoded must not keep a whole batch from being looked at.
    # Names that are kept may be from before facts could be observed.
    said = repr(fact).removesuffix(")").removesuffix(", observed=False") + ")"
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def key_owner(delivery: Delivery) -> str:
    """Return the launch, or the bot, whose the key in its path is that alone proved a delivery; else empty."""
    key = delivery.path_key
    return f"{provider_of(delivery)}:{key.removeprefix('bot-')}" if key else ""


def needs_of(deliveries: tuple[Delivery, ...]) -> Needs:
    """Return what has to be seen of the store to fold the deliveries."""
    told = [(fact, delivery) for delivery in deliveries for fact in delivery.facts]
    facts = [fact for fact, _ in told]
    in_rooms = [(fact, delivery) for fact, delivery in told if (fact.room or fact.durable) and not fact.bot]
    items: set[StateKey] = set()
    for fact, delivery in told:
        item = item_part(fact)
        items |= {(entity_of(fact, delivery), item)} if item else set()
        items |= {(fact.entity, part) for part in segment_parts(fact, delivery.key)}
    return Needs(
        keys=frozenset((delivery.scope, delivery.key) for delivery in deliveries),
        subjects=frozenset(
            {fact.entity for fact in facts} | {f"rooms/{fact.durable}" for fact in facts} | _tied(deliveries)
        )
        - {"", "rooms/", "bots/"},
        items=frozenset(items),
        counted=frozenset(fact.entity for fact in facts if fact.bot),
        durables=frozenset((f"rooms/{fact.durable}", _depth(fact)) for fact, _ in in_rooms if fact.durable),
        homed=frozenset(
            (fact.entity, f"rooms/{fact.durable}" if fact.durable else "") for fact, _ in in_rooms if fact.room
        ),
        times=frozenset(time for fact, _ in in_rooms for time in _times(fact)),
        captures=frozenset(
            f"recordings/{provider_of(delivery)}:{capture_name(capture_part(fact, fact.detail))}"
            for fact, delivery in in_rooms
            if isinstance(fact.detail, CaptureDetail)
        ),
    )


def _tied(deliveries: tuple[Delivery, ...]) -> set[str]:
    """Return the topics of launches that deliveries came by, and of bots that launches are said to have become."""
    details = (fact.detail for delivery in deliveries for fact in delivery.facts)
    became = {f"bots/{detail.became}" for detail in details if isinstance(detail, BotDetail)}
    return became | {f"bots/{key_owner(delivery)}" for delivery in deliveries}


def _depth(fact: Fact) -> Depth:
    """Return how much a fact needs of its durable room."""
    if fact.kind in ERASURES:
        return Depth.SHARED if fact.room else Depth.WHOLE
    if isinstance(fact.detail, RoomDetail):
        return Depth.CURRENT
    return Depth.TOLD if fact.room else Depth.SHARED


def _times(fact: Fact) -> Iterator[tuple[str, int]]:
    """Yield when a fact says that something happened, for its session and for its durable room."""
    said = fact.session.started_at if fact.session else None
    for topic in {fact.entity, f"rooms/{fact.durable}"} - {"rooms/"}:
        yield topic, fact.time
        if said is not None:
            yield topic, said


def entity_of(fact: Fact, delivery: Delivery) -> str:
    """Return the topic that a fact's items are kept under."""
    return fact.entity or f"sources/{delivery.source}"
