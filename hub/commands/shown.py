"""What a hub shows, as far as simulated meetings are compared with it."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from urllib.parse import quote

import msgspec

from hub.commands.asking import Hub
from hub.errors import HubError
from hub.events import format_time

Document = Mapping[str, object]
# From a moment on, up to but without another.
Period = tuple[int, int]


class Shown(Protocol):
    """What is shown, however it is read."""

    async def one(self, collection: str, identity: str) -> Document | None:
        """Return a document as REST shows it, None when there is none."""

    async def participants(self, room: str, *, by_user: bool) -> Sequence[Document]:
        """Return who was in a room, by visit or by user."""

    async def usage(self, grouping: str, period: Period) -> Mapping[str, Document]:
        """Return what was used up in a period, by the names of the groups."""


class Reads(msgspec.Struct, frozen=True):
    """What a running hub shows."""

    hub: Hub

    async def one(self, collection: str, identity: str) -> Document | None:
        """Return a document, None when there is none."""
        status, said = await self.hub.ask("GET", f"/api/{collection}/{quote(identity, safe=':@')}")
        return None if status == 404 else good(status, said)

    async def participants(self, room: str, *, by_user: bool) -> Sequence[Document]:
        """Return who was in a room, by visit (the first thousand) or by user."""
        query = {"by": "user"} if by_user else {"limit": "1000"}
        status, said = await self.hub.ask("GET", f"/api/rooms/{quote(room, safe=':@')}/participants", query)
        return [] if status == 404 else items_of(good(status, said))

    async def usage(self, grouping: str, period: Period) -> Mapping[str, Document]:
        """Return what was used up in a period, by the names of the groups."""
        since, until = (str(format_time(moment)) for moment in period)
        query = {"from": since, "to": until, "group_by": grouping, "limit": "1000"}
        found: dict[str, Document] = {}
        while True:
            said = good(*await self.hub.ask("GET", "/api/usage", query))
            found |= {str(item[grouping]): item for item in items_of(said)}
            if said["next"] is None:
                return found
            query["cursor"] = str(said["next"])


def listed(value: object) -> list[Document]:
    """Return the objects in an array."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def items_of(said: Document) -> list[Document]:
    """Return the items of a list."""
    return listed(said["items"])


def good(status: int, said: dict[str, object]) -> dict[str, object]:
    """Return what was said. Raises HubError when it was a refusal."""
    if status not in (200, 201):
        raise HubError(f"the hub answers {status}: {said.get('detail')}")
    return said
