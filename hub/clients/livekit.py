"""LiveKit, asked which rooms it has and who is in them: `ListRooms` and `ListParticipants`.

Rooms are listed only while they are active, and by name; a sid tells one session from the next of that name.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
import msgspec
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError, Message
from livekit.api import ListParticipantsRequest, ListRoomsRequest, LiveKitAPI, TwirpError
from livekit.protocol.models import ParticipantInfo, Room

from hub.errors import Unanswered, Unusable
from hub.events import Kind, ParticipantDetail
from hub.reconcile.seen import HeldRoom, Listing, Said, SeenRoom, Translate, Words
from hub.settings import Settings, Source

# For one answer.
_SECONDS = 10.0
# Rooms that are asked about at a time.
_AT_ONCE = 8
# What is kept of an answer: neither passwords nor what the customer attached, nor numbers that change all the time.
_ROOM_WORDS = ("sid", "name", "creationTime", "creationTimeMs")
_PERSON_WORDS = ("sid", "identity", "name", "state", "joinedAt", "joinedAtMs", "kind", "permission", "isPublisher")
_REFUSED, _MISSING = (401, 403), 404

Answer = TypeVar("Answer")


class Pair(msgspec.Struct, frozen=True):
    """An API key with its secret, and the source whose webhooks they prove."""

    source: Source
    key: str
    secret: str


def pairs_of(settings: Settings) -> list[Pair]:
    """Return the key pairs that LiveKit knows: none that the hub made up."""
    return [
        Pair(source, key, secrets[0])
        for source in settings.sources
        if source.provider == "livekit" and not settings.is_made_up(source, "keys")
        for key, secrets in source.keys.items()
        if secrets
    ]


class LiveKitServer:
    """A LiveKit server (or project) and those who may ask it."""

    provider = "livekit"
    tells_ends = False

    def __init__(
        self,
        url: str,
        pairs: Sequence[Pair],
        translate: Translate,
        now: Callable[[], int],
        *,
        seconds: float = _SECONDS,
    ) -> None:
        self._url = url
        self._pairs = tuple(pairs)
        self._translate = translate
        self._now = now
        self._seconds = seconds

    async def listing(self) -> Listing:
        """Return what every key pair may see."""
        rooms: list[SeenRoom] = []
        problems: list[str] = []
        silent: set[str] = set()
        for pair in self._pairs:
            try:
                seen, unheard = await self._rooms_of(pair)
                rooms += seen
                problems += unheard
            except Unanswered as problem:
                problems.append(str(problem))
                silent.add(pair.source.called_after)
        homes = {pair.source.called_after for pair in self._pairs} - silent
        return Listing(tuple(rooms), frozenset(homes), tuple(problems))

    async def end_of(self, held: HeldRoom) -> Said | None:
        """Return nothing: LiveKit does not speak of rooms that are over."""
        return None

    async def check(self, pair: Pair) -> int:
        """Return how many rooms there are. Raises Unanswered when a key pair is not taken."""
        async with self._asking(pair) as server:
            return len(await _rooms(server, self._explained(pair)))

    def _asking(self, pair: Pair) -> LiveKitAPI:
        # One attempt: the next round is the next one.
        return LiveKitAPI(self._url, pair.key, pair.secret, failover=False)

    async def _rooms_of(self, pair: Pair) -> tuple[list[SeenRoom], list[str]]:
        """Return the rooms, and what went wrong with single ones. Raises Unanswered when it did with the list."""
        explained = self._explained(pair)
        async with self._asking(pair) as server:
            before = await _rooms(server, explained)
            turn = asyncio.Semaphore(_AT_ONCE)
            answers = await asyncio.gather(*(_people(server, room.name, explained, turn) for room in before))
            # The people are those of a name: they are this session's if the name had not changed hands.
            still = {room.sid for room in await _rooms(server, explained)}
        seen = [
            self._seen(pair, room, who if room.sid in still and not isinstance(who, Unanswered) else None)
            for room, who in zip(before, answers, strict=True)
        ]
        # The same is wrong with all of them, as a rule.
        problems = dict.fromkeys(f"who is in a room: {who}" for who in answers if isinstance(who, Unanswered))
        return [one for one in seen if one], list(problems)

    def _seen(self, pair: Pair, room: Room, people: Sequence[ParticipantInfo] | None) -> SeenRoom | None:
        words = _kept(room, _ROOM_WORDS)
        start = self._said(pair, {"event": "room_started", "room": words}, words)
        if start is None or not start.facts[0].room:
            return None
        there: dict[str, Said] = {}
        arriving: set[str] = set()
        for person in people or ():
            told = _kept(person, _PERSON_WORDS)
            said = self._said(pair, {"event": "participant_joined", "room": words, "participant": told}, told)
            visit = _visit(said)
            if not said or not visit or person.state == ParticipantInfo.State.DISCONNECTED:
                continue
            # Its webhook comes when media flows; whoever is on the way there is not gone either.
            if person.state == ParticipantInfo.State.ACTIVE:
                there[visit] = said
            else:
                arriving.add(visit)
        fact = start.facts[0]
        return SeenRoom(
            room=fact.room,
            durable=fact.durable,
            scope=pair.source.scope,
            began_at=fact.time,
            start=start,
            people=there,
            arriving=frozenset(arriving),
            is_whole=people is not None,
        )

    def _said(self, pair: Pair, payload: Words, words: Words) -> Said | None:
        """Translate as if it were a webhook, so that both say the same."""
        try:
            facts = self._translate(pair.source, payload, self._now())
        except Unusable:
            return None
        return Said(words, facts) if facts else None

    def _explained(self, pair: Pair) -> "Explained":
        return Explained(urlsplit(self._url).netloc.rpartition("@")[2], pair.source.name, self._seconds)


class Explained(msgspec.Struct, frozen=True):
    """Says what went wrong in words that help whoever set it up."""

    host: str
    source: str
    seconds: float

    async def answer(self, call: Coroutine[object, object, Answer]) -> Answer:
        """Return what a call returns. Raises Unanswered."""
        try:
            # Each request of livekit-api asks for no limit of time, whatever it was given for all of them.
            async with asyncio.timeout(self.seconds):
                return await call
        except (TwirpError, aiohttp.ClientError, TimeoutError, DecodeError) as error:
            raise self.problem(error) from error

    def problem(self, error: Exception) -> Unanswered:
        """Return what to raise."""
        if isinstance(error, TwirpError) and error.status in _REFUSED:
            advice = f"LIVEKIT_API_KEY and LIVEKIT_API_SECRET (sources.{self.source}.keys) must be of this project"
            return Unanswered(f"LiveKit at {self.host} refuses an API key of {self.source} ({error.status}): {advice}")
        if isinstance(error, TwirpError) and error.status == _MISSING:
            return Unanswered(f"there is no LiveKit API at {self.host} (404): check LIVEKIT_URL (livekit.url)")
        if isinstance(error, TwirpError):
            return Unanswered(f"LiveKit at {self.host} answers {error.status}; it is asked again")
        if isinstance(error, DecodeError):
            return Unanswered(f"{self.host} answers something else than LiveKit does: check LIVEKIT_URL (livekit.url)")
        what = "does not answer in time" if isinstance(error, TimeoutError) else "cannot be reached"
        return Unanswered(f"LiveKit at {self.host} {what}; it is asked again: check LIVEKIT_URL (livekit.url)")


async def _rooms(server: LiveKitAPI, explained: Explained) -> list[Room]:
    return list((await explained.answer(server.room.list_rooms(ListRoomsRequest()))).rooms)


async def _people(
    server: LiveKitAPI, name: str, explained: Explained, turn: asyncio.Semaphore
) -> list[ParticipantInfo] | Unanswered | None:
    """Return who is in a room, None when it is gone by now; or what went wrong: the other rooms are none the worse."""
    try:
        async with turn:
            answer = await explained.answer(server.room.list_participants(ListParticipantsRequest(room=name)))
    except Unanswered as refusal:
        is_gone = isinstance(refusal.__cause__, TwirpError) and refusal.__cause__.code == "not_found"
        return None if is_gone else refusal
    return list(answer.participants)


def _kept(message: Message, names: Sequence[str]) -> Mapping[str, Any]:  # Any: whatever JSON holds
    told = MessageToDict(message)
    return {name: told[name] for name in names if name in told}


def _visit(said: Said | None) -> str:
    fact = said.facts[0] if said else None
    is_of_somebody = fact and fact.kind is Kind.PARTICIPANT_JOINED and isinstance(fact.detail, ParticipantDetail)
    return fact.detail.id if fact and is_of_somebody and isinstance(fact.detail, ParticipantDetail) else ""
