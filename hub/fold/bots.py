"""What a fact about a bot changes, as an entry of the log and as documents."""

from collections.abc import Mapping, Sequence
from typing import Self

import msgspec

from hub.events import BotDetail, CaptureDetail, ChatDetail, Fact, Kind, NoteDetail, TranscriptDetail, parse_time
from hub.fold.compose import Change, Entry, circumstances
from hub.fold.parts import SEGMENT, TOMBSTONE, Parts, StoredSegment, bot_parts, merge_into, segment_document
from hub.fold.rooms import Hidden, differing, recording_row, was_told
from hub.ports import Document as Row
from hub.state.bot import alias_of, beside, bot_document, current_attempt, is_over, left_at
from hub.state.capture import Capture, Document, capture
from hub.state.facts import since

_SEGMENTS_SHOWN = 200


class BotWork:
    """A bot in a batch: its parts, and how many segments of which generation of its transcript there are."""

    def __init__(self, identity: str, parts: Parts, segments: Mapping[str, int]) -> None:
        self.identity = identity
        self.parts = parts
        self.segments = dict(segments)

    def copy(self) -> Self:
        """Return one that can be changed without changing this one."""
        return type(self)(self.identity, dict(self.parts), self.segments)

    def absorb(self, fact: Fact, key: str) -> bool:
        """Merge a fact; return whether it tells anything that had not happened yet."""
        return merge_into(self.parts, bot_parts(fact, key))

    def count(self, part: str) -> None:
        """Take note of a segment that was not there."""
        generation = part.removeprefix(SEGMENT).partition("/")[0]
        self.segments[generation] = self.segments.get(generation, 0) + 1

    @property
    def is_shown(self) -> bool:
        """Whether it has a document: anything is known of it, and it is no launch that became a bot."""
        return "" in self.parts and not self.has_become

    @property
    def has_become(self) -> bool:
        """Whether it is a launch that became a bot: all that is told of it from then on is told of that."""
        return "" in self.parts and bool(self.parts[""].text("became"))

    @property
    def is_erased(self) -> bool:
        """Whether all that was known of it was taken away; that alone is kept then."""
        return TOMBSTONE in self.parts

    def text(self, name: str) -> str:
        """Return the latest text of a name that was told of it, empty when there is none."""
        return self.parts[""].text(name) if "" in self.parts else ""

    @property
    def alias(self) -> str:
        """The topic by which its launch was known, empty when that is its own, or there was none."""
        name = alias_of(self.identity, self.parts[""]) if "" in self.parts else ""
        return f"bots/{name}" if name else ""

    def documents(self) -> dict[str, Document]:
        """Return what is shown of the bot, by topic: itself and its recordings."""
        if not self.is_shown:
            return {}
        facts = self.parts[""]
        own = self.parts.get(f"recording/{self.identity.partition(':')[2]}")
        newest = f"{facts.whole('generation') or 0:016d}"
        shown = {f"bots/{self.identity}": bot_document(self.identity, facts, own, self.segments.get(newest, 0))}
        return shown | {name: one.document for name, one in self.captures().items()}

    def captures(self) -> dict[str, Capture]:
        """Return what the bot recorded, by topic."""
        if not self.is_shown:
            return {}
        begun, left = current_attempt(self.parts[""]), left_at(self.parts[""])
        captured = {}
        for part, facts in self.parts.items():
            if part.startswith("recording/"):
                identity = f"{self.identity.partition(':')[0]}:{part.partition('/')[2]}"
                # Of a retried bot, what the attempt recorded that goes on, as soon as it records.
                current = since(facts, begun)
                told = current if current.first else facts
                captured[f"recordings/{identity}"] = capture(identity, ("bot", self.identity), told, left)
        return captured

    def kept(self) -> dict[str, Capture]:
        """Return everything of the bot that has links, by topic; of itself those to its transcript."""
        topic = f"bots/{self.identity}"
        own = {topic: Capture(self.documents()[topic], 0, beside(self.parts[""]))} if self.is_shown else {}
        return self.captures() | own

    def hidden(self) -> dict[str, Hidden]:
        """Return what is kept beside the documents for authorised readers, by topic."""
        if not self.is_shown:
            return {}
        own: dict[str, Hidden] = {f"bots/{self.identity}": beside(self.parts[""])}
        return own | {name: one.artifacts for name, one in self.captures().items()}


