"""The dashboard and hub.js in a real browser, against a real hub and, where it has to misbehave, a staged one."""

import contextlib
import math
import sqlite3
import subprocess
import sys
import time

from playwright.sync_api import BrowserContext, Locator, Page, expect

from handlers.access import Access
from hub.events import format_time
from hub.tokens import Tokens
from tests.e2e.conftest import OpenPage, StartHub
from tests.e2e.meetings import end, join, logged, now_ms, send
from tests.e2e.stage import Stage, rooms
from tests.processes import HubProcess

HOSTILE = '<img src=x onerror="window.wasRun = true">'


def report(hub: HubProcess, bot: str, status: str) -> None:
    told_at = f"data.status.created_at={format_time(now_ms())}"
    send(hub, "meetingbaas", f"bot.status_change.{status}", f"data.bot_id={bot}", told_at)


def badge(page: Page) -> Locator:
    return page.locator("#badge")


def row(page: Page, text: str) -> Locator:
    return page.locator("tbody tr", has=page.locator(".title .main", has_text=text))


def counter(page: Page, name: str) -> Locator:
    return page.locator(f"[data-count={name}]")


def titles(page: Page) -> list[str]:
    return page.locator("tbody .title .main").all_inner_texts()


def log_in(open_page: OpenPage, hub: HubProcess, view: str = "", *, may_lose_the_stream: bool = False) -> Page:
    """Open a view of the dashboard as `hub serve` offers it, and wait until it has the state."""
    page = open_page(f"{hub.login_url()}#/{view}", may_lose_the_stream=may_lose_the_stream)
    expect(badge(page)).to_have_text("Live")
    expect(page.locator("main")).to_have_attribute("aria-busy", "false")
    return page


def test_webhooks_change_the_page_while_one_looks(hub_process: HubProcess, open_page: OpenPage) -> None:
    """What the page is for. At first it says what to do, since there is nothing to see."""
    page = log_in(open_page, hub_process, "rooms")
    expect(page.locator("#rooms .empty")).to_contain_text("hub send livekit participant_joined")
    join(hub_process, "standup", "ann")
    join(hub_process, "standup", "bob")
    expect(row(page, "standup")).to_contain_text("Live")
    expect(row(page, "standup").locator(".people")).to_contain_text("2 speakers, 0 listeners")
    expect(page.locator("#rooms .empty")).to_be_hidden()

    page.keyboard.press("g")
    page.keyboard.press("b")
    expect(page.locator("#bots .empty:visible")).to_contain_text("hub simulate")
    send(hub_process, "meetingbaas", "bot.status_change.in_call_recording", "data.bot_id=b1")
    expect(row(page, "Bot b1").locator(".status")).to_have_text("Recording")
    expect(row(page, "Bot b1").locator(".recording")).to_contain_text("Running")
    send(hub_process, "meetingbaas", "bot.failed", "data.bot_id=b1")
    expect(row(page, "Bot b1").locator(".status")).to_have_text("Failed")
    expect(row(page, "Bot b1").locator(".reason")).to_contain_text("Nobody let the bot into the meeting")


def test_now_counts_what_is_going_on(hub_process: HubProcess, open_page: OpenPage) -> None:
    """One look tells how many meetings there are, and whether bots are in trouble."""
    page = log_in(open_page, hub_process)
    join(hub_process, "standup", "ann")
    join(hub_process, "standup", "bob")
    expect(counter(page, "people")).to_have_text("2")
    expect(counter(page, "live")).to_have_text("1")
    send(hub_process, "meetingbaas", "bot.status_change.in_call_recording", "data.bot_id=b1")
    expect(counter(page, "recording")).to_have_text("1")
    send(hub_process, "meetingbaas", "bot.failed", "data.bot_id=b1")
    expect(counter(page, "recording")).to_have_text("0")
    expect(counter(page, "failed")).to_have_text("1")


