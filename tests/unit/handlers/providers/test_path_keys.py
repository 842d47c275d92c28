"""Keys in paths: whose they are can be read, that they are good only the hub can say, also later."""

import msgspec
import pytest

from handlers.providers.arrival import Arrival, PathKey, hashed_secret
from handlers.providers.path_keys import kept_path_key, path_key, read_path_key
from hub.seals import Seals

SEALS = Seals(("secret",))
LAUNCH = f"launch-{'0a' * 16}"


def arrival(key: str, *, hashed: bool = False) -> Arrival:
    return Arrival(headers=(), body=b"{}", received_at=1, path_key=key, hashed=hashed)


@pytest.mark.parametrize("proves", [PathKey(launch_id=LAUNCH), PathKey(bot="a.b-c")])
def test_a_key_says_whose_it_is_live_and_when_it_was_kept(proves: PathKey) -> None:
    """In the quarantine only what proves it is hashed."""
    key = path_key(SEALS, launch_id=proves.launch_id, bot=proves.bot)
    assert read_path_key(SEALS, arrival(key)) == proves
    kept = kept_path_key(key)
    assert key.rpartition(".")[2] not in kept
    assert kept.startswith(proves.launch_id or f"bot-{proves.bot}.")
    assert read_path_key(SEALS, arrival(kept, hashed=True)) == proves
    # The hash of a key is not the key.
    assert read_path_key(SEALS, arrival(kept)) is None


def test_a_key_of_another_hub_or_for_another_launch_proves_nothing() -> None:
    """Nor does whatever else stands there."""
    key = path_key(SEALS, launch_id=LAUNCH)
    other = key.replace("0a", "0b")
    for wrong in (path_key(Seals(("x",)), launch_id=LAUNCH), other, LAUNCH, key[:-1], "", "some-key"):
        assert read_path_key(SEALS, arrival(wrong)) is None
    assert kept_path_key("some-key") == hashed_secret("some-key")
    assert kept_path_key("") == ""


def test_a_bots_key_is_never_a_launchs() -> None:
    """However the bot is called."""
    key = path_key(SEALS, bot=LAUNCH)
    assert read_path_key(SEALS, arrival(key)) == PathKey(bot=LAUNCH)
    assert msgspec.structs.asdict(PathKey(bot="x"))["launch_id"] == ""
