"""The views of rooms, of one room, of webhooks and of one delivery, in a real browser with real events."""

import csv
import io
import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from handlers.access import Access
from handlers.providers.arrival import Sample
from hub.commands.send import sample_for
from hub.tokens import Claims, Tokens, Use
from tests.e2e.cable import Cable
from tests.e2e.conftest import OpenPage
from tests.e2e.meetings import end, join, now_ms, send
from tests.e2e.stage import Stage
from tests.e2e.test_deliveries import RIGHT, items, joined, until_refused
from tests.e2e.test_page import log_in, row, titles
from tests.processes import SECRETS, HubProcess

SECOND = 1000


def visit(hub: HubProcess, room: str, person: str, *, came: int, left: int = 0, sid: str = "", **more: str) -> None:
    """Let somebody come so many seconds ago, and leave."""
    named = (f"room.sid=RM_{room}", f"room.name={room}", f"room.creationTimeMs={now_ms() - 900 * SECOND}")
    who = (f"participant.identity={person}", f"participant.name={person.title()}", f"participant.sid=PA_{person}{sid}")
    told = [f"participant.{name}={value}" for name, value in more.items()]
    at = f"participant.joinedAtMs={now_ms() - came * SECOND}"
    send(hub, "livekit", "participant_joined", *named, *who, at, *told)
    if left:
        when = (f"createdAt={now_ms() // SECOND - left}", "participant.disconnectReason=PARTICIPANT_REMOVED")
        send(hub, "livekit", "participant_left", *named, *who, at, *when)


def person(page: Page, name: str) -> Locator:
    return page.locator(".presence-person", has=page.locator(".presence-who .main", has_text=name))


def widths(page: Page, name: str) -> list[float]:
    """Return how wide somebody's bars are, in percent."""
    return [float(one.removesuffix("%")) for one in person(page, name).locator(".presence-bar").evaluate_all(
        "(bars) => bars.map((bar) => bar.style.width)"
    )]  # fmt: skip


def test_rooms_where_most_goes_on_come_first_and_can_be_featured(hub: HubProcess, open_page: OpenPage) -> None:
    """A featured room counts five more; what is narrowed stands in the address, and survives a reload."""
    for name, people in (("quiet", 1), ("busy", 3), ("middling", 2)):
        for number in range(people):
            join(hub, f"{name}-trend", f"{name}{number}")
    page = log_in(open_page, hub, "rooms")
    page.keyboard.press("/")
    page.keyboard.type("-TREND")
    expect(page.locator("tbody tr")).to_have_count(3)
    expect(page.locator(".pill", has_text="All")).to_have_text("All3")
    assert titles(page) == ["busy-trend", "middling-trend", "quiet-trend"]
    # By keyboard as well.
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(row(page, "quiet-trend").locator(".star button")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("tbody .title .main").nth(1)).to_have_text("quiet-trend")
    join(hub, "busy-trend", "late")
    expect(row(page, "busy-trend").locator(".people .main")).to_have_text("4")
    # The line begins where this page began to look, and knows of nothing before.
    expect(row(page, "busy-trend").locator(".crowd-unseen")).to_have_attribute("d", re.compile(r"M0 22\.5H1\d\d"))
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(3)
    page.get_by_label("All providers").select_option("livekit")
    page.get_by_label("Search rooms").fill("nothing like that")
    page.get_by_role("button", name="Show all rooms").click()
    expect(row(page, "quiet-trend")).to_be_visible()


def test_what_ended_longer_ago_than_the_stream_tells_is_found(hub: HubProcess, open_page: OpenPage) -> None:
    """Whoever asks on Monday which meetings went wrong on Friday; and who comes back is where they were."""
    hours_ago = now_ms() // SECOND - 3 * 3600
    for event, number in [("room_started", n) for n in range(9)] + [("room_finished", n) for n in range(9)]:
        named = (f"room.sid=RM_past{number}", f"room.name=past{number}", f"createdAt={hours_ago + number}")
        send(hub, "livekit", event, *named, f"room.creationTimeMs={hours_ago * SECOND}")
    page = log_in(open_page, hub, "rooms?q=past")
    page.set_viewport_size({"width": 1280, "height": 400})
    expect(page.locator("#rooms .empty")).to_be_visible()
    page.get_by_role("button", name="Show rooms that ended longer ago").click()
    expect(page.locator("tbody tr")).to_have_count(9)
    expect(page.locator("#rooms")).to_contain_text("Nothing older is kept.")
    page.mouse.wheel(0, 5000)
    page.wait_for_function("scrollY > 100")
    place = page.evaluate("scrollY")
    row(page, "past0").evaluate("row => row.click()")
    expect(page.locator(".one h2")).to_have_text("past0")
    page.locator(".crumb").click()
    expect(row(page, "past0")).to_be_focused()
    # Of rows that were not drawn yet the height is a guess.
    assert abs(page.evaluate("scrollY") - place) < 20
    assert page.url.endswith("#/rooms?q=past")