def test_what_is_over_is_dimmed_and_stands_below(hub_process: HubProcess, open_page: OpenPage) -> None:
    """The newest of what lives comes first; a row that is moved or written stays the same element, focus included."""
    page = log_in(open_page, hub_process, "rooms")
    for room in ("first", "second", "third"):
        join(hub_process, room, "ann")
        expect(row(page, room)).to_be_visible()
    row(page, "third").focus()
    end(hub_process, "third")
    expect(row(page, "third")).to_have_attribute("data-over", "true")
    expect(row(page, "third").locator(".status")).to_have_text("Ended")
    assert titles(page)[-1] == "third"
    assert titles(page)[0] == "second"
    expect(row(page, "third")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(row(page, "first")).to_be_focused()


def test_of_what_is_over_only_the_latest_is_shown_until_asked(hub_process: HubProcess, open_page: OpenPage) -> None:
    """An hour of ended meetings must not stand between those that go on and what is below."""
    page = log_in(open_page, hub_process, "rooms")
    join(hub_process, "going", "ann")
    for number in range(15):
        join(hub_process, f"room{number:02}", "ann")
        end(hub_process, f"room{number:02}")
    more = page.locator("#rooms .more:not(.older)")
    expect(more).to_have_text("Show 3 more that are over")
    expect(page.locator("#rooms tbody tr")).to_have_count(13)
    assert titles(page)[0] == "going"
    more.click()
    expect(page.locator("#rooms tbody tr")).to_have_count(16)
    more.click()
    expect(page.locator("#rooms tbody tr")).to_have_count(13)


def test_clocks_and_updates_in_place_shift_nothing(hub: HubProcess, open_page: OpenPage) -> None:
    """Who reads a row must not lose it because another one changes."""
    page = log_in(open_page, hub, "bots")
    for bot in ("b1", "b2"):
        send(hub, "meetingbaas", "bot.status_change.in_call_not_recording", f"data.bot_id={bot}")
    expect(row(page, "Bot b2")).to_be_visible()
    page.evaluate(
        """() => {
            window.shifts = 0;
            new PerformanceObserver((list) => list.getEntries().forEach((one) => (shifts += one.value)))
                .observe({ type: "layout-shift" });
            window.clock = document.querySelector("#bots td.clock .main");
            window.clockAtFirst = clock.textContent;
        }"""
    )
    send(hub, "meetingbaas", "bot.status_change.recording_paused", "data.bot_id=b1")
    send(hub, "meetingbaas", "bot.status_change.api_request_stop", "data.bot_id=b1")
    expect(row(page, "Bot b1").locator(".status")).to_have_text("Paused")
    page.wait_for_function("() => clock.isConnected && clock.textContent !== clockAtFirst")
    assert page.evaluate("shifts") == 0


def test_hostile_names_are_shown_as_text(hub_process: HubProcess, open_page: OpenPage) -> None:
    """Names come from whoever joins a meeting. Nothing of them may be taken for HTML, nor for an address."""
    page = log_in(open_page, hub_process, "rooms")
    send(hub_process, "livekit", "participant_joined", f"room.name={HOSTILE}")
    expect(page.locator(".title .main")).to_have_text(HOSTILE)
    page.goto(f"{hub_process.url}/#/bots")
    naming = (f"data.bot_name={HOSTILE}</td><script>wasRun = true</script>", "data.meeting_url=javascript:wasRun=true")
    send(hub_process, "meetingbaas", "guide.meeting.started", "data.bot_id=b1", *naming)
    harmless = "data.meeting_url=https://meet.test/abc"
    send(hub_process, "meetingbaas", "guide.meeting.started", "data.bot_id=b2", harmless)
    expect(row(page, "</td><script>wasRun = true</script>")).to_contain_text("javascript:wasRun=true")
    expect(page.locator("tbody .meeting").get_by_role("link")).to_have_count(1)
    expect(page.locator("tbody .meeting").get_by_role("link")).to_have_attribute("href", "https://meet.test/abc")
    assert page.locator("tbody :is(img, script)").count() == 0
    assert page.evaluate("window.wasRun") is None


def test_after_kill_nine_nothing_is_missing_and_nothing_comes_twice(start_hub: StartHub, open_page: OpenPage) -> None:
    """The promise of the log: a page that was there before goes on exactly where it stopped."""
    hub = start_hub(HUB_STREAM__HEARTBEAT="1")
    page = log_in(open_page, hub, may_lose_the_stream=True)
    for person in ("ann", "bob", "chen"):
        join(hub, "before", person)
    expect(counter(page, "people")).to_have_text("3")
    join(hub, "brink", "ann")
    hub.kill()
    expect(badge(page)).to_have_text("Reconnecting")
    expect(counter(page, "people")).not_to_have_text("0")
    expect(page.locator("#notice > p:visible")).to_contain_text("nothing gets lost")
    expect(page.locator("#age")).to_contain_text("as of")

    hub.start()
    for person in ("ann", "bob"):
        join(hub, "after", person)
    expect(badge(page)).to_have_text("Live")
    expect(page.locator("#notice")).to_be_hidden()
    join(hub, "later", "ann")
    expect(counter(page, "people")).to_have_text("7")
    page.goto(f"{hub.url}/#/rooms")
    expect(row(page, "later")).to_be_visible()
    assert sorted(titles(page)) == ["after", "before", "brink", "later"]
    # The wire told every event of the log once and in order, and no second snapshot.
    assert page.evaluate("wire.positions") == logged(hub)
    assert page.evaluate("wire.pages.length") == 1


def test_back_online_the_page_goes_on_at_once(
    hub_process: HubProcess, open_page: OpenPage, context: BrowserContext
) -> None:
    """The connection may look alive for a minute after the network has changed: the browser knows better."""
    page = log_in(open_page, hub_process, may_lose_the_stream=True)
    join(hub_process, "standup", "ann")
    expect(counter(page, "people")).to_have_text("1")
    context.set_offline(True)
    join(hub_process, "standup", "bob")
    context.set_offline(False)
    expect(counter(page, "people")).to_have_text("2")
    expect(badge(page)).to_have_text("Live")
    assert page.evaluate("wire.positions") == logged(hub_process)
    resumed = page.evaluate("wire.addresses.at(-1)")
    assert "reconnect=" in resumed
    assert "last_event_id=" in resumed


def test_what_a_restored_log_does_not_hold_is_gone(start_hub: StartHub, open_page: OpenPage) -> None:
    """A position of another log cannot be resumed: pages then show the new state and nothing of the old one."""
    hub = start_hub()
    page = log_in(open_page, hub, "rooms", may_lose_the_stream=True)
    join(hub, "lasting", "ann")
    report(hub, "lasting", "in_waiting_room")
    expect(row(page, "lasting")).to_be_visible()
    with contextlib.closing(sqlite3.connect(hub.folder / "hub.db")) as log:
        log.execute(f"VACUUM INTO '{hub.folder}/kept'")
    join(hub, "passing", "ann")
    for status in ("in_call_not_recording", "in_call_recording"):
        report(hub, "lasting", status)
    report(hub, "passing", "in_call_recording")
    views = ["bots/meetingbaas:lasting", "bots/meetingbaas:passing"]
    bots = [log_in(open_page, hub, view, may_lose_the_stream=True) for view in views]
    expect(bots[0].locator(".timeline li")).to_have_count(3)
    expect(bots[1].locator(".heading")).to_contain_text("Recording")
    row(page, "lasting").evaluate("row => row.isMarked = true")
    hub.kill()
    for part in hub.folder.glob("hub.db*"):
        part.unlink()
    (hub.folder / "kept").rename(hub.folder / "hub.db")
    command = [sys.executable, "-m", "hub.cli", "migrate", "--new-epoch"]
    subprocess.run(command, cwd=hub.folder, env=hub.environ, check=True, stdout=subprocess.DEVNULL)
    hub.start()
    # That they come back by themselves, within half a minute, is another rule.
    for one in (page, *bots):
        one.evaluate("dispatchEvent(new Event('online'))")
    expect(row(page, "passing")).to_have_count(0)
    expect(badge(page)).to_have_text("Live")
    assert titles(page) == ["lasting"]
    assert row(page, "lasting").evaluate("row => row.isMarked")
    expect(bots[0].locator(".heading")).to_contain_text("Waiting")
    expect(bots[0].locator(".timeline li")).to_have_count(1)
    expect(bots[1].locator(".empty-title:visible")).to_have_text("There is no such bot here.")


def test_who_has_a_bad_cookie_is_told_what_to_do(hub: HubProcess, open_page: OpenPage, context: BrowserContext) -> None:
    """EventSource cannot tell a refusal from a lost network; people must not be left waiting for the latter."""
    context.add_cookies([{"name": "hub_token", "value": "bad", "url": hub.url}])
    page = open_page(hub.url + "/?token=bad", may_lose_the_stream=True)
    expect(badge(page)).to_have_text("Signed out")
    expect(page.locator("#notice > p:visible")).to_contain_text("hub token")
    expect(page.locator("#notice > p:visible")).to_contain_text("The link that you opened is no longer good.")

    log_in(open_page, hub)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))")
    expect(badge(page)).to_have_text("Live")
    expect(page.locator("#notice")).to_be_hidden()


