"""Having a running hub send a bot to a meeting."""

from collections.abc import Callable, Sequence

import orjson

from hub.commands.asking import asking
from hub.errors import BadRequest

# The order itself: the same again would be refused again.
_WRONG = (400, 422)


async def launch(base: str, credential: str, order: dict[str, object], key: str, show: Callable[[str], None]) -> bool:
    """Send a bot and show which one, and where it can be watched, or why not; return whether there is one.

    Raises ConfigRefused when no hub answers, Unauthenticated when it does not know the credential.
    """
    async with asking(base, credential) as hub:
        status, said = await hub.ask("POST", "/api/bots", body=order, headers={"Idempotency-Key": key})
    bot = said.get("bot")
    if not isinstance(bot, dict):
        show(f"{status} {said.get('title')}: {said.get('detail')}")
        if status not in _WRONG:
            show(f"the same again: --key {key}")
        return False
    show(f"{bot['id']} is {bot['status']}")
    show(str(said["stream_url"]))
    return True


def ordered(meeting_url: str, name: str, assignments: Sequence[str]) -> dict[str, object]:
    """Return an order with options, each `NAME=VALUE` where the value is JSON or else text. Raises BadRequest."""
    order: dict[str, object] = {}
    for assignment in assignments:
        option, equals, value = assignment.partition("=")
        if not option or not equals:
            raise BadRequest(f"--option {assignment}: expected NAME=VALUE")
        try:
            order[option] = orjson.loads(value)
        except orjson.JSONDecodeError:
            order[option] = value
    return {**order, "meeting_url": meeting_url, "bot_name": name}
