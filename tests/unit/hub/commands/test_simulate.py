"""Simulated meetings: played in real time, all answered, and their trouble told in a sentence."""

from collections import Counter
from pathlib import Path
from time import monotonic, time_ns

import msgspec
import pytest
from aiohttp import web

from handlers.providers.registry import PROVIDERS
from hub.commands.asking import asking
from hub.commands.casting import cast
from hub.commands.compare import compare
from hub.commands.shown import Reads
from hub.commands.simulate import Plan, Result, play, play_and_compare
from hub.errors import BadRequest, ConfigRefused
from hub.settings import Settings
from tests.hubs import API_KEY, running_hub
from tests.processes import free_port
from tests.unit.hub.commands.playing import LIVEKIT, MEETINGBAAS, serving

QUICK = Plan(rooms=0, bots=2, rate=100.0, seed=7)


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
@pytest.mark.parametrize("minutes", [60.0, 1.0, 0.01])
def test_a_meeting_lasts_as_long_as_it_is_told_to(provider: str, minutes: float) -> None:
    """The rate is kept by making meetings shorter: what has a length of its own breaks it."""
    for seed in range(5):
        times = [time for time, _ in PROVIDERS[provider].meeting(seed, 1_000_000, minutes, "").script]
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


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
async def test_a_wild_day_of_each_provider_is_taken_and_ends_in_truth(provider: str, tmp_path: Path) -> None:
    """Every dialect passes the door, and attendance, usage, recordings, plans and bots are what they should be."""
    plan = Plan(rooms=12, bots=8, day=True, rate=None, chaos=True, seed=5, providers=(provider,))
    complaints: list[str] = []
    async with running_hub(tmp_path) as hub:
        result, comparison = await play_and_compare(hub.settings, hub.url, API_KEY, plan, complaints.append)
    assert complaints == comparison.differences == []
    assert result.is_good
    assert set(result.statuses) == {"accepted", "duplicate"}
    counted = "8 of 8 bots" if provider == "meetingbaas" else "12 of 12 schedules"
    assert counted in comparison.lines()[-1]


async def test_what_happens_now_can_be_wild_too(tmp_path: Path) -> None:
    """Everything comes late then, and nothing early."""
    plan = Plan(rooms=4, bots=1, rate=200.0, chaos=True, seed=3)
    async with running_hub(tmp_path) as hub:
        result = await play(hub.settings, hub.url, plan, print)
        _, rooms = await hub.get("/api/rooms?status=live")
    assert result.is_good
    assert result.statuses["duplicate"] > 0
    assert rooms["items"] == []


async def test_what_was_not_played_is_not_there(tmp_path: Path) -> None:
    """Whoever compares with another day is told so."""
    plan = Plan(rooms=3, bots=3, day=True, rate=None, seed=5)
    async with running_hub(tmp_path) as hub:
        await play(hub.settings, hub.url, plan, print)
        other = cast(hub.settings, msgspec.structs.replace(plan, seed=99), time_ns() // 1_000_000)
        async with asking(hub.url, API_KEY) as asked:
            comparison = await compare(Reads(asked), hub.settings, other)
    assert "0 of 3 bots" in comparison.lines()[-1]
    assert all(any(one.meeting.truth.room in line for line in comparison.differences) for one in other[:3])


async def test_a_hub_in_trouble_is_told_again_with_the_same_id() -> None:
    """As providers do; it may have kept the first one all the same."""
    told: list[str] = []

    async def take(request: web.Request) -> web.Response:
        told.append(request.headers.get("svix-id", "") + (await request.text()))
        return web.json_response({"status": "accepted"}, status=200 if told.count(told[-1]) == 2 else 503)

    async with serving(take) as url:
        plan = Plan(rooms=0, bots=1, day=True, rate=None, seed=3)
        result = await play(Settings(sources=(MEETINGBAAS,)), url, plan, print)
    assert set(Counter(told).values()) == {2}
    assert result.answers == {"answered 200": len(set(told))}


async def test_a_webhook_that_is_not_understood_is_no_success() -> None:
    """It was taken, but nothing came of it."""

    async def bury(_request: web.Request) -> web.Response:
        return web.json_response({"status": "dead"})

    async with serving(bury) as url:
        plan = Plan(rooms=0, bots=1, day=True, rate=None, seed=3)
        complaints: list[str] = []
        result = await play(Settings(sources=(MEETINGBAAS,)), url, plan, complaints.append)
    assert not result.is_good
    assert result.line().endswith(f"{len(complaints)} answered 200, {len(complaints)} dead")
    assert complaints


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
        other = msgspec.structs.replace(MEETINGBAAS, path="/api/meeting-bot/webhook")
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
        await play(Settings(sources=(LIVEKIT, MEETINGBAAS)), "http://127.0.0.1:1", plan, print)


async def test_a_provider_that_is_not_configured_is_refused() -> None:
    """Nothing could be signed for it."""
    with pytest.raises(BadRequest, match="meetingbaas"):
        await play(Settings(sources=(LIVEKIT,)), "http://127.0.0.1:1", QUICK, print)


async def test_a_hub_that_does_not_answer_is_told_in_one_sentence() -> None:
    """The command prints what it is told; a group of exceptions it would show as a traceback."""
    with pytest.raises(ConfigRefused, match="no hub answers"):
        await play(Settings(sources=(LIVEKIT, MEETINGBAAS)), f"http://127.0.0.1:{free_port()}", QUICK, print)


def test_a_result_says_how_many_how_fast_and_how_they_were_answered() -> None:
    """It is all that the command prints."""
    line = Result({"answered 200": 90, "answered 503": 10}, 4.0).line()
    assert line == "100 webhooks in 4.0 s (25/s): 90 answered 200, 10 answered 503"
    assert "0 webhooks" in Result({}, 0.0).line()