def test_a_permission_that_ends_signs_out_and_keeps_the_state(hub: HubProcess, open_page: OpenPage) -> None:
    """The worst would be silence: a page that looks live and gets nothing any more."""
    join(hub, "ending", "ann")
    begun = time.monotonic()
    log_in(open_page, hub).close()
    # Several times as long as a page takes on this machine now; that an end is a whole second takes up to one off.
    seconds = 2 + math.ceil(4 * (time.monotonic() - begun))
    access = Access((), Tokens(hub.settings.auth.token_secrets), now_ms)
    page = open_page(f"{hub.url}/?token={access.login_token(seconds)}#/rooms", may_lose_the_stream=True)
    expect(badge(page)).to_have_text("Live")
    expect(badge(page)).to_have_text("Signed out")
    expect(row(page, "ending")).to_be_visible()


def test_a_snapshot_in_pages_is_shown_as_one(start_hub: StartHub, open_page: OpenPage) -> None:
    """Anybody's page can use hub.js as this one does, and never sees half a state."""
    hub = start_hub(HUB_STREAM__PAGE_SIZE="2")
    for number in range(5):
        join(hub, f"room{number}", "ann")
        send(hub, "meetingbaas", "bot.status_change.joining_call", f"data.bot_id=b{number}")
    page = log_in(open_page, hub)
    told = page.evaluate(
        """async () => {
            const { connect } = await import("/static/hub.js");
            wire.pages = [];
            const hub = connect({ topics: ["bots", "rooms"], share: false });
            const told = await new Promise((resolve) => {
                hub.addEventListener("change", ({ detail }) => {
                    resolve({ ...detail, sizes: [hub.bots.size, hub.rooms.size], status: hub.status });
                });
            });
            hub.close();
            return told;
        }"""
    )
    assert told == {"event": None, "position": logged(hub)[-1], "sizes": [5, 5], "status": "live"}
    pages = page.evaluate("wire.pages")
    assert [said["complete"] for said, _ in pages] == [False, False, False, False, True]
    assert [position for _, position in pages] == ["", "", "", "", logged(hub)[-1]]


