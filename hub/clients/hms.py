"""100ms, asked which sessions are active, what became of others, and to send again what did not arrive."""

import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from urllib.parse import quote

import jwt
import msgspec

from hub.clients.line import Line, Reply
from hub.clients.turns import Turns
from hub.errors import ProviderProblem, Unanswered, Unusable
from hub.events import Kind, ParticipantDetail, format_time, parse_time
from hub.reconcile.seen import HeldRoom, Listing, Said, SeenRoom, Translate, Words
from hub.settings import Hms, Source

_PAGE = "100"
# A provider that lists itself in a circle is left after so many pages.
_PAGES = 1000
_TOKEN_SECONDS = 3600
# 100ms tells no limit: as many as any provider takes.
_A_SECOND = 20
_ANSWER_SECONDS = 10.0

Json = Mapping[str, object]


def management_token(access_key: str, app_secret: str, now: int, identity: str) -> str:
    """Return the token by which 100ms knows whose request it is, good for an hour; `now` in milliseconds."""
    issued = now // 1000
    claims = {
        "access_key": access_key,
        "type": "management",
        "version": 2,
        "jti": identity,
        "iat": issued,
        "nbf": issued,
        "exp": issued + _TOKEN_SECONDS,
    }
    return jwt.encode(claims, app_secret, algorithm="HS256")


class HmsAccount:
    """A 100ms account: its sessions, and its deliveries that failed."""

    provider = "100ms"
    tells_ends = True

    def __init__(
        self,
        account: Hms,
        sources: tuple[Source, ...],
        translate: Translate,
        now: Callable[[], int],
        make_id: Callable[[], str],
    ) -> None:
        self._sources = tuple(source for source in sources if source.provider == self.provider)
        self._translate = translate
        self._now = now

        def signed() -> Mapping[str, str]:
            token = management_token(account.access_key, account.app_secret, now(), make_id())
            return {"Authorization": f"Bearer {token}"}

        turns = Turns(_A_SECOND, time.monotonic)
        self._line = Line(account.base_url, signed, turns, secret=account.app_secret, seconds=_ANSWER_SECONDS)

    async def listing(self) -> Listing:
        """Return all active sessions, with everybody who is, or was, in them. Raises Unanswered."""
        seen = [self._seen(session) async for session in self._active()]
        homes = frozenset(source.called_after for source in self._sources)
        return Listing(tuple(one for one in seen if one), homes)

    async def end_of(self, held: HeldRoom) -> Said | None:
        """Return attendance and end of a session that is over; None when it is not, or is not this account's."""
        session = await self._found("GET", f"/v2/sessions/{quote(held.room.partition(':')[2], safe='')}")
        if session is None or session.get("active") is not False:
            return None
        left = (self._left(session, peer) for peer in _peers(session))
        # Who the hub knows to have left is not told of again.
        people = [said for said in left if said and _visit(said) not in held.gone]
        end = self._end(session, held)
        if end is None:
            return None
        words = {**end.words, "peers": [said.words for said in people]}
        facts = (*(fact for said in people for fact in said.facts), *end.facts)
        return Said(words, tuple(msgspec.structs.replace(fact, durable=held.durable) for fact in facts))

    async def check(self) -> None:
        """Ask for anything. Raises Unanswered when the account is not taken."""
        await self._asked("GET", "/v2/sessions", active="true", limit="10")

    async def has_failed(self, since: int, until: int) -> bool:
        """Return whether any delivery failed between two times (ms). Raises Unanswered."""
        period = {"start_time": format_time(since) or "", "end_time": format_time(until) or ""}
        answer = await self._asked("GET", "/v2/analytics/webhooks", **period, status="failed", limit="1")
        events = answer.get("events")
        return isinstance(events, list) and bool(events)

    async def replay(self, since: int, until: int) -> None:
        """Have the deliveries that failed between two times sent again. Raises Unanswered."""
        period = {"start_time": format_time(since), "end_time": format_time(until), "status": "failed"}
        await self._asked("POST", "/v2/analytics/webhooks/replay", period)

    async def _active(self) -> AsyncIterator[Json]:
        start = ""
        for _ in range(_PAGES):
            place = {"start": start} if start else {}
            page = await self._asked("GET", "/v2/sessions", active="true", limit=_PAGE, **place)
            listed = page.get("data")
            sessions = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
            for session in sessions:
                yield session
            last = page.get("last")
            if not sessions or not isinstance(last, str) or last in ("", start):
                return
            start = last

    def _seen(self, session: Json) -> SeenRoom | None:
        told = {**_names(session), "session_started_at": session.get("created_at")}
        start = self._said("session.open.success", told, told)
        if start is None or not start.facts[0].room or session.get("active") is False:
            return None
        people: dict[str, Said] = {}
        left: dict[str, Said] = {}
        for peer in _peers(session):
            said = self._left(session, peer) if peer.get("left_at") else self._joined(session, peer)
            if said:
                (left if peer.get("left_at") else people)[_visit(said)] = said
        fact = start.facts[0]
        return SeenRoom(
            room=fact.room,
            durable=fact.durable,
            scope=self._sources[0].scope,
            began_at=fact.time,
            start=start,
            people=people,
            left=left,
        )

    def _joined(self, session: Json, peer: Json) -> Said | None:
        words = _of_peer(peer)
        return self._said("peer.join.success", {**_names(session), **words}, words)

    def _left(self, session: Json, peer: Json) -> Said | None:
        words = {**_of_peer(peer), "left_at": peer.get("left_at")}
        return self._said("peer.leave.success", {**_names(session), **words}, words) if peer.get("left_at") else None

    def _end(self, session: Json, held: HeldRoom) -> Said | None:
        """Return the end: when the last one had left, in no case before anything that is known to have happened."""
        left = [_time(peer.get("left_at")) for peer in _peers(session)]
        known = [time for time in left if time is not None]
        last = max(known) if known and len(known) == len(left) else _time(session.get("updated_at"))
        ended = max(last or 0, held.active_at, *known)
        told = {**_names(session), "session_started_at": session.get("created_at")}
        said = self._said("session.close.success", {**told, "session_stopped_at": format_time(ended)}, told)
        # Its own webhook tells the moment, and the reason: it is to be believed should it still come.
        if said is None:
            return None
        facts = tuple(msgspec.structs.replace(fact, observed=True) for fact in said.facts)
        return Said({**told, "active": False, "ended_at": ended}, facts)

    def _said(self, event: str, told: Words, words: Words) -> Said | None:
        """Translate as if it were a webhook, so that both say the same."""
        try:
            facts = self._translate(self._sources[0], {"type": event, "data": told}, self._now())
        except Unusable:
            return None
        return Said(words, facts) if facts and facts[0].kind is not Kind.PROVIDER_EVENT else None

    async def _asked(self, method: str, path: str, body: object = None, **query: str) -> Json:
        if (found := await self._found(method, path, body, **query)) is None:
            raise Unanswered("100ms answers 404: is hms.base_url right?")
        return found

    async def _found(self, method: str, path: str, body: object = None, **query: str) -> Json | None:
        """Return what is answered, None for what is not there. Raises Unanswered."""
        try:
            reply = await self._line.ask(method, path, body, **query)
        except ProviderProblem as problem:
            raise Unanswered(f"100ms: {problem}; it is asked again") from problem
        return None if reply.status == 404 else _object(reply)


