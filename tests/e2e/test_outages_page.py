"""The page while PostgreSQL or Redis is away: it says which, keeps what it shows, and forgets about it after."""

import time
from pathlib import Path

from playwright.sync_api import Page, expect

from hub.commands.send import sample_for, with_values
from tests.e2e.conftest import OpenPage, StartHub
from tests.postgres_server import PostgresServer
from tests.processes import HubProcess
from tests.redis_server import RedisServer


def join(hub: HubProcess, person: str) -> int:
    """Let somebody join a room; return the status of the answer."""
    sample = sample_for("livekit", "participant_joined", time.time_ns() // 1_000_000)
    status, _ = hub.post("livekit", with_values(sample, [f"participant.sid={person}", f"id=EV_{person}"]))
    return status


def notice(page: Page, text: str) -> None:
    expect(page.locator("#notice > p:visible")).to_contain_text(text)


def no_notice(page: Page) -> None:
    expect(page.locator("#notice")).to_be_hidden()


def people(page: Page, number: int) -> None:
    expect(page.locator("[data-count=people]")).to_have_text(str(number))


def test_the_page_tells_the_outages_apart_and_stays_live(
    postgres: PostgresServer, redis: RedisServer, start_hub: StartHub, open_page: OpenPage
) -> None:
    """Without Redis nothing is lost and little is late; without PostgreSQL webhooks are refused."""
    hub = start_hub(DATABASE_URL=postgres.create(), REDIS_URL=redis.url)
    assert join(hub, "PA_1") == 200
    page = open_page(hub.login_url(), may_lose_the_stream=True)
    people(page, 1)
    no_notice(page)
    redis.stop()
    notice(page, "Redis is away")
    assert join(hub, "PA_2") == 200
    people(page, 2)
    redis.start()
    no_notice(page)
    postgres.stop()
    notice(page, "cannot store webhooks now")
    assert join(hub, "PA_3") == 503
    expect(page.locator("body")).to_have_attribute("data-status", "live")
    people(page, 2)
    postgres.start()
    no_notice(page)
    assert join(hub, "PA_3") == 200
    people(page, 3)


def test_with_a_spool_webhooks_wait_and_appear_when_the_database_is_back(
    postgres: PostgresServer, start_hub: StartHub, open_page: OpenPage, tmp_path: Path
) -> None:
    """LiveKit gives up on a webhook before a database has failed over."""
    hub = start_hub(DATABASE_URL=postgres.create(), HUB_SPOOL__DIR=str(tmp_path / "spool"))
    page = open_page(hub.login_url(), may_lose_the_stream=True)
    # Nobody is counted before the state is there, too.
    expect(page.locator("body")).to_have_attribute("data-status", "live")
    people(page, 0)
    postgres.stop()
    assert [join(hub, f"PA_{number}") for number in range(5)] == [200] * 5
    notice(page, "kept on the hub's own disk")
    people(page, 0)
    postgres.start()
    people(page, 5)
    no_notice(page)
