"""Having a running hub read what is dead, or verify what was refused, once more."""

from collections.abc import AsyncIterator, Callable, Sequence
from urllib.parse import quote

import msgspec

from hub.commands.asking import Hub, asking
from hub.errors import HubError

_DELIVERIES = "/api/deliveries"
_PAGE = 1000


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to redrive: these ids, else everything of a verdict, of one source if one is named."""

    ids: tuple[str, ...] = ()
    verdict: str = "dead"
    source: str = ""
    dry_run: bool = False


async def redrive(base: str, credential: str, plan: Plan, show: Callable[[str], None]) -> bool:
    """Redrive what is planned, one line each; return whether all of it is (or, in a dry run, would be) accepted.

    Raises ConfigRefused when no hub answers, Unauthenticated when it does not know the credential.
    """
    async with asking(base, credential) as hub:
        # All of the list before anything changes it.
        ids = plan.ids or [identity async for identity in _listed(hub, plan)]
        if not ids:
            show(f"nothing is {plan.verdict}" + (f" of {plan.source}" if plan.source else ""))
        statuses = [await _one(hub, identity, plan, show) for identity in ids]
    return all(status in ("accepted", "duplicate") for status in statuses)


async def _listed(hub: Hub, plan: Plan) -> AsyncIterator[str]:
    query = {"verdict": plan.verdict, "limit": str(_PAGE), **({"source": plan.source} if plan.source else {})}
    cursor: object = ""
    while cursor is not None:
        status, said = await hub.ask("GET", _DELIVERIES, query | ({"cursor": str(cursor)} if cursor else {}))
        if status != 200:
            raise HubError(f"the hub answers {status}: {said.get('detail')}")
        for item in _sequence(said["items"]):
            yield str(item["id"])
        cursor = said["next"]


async def _one(hub: Hub, identity: str, plan: Plan, show: Callable[[str], None]) -> str:
    query = {"dry_run": "1"} if plan.dry_run else {}
    code, said = await hub.ask("POST", f"{_DELIVERIES}/{quote(identity, safe='')}/redrive", query)
    if code != 200:
        show(f"{identity:>8}  {code}  {said.get('detail') or said.get('title')}")
        return ""
    status = str(said["status"])
    words = [f"{identity:>8}  {status}"]
    if said["delivery"] != identity:
        words.append(f"as {said['delivery']}")
    if reason := said.get("reason"):
        words.append(str(reason))
    if "events" in said:
        words.append(f"{said['events']} events")
    words += [f"{fact['type']} {fact['subject']}" for fact in _sequence(said.get("facts", []))]
    show("  ".join(words))
    return status


def _sequence(value: object) -> Sequence[dict[str, object]]:
    return value if isinstance(value, list) else []