def test_the_participants_of_a_room_that_is_a_topic_are_there_at_once(hub: HubProcess, open_page: OpenPage) -> None:
    """A page about one room needs its people, from the snapshot and then from events."""
    join(hub, "followed", "ann")
    page = log_in(open_page, hub)
    page.evaluate(
        """async () => {
            const { connect } = await import("/static/hub.js");
            window.hub = connect({ topics: ["rooms/livekit:RM_followed"] });
            window.active = () => [...(hub.participants.get("livekit:RM_followed") ?? new Map()).values()]
                .filter((one) => one.active).map((one) => one.identity).join();
        }"""
    )
    page.wait_for_function("() => active() === 'ann'")
    join(hub, "followed", "bob")
    page.wait_for_function("() => active() === 'ann,bob'")
    end(hub, "followed")
    page.wait_for_function("() => active() === ''")
    page.evaluate("hub.close()")


def test_half_a_snapshot_is_neither_shown_nor_resumed_from(stage: Stage) -> None:
    """Else what the other half holds would be missing for good."""
    assert stage.addresses == ["/api/stream?topic=rooms"]
    stage.greet()
    stage.show("a", position=None, complete=False)
    assert (stage.shown, stage.look("hub.status"), stage.look("hub.position")) == ("", "connecting", "")
    stage.page.evaluate("dispatchEvent(new Event('online'))")
    assert stage.addresses[1:] == ["/api/stream?reconnect=ticket"]
    stage.greet()
    stage.show("a", position=None, complete=False)
    # Now it is the browser that opens the connection again.
    stage.fail(closed=False)
    stage.greet()
    stage.show("b", position="e.1")
    assert (stage.shown, stage.look("hub.status"), stage.look("hub.position")) == ("b", "live", "e.1")


def test_after_a_reset_the_old_state_stays_until_the_new_one_is_complete(stage: Stage) -> None:
    """A page that goes blank and fills again tells less than one that is a little old."""
    stage.greet()
    stage.show("old", position="e.1")
    stage.tell("reset", {"reason": "lagging"})
    stage.show("new1", position="e.9", complete=False)
    assert (stage.shown, stage.look("hub.status"), stage.look("hub.behind")) == ("old", "behind", None)
    # Should the connection end here, the place to go on from is still the old one.
    assert stage.look("hub.position") == "e.1"
    stage.show("new2", position="e.9")
    assert (stage.shown, stage.look("hub.status"), stage.look("hub.position")) == ("new1,new2", "live", "e.9")