def _object(reply: Reply) -> Json:
    if reply.status in (401, 403):
        raise Unanswered(
            f"100ms refuses what it is asked ({reply.status}): check HMS_ACCESS_KEY and HMS_APP_SECRET ([hms])"
        )
    if not 200 <= reply.status < 300:
        raise Unanswered(f"100ms answers {reply.status}; it is asked again")
    # What was only to be done may be answered with nothing.
    if not reply.said and reply.body.strip() not in (b"", b"{}"):
        raise Unanswered("100ms answers something that is no JSON object: is hms.base_url right?")
    return reply.said


def _names(session: Json) -> Json:
    return {"session_id": session.get("id"), "room_id": session.get("room_id")}


def _peers(session: Json) -> Iterator[Json]:
    peers = session.get("peers")
    # A map in one place of the documentation, a list in another.
    listed = peers.values() if isinstance(peers, dict) else peers if isinstance(peers, list) else ()
    return (peer for peer in listed if isinstance(peer, dict))


def _of_peer(peer: Json) -> Json:
    told = {"peer_id": peer.get("id"), "user_id": peer.get("user_id"), "user_name": peer.get("name")}
    return {**told, "role": peer.get("role"), "joined_at": peer.get("joined_at")}


def _time(told: object) -> int | None:
    return parse_time(told) if isinstance(told, str) else None


def _visit(said: Said) -> str:
    detail = said.facts[0].detail
    return detail.id if isinstance(detail, ParticipantDetail) else ""
