"""Whether the providers that the hub is to ask answer it."""

import asyncio
from collections.abc import Awaitable

from hub.clients.livekit import pairs_of
from hub.clients.meetingbaas import dispatcher
from hub.errors import ProviderProblem, Unanswered
from hub.inquiries import hms_account, livekit_server
from hub.settings import Settings

# How a finding is to be taken (ok, note or warning), and what it says.
Told = tuple[str, str]


async def ask_providers(settings: Settings) -> list[Told]:
    """Ask each provider that is configured for something small, and say which are not."""
    server, account, bots = livekit_server(settings), hms_account(settings), dispatcher(settings)
    found: list[Told] = []
    asking: list[Awaitable[Told]] = []
    if server:
        pairs = pairs_of(settings)
        asking += [_answered(f"LiveKit, with a key of {pair.source.name}", server.check(pair)) for pair in pairs]
    elif settings.heard_by("livekit"):
        found.append(_not_asked("LiveKit", "LIVEKIT_URL, with LIVEKIT_API_KEY and LIVEKIT_API_SECRET"))
    if account:
        asking.append(_answered("100ms", account.check()))
    elif settings.heard_by("100ms"):
        found.append(_not_asked("100ms", "HMS_ACCESS_KEY and HMS_APP_SECRET"))
    if bots:
        asking.append(_answered("MeetingBaaS", bots.check()))
    elif settings.heard_by("meetingbaas"):
        found.append(_not_asked("MeetingBaaS", "MEETINGBAAS_API_KEY"))
    return [*await asyncio.gather(*asking), *found]


async def _answered(name: str, check: Awaitable[object]) -> Told:
    try:
        await check
    # Webhooks are taken all the same.
    except Unanswered as refusal:
        return ("warning", f"reconciliation: {refusal}")
    except ProviderProblem as problem:
        return ("warning", f"reconciliation: {name}: {problem}")
    return ("ok", f"reconciliation: {name}: answers")


def _not_asked(name: str, variables: str) -> Told:
    return ("note", f"reconciliation: {name} is not asked about lost webhooks (set {variables})")