def test_older_documents_never_replace_newer_ones(stage: Stage) -> None:
    """Whatever comes twice or late, what is shown does not go back."""
    stage.greet()
    stage.show("a", position="e.1")
    for sequence in (3, 2):
        stage.tell("message", {"data": {"room": rooms("a", sequence=sequence)[0]}}, f"e.{sequence}")
    assert stage.look("hub.rooms.get('a').sequence") == 3


def test_in_an_ended_room_nobody_is_active(stage: Stage) -> None:
    """An end names at most 500 of those that it closed."""
    stage.greet()
    stage.show("a", position="e.1")
    stage.tell("message", {"data": {"participant": {"id": "p", "room": "a", "active": True, "sequence": 2}}}, "e.2")
    ended = {"id": "a", "status": "ended", "ended_at": "1970-01-01T00:00:02Z", "sequence": 3}
    stage.tell("message", {"data": {"room": ended, "participants": [], "more": True}}, "e.3")
    assert stage.look("hub.participants.get('a').get('p').active") is False


def test_what_ended_long_ago_leaves_the_maps_but_for_topics_of_its_own(stage: Stage) -> None:
    """A page that is open for days must not hold every meeting of these days."""
    stage.page.evaluate("hub.subscribe('rooms/c')")
    stage.greet()
    ended = {"status": "ended", "ended_at": "1970-01-01T00:00:00Z", "sequence": 1, "durable_room": None}
    held = [*rooms("going"), *({"id": name, **ended} for name in ("b", "c"))]
    page = {"rooms": held, "complete": True, "time": "1970-01-01T00:00:01Z", "recent": 90}
    stage.tell("snapshot", page, "e.1")
    for second in range(11, 141, 10):
        stage.wait(10)
        said = {"time": f"1970-01-01T00:{second // 60:02}:{second % 60:02}Z", "head": "e.1", "degraded": False}
        stage.tell("heartbeat", said, "e.1")
        if second <= 90:
            assert stage.shown == "going,b,c"
    assert stage.shown == "going,c"


def test_the_bot_that_a_launch_became_takes_its_place(stage: Stage) -> None:
    """Else the same bot would be shown twice, once as requested for ever."""
    stage.greet()
    stage.show(position="e.1")
    launch = {
        "id": "meetingbaas:L1",
        "provider": "meetingbaas",
        "launch_id": "L1",
        "status": "requested",
        "sequence": 2,
    }
    stage.tell("message", {"data": {"bot": launch}}, "e.2")
    assert stage.look("[...hub.bots.keys()].join()") == "meetingbaas:L1"
    stage.tell(
        "message", {"data": {"bot": {**launch, "id": "meetingbaas:b1", "status": "joining", "sequence": 3}}}, "e.3"
    )
    assert stage.look("[...hub.bots.keys()].join()") == "meetingbaas:b1"


def test_what_arrives_is_told_apart_from_what_happens(stage: Stage) -> None:
    """A notice of a delivery has no place in the log: to resume from it would lose what is between."""
    stage.greet()
    stage.show("a", position="e.1")
    stage.page.evaluate(
        "window.arrived = []; hub.addEventListener('delivery', ({ detail }) => arrived.push(detail.id))"
    )
    said = {"id": "deliveries/17/accepted/0", "type": "delivery.accepted", "data": {"delivery": {"id": "17"}}}
    stage.tell("message", said)
    assert stage.look("arrived") == ["deliveries/17/accepted/0"]
    assert (stage.look("hub.position"), stage.look("hub.status")) == ("e.1", "live")


def test_silence_is_taken_for_a_dead_connection(stage: Stage) -> None:
    """A connection that was cut without a word raises no error; only heartbeats that do not come give it away."""
    stage.greet()
    stage.show("a", position="e.1")
    stage.wait(20)
    stage.beat("e.2", "e.2")
    stage.wait(24)
    assert (len(stage.addresses), stage.look("hub.status")) == (1, "live")
    stage.wait(3)
    assert (stage.addresses[-1], stage.look("hub.status")) == (
        "/api/stream?reconnect=ticket&last_event_id=e.2",
        "reconnecting",
    )
    stage.greet(resumed=True)
    assert (stage.look("hub.status"), stage.look("hub.behind"), stage.shown) == ("behind", None, "a")
    stage.beat("e.2", "e.2")
    assert (stage.look("hub.status"), stage.shown) == ("live", "a")


