"""LiveKit is asked with the keys that it knows, and says what is wrong with them."""

import msgspec
import pytest

from hub.clients.livekit import LiveKitServer, pairs_of
from hub.inquiries import translated
from hub.secrets import complete
from hub.settings import Server, Settings
from tests.standins import LiveKitStandIn, serving
from tests.unit.hub.reconcile.asking import BASE, LIVEKIT


def server(url: str, seconds: float = 5) -> LiveKitServer:
    return LiveKitServer(url, pairs_of(Settings(sources=(LIVEKIT,))), translated, lambda: BASE, seconds=seconds)


def test_keys_that_the_hub_made_up_are_shown_to_nobody(tmp_path) -> None:
    """No LiveKit server knows them."""
    unset = Settings(server=Server(host="127.0.0.1"), sources=(msgspec.structs.replace(LIVEKIT, keys={}),))
    made = complete(unset, tmp_path / "secrets.json", lambda: "s" * 40)
    assert made.sources[0].keys
    assert pairs_of(made) == []
    assert [pair.key for pair in pairs_of(Settings(sources=(LIVEKIT,)))] == list(LIVEKIT.keys)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, r"refuses an API key of livekit \(401\): LIVEKIT_API_KEY and LIVEKIT_API_SECRET"),
        (404, r"there is no LiveKit API .* check LIVEKIT_URL"),
        (503, r"answers 503; it is asked again"),
    ],
)
async def test_a_fault_says_what_to_do_about_it(status: int, said: str) -> None:
    """Nobody looks at a status code and knows which setting it means."""
    async with serving(LiveKitStandIn()) as stand_in:
        stand_in.status = status
        listing = await server(stand_in.url).listing()
        assert (listing.rooms, listing.homes) == ((), frozenset())
        (problem,) = listing.problems
        assert pytest.raises(AssertionError, match=said).matches(AssertionError(problem))


async def test_a_server_that_is_away_or_slow_is_named_with_its_setting() -> None:
    """It is not waited for for ever."""
    async with serving(LiveKitStandIn()) as stand_in:
        stand_in.answers.clear()
        listings = [await server(stand_in.url, 0.05).listing(), await server("http://127.0.0.1:9").listing()]
    slow, away = (listing.problems[0] for listing in listings)
    assert "does not answer in time" in slow and "cannot be reached" in away
    assert "LIVEKIT_URL" in slow and "LIVEKIT_URL" in away


async def test_something_else_that_answers_is_not_taken_for_livekit() -> None:
    """An address with a typo may well be somebody's."""
    async with serving(LiveKitStandIn()) as stand_in:
        stand_in.nonsense = b"<html>"
        (problem,) = (await server(stand_in.url).listing()).problems
    assert "answers something else" in problem
