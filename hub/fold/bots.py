"""What a fact about a bot changes, as an entry of the log and as documents."""

from collections.abc import Mapping
from typing import Self

import msgspec

from hub.events import BotDetail, CaptureDetail, ChatDetail, Fact, Kind, NoteDetail, TranscriptDetail, parse_time
from hub.fold.compose import Entry, circumstances
from hub.fold.parts import SEGMENT, Parts, StoredSegment, bot_parts, segment_document
from hub.fold.rooms import was_told
from hub.ports import Document as Row
from hub.state.bot import bot_document, current_attempt, is_over
from hub.state.capture import Document, capture_document
from hub.state.facts import NOTHING, is_news, merged, since

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
        news = False
        for part, stated in bot_parts(fact, key).items():
            known = self.parts.get(part, NOTHING)
            after = merged(known, stated)
            news |= is_news(known, after)
            self.parts[part] = after
        return news

    def count(self, part: str) -> None:
        """Take note of a segment that was not there."""
        generation = part.removeprefix(SEGMENT).partition("/")[0]
        self.segments[generation] = self.segments.get(generation, 0) + 1

    def documents(self) -> dict[str, Document]:
        """Return what is shown of the bot, by topic: itself and its recordings."""
        if "" not in self.parts:
            return {}
        facts = self.parts[""]
        captures = {part: facts for part, facts in self.parts.items() if part.startswith("recording/")}
        own = captures.get(f"recording/{self.identity.partition(':')[2]}")
        newest = f"{facts.whole('generation') or 0:016d}"
        shown = {f"bots/{self.identity}": bot_document(self.identity, facts, own, self.segments.get(newest, 0))}
        for part, capture in captures.items():
            identity = f"{self.identity.partition(':')[0]}:{part.partition('/')[2]}"
            # Of a retried bot, what the attempt recorded that goes on, as soon as it records.
            current = since(capture, current_attempt(facts))
            told = current if current.first else capture
            shown[f"recordings/{identity}"] = capture_document(identity, ("bot", self.identity), told)
        return shown


class BotChange(msgspec.Struct, frozen=True):
    """An entry of the log with the documents that it changes."""

    entry: Entry
    rows: tuple[Row, ...]


def bot_change(fact: Fact, before: BotWork, after: BotWork, *, news: bool) -> BotChange | None:
    """Return the fact's entry, None when it tells nothing new."""
    old, new = before.documents(), after.documents()
    changed = {topic for topic, document in new.items() if old.get(topic) != document}
    if not changed and not (news and not was_told(before.parts, fact)):
        return None
    topic = f"bots/{fact.bot}"
    told = _details(fact, new)
    data = {"bot": new[topic], **told, **_also_changed(changed, new, told), **circumstances(fact)}
    rows = tuple(_row(name, topic, new[name], fact) for name in sorted(changed | {topic}))
    return BotChange(Entry(fact.kind, topic, (), fact, data), rows)


def _also_changed(changed: set[str], new: dict[str, Document], told: Document) -> Document:
    """Return the recordings that a fact about the bot itself changed: a retry gives up what was recorded before."""
    captured = [new[name] for name in sorted(changed) if name.startswith("recordings/")]
    others = [document for document in captured if document is not told.get("recording")]
    return {"recordings": others} if others else {}


def _row(topic: str, bot: str, document: Document, fact: Fact) -> Row:
    identity = fact.bot.partition(":")[0]
    if not topic.startswith("bots/"):
        return Row(topic=topic, collection="recordings", parent=bot, provider=identity, status=str(document["status"]))
    return Row(
        topic=topic,
        collection="bots",
        parent=topic,
        provider=identity,
        status=str(document["status"]),
        name=str(document["name"] or ""),
        began_at=_milliseconds(document["created_at"]) or 0,
        active_at=_milliseconds(document["status_since"]) or 0,
        ended_at=(_milliseconds(document["ended_at"]) or _milliseconds(document["status_since"]))
        if is_over(document)
        else None,
        over=is_over(document),
    )


def _milliseconds(time: object) -> int | None:
    return parse_time(time) if isinstance(time, str) else None


def _details(fact: Fact, documents: dict[str, Document]) -> Document:
    detail = fact.detail
    if isinstance(detail, BotDetail):
        reason = detail.reason
        said: Document = {"code": detail.code} if detail.code else {}
        return said | ({"reason": msgspec.to_builtins(reason)} if reason else {})
    if isinstance(detail, CaptureDetail):
        provider = fact.bot.partition(":")[0]
        return {"recording": documents[f"recordings/{provider}:{detail.id}"]}
    if isinstance(detail, TranscriptDetail):
        return _transcript_details(detail, fact.bot)
    if isinstance(detail, ChatDetail):
        return {"message": {"id": detail.id or None, "sender": detail.sender or None, "text": detail.text}}
    if isinstance(detail, NoteDetail) and fact.kind is Kind.PROVIDER_EVENT:
        return {"note": {"id": detail.id or None, **dict(detail.said)}}
    return {}


def _transcript_details(detail: TranscriptDetail, bot: str) -> Document:
    if detail.whole:
        return {}
    stored = [StoredSegment(0, "", segment, bot) for segment in detail.segments[:_SEGMENTS_SHOWN]]
    shown = [segment_document(one) for one in stored]
    return {"segments": shown, **({"more": True} if len(detail.segments) > _SEGMENTS_SHOWN else {})}


def newer(stored: StoredSegment, known: StoredSegment | None) -> bool:
    """Whether a version of a segment replaces the one that is known."""
    return known is None or (stored.time, stored.key) > (known.time, known.key)
