"""Deliveries of what the hub found out by asking."""

import hashlib
from collections.abc import Mapping
from typing import TypeVar

import orjson

from hub.errors import Unusable
from hub.events import RECONCILE, Delivery, Fact, Kind, NoteDetail, ParticipantDetail, Session
from hub.reconcile.seen import HeldRoom, Said, SeenRoom, Translate, Words
from hub.settings import Source

# Why something ended that the provider lists no more, when nobody says why.
NOT_LISTED = "not_listed"
# Facts of one delivery: a commit must stay short, however many people a room has.
_FACTS_LIMIT = 200

Portioned = TypeVar("Portioned")


def delivery_of(provider_type: str, scope: str, words: Words, facts: tuple[Fact, ...], now: int) -> Delivery:
    """Return a delivery of what was found out; the same words again are the same delivery, for ever."""
    body = orjson.dumps({"asked": provider_type, **words}, option=orjson.OPT_SORT_KEYS)
    return Delivery(
        source=RECONCILE,
        scope=scope,
        key=f"asked:{hashlib.sha256(body).hexdigest()}",
        received_at=now,
        body=body,
        provider_type=provider_type,
        facts=facts,
    )


def status_told(source: Source, bot: str, words: Words, translate: Translate, now: int) -> Delivery | None:
    """Tell what is said of a bot (as documents call it), read as a webhook; None when that is nothing."""
    try:
        facts = translate(source, words, now) if words else ()
    except Unusable:
        return None
    if not facts or any(fact.bot != bot for fact in facts):
        return None
    # Without a time of its own the same may be said again later, after something else.
    at = {"at": now} if facts[0].time == now else {}
    return delivery_of("bot.status", source.scope, {**words, **at}, facts, now)


def unknown_told(source: Source, bot: str, now: int) -> Delivery:
    """Note that the provider does not know a bot (as documents call it), which is no proof that it is gone."""
    words = "the provider does not know this bot (404); what was told of it last stays"
    detail = NoteDetail(said=(("event", "bot.unknown"), ("meaning", words)))
    fact = Fact(kind=Kind.PROVIDER_EVENT, time=now, bot=bot, detail=detail, observed=True)
    return delivery_of("bot.unknown", source.scope, {"bot_id": bot.partition(":")[2], "answer": 404}, (fact,), now)


def room_found(seen: SeenRoom, now: int) -> list[Delivery]:
    """Tell of a session that nobody told of, with everybody in it, and who was."""
    return [
        delivery_of("room.listed", seen.scope, {"room": seen.start.words}, seen.start.facts, now),
        *came_and_went(seen, {**seen.left, **seen.people}, now),
    ]


def came_and_went(seen: SeenRoom, people: Mapping[str, Said], now: int) -> list[Delivery]:
    """Tell of people who came or left without a word."""
    return [
        delivery_of(
            "participants.listed",
            seen.scope,
            {"room": seen.start.words, "participants": [said.words for said in some]},
            tuple(fact for said in some for fact in said.facts),
            now,
        )
        for some in _portions(list(people.values()))
    ]


def room_alive(seen: SeenRoom, now: int, ended: int = 0) -> Delivery:
    """Tell that a session goes on which was taken for over (when it `ended`), or would be."""
    at = _after(ended, now)
    fact = Fact(kind=Kind.ROOM_UPDATED, time=at, room=seen.room, durable=seen.durable, observed=True)
    return delivery_of("room.alive", seen.scope, {"room": seen.start.words, "at": at}, (fact,), now)


def people_back(seen: SeenRoom, gone: Mapping[str, int], now: int) -> list[Delivery]:
    """Tell that people are there who were taken for gone, since when."""
    facts = [
        _of_visit(Kind.PARTICIPANT_UPDATED, seen.room, seen.durable, visit, _after(ended, now))
        for visit, ended in gone.items()
    ]
    return [_of_visits("participants.alive", seen.scope, some, now) for some in _portions(facts)]


def room_gone(held: HeldRoom, scope: str, bound: int, now: int) -> Delivery:
    """Tell that a session is not listed any more: it ended at `bound` or before."""
    fact = Fact(
        kind=Kind.ROOM_ENDED,
        time=bound,
        room=held.room,
        durable=held.durable,
        session=Session(end_reason=NOT_LISTED),
        observed=True,
        closing_reason=NOT_LISTED,
    )
    return delivery_of("room.missing", scope, {"missing": held.room, "at": bound}, (fact,), now)


def people_gone(seen: SeenRoom, gone: Mapping[str, int], now: int) -> list[Delivery]:
    """Tell that people are not listed any more, with when they left at the latest."""
    facts = [_of_visit(Kind.PARTICIPANT_LEFT, seen.room, seen.durable, visit, at) for visit, at in gone.items()]
    return [_of_visits("participants.missing", seen.scope, some, now) for some in _portions(facts)]


def _of_visits(provider_type: str, scope: str, facts: list[Fact], now: int) -> Delivery:
    visits = {fact.detail.id: fact.time for fact in facts if isinstance(fact.detail, ParticipantDetail)}
    return delivery_of(provider_type, scope, {"room": facts[0].room, "participants": visits}, tuple(facts), now)


def _of_visit(kind: Kind, room: str, durable: str, visit: str, at: int) -> Fact:
    reason = NOT_LISTED if kind is Kind.PARTICIPANT_LEFT else ""
    detail = ParticipantDetail(id=visit, reason=reason)
    return Fact(kind=kind, time=at, room=room, durable=durable, detail=detail, observed=True)


def _after(ended: int, now: int) -> int:
    """Return when something goes on that was taken for over: later than that, also if the clock was set back since."""
    return max(now, ended + 1)


def _portions(many: list[Portioned]) -> list[list[Portioned]]:
    return [many[place : place + _FACTS_LIMIT] for place in range(0, len(many), _FACTS_LIMIT)]
