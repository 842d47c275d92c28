"""Whether the providers that the hub is to ask answer it."""

import asyncio
from collections.abc import Awaitable

from hub.clients.livekit import pairs_of
from hub.errors import Unanswered
from hub.inquiries import bot_statuses, hms_account, livekit_server
from hub.settings import Settings

# How a finding is to be taken (ok, note or warning), and what it says.
Told = tuple[str, str]


async def ask_providers(settings: Settings) -> list[Told]:
    """Ask each provider that is configured for something small, and say which are not."""
    server, account, statuses = livekit_server(settings), hms_account(settings), bot_statuses(settings)
    found: list[Told] = []
    asking: list[Awaitable[Told]] = []
    if server:
        pairs = pairs_of(settings)
        asking += [_answered(f"LiveKit, with a key of {pair.source.name}", server.check(pair)) for pair in pairs]
    elif _speaks(settings, "livekit"):
        found.append(_not_asked("LiveKit", "LIVEKIT_URL, with LIVEKIT_API_KEY and LIVEKIT_API_SECRET"))
    if account:
        asking.append(_answered("100ms", account.check()))
    elif _speaks(settings, "100ms"):
        found.append(_not_asked("100ms", "HMS_ACCESS_KEY and HMS_APP_SECRET"))
    if statuses:
        asking.append(_answered("MeetingBaaS", statuses[1].check()))
    elif _speaks(settings, "meetingbaas"):
        found.append(_not_asked("MeetingBaaS", "MEETINGBAAS_API_KEY"))
    return [*await asyncio.gather(*asking), *found]


def _speaks(settings: Settings, provider: str) -> bool:
    return any(source.provider == provider for source in settings.sources)


async def _answered(name: str, check: Awaitable[object]) -> Told:
    try:
        await check
    except Unanswered as refusal:
        # Webhooks are taken all the same.
        return ("warning", f"reconciliation: {refusal}")
    return ("ok", f"reconciliation: {name}: answers")


def _not_asked(name: str, variables: str) -> Told:
    return ("note", f"reconciliation: {name} is not asked about lost webhooks (set {variables})")