def test_a_room_shows_who_was_there_when_also_after_a_restart(hub: HubProcess, open_page: OpenPage) -> None:
    """A bar for each visit, which grows while it lasts; why somebody left in words; agents told apart."""
    visit(hub, "presence", "ann", came=800, left=600)
    visit(hub, "presence", "ann", came=300, sid="phone")
    visit(hub, "presence", "ann", came=250, sid="laptop")
    visit(hub, "presence", "notetaker", came=200, kind="AGENT")
    page = log_in(open_page, hub, "rooms/livekit:RM_presence", may_lose_the_stream=True)
    expect(person(page, "Ann").locator(".presence-bar")).to_have_count(3)
    # As it is counted: an agent is nobody, somebody on two devices is there twice.
    expect(page.locator("[data-count=people]")).to_have_text("2")
    expect(page.get_by_label("Who was there")).to_contain_text("2 connections of 1 person here now + 1 agent")
    expect(person(page, "Ann").locator(".presence-state")).to_have_text("In the room")
    expect(person(page, "Notetaker").locator(".sub").first).to_have_text("Agent")
    closed, growing, _ = widths(page, "Ann")
    assert 15 < closed < 30 < growing < 40

    visit(hub, "presence", "bob", came=500, left=100)
    expect(person(page, "Bob").locator(".presence-state")).to_have_text("Removed by a host")
    expect(page.locator("[data-count=people]")).to_have_text("2")
    hub.kill()
    hub.start()
    page.reload()
    expect(person(page, "Bob").locator(".presence-bar")).to_have_count(1)
    visit(hub, "presence", "bob", came=50, sid="again")
    expect(person(page, "Bob").locator(".presence-bar")).to_have_count(2)
    expect(person(page, "Bob").locator(".presence-time .sub")).to_have_text("2 visits")
    before = widths(page, "Ann")
    page.wait_for_function(
        "(width) => parseFloat(document.querySelector('.presence-bar[data-open]').style.width) > width", arg=before[1]
    )

    end(hub, "presence")
    expect(page.locator(".one .chip").first).to_have_text("Ended")
    expect(person(page, "Ann").locator(".presence-state")).to_have_text("Stayed to the end")