def bot_change(
    fact: Fact, before: BotWork, after: BotWork, segments: Sequence[StoredSegment], *, news: bool
) -> Change | None:
    """Return the fact's entry, None when it tells nothing new; `segments` are those it spoke of, as they are now."""
    new = after.documents()
    changed = differing(before.documents(), new) | differing(before.hidden(), after.hidden())
    # When a recording began is not always shown, but lists are sorted by it.
    changed |= differing(before.captures(), after.captures())
    if not changed and not (news and not was_told(before.parts, fact)):
        return None
    topic, also = f"bots/{fact.bot}", (after.alias,) if after.alias else ()
    told = _details(fact, new, segments)
    if fact.kind is Kind.PROVIDER_EVENT:
        # What nobody knows the meaning of is shown, and changes nothing.
        return Change(Entry(fact.kind, topic, also, fact, {**told, **circumstances(fact)}))
    data = {"bot": new[topic], **told, **_also_changed(changed, new, told), **circumstances(fact)}
    # What is told again has the sequence of who told it last.
    again = {f"recordings/{one['id']}" for one in (told.get("recording"),) if isinstance(one, dict)}
    rows = tuple(_row(name, topic, new[name], after) for name in sorted(changed | again | {topic}))
    return Change(Entry(fact.kind, topic, also, fact, data), rows)


def _also_changed(changed: set[str], new: dict[str, Document], told: Document) -> Document:
    """Return the recordings that a fact about the bot itself changed: a retry gives up what was recorded before."""
    captured = [new[name] for name in sorted(changed) if name.startswith("recordings/")]
    others = [document for document in captured if document is not told.get("recording")]
    return {"recordings": others} if others else {}


def _row(topic: str, bot: str, document: Document, work: BotWork) -> Row:
    provider = work.identity.partition(":")[0]
    if not topic.startswith("bots/"):
        return recording_row(topic, bot, provider, work.captures()[topic])
    return Row(
        topic=topic,
        collection="bots",
        parent=topic,
        provider=provider,
        status=str(document["status"]),
        durable=work.alias,
        name=str(document["name"] or ""),
        began_at=_milliseconds(document["created_at"]) or 0,
        active_at=_milliseconds(document["status_since"]) or _milliseconds(document["created_at"]) or 0,
        ended_at=(_milliseconds(document["ended_at"]) or _milliseconds(document["status_since"]))
        if is_over(document)
        else None,
        over=is_over(document),
    )


def _milliseconds(time: object) -> int | None:
    return parse_time(time) if isinstance(time, str) else None


def _details(fact: Fact, documents: dict[str, Document], segments: Sequence[StoredSegment]) -> Document:
    detail = fact.detail
    if isinstance(detail, BotDetail):
        reason = detail.reason
        said: Document = {"code": detail.code} if detail.code else {}
        return said | ({"reason": msgspec.to_builtins(reason)} if reason else {})
    if isinstance(detail, CaptureDetail):
        provider = fact.bot.partition(":")[0]
        return {"recording": documents[f"recordings/{provider}:{detail.id}"]}
    if isinstance(detail, TranscriptDetail):
        return {} if detail.whole else _transcript_details(segments)
    if isinstance(detail, ChatDetail):
        return {"message": {"id": detail.id or None, "sender": detail.sender or None, "text": detail.text}}
    if isinstance(detail, NoteDetail) and fact.kind is Kind.PROVIDER_EVENT:
        return {"note": {"id": detail.id or None, **dict(detail.said)}}
    return {}


def _transcript_details(segments: Sequence[StoredSegment]) -> Document:
    shown = [segment_document(one) for one in segments[:_SEGMENTS_SHOWN]]
    return {"segments": shown, **({"more": True} if len(segments) > _SEGMENTS_SHOWN else {})}


def newer(stored: StoredSegment, known: StoredSegment | None) -> bool:
    """Whether a version of a segment replaces the one that is known."""
    return known is None or (stored.time, stored.key) > (known.time, known.key)
