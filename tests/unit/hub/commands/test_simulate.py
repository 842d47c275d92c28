"""Simulated meetings: played in real time, all answered, and their trouble told in a sentence."""

from pathlib import Path
from time import monotonic

import msgspec
import pytest

from handlers.providers.registry import PROVIDERS
from hub.commands.simulate import Plan, Result, play
from hub.errors import BadRequest, ConfigRefused
from hub.settings import Settings, Source
from tests.hubs import running_hub
from tests.processes import free_port

QUICK = Plan(rooms=0, bots=2, rate=100.0, seed=7)


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
@pytest.mark.parametrize("minutes", [60.0, 1.0, 0.01])
def test_a_meeting_lasts_as_long_as_it_is_told_to(provider: str, minutes: float) -> None:
    """The rate is kept by making meetings shorter: what has a length of its own breaks it."""
    for seed in range(5):
        times = [time for time, _ in PROVIDERS[provider].meeting(seed, 1_000_000, minutes)]
        assert times == sorted(times)
        assert times[0] >= 1_000_000
        assert times[-1] - 1_000_000 <= minutes * 60_000 * 1.25


async def test_whole_meetings_are_played_and_every_webhook_is_taken(tmp_path: Path) -> None:
    """That is what a demonstration shows, and what a load is made of."""
    complaints: list[str] = []
    async with running_hub(tmp_path) as hub:
        result = await play(hub.settings, hub.url, QUICK, complaints.append)
        _, bots = await hub.get("/api/bots")
    assert complaints == []
    assert set(result.answers) == {"answered 200"}
    assert len(bots["items"]) == 2
    assert {bot["status"] for bot in bots["items"]} <= {"completed", "failed"}


async def test_the_rate_is_kept(tmp_path: Path) -> None:
    """A load that is faster than asked for measures something else."""
    async with running_hub(tmp_path) as hub:
        begun = monotonic()
        result = await play(hub.settings, hub.url, Plan(rooms=0, bots=1, rate=15.0, seed=3), print)
        lasted = monotonic() - begun
    assert lasted > sum(result.answers.values()) / 15.0 * 0.5
    assert result.seconds == pytest.approx(lasted, abs=1)


async def test_what_is_refused_is_counted_and_told(tmp_path: Path) -> None:
    """A simulation with another secret must not look like one that works."""
    complaints: list[str] = []
    async with running_hub(tmp_path) as hub:
        other = msgspec.structs.replace(_meetingbaas(), path="/api/meeting-bot/webhook")
        result = await play(Settings(sources=(other,)), hub.url, QUICK, complaints.append)
    assert set(result.answers) == {"answered 401"}
    assert len(complaints) == result.answers["answered 401"]


@pytest.mark.parametrize(
    "plan",
    [
        Plan(rate=0.0),
        Plan(rate=-1.0),
        Plan(rooms=0, bots=0),
        Plan(rooms=-1, bots=0),
        Plan(rate=float("nan")),
        Plan(rate=1e-300),
    ],
)
async def test_a_plan_of_nothing_is_refused(plan: Plan) -> None:
    """It comes from the command line, where anything can be typed."""
    with pytest.raises(BadRequest, match="--rate"):
        await play(Settings(sources=(_livekit(), _meetingbaas())), "http://127.0.0.1:1", plan, print)


async def test_a_provider_that_is_not_configured_is_refused() -> None:
    """Nothing could be signed for it."""
    with pytest.raises(BadRequest, match="meetingbaas"):
        await play(Settings(sources=(_livekit(),)), "http://127.0.0.1:1", QUICK, print)


async def test_a_hub_that_does_not_answer_is_told_in_one_sentence() -> None:
    """The command prints what it is told; a group of exceptions it would show as a traceback."""
    with pytest.raises(ConfigRefused, match="no hub answers"):
        await play(Settings(sources=(_livekit(), _meetingbaas())), f"http://127.0.0.1:{free_port()}", QUICK, print)


def test_a_result_says_how_many_how_fast_and_how_they_were_answered() -> None:
    """It is all that the command prints."""
    line = Result({"answered 200": 90, "answered 503": 10}, 4.0).line()
    assert line == "100 webhooks in 4.0 s (25/s): 90 answered 200, 10 answered 503"
    assert "0 webhooks" in Result({}, 0.0).line()


def _livekit() -> Source:
    return Source(provider="livekit", name="livekit", path="/l", keys={"key": ("s" * 40,)})


def _meetingbaas() -> Source:
    return Source(
        provider="meetingbaas",
        name="m",
        path="/m",
        api_keys=("k",),
        webhook_secrets=("whsec_c2VjcmV0",),
        callback_secrets=("c",),
    )
