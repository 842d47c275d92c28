"""Making the entries of the log: CloudEvents with the resulting documents, at most 64 KiB each."""

from collections.abc import Mapping

import msgspec
import orjson

from hub.events import Delivery, Event, Fact, Kind, format_time
from hub.ports import Document as Row
from hub.state.capture import Document

EVENT_LIMIT = 64 * 1024
# For `specversion` and `id`, which come in front, and the name of `data`.
_ENVELOPE_RESERVE = 128
CLOSED_LIMIT = 500


class Entry(msgspec.Struct, frozen=True):
    """An event to be: what it says, before it has a place in the log."""

    kind: Kind
    subject: str
    # The topics it is sent to besides its subject and its collection.
    also: tuple[str, ...]
    fact: Fact
    data: Document


class Change(msgspec.Struct, frozen=True):
    """An entry of the log with the documents that it changes and the topics of those that are gone."""

    entry: Entry
    rows: tuple[Row, ...] = ()
    gone: frozenset[str] = frozenset()


def compose(entry: Entry, delivery: Delivery, sequence: int) -> Event:
    """Encode an entry, once and for all viewers."""
    envelope: Document = {
        "source": f"/sources/{delivery.source}",
        "type": entry.kind,
        "subject": entry.subject,
        "time": format_time(entry.fact.time),
        "sequence": f"{sequence:016d}",
        "receivedat": format_time(delivery.received_at),
        "providertype": delivery.provider_type,
    }
    room = EVENT_LIMIT - _ENVELOPE_RESERVE - len(orjson.dumps(envelope))
    envelope["data"] = _fitted(_stamped(entry.data, sequence), room)
    collection, _, _ = entry.subject.partition("/")
    topics = dict.fromkeys((entry.subject, *entry.also, collection))
    return Event(sequence=sequence, topics=tuple(topics), body=orjson.dumps(envelope))


def circumstances(fact: Fact) -> Document:
    """Return what an event says of how its fact was told."""
    said: Document = {}
    if fact.replay:
        said["replay"] = True
    if fact.observed:
        said["observed"] = True
    if fact.skewed:
        said["skewed"] = True
    return said


def _stamped(data: Document, sequence: int) -> Document:
    """Give every document in the data the sequence that changed it."""
    return {name: _stamp(name, value, sequence) for name, value in data.items()}


def _stamp(name: str, value: object, sequence: int) -> object:
    if name in ("bot", "room", "participant", "recording", "transcript", "schedule") and isinstance(value, Mapping):
        return {**value, "sequence": sequence}
    if name in ("participants", "recordings") and isinstance(value, list):
        return [{**one, "sequence": sequence} for one in value]
    return value


def _fitted(data: Document, room: int) -> Document:
    """Shorten the longest list until the data fits; what was left out is to be had by REST."""
    while len(orjson.dumps(data)) > room:
        lists = {name: value for name, value in data.items() if isinstance(value, list) and value}
        if not lists:
            return _with_fewer_people(data, room)
        longest = max(lists, key=lambda name: len(lists[name]))
        data = {**data, longest: lists[longest][: len(lists[longest]) // 2], "more": True}
    return data


def _with_fewer_people(data: Document, room: int) -> Document:
    # Only a bot's list of people can still be this long.
    bot = data.get("bot")
    people = bot.get("participants") if isinstance(bot, dict) else None
    if not isinstance(bot, dict) or not people:
        return {"more": True}
    return _fitted({**data, "bot": {**bot, "participants": people[: len(people) // 2]}, "more": True}, room)