def test_attendance_comes_as_a_spreadsheet(hub: HubProcess, open_page: OpenPage, tmp_path: Path) -> None:
    """By the page's cookie: a link, with nothing to be copied."""
    visit(hub, "sheet", "ann", came=30)
    page = log_in(open_page, hub, "rooms/livekit:RM_sheet")
    expect(person(page, "Ann")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Attendance").click()
    download.value.save_as(tmp_path / "sheet.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "sheet.csv").read_text("utf-8-sig"))))
    assert [(one["identity"], one["active"]) for one in rows] == [("ann", "true")]
    assert re.fullmatch(r"sheet 20\d\d-\d\d-\d\d\.csv", download.value.suggested_filename)


def test_a_rooms_recordings_and_other_sessions_are_there(hub: HubProcess, open_page: OpenPage) -> None:
    """With the hub's own link; the durable room's address shows the session that goes on."""
    for sid in ("RM_first", "RM_now"):
        send(hub, "livekit", "room_started", f"room.sid={sid}", "room.name=again")
        if sid == "RM_first":
            send(hub, "livekit", "room_finished", f"room.sid={sid}", "room.name=again")
    page = log_in(open_page, hub, "rooms/livekit@again")
    expect(page.locator(".room-facts")).to_contain_text("livekit:RM_now")
    egress = ("room.sid=RM_now", "room.name=again", "egressInfo.roomId=RM_now", "egressInfo.roomName=again")
    send(hub, "livekit", "egress_ended", *egress, "egressInfo.egressId=EG_again")
    recording = page.locator("[data-id='livekit:EG_again']")
    expect(recording.locator(".chip")).to_have_text("Completed")
    link = recording.get_by_role("link").first
    # By the name of the file, where it was read and not told.
    expect(link).to_have_attribute("href", re.compile("^api/recordings/livekit:EG_again/content"))
    page.get_by_label("Other sessions").get_by_role("link").click()
    expect(page.locator(".one .chip").first).to_have_text("Ended")
    expect(page.locator(".hint a")).to_have_attribute("href", "#/rooms/livekit:RM_now")


def test_webhooks_are_shown_as_they_arrive(hub: HubProcess, open_page: OpenPage) -> None:
    """With verdict, delay and copies; held still for who reads; and the source's card counts along."""
    page = log_in(open_page, hub, "webhooks")
    card = page.locator("[data-source=pulse]")
    expect(card.get_by_role("button", name="Copy: URL of pulse")).to_be_visible()
    expect(card).to_contain_text(f"{hub.url}/webhooks/pulse")
    expect(card).to_contain_text("hub send pulse room.started")
    # Something comes, but with a wrong secret.
    hub.post("pulse", sample_for("pulse", "participant.joined", now_ms()), wrong=True)
    expect(card).to_contain_text("Refused now, nothing verified yet")
    sample = sample_for("pulse", "room.started", now_ms())
    hub.post("pulse", sample)
    first = page.locator("#deliveries tbody tr").first
    expect(first.locator(".title .main")).to_have_text("room.started")
    expect(first.locator(".status")).to_have_text("Accepted")
    expect(first.locator(".late .main")).to_have_text("1 min")
    expect(card.locator(".source-counts dd").first).to_have_text("1")
    expect(card).to_contain_text("Last seen now")

    hub.post("pulse", sample)
    expect(first.locator(".copies .main")).to_have_text("+1")
    expect(card.locator(".source-counts dd").nth(1)).to_have_text("1")

    page.get_by_role("button", name="Hold").click()
    hub.post("pulse", sample_for("pulse", "participant.joined", now_ms()), wrong=True)
    expect(page.get_by_role("button", name="Show 1 new")).to_be_visible()
    expect(first.locator(".status")).to_have_text("Accepted")
    page.get_by_role("button", name="Show 1 new").click()
    expect(first.locator(".status")).to_have_text("Refused")
    expect(card.locator(".reasons a")).to_contain_text("signature")
    page.get_by_role("button", name="Refused", exact=True).click()
    expect(page.locator("#deliveries tbody tr")).to_have_count(2)
    expect(page.locator("#deliveries .status .chip")).to_have_text(["Refused", "Refused"])


def test_what_arrived_while_the_page_was_cut_off_is_read(hub: HubProcess, open_page: OpenPage) -> None:
    """Deliveries are told live only: nothing of them is resumed, whichever view is shown."""
    with Cable(hub.port) as cable:
        address = hub.login_url().replace(hub.url, cable.url)
        send(hub, "pulse", "room.started", "room_id=unseen")
        page = open_page(f"{address}#/webhooks", may_lose_the_stream=True)
        known = page.locator("#deliveries tbody tr", has_text="room.started").first
        expect(known).to_be_visible()
        expect(page.locator("body")).to_have_attribute("data-freshness", "live")
        cable.cut()
        expect(page.locator("body")).to_have_attribute("data-freshness", "stale")
        send(hub, "pulse", "room.ended", "room_id=unseen")
        mend(cable, page)
        expect(page.locator("#deliveries .title .main").first).to_have_text("room.ended")
        expect(known).to_be_visible()

        cable.cut()
        expect(page.locator("body")).to_have_attribute("data-freshness", "stale")
        for number in range(100):
            hub.post("meetingbaas", Sample(payload={"nothing": number}, dialect="v2"))
        mend(cable, page)
        expect(page.locator("#deliveries .title .main").first).to_have_text("Unknown")
        # More than a page: rather nothing of what is older than a hole that nobody sees.
        page.locator("#deliveries tbody tr").last.scroll_into_view_if_needed()
        expect(page.locator("#deliveries tbody tr")).to_have_count(100)
        page.get_by_role("button", name="Older deliveries").click()
        page.get_by_role("button", name="Accepted").click()
        expect(known).to_be_visible()


def test_what_failed_while_the_page_was_cut_off_is_shown(hub: HubProcess, open_page: OpenPage) -> None:
    """Also where the stream goes on, so that no snapshot tells that something was missed."""
    with Cable(hub.port) as cable:
        address = hub.login_url().replace(hub.url, cable.url)
        page = open_page(f"{address}#/", may_lose_the_stream=True)
        expect(page.locator("body")).to_have_attribute("data-freshness", "live")
        counted = page.locator(".source-list > li").first
        expect(counted).to_be_visible()
        cable.silence()
        page.evaluate("location.hash = '#/webhooks/1'")
        expect(page.locator("main .empty")).to_contain_text("Waiting for the hub")
        page.evaluate("location.hash = '#/'")
        cable.cut()
        expect(page.locator("body")).to_have_attribute("data-freshness", "stale")
        before = len(items(hub, "verdict=refused"))
        assert hub.post("meetingbaas", Sample(payload={"nothing": 1}, dialect="v2"), wrong=True)[0] == 401
        until_refused(hub, before + 1)
        mend(cable, page)
        failing = page.locator(".source-list [data-failing]", has_text="meetingbaas")
        expect(failing).to_contain_text("1 refused")


def mend(cable: Cable, page: Page) -> None:
    cable.mend()
    # As browsers say when a network is back.
    page.evaluate("dispatchEvent(new Event('online'))")


def test_what_could_not_be_used_is_redriven_from_the_page(hub: HubProcess, open_page: OpenPage) -> None:
    """A dead one is read again and says why it stays; a refused one is taken once the secret is right."""
    hub.post("meetingbaas", Sample(payload={"nothing": 1}, dialect="v2"))
    provider = HubProcess(hub.folder, LIVEKIT_API_SECRET=RIGHT)
    provider.port, provider.url = hub.port, hub.url
    before = len(items(hub, "verdict=refused"))
    assert provider.post("livekit", joined(77))[0] == 401
    until_refused(hub, before + 1)
    hub.kill()
    hub.environ["LIVEKIT_API_SECRET"] = f"{RIGHT},{SECRETS['LIVEKIT_API_SECRET']}"
    hub.start()
    page = log_in(open_page, hub, "webhooks?verdict=dead", may_lose_the_stream=True)
    row(page, "").first.click()
    expect(page.locator(".bytes")).to_contain_text('"nothing": 1')
    expect(page.locator(".headers")).to_contain_text("redacted")
    page.get_by_role("button", name="Redrive").click()
    expect(page.locator(".outcome")).to_contain_text("It still cannot be used")

    page.goto(f"{hub.url}/#/webhooks?verdict=refused&source=livekit")
    row(page, "Not verified").click()
    page.get_by_role("button", name="Try").click()
    expect(page.locator(".outcome")).to_contain_text("participant.joined of rooms/livekit:")
    page.get_by_role("button", name="Verify again").click()
    expect(page.locator(".outcome")).to_contain_text("It was read: 1 event")
    page.locator(".outcome a").click()
    expect(page.locator(".delivery .chip").first).to_have_text("Accepted")
    # An answer that does not come is no answer: it is asked for again.
    page.route("**/api/deliveries/*", lambda route: route.fulfill(status=503, json={"detail": "busy"}))
    page.reload()
    expect(page.locator(".delivery .empty")).to_contain_text("cannot be shown")
    page.unroute("**/api/deliveries/*")
    expect(page.locator(".delivery .chip").first).to_have_text("Accepted")
    page.locator(".rows a").click()
    expect(page.locator(".one h2")).to_have_text("daily-standup")


def test_who_may_only_read_is_told_that_webhooks_are_for_administrators(hub: HubProcess, open_page: OpenPage) -> None:
    """What arrives may be about any room; and a room cannot be featured by who may not change it."""
    access = Access((), Tokens((SECRETS["HUB_TOKEN_SECRET"],)), now_ms)
    claims = Claims(use=Use.ACCESS, topics=("*",), scope=("read",), exp=now_ms() // SECOND + 600)
    join(hub, "read-only", "ann")
    page = open_page(f"{hub.url}/?token={access.mint(claims)}#/webhooks")
    expect(page.locator(".view .empty")).to_contain_text("hub token")
    page.goto(f"{hub.url}/#/webhooks/1")
    expect(page.locator(".view .empty")).to_contain_text("hub token")
    page.goto(f"{hub.url}/#/rooms?q=read-only")
    expect(row(page, "read-only")).to_be_visible()
    expect(row(page, "read-only").locator(".star button")).to_be_hidden()
    # Another tab signs in as one, and this page goes on as that when somebody comes back to it.
    log_in(open_page, hub)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))")
    expect(row(page, "read-only").locator(".star button")).to_be_visible()


def test_two_devices_at_once_do_not_count_double(stage: Stage) -> None:
    """As the hub itself counts who watched for how long; what goes on counts up to now."""
    assert stage.look(
        """import("/static/presence.js").then(({ watched }) => [
            watched([{ from: 0, to: 60 }, { from: 30, to: 90 }, { from: 200, to: 210 }], 300),
            watched([{ from: 0, to: null }, { from: 10, to: 20 }], 100),
            watched([], 100),
        ])"""
    ) == [100, 100, 0]


def test_of_what_it_has_not_seen_a_line_says_nothing(stage: Stage) -> None:
    """Neither of what was before the page was opened, nor of what was lost with a reset."""
    seen = stage.look(
        """import("/static/crowds.js").then(({ Crowds }) => {
            const rooms = new Map([["a", { id: "a", participant_count: 2 }]]);
            const hub = Object.assign(new EventTarget(), { rooms, time: 605_000, now: () => hub.time });
            const tell = (event) => hub.dispatchEvent(new CustomEvent("change", { detail: { event } }));
            const crowds = new Crowds(hub);
            const latest = () => crowds.of("a", hub.time).slice(-6);
            hub.time += 45_000;
            tell({ receivedat: new Date(hub.time).toISOString(), data: { room: { id: "a", participant_count: 5 } } });
            const grown = latest();
            hub.time += 15_000;
            tell(null);
            return [grown, latest(), crowds.of("b", hub.time).every((one) => one === null)];
        })"""
    )
    assert seen == [[None, None, 2, 2, 2, 5], [None, None, None, None, None, 2], True]


def test_of_what_it_has_not_counted_a_rate_says_nothing(stage: Stage) -> None:
    """What is told late was so when the hub received it; what arrived during an outage is told by nobody."""
    assert stage.look(
        """import("/static/activity.js").then(({ Activity }) => {
            const activity = new Activity();
            const at = (second) => new Date(second * 1000).toISOString();
            const event = (second) => ({ type: "room.updated", subject: "rooms/a", receivedat: at(second) });
            for (const what of ["events", "deliveries"]) activity.miss(what, 0, 100_500);
            activity.note({ type: "delivery.accepted" }, 101_000);
            activity.miss("deliveries", 102_500, 104_100);
            for (const second of [102, 103, 103]) activity.note(event(second), 104_200);
            activity.note({ type: "delivery.accepted" }, 104_900);
            return [activity.events(105_000, 7), activity.deliveries(105_000, 7)];
        })"""
    ) == [[None, 0, 0, 1, 2, 0, 0], [None, 0, 1, None, None, 1, 0]]


def test_who_comes_again_by_the_same_id_was_away_in_between(stage: Stage) -> None:
    """Documents tell when somebody came first and left last; of a room that is being looked at each stay is known."""
    stays = stage.look(
        """import("/static/meeting.js").then(async ({ Meeting }) => {
            const at = (second) => new Date(second * 1000).toISOString();
            const room = { id: "a", sequence: 1, status: "live", durable_room: null, participant_count: 1 };
            const ann = { id: "p", room: "a", sequence: 2, active: true, joined_at: at(1), left_at: null };
            const people = [{ ...ann, stays: [{ joined_at: at(1), left_at: null, leave_reason: null }] }];
            const items = (path) => (path.includes("participants") ? people : []);
            const get = async (path) => (path.endsWith("/a") ? room : { items: items(path), next: null });
            const meeting = new Meeting({ get, hub: { rooms: new Map(), now: () => 9000 } }, "a");
            const reading = meeting.read();
            const left = { ...ann, active: false, left_at: at(3), sequence: 3 };
            // Told while it is being read.
            meeting.hear({ time: at(3), data: { participant: left } });
            await reading;
            meeting.hear({ time: at(5), data: { participant: { ...ann, sequence: 4 } } });
            return meeting.people.get("p").stays.map((one) => [one.joined_at, one.left_at]);
        })"""
    )
    assert stays == [["1970-01-01T00:00:01.000Z", "1970-01-01T00:00:03.000Z"], ["1970-01-01T00:00:05.000Z", None]]


# Arrivals that are told in one letter each, a second apart.
ARRIVALS = """const { Arrivals } = await import("/static/arrivals.js");
    const arrived = (id, at) => ({ id, verdict: "accepted", received_at: new Date(at).toISOString() });
    const page = (names, next = "") => ({ items: names.map((id, place) => arrived(id, 9000 - place * 1000)), next });
    const list = new Arrivals({});
    const shown = () => [...list.held.keys()].sort().join("");
"""


def test_a_list_of_what_arrived_begins_anew_when_an_outage_left_a_hole_in_it(stage: Stage) -> None:
    """Nobody would see that something is missing there."""
    assert stage.look(
        f"""(async () => {{
            {ARRIVALS}
            list.read(page(["c", "b", "a"]));
            list.cutOff();
            list.read(page(["d", "c"], "older"));
            const goesOn = [shown(), list.next];
            list.cutOff();
            list.heard(arrived("y", 20_000));
            list.read(page(["z", "y"], "older"));
            return [goesOn, [shown(), list.next]];
        }})()"""
    ) == [["abcd", ""], ["yz", "older"]]


def test_a_copy_that_is_told_while_the_list_is_read_counts(stage: Stage) -> None:
    """The answer to a question of before knows nothing of it, in the list of all as in a bot's timeline."""
    assert stage.look(
        f"""(async () => {{
            {ARRIVALS}
            const {{ Chronicle }} = await import("/static/chronicle.js");
            const known = {{ ...arrived("a", 0), copies: 1, events: 0 }};
            const again = {{ ...known, verdict: "duplicate", copies: 2 }};
            list.read({{ items: [known], next: null }});
            list.heard(again);
            list.read({{ items: [known], next: null }});

            let tell = () => {{}};
            const get = async (path) => {{
                if (path.startsWith("/api/events")) return {{ items: [], next: null }};
                tell();
                return {{ items: [known], next: null }};
            }};
            const chronicle = new Chronicle({{ get, may: () => true, changed() {{}} }}, "bots/x");
            await chronicle.read();
            tell = () => chronicle.hear({{ type: "delivery.duplicate", data: {{ delivery: again }} }});
            await chronicle.read();
            return [list.held.get(known.id).copies, chronicle.entries[0].delivery.copies];
        }})()"""
    ) == [2, 2]


def test_what_nobody_looked_after_is_dead_or_refused(stage: Stage) -> None:
    """As far back as both lists reach: what is older is read on demand, of both."""
    assert stage.look(
        f"""(async () => {{
            {ARRIVALS}
            const refused = {{ ...page(["c", "q"]), next: null }};
            const answers = {{ dead: {{ ...page(["d", "b"]), next: "more" }}, refused }};
            refused.items[1].received_at = new Date(0).toISOString();
            const get = async (path) => answers[new URLSearchParams(path.split("?")[1]).get("verdict")];
            const unhandled = new Arrivals({{ verdict: "unhandled" }});
            unhandled.read(await unhandled.ask(get));
            for (const verdict of ["refused", "accepted"]) unhandled.heard({{ ...arrived(verdict, 9000), verdict }});
            return [[...unhandled.held.keys()].sort(), unhandled.next];
        }})()"""
    ) == [["b", "c", "d", "refused"], "to=1970-01-01T00:00:08.001Z"]


def test_a_list_of_what_arrived_holds_a_thousand_and_knows_where_the_others_begin(stage: Stage) -> None:
    """A page that is open for weeks; what came in the same millisecond as the last one is read again."""
    assert stage.look(
        f"""(async () => {{
            {ARRIVALS}
            list.read(page([]));
            for (let number = 0; number <= 1100; number += 1) list.heard(arrived(String(number), number));
            list.forgetOldest();
            return [list.held.size, list.held.has("101"), list.held.has("100"), list.next];
        }})()"""
    ) == [1000, True, False, "to=1970-01-01T00:00:00.102Z"]


def test_while_a_list_of_what_arrived_is_held_it_only_counts(stage: Stage) -> None:
    """Nobody reads a list that moves."""
    assert stage.look(
        f"""(async () => {{
            {ARRIVALS}
            list.hold(true);
            for (const name of ["a", "b"]) list.heard(arrived(name, 0));
            const held = [shown(), list.waiting];
            list.hold(false);
            return [held, [shown(), list.waiting]];
        }})()"""
    ) == [["", 2], ["ab", 0]]
