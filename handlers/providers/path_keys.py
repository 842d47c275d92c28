"""The keys in the paths of webhooks: each proves one bot, or one launch, and nothing else."""

import re

from handlers.providers.arrival import HASH_PREFIX, Arrival, PathKey, hashed_secret, matches_secret
from hub.seals import Seals

_PURPOSE = "path key"
_SUBJECT = r"(?P<subject>launch-[0-9a-f]{32}|bot-[A-Za-z0-9._:@~-]{1,200})"
_KEY = re.compile(_SUBJECT + r"\.(?P<seal>[A-Za-z0-9_-]{43})")
_KEPT = re.compile(_SUBJECT + rf"\.(?P<seal>{HASH_PREFIX}[0-9a-f]{{64}})")


def path_key(seals: Seals, *, launch_id: str = "", bot: str = "") -> str:
    """Return the key of a launch, or of a bot by its (escaped) id."""
    subject = launch_id or f"bot-{bot}"
    return f"{subject}.{seals.seal(_PURPOSE, subject)}"


def read_path_key(seals: Seals, arrival: Arrival) -> PathKey | None:
    """Return what the path key of a request proves, None when it has none, or one that the hub did not make."""
    found = (_KEPT if arrival.hashed else _KEY).fullmatch(arrival.path_key)
    if found is None:
        return None
    subject = found["subject"]
    if not any(matches_secret(arrival, found["seal"], seal) for seal in seals.every(_PURPOSE, subject)):
        return None
    return key_of(subject)


def key_of(subject: str) -> PathKey:
    """Return what a key proves by whose it is."""
    return PathKey(bot=subject.removeprefix("bot-")) if subject.startswith("bot-") else PathKey(launch_id=subject)


def kept_path_key(key: str) -> str:
    """Return a path key as it is kept: whose it is in clear, and what proves it as a hash."""
    found = _KEY.fullmatch(key)
    if found is None:
        return hashed_secret(key) if key else ""
    return f"{found['subject']}.{hashed_secret(found['seal'])}"