def test_how_far_behind_is_told_until_it_is_made_up(stage: Stage) -> None:
    """The heartbeat tells how far the hub is; who is not there must not look live."""
    stage.greet()
    stage.show("a", position="e.1")
    stage.beat("e.1", "e.4")
    stage.wait(1)
    assert (stage.look("hub.status"), stage.look("hub.behind")) == ("behind", 3)
    stage.tell("message", {"data": {}}, "e.3")
    assert (stage.look("hub.status"), stage.look("hub.behind")) == ("behind", 1)
    stage.tell("message", {"data": {}}, "e.4")
    assert (stage.look("hub.status"), stage.look("hub.behind")) == ("live", 0)


def test_events_without_heartbeats_mean_behind_by_nobody_knows_how_much(stage: Stage) -> None:
    """Who catches up gets no heartbeats, and events in plenty."""
    stage.greet()
    stage.show("a", position="e.1")
    for sequence in range(2, 5):
        stage.wait(10)
        stage.tell("message", {"data": {}}, f"e.{sequence}")
    assert (stage.look("hub.status"), stage.look("hub.behind"), len(stage.addresses)) == ("behind", None, 1)
    stage.beat("e.4", "e.4")
    assert stage.look("hub.status") == "live"


def test_a_refused_reconnect_token_is_not_yet_a_refusal(stage: Stage) -> None:
    """The cookie may be good, or newer. Only when it is refused too, somebody has to do something."""
    stage.greet()
    stage.show("a", position="e.1")
    stage.status = 401
    stage.fail(closed=True)
    stage.await_status("signed-out")
    assert [url.partition("?")[2] for url in stage.asked] == [
        "reconnect=ticket&last_event_id=e.1",
        "topic=rooms&last_event_id=e.1",
    ]
    assert stage.look("hub.problem") == "as the test wants"
    stage.wait(120)
    assert len(stage.addresses) == 1
    stage.page.evaluate("hub.renew('new')")
    assert stage.addresses[-1] == "/api/stream?topic=rooms&token=new&last_event_id=e.1"


def test_the_browser_tries_first_and_then_we_do(stage: Stage) -> None:
    """Only the browser knows when the hub asked it to come back; but some give up, and none of them waits longer."""
    stage.page.evaluate("Math.random = () => 1")
    stage.greet()
    stage.show("a", position="e.1")
    stage.tell("token", {"reconnect_token": "newer"})
    stage.fail(closed=False)
    stage.wait(5)
    assert (len(stage.addresses), stage.look("hub.status")) == (1, "reconnecting")
    stage.fail(closed=False)
    stage.wait(2)
    assert stage.addresses[1:] == ["/api/stream?reconnect=newer&last_event_id=e.1"]


def test_a_goodbye_for_good_is_no_lost_connection(stage: Stage) -> None:
    """The hub ends a stream when its permission ends: coming back with the same would be refused."""
    stage.greet()
    stage.show("a", position="e.1")
    stage.status = 401
    stage.tell("bye", {"reason": "expired", "reconnect": False})
    stage.await_status("signed-out")
    assert (stage.shown, stage.look("sources[0].readyState")) == ("a", 2)


def test_an_error_that_is_no_refusal_is_tried_again_for_ever(stage: Stage) -> None:
    """EventSource gives up at the first 502 of a proxy; pauses grow, but never beyond half a minute."""
    stage.greet()
    stage.show("a", position="e.1")
    stage.page.evaluate("Math.random = () => 1")
    for attempt, pause in enumerate((0.5, 1, 2, 4, 8, 16, 30, 30), start=2):
        stage.page.evaluate("hub.problem = ''")
        stage.fail(closed=True)
        stage.page.wait_for_function("() => hub.problem", polling=20)
        assert stage.look("hub.status") == "reconnecting"
        stage.wait(pause - 0.1)
        assert len(stage.addresses) == attempt - 1
        stage.wait(0.1)
        assert len(stage.addresses) == attempt
    assert stage.addresses[-1] == "/api/stream?reconnect=ticket&last_event_id=e.1"


def test_after_close_nothing_happens(stage: Stage) -> None:
    """A page that closes its hub must not find the connection open again."""
    stage.greet()
    stage.show("a", position="e.1")
    stage.page.evaluate("hub.close(); dispatchEvent(new Event('online'))")
    stage.wait(300)
    assert (len(stage.addresses), stage.look("sources[0].readyState"), stage.shown) == (1, 2, "a")
