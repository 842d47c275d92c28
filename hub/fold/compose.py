"""Making the entries of the log: CloudEvents with the resulting documents, at most 64 KiB each."""

from collections.abc import Mapping

import msgspec
import orjson

from hub.events import Delivery, Event, Fact, Kind, format_time
from hub.state.capture import Document

EVENT_LIMIT = 64 * 1024
_ENVELOPE_RESERVE = 1024
CLOSED_LIMIT = 500


class Entry(msgspec.Struct, frozen=True):
    """An event to be: what it says, before it has a place in the log."""

    kind: Kind
    subject: str
    # The topics it is sent to besides its subject and its collection.
    also: tuple[str, ...]
    fact: Fact
    data: Document


def compose(entry: Entry, delivery: Delivery, sequence: int) -> Event:
    """Encode an entry, once and for all viewers."""
    envelope = {
        "source": f"/sources/{delivery.source}",
        "type": entry.kind,
        "subject": entry.subject,
        "time": format_time(entry.fact.time),
        "sequence": f"{sequence:016d}",
        "receivedat": format_time(delivery.received_at),
        "providertype": delivery.provider_type,
        "data": _fitted(_stamped(entry.data, sequence)),
    }
    collection, _, _ = entry.subject.partition("/")
    topics = dict.fromkeys((entry.subject, *entry.also, collection))
    return Event(sequence=sequence, topics=tuple(topics), body=orjson.dumps(envelope))


def circumstances(fact: Fact) -> Document:
    """Return what an event says of how its fact was told."""
    said: Document = {}
    if fact.replay:
        said["replay"] = True
    if fact.skewed:
        said["skewed"] = True
    return said


def _stamped(data: Document, sequence: int) -> Document:
    """Give every document in the data the sequence that changed it."""
    return {name: _stamp(name, value, sequence) for name, value in data.items()}


def _stamp(name: str, value: object, sequence: int) -> object:
    if name in ("bot", "room", "participant", "recording") and isinstance(value, Mapping):
        return {**value, "sequence": sequence}
    if name in ("participants", "recordings") and isinstance(value, list):
        return [{**one, "sequence": sequence} for one in value]
    return value


def _fitted(data: Document) -> Document:
    """Shorten the longest list until the event fits; what was left out is to be had by REST."""
    while len(orjson.dumps(data)) > EVENT_LIMIT - _ENVELOPE_RESERVE:
        lists = {name: value for name, value in data.items() if isinstance(value, list) and value}
        if not lists:
            return _without_texts(data)
        longest = max(lists, key=lambda name: len(lists[name]))
        data = {**data, longest: lists[longest][: len(lists[longest]) // 2], "more": True}
    return data


def _without_texts(data: Document) -> Document:
    # Only a bot's list of people can still be this long.
    bot = data.get("bot")
    if isinstance(bot, dict) and bot.get("participants"):
        return _fitted({**data, "bot": {**bot, "participants": bot["participants"][: len(bot["participants"]) // 2]}})
    return {"more": True}
