"""hub.js in a real browser against a real hub: shared connections, lost networks, tokens, and pages that sleep."""

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Error, Page, expect

from hub.tokens import Claims, Tokens, Use
from tests.e2e.cable import Cable
from tests.e2e.conftest import WAIT_MS, launched
from tests.e2e.meetings import end, join, logged, now_ms
from tests.e2e.stage import Stage, rooms
from tests.processes import HubProcess

# Any page of the hub that does nothing by itself.
BLANK = "/static/style.css"
TRANSPORTS = ["sse", "websocket"]
# Follows the hub, and writes down what it tells.
CONNECTING = """async (options) => {
    const { connect } = await import("/static/hub.js");
    window.tokens = options.tokens ?? [];
    window.asked = 0;
    window.told = { events: [], statuses: [], freshness: [], expiring: 0 };
    const getToken = options.tokens && (async () => {
        asked += 1;
        const token = tokens.shift();
        if (token === null) throw new Error("no token");
        return token;
    });
    window.hub = connect({ ...options, getToken });
    hub.addEventListener("change", ({ detail }) => {
        if (detail.event) told.events.push(detail.event.id);
        // What is told before the first snapshot has no place to be told from.
        else told.events = told.events.length ? told.events : [detail.position];
    });
    hub.addEventListener("status", ({ detail }) => {
        told.statuses.push(detail.status);
        told.freshness.push(detail.freshness);
    });
    hub.addEventListener("expiring", () => (told.expiring += 1));
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Like people's browsers, it keeps pages that one may go back to."""
    with launched(ignore_default_args=["--disable-back-forward-cache"]) as chromium:
        yield chromium


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """One hub for all of these tests: a heart that beats fast, so that silence is noticed soon."""
    process = HubProcess(tmp_path_factory.mktemp("hub"), HUB_STREAM__HEARTBEAT="0.5")
    process.start()
    yield process
    process.kill()


class Tab:
    """A page that follows the hub."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def connect(self, **options: object) -> "Tab":
        self.page.evaluate(CONNECTING, {"topics": ["rooms"], **options})
        return self

    def look(self, expression: str) -> Any:  # Any: whatever JSON holds
        return self.page.evaluate(expression)

    def wait(self, expression: str, wanted: object = True) -> None:
        """Wait until an expression has a value."""
        self.page.wait_for_function(f"(wanted) => ({expression}) === wanted", arg=wanted, polling=20)

    def wait_until_live(self) -> "Tab":
        self.wait("hub.freshness", "live")
        return self

    def wait_for(self, room: str) -> None:
        self.wait(f"hub.rooms.has('livekit:RM_{room}')")

    @property
    def has_connection(self) -> bool:
        return bool(self.look("wire.addresses.length"))

    @property
    def positions(self) -> list[str]:
        """Where it began, and every event since."""
        found: list[str] = self.look("told.events")
        return found

    def saw_everything(self, hub: HubProcess) -> bool:
        """Whether it was told each event of the log since it began, once and in order."""
        everything = logged(hub)
        # Events of one webhook are told one after the other: the last may be on its way.
        self.wait("told.events.at(-1)", everything[-1])
        begun, *seen = self.positions
        return everything[everything.index(begun) + 1 :] == seen


OpenTab = Callable[..., Tab]


@pytest.fixture
def open_tab(hub: HubProcess, context: BrowserContext) -> OpenTab:
    """Open a tab of one browser, signed in with the cookie unless told otherwise."""
    join(hub, "lobby", "ann")
    sign_in(hub, context)

    def open_one(url: str = hub.url) -> Tab:
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.goto(url + BLANK)
        return Tab(page)

    return open_one


def token_for(hub: HubProcess, seconds: float = 3600, *topics: str) -> str:
    """A token like the hub's own."""
    tokens = Tokens(hub.settings.auth.token_secrets)
    expiry = int(now_ms() / 1000 + seconds)
    return tokens.mint(Claims(use=Use.ACCESS, topics=topics or ("*",), scope=("read",), exp=expiry))


def sign_in(hub: HubProcess, context: BrowserContext) -> None:
    context.add_cookies([{"name": "hub_token", "value": token_for(hub), "url": hub.url}])


def comes_to(hub: HubProcess, number: int) -> bool:
    """Whether the hub soon serves so many: who has just left or come is noticed a moment later."""
    deadline = time.monotonic() + WAIT_MS / 1000
    while hub.viewers() != number and time.monotonic() < deadline:
        time.sleep(0.02)
    return hub.viewers() == number


@contextlib.contextmanager
def busy(hub: HubProcess, name: str) -> Iterator[None]:
    """Let people come to meetings, one after the other."""
    is_over = threading.Event()

    def run() -> None:
        for number in itertools.count():
            if is_over.is_set():
                return
            join(hub, f"{name}{number % 5}", f"person{number}")

    meetings = threading.Thread(target=run)
    meetings.start()
    try:
        yield
    finally:
        is_over.set()
        meetings.join()


def devtools(tab: Tab) -> CDPSession:
    return tab.page.context.new_cdp_session(tab.page)


def crash(tab: Tab) -> None:
    with contextlib.suppress(Error), tab.page.expect_event("crash"):
        tab.page.goto("chrome://crash")


@contextlib.contextmanager
def frozen(tab: Tab, *, with_notice: bool) -> Iterator[None]:
    """Stop a page like a browser that saves power, or like one that is too busy to say so before."""
    session = devtools(tab)
    session.send("Debugger.enable")
    if with_notice:
        tab.look("void document.dispatchEvent(new Event('freeze'))")
    tab.look("void setTimeout(() => { debugger; })")
    yield
    session.send("Debugger.resume")
    if with_notice:
        tab.look("void document.dispatchEvent(new Event('resume'))")


def test_tabs_share_one_connection(hub: HubProcess, open_tab: OpenTab) -> None:
    """Browsers open at most six connections to one host, and a hub should not count one person six times."""
    tabs = [open_tab().connect().wait_until_live() for _ in range(3)]
    join(hub, "shared", "ann")
    for tab in tabs:
        tab.wait_for("shared")
        assert tab.saw_everything(hub)
    assert [tab.has_connection for tab in tabs] == [True, False, False]
    assert comes_to(hub, 1)
    leader, *followers = [tab.look("[hub.status, hub.position, hub.degraded, hub.problem]") for tab in tabs]
    assert followers == [leader, leader]
    heard = tabs[2].look("hub.heardAt")
    tabs[2].wait(f"hub.heardAt > {heard}")
    assert abs(tabs[2].look("hub.now()") - now_ms()) < 2000


@pytest.mark.parametrize("leaving", ["close", "navigate", "crash"])
def test_when_the_leader_goes_the_others_go_on_where_it_stopped(
    hub: HubProcess, open_tab: OpenTab, leaving: str
) -> None:
    """Somebody closes one of three tabs in the midst of a busy hour: the other two must not miss a thing."""
    leader, *others = [open_tab().connect().wait_until_live() for _ in range(3)]
    with busy(hub, f"{leaving}"):
        leader.wait("told.events.length > 3")
        if leaving == "close":
            leader.page.close()
        elif leaving == "navigate":
            leader.page.goto("about:blank")
        else:
            crash(leader)
        others[0].wait("told.events.length > 30")
    join(hub, f"{leaving}-last", "ann")
    for tab in others:
        tab.wait_for(f"{leaving}-last")
        assert tab.saw_everything(hub)
    assert sorted(tab.has_connection for tab in others) == [False, True]
    assert comes_to(hub, 1)


@pytest.mark.parametrize("with_notice", [True, False])
def test_a_frozen_leader_is_replaced(hub: HubProcess, open_tab: OpenTab, with_notice: bool) -> None:
    """Browsers stop pages that nobody looks at; those that somebody looks at must not stop with them."""
    leader, *others = [open_tab().connect().wait_until_live() for _ in range(3)]
    name = f"frozen{with_notice}"
    join(hub, name, "ann")
    leader.wait_for(name)
    with frozen(leader, with_notice=with_notice):
        join(hub, name, "bob")
        join(hub, f"{name}-2", "ann")
        for tab in others:
            tab.wait_for(f"{name}-2")
            assert tab.saw_everything(hub)
        assert sorted(tab.has_connection for tab in others) == [False, True]
        # Who is told that the leader stops loses no time; who is not must not go on looking live.
        assert all(("stale" in tab.look("told.freshness")) is not with_notice for tab in others)
    leader.wait_for(f"{name}-2")
    leader.wait_until_live()
    join(hub, f"{name}-3", "ann")
    for tab in (leader, *others):
        tab.wait_for(f"{name}-3")
    assert others[0].saw_everything(hub)
    assert others[1].saw_everything(hub)
    assert comes_to(hub, 1)


def test_who_joins_a_frozen_leader_takes_its_place(hub: HubProcess, open_tab: OpenTab) -> None:
    """A new tab that waits for one that does not run would stay empty."""
    leader = open_tab().connect().wait_until_live()
    with frozen(leader, with_notice=False):
        newcomer = open_tab().connect().wait_until_live()
        assert newcomer.has_connection


def test_who_joins_in_the_midst_of_events_misses_none_and_gets_none_twice(hub: HubProcess, open_tab: OpenTab) -> None:
    """Between the question for the state and its answer, events arrive."""
    leader, newcomer = open_tab().connect().wait_until_live(), open_tab()
    with busy(hub, "amidst"):
        for _ in range(10):
            newcomer.connect().wait_until_live()
            newcomer.wait("told.events.length > 3")
            newcomer.look("hub.close()")
            begun, *seen = newcomer.positions
            everything = logged(hub)
            start = everything.index(begun) + 1
            assert everything[start : start + len(seen)] == seen
    assert not newcomer.has_connection
    assert leader.saw_everything(hub)


def test_a_follower_has_the_documents_of_its_leader(hub: HubProcess, open_tab: OpenTab) -> None:
    """What a page shows must not depend on which tab was first, not even after erasures and ends."""
    leader = open_tab().connect(topics=["rooms/livekit:RM_held"])
    leader.wait_until_live()
    join(hub, "held", "ann")
    join(hub, "held", "bob")
    end(hub, "held")
    leader.wait("hub.rooms.get('livekit:RM_held')?.status", "ended")
    follower = open_tab().connect(topics=["rooms/livekit:RM_held"]).wait_until_live()
    held = """JSON.stringify([[...hub.rooms], [...hub.bots], [...hub.recordings],
        [...hub.participants].map(([room, people]) => [room, [...people]])])"""
    assert follower.look(held) == leader.look(held)
    assert follower.look("hub.participants.get('livekit:RM_held').size") == 2
    assert not follower.has_connection


@pytest.mark.parametrize(
    "options",
    [{"share": False}, {"token": True}, {"token": True, "share": True}],
    ids=["not wanted", "token", "token without a name"],
)
def test_who_does_not_share_has_a_connection_of_its_own(
    hub: HubProcess, open_tab: OpenTab, options: dict[str, object]
) -> None:
    """Two tokens may permit different things: what one was told is not for the other."""
    if "token" in options:
        options = {**options, "token": token_for(hub)}
    tabs = [open_tab().connect(**options).wait_until_live() for _ in range(2)]
    assert [tab.has_connection for tab in tabs] == [True, True]


def test_without_locks_each_tab_is_alone(hub: HubProcess, open_tab: OpenTab, context: BrowserContext) -> None:
    """Pages without https have none; a dashboard in an office network is often such a page."""
    context.add_init_script("Object.defineProperty(navigator, 'locks', { value: undefined })")
    tabs = [open_tab().connect().wait_until_live() for _ in range(2)]
    assert [tab.has_connection for tab in tabs] == [True, True]


def test_with_a_name_tokens_share_and_are_not_told_to_other_tabs(
    hub: HubProcess, open_tab: OpenTab, context: BrowserContext
) -> None:
    """What tabs say to each other is heard by every script of the page's origin."""
    context.add_init_script(
        """window.posted = [];
        const post = BroadcastChannel.prototype.postMessage;
        BroadcastChannel.prototype.postMessage = function (said) {
            posted.push(this.name + JSON.stringify(said));
            post.call(this, said);
        };"""
    )
    tokens = [token_for(hub), token_for(hub, 1800)]
    tabs = [open_tab().connect(token=token, share="ann").wait_until_live() for token in tokens]
    assert [tab.has_connection for tab in tabs] == [True, False]
    tabs[1].look(f"hub.renew('{tokens[1]}')")
    tabs[1].wait("wire.addresses.length", 1)
    tabs[1].wait_until_live()
    posted = "".join(text for tab in tabs for text in tab.look("posted"))
    assert '"hello"' in posted
    assert not any(secret in posted for secret in [*tokens, "reconnect"])
    tabs[0].wait("hub.freshness", "live")
    assert comes_to(hub, 1)


def test_a_leader_that_is_signed_out_does_not_bar_who_is_signed_in(
    hub: HubProcess, open_tab: OpenTab, context: BrowserContext
) -> None:
    """The old tab has an old cookie. Whoever signs in opens a new one, and expects to see something."""
    context.clear_cookies()
    old = open_tab().connect()
    old.wait("hub.status", "signed-out")
    second = open_tab().connect()
    second.wait("hub.status", "signed-out")
    sign_in(hub, context)
    open_tab().connect().wait_until_live()
    old.wait_until_live()
    second.wait_until_live()
    assert comes_to(hub, 1)


def test_a_token_is_asked_for_when_there_is_none(hub: HubProcess, open_tab: OpenTab, context: BrowserContext) -> None:
    """A page that has to ask its own backend needs no token in its HTML."""
    context.clear_cookies()
    tab = open_tab().connect(tokens=[token_for(hub)]).wait_until_live()
    assert tab.look("[asked, wire.addresses.length]") == [1, 1]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_before_a_token_ends_another_is_brought_and_nothing_shows(
    hub: HubProcess, open_tab: OpenTab, context: BrowserContext, transport: str
) -> None:
    """Tokens live for minutes, dashboards for days."""
    context.clear_cookies()
    name = f"renewed-{transport}"
    with busy(hub, name):
        tab = open_tab().connect(transport=transport, token=token_for(hub, 30), tokens=[token_for(hub)])
        tab.wait("told.expiring", 1)
        tab.wait("asked", 1)
        tab.wait("told.events.length > 10")
    join(hub, f"{name}-last", "ann")
    tab.wait_for(f"{name}-last")
    assert tab.saw_everything(hub)
    assert set(tab.look("told.freshness")) == {"live"}
    # Who can say it says it; else the stream is opened anew, from where it was.
    said = tab.look("wire.said.map(({ action }) => action)")
    assert (said, tab.look("wire.addresses.length")) == (["authenticate"], 1) if transport == "websocket" else ([], 2)


def test_a_permission_that_ended_is_renewed(hub: HubProcess, open_tab: OpenTab, context: BrowserContext) -> None:
    """The backend was away when the token was about to end: there is a second chance."""
    context.clear_cookies()
    tab = open_tab().connect(token=token_for(hub, 2), tokens=[None, token_for(hub)]).wait_until_live()
    tab.wait("asked", 2)
    join(hub, "second-chance", "ann")
    tab.wait_for("second-chance")
    assert tab.saw_everything(hub)


@pytest.mark.parametrize("answer", ["", "bad"], ids=["brings nothing", "brings a bad one"])
def test_without_a_good_token_one_is_signed_out_until_one_comes(
    hub: HubProcess, open_tab: OpenTab, context: BrowserContext, answer: str
) -> None:
    """To ask for ever would not help; somebody has to sign in."""
    context.clear_cookies()
    tab = open_tab().connect(token="bad", tokens=[answer])
    tab.wait("hub.status", "signed-out")
    assert tab.look("[asked, hub.freshness]") == [1, "stale"]
    assert tab.look("hub.problem")
    tab.look(f"hub.renew('{token_for(hub)}')")
    tab.wait_until_live()
    assert tab.look("hub.problem") == ""


@pytest.mark.parametrize("token", ["", "bad"])
def test_a_backend_that_fails_to_bring_a_token_is_asked_again(
    hub: HubProcess, open_tab: OpenTab, context: BrowserContext, token: str
) -> None:
    """It restarts, or a train is in a tunnel: nobody has to sign in for that."""
    context.clear_cookies()
    tab = open_tab().connect(token=token, tokens=[None, None, token_for(hub)])
    tab.wait("hub.problem", "no token")
    tab.wait_until_live()
    assert tab.look("[asked, told.statuses.includes('signed-out'), hub.problem]") == [3, False, ""]


def test_a_token_that_comes_too_late_is_not_used(stage: Stage) -> None:
    """Who is asked may be stuck; a page that has got another token elsewhere gives us that one."""
    stage.page.evaluate(
        """() => {
            Math.random = () => 1;
            hub.close();
            bring = [];
            hub = connect({ topics: ["rooms"], getToken: () => new Promise((resolve) => bring.push(resolve)) });
        }"""
    )
    stage.wait(20)
    stage.page.wait_for_function("() => hub.problem", polling=20)
    assert stage.look("[hub.status, hub.problem]") == ["connecting", "getToken does not answer"]
    stage.wait(0.5)
    assert stage.look("bring.length") == 2
    stage.page.evaluate("() => { hub.renew('given'); bring[0]('old'); bring[1]('old'); }")
    stage.page.evaluate("dispatchEvent(new Event('online'))")
    stage.wait(3)
    stage.page.evaluate("dispatchEvent(new Event('online'))")
    assert set(stage.addresses[1:]) == {"/api/stream?topic=rooms&token=given"}


def test_who_gets_a_token_leaves_those_with_the_cookie(hub: HubProcess, open_tab: OpenTab) -> None:
    """What a token permits is not for them, and what the cookie permits not for who has a token."""
    leader, tab = open_tab().connect().wait_until_live(), open_tab().connect().wait_until_live()
    tab.look(f"hub.renew('{token_for(hub)}')")
    tab.wait("wire.addresses.length", 1)
    tab.wait_until_live()
    assert comes_to(hub, 2)
    tab.look("hub.renew()")
    assert comes_to(hub, 1)
    assert leader.look("[wire.addresses.length, hub.freshness]") == [1, "live"]


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("harm", ["cut", "silence"])
def test_after_the_network_was_away_nothing_is_missing(
    hub: HubProcess, open_tab: OpenTab, harm: str, transport: str
) -> None:
    """Trains have tunnels. What is shown meanwhile is called stale, with or without a word from the network."""
    with Cable(hub.port) as cable:
        tabs = [open_tab(cable.url).connect(transport=transport).wait_until_live() for _ in range(2)]
        name = f"tunnel-{harm}-{transport}"
        join(hub, name, "ann")
        for tab in tabs:
            tab.wait_for(name)
        cable.cut() if harm == "cut" else cable.silence()
        join(hub, name, "bob")
        join(hub, f"{name}-2", "ann")
        for tab in tabs:
            tab.wait("hub.freshness", "stale")
            assert tab.look("hub.rooms.has('lobby') || hub.rooms.size > 0")
        cable.mend()
        for tab in tabs:
            tab.wait_for(f"{name}-2")
            tab.wait_until_live()
            assert tab.saw_everything(hub)


def test_a_page_that_comes_back_from_the_cache_goes_on(hub: HubProcess, open_tab: OpenTab) -> None:
    """Back and forward: the browser shows the page as it was. Held connections would keep it from doing so."""
    tab, other = open_tab().connect().wait_until_live(), open_tab().connect().wait_until_live()
    tab.look("(isSame = true, addEventListener('pagehide', () => (atLeaving = hub.freshness)))")
    tab.page.goto(hub.url + "/healthz")
    other.wait("wire.addresses.length", 1)
    join(hub, "missed", "ann")
    other.wait_for("missed")
    assert "stale" not in other.look("told.freshness")
    tab.page.go_back(wait_until="commit")
    tab.wait("window.isSame")
    assert tab.look("atLeaving") == "stale"
    tab.wait_for("missed")
    tab.wait_until_live()
    assert tab.look("told.statuses").count("reconnecting") == 1
    assert comes_to(hub, 1)
    assert other.saw_everything(hub)


def test_a_page_from_the_cache_that_is_alone_misses_no_event(hub: HubProcess, open_tab: OpenTab) -> None:
    """It then resumes by itself, from where it was."""
    tab = open_tab().connect().wait_until_live()
    tab.page.goto(hub.url + "/healthz")
    join(hub, "alone", "ann")
    tab.page.go_back(wait_until="commit")
    tab.wait_for("alone")
    assert tab.saw_everything(hub)


def test_topics_can_be_added_and_left(hub: HubProcess, open_tab: OpenTab) -> None:
    """What is shown stays until what is new has come; what is no longer followed is gone."""
    tab, other = [open_tab().connect(topics=["bots"]).wait_until_live() for _ in range(2)]
    tab.look("hub.subscribe('rooms')")
    tab.wait("hub.rooms.size > 0")
    tab.wait_until_live()
    assert other.look("hub.rooms.size") == 0
    join(hub, "added", "ann")
    tab.wait_for("added")
    tab.look("hub.unsubscribe('rooms')")
    tab.wait("hub.rooms.size", 0)
    tab.wait_until_live()
    other.wait_until_live()
    assert comes_to(hub, 1)
    with pytest.raises(Error, match="no topic would be left"):
        tab.look("hub.unsubscribe('bots')")


def test_over_a_websocket_topics_change_on_the_connection(hub: HubProcess, open_tab: OpenTab) -> None:
    """A page that goes from room to room then asks for the new room alone, and keeps what it has of the others."""
    for room in ("one", "two"):
        join(hub, room, "ann")
    one, two = "rooms/livekit:RM_one", "rooms/livekit:RM_two"
    tab = open_tab().connect(topics=[one], transport="websocket", share=False).wait_until_live()
    tab.look(f"hub.subscribe('{two}')")
    tab.wait("[...hub.rooms.keys()].sort().join()", "livekit:RM_one,livekit:RM_two")
    join(hub, "one", "bob")
    join(hub, "two", "bob")
    tab.wait("[...hub.participants.values()].map(({ size }) => size).join()", "2,2")
    tab.look(f"hub.unsubscribe('{one}')")
    tab.wait("[...hub.rooms.keys(), ...hub.participants.keys()].join()", "livekit:RM_two,livekit:RM_two")
    tab.look("dispatchEvent(new Event('online'))")
    tab.wait("wire.addresses.length", 2)
    join(hub, "one", "chen")
    join(hub, "two", "chen")
    tab.wait("hub.participants.get('livekit:RM_two').size", 3)
    assert tab.look("[hub.rooms.size, hub.freshness]") == [1, "live"]
    # What it had was resumed with the topics that it follows now.
    assert tab.look("wire.told.filter(({ event }) => event === 'hello').map(({ data }) => data.resumed)") == [
        False,
        True,
    ]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_topic_that_one_may_not_follow_is_told_of(
    hub: HubProcess, open_tab: OpenTab, context: BrowserContext, transport: str
) -> None:
    """Both transports then say the same, and without the topic all is well again."""
    context.clear_cookies()
    tab = open_tab().connect(topics=["bots"], token=token_for(hub, 3600, "bots"), transport=transport).wait_until_live()
    tab.look("hub.subscribe('rooms')")
    tab.wait("hub.status", "signed-out")
    assert "topics" in tab.look("hub.problem")
    tab.look("hub.unsubscribe('rooms')")
    tab.wait_until_live()


# A page that leads, and says what the test wants.
LEADING = """([name, state]) => {
    window.channel = new BroadcastChannel(name);
    window.state = state;
    window.asked = 0;
    channel.onmessage = ({ data }) => {
        if (data.kind !== "ask") return;
        asked += 1;
        channel.postMessage({ kind: "state", to: data.from, ...window.state });
    };
    window.say = (count, ...word) => channel.postMessage({ kind: "word", term: window.state.term, count, word });
    window.tell = (count, id) => say(count, "message", { id, type: "room.updated", data: {} }, id);
    return new Promise((led) => navigator.locks.request(name, () => { led(); return new Promise(() => {}); }));
}"""


def state_of(*names: str, position: str, coming: object = None) -> dict[str, object]:
    """What a leader answers: it shows rooms, and has said ten words."""
    shown: dict[str, object] = {name: [] for name in ("bots", "schedules", "recordings", "participants")}
    copied = {
        "documents": {"shown": {**shown, "rooms": rooms(*names)}, "scope": None, "coming": coming},
        "position": position,
        "isCurrent": True,
        "pulse": {"everyMs": 30_000, "beatAt": now_ms(), "head": 0, "clockLead": 0},
        "said": {"degraded": False, "reasons": [], "problem": "", "heardAt": now_ms()},
        "status": "live",
        "behind": 0,
    }
    return {"term": now_ms(), "count": 10, "copied": copied}


def led(hub: HubProcess, open_tab: OpenTab, state: dict[str, object]) -> tuple[Tab, Tab]:
    """Return a staged leader, and a tab that follows it."""
    leader = open_tab()
    name = f'hub ["{hub.url}/api/stream","sse",["rooms"],""]'
    leader.page.evaluate(LEADING, [name, state])
    return leader, open_tab().connect().wait_until_live()


def test_a_word_that_comes_twice_or_from_a_leader_of_before_is_not_heard(hub: HubProcess, open_tab: OpenTab) -> None:
    """A tab that was robbed of the lead, and does not know it yet, still says what it hears."""
    leader, follower = led(hub, open_tab, state_of("a", position="e.5"))
    leader.look("state.term -= 1; tell(11, 'e.99'); state.term += 1")
    leader.look(
        "channel.postMessage({ kind: 'word', term: Infinity, count: 11, word: 'no' }); channel.postMessage(null)"
    )
    erased = {"id": "e.4", "type": "room.erased", "subject": "rooms/a", "data": {}}
    leader.page.evaluate("(erased) => say(11, 'message', erased, 'e.4')", erased)
    leader.look("tell(10, 'e.6'); tell(12, 'e.6'); tell(12, 'e.7'); tell(13, 'e.7')")
    follower.wait("hub.position", "e.7")
    assert (follower.positions, follower.look("hub.rooms.has('a')")) == (["e.5", "e.6", "e.7"], True)
    assert leader.look("asked") == 1


def test_who_missed_a_word_asks_for_the_state(hub: HubProcess, open_tab: OpenTab) -> None:
    """What comes after a gap is of no use before it is filled."""
    leader, follower = led(hub, open_tab, state_of("a", position="e.5"))
    term = leader.look("state.term")
    newer = {**state_of("a", "b", position="e.8"), "count": 14, "term": term}
    leader.page.evaluate("(newer) => { state = newer; tell(13, 'e.7'); }", newer)
    leader.wait("asked", 2)
    leader.look("tell(15, 'e.9')")
    follower.wait("hub.position", "e.9")
    assert follower.look("[...hub.rooms.keys()].join()") == "a,b"


def test_who_joins_in_the_midst_of_a_snapshot_shows_all_of_it(hub: HubProcess, open_tab: OpenTab) -> None:
    """The pages that came before are part of the state."""
    leader, follower = led(hub, open_tab, state_of("a", position="e.5", coming={"rooms": rooms("b")}))
    last = {"rooms": rooms("c"), "complete": True, "time": "2026-01-01T00:00:00Z"}
    leader.page.evaluate("(page) => say(11, 'snapshot', page, 'e.8')", last)
    follower.wait("hub.position", "e.8")
    assert follower.look("[...hub.rooms.keys()].join()") == "b,c"


def test_the_example_of_the_guide_works(hub: HubProcess, open_tab: OpenTab, context: BrowserContext) -> None:
    """It is the first thing that anybody copies."""
    guide = (Path(__file__).resolve().parents[2] / "docs/browser.md").read_text()
    example = guide.partition("```html\n")[2].partition("```")[0]
    context.route("**/example", lambda route: route.fulfill(content_type="text/html", body=example))
    tab = open_tab()
    tab.page.goto(hub.url + "/example")
    join(hub, "exemplary", "ann")
    expect(tab.page.get_by_text("exemplary")).to_be_visible()
    expect(tab.page.locator("#freshness")).to_have_text("live")


def test_a_position_that_is_none_leads_to_the_state(hub: HubProcess, open_tab: OpenTab) -> None:
    """Whatever a page made of it, the hub then shows everything."""
    tab = open_tab().connect().wait_until_live()
    tab.look("(hub.position = 'no position', dispatchEvent(new Event('online')))")
    tab.wait("wire.pages.length", 2)
    tab.wait_until_live()
    assert tab.look("hub.position") == logged(hub)[-1]


SEVERAL = {
    "rooms": [
        {"id": "a", "durable_room": "livekit@A", "sequence": 1},
        {"id": "b", "sequence": 1},
        {"id": "c", "sequence": 1},
    ],
    "participants": [{"id": f"in-{room}", "room": room, "sequence": 1} for room in "abc"],
    "recordings": [{"id": "of-a", "room": "a", "sequence": 1}, {"id": "of-bot", "bot": "x", "sequence": 1}],
    "bots": [{"id": "x", "sequence": 1}, {"id": "y", "sequence": 1}],
    "schedules": [{"id": "s", "sessions": ["b"], "sequence": 1}],
}


# What stays when a snapshot of a topic comes that holds nothing.
LEFT = {
    "*": "",
    "rooms": "of-bot s x y",
    "bots": "a b c in-a in-b in-c of-a s",
    "rooms/a": "b c in-b in-c of-bot s x y",
    "rooms/livekit@A": "b c in-b in-c of-bot s x y",
    "bots/x": "a b c in-a in-b in-c of-a s y",
    "schedules/s": "a c in-a in-c of-a of-bot x y",
    "schedules": "a c in-a in-c of-a of-bot x y",
}


def test_a_snapshot_of_some_topics_replaces_what_falls_under_them(stage: Stage) -> None:
    """And nothing else: the rest is still followed, and nobody shows it again."""
    left = stage.page.evaluate(
        """async ([all, topics]) => {
            const { Documents } = await import("http://hub.test/static/documents.js");
            const leftOf = (topic) => {
                const held = new Documents();
                held.gather({ ...all, complete: true });
                held.follow(["*"], [topic]);
                held.gather({ complete: true });
                const those = [held.bots, held.rooms, held.schedules, held.recordings, ...held.participants.values()];
                return those.flatMap((some) => [...some.keys()]).sort().join(" ");
            };
            return Object.fromEntries(topics.map((topic) => [topic, leftOf(topic)]));
        }""",
        [SEVERAL, list(LEFT)],
    )
    assert left == LEFT


def test_whoever_greets_and_drops_us_is_not_hammered(stage: Stage) -> None:
    """A greeting is not yet health: pauses grow until a connection has lasted."""
    stage.page.evaluate("Math.random = () => 1")
    stage.greet()
    stage.fail(closed=False)
    for attempt, pause in enumerate((1, 2, 4, 8), start=2):
        stage.greet()
        stage.fail(closed=False)
        stage.wait(pause - 0.1)
        assert len(stage.addresses) == attempt - 1
        stage.wait(0.1)
        assert len(stage.addresses) == attempt
    stage.greet()
    stage.wait(10)
    stage.fail(closed=False)
    stage.wait(5)
    # Now it is the browser's turn again, as the first time.
    assert len(stage.addresses) == 5


def test_pauses_are_spread_by_chance(stage: Stage) -> None:
    """Else all who lost the same hub would come back in the same moment."""
    for number, chance in enumerate((0.1, 0.5), start=1):
        stage.page.evaluate(f"Math.random = () => {chance}; hub.problem = ''")
        stage.fail(closed=True)
        stage.page.wait_for_function("() => hub.problem", polling=20)
        stage.wait(0.5 * number * chance - 0.01)
        assert len(stage.addresses) == number
        stage.wait(0.02)
        assert len(stage.addresses) == number + 1


@pytest.mark.parametrize(
    ("code", "retry", "pause"),
    [(1012, 1500, 1.5), (1013, None, 5), (1006, None, 0.5)],
    ids=["drain", "overloaded and no word when", "lost"],
)
def test_when_to_open_a_websocket_again(stage: Stage, code: int, retry: int | None, pause: float) -> None:
    """The hub says when, where it can; else chance decides, up to a bound."""
    said = {"event": "hello", "id": None, "data": {"heartbeat": 10, "reconnect_token": "ticket", "resumed": False}}
    stage.page.evaluate(
        "Math.random = () => 1; hub.close(); hub = connect({ topics: ['rooms'], transport: 'websocket' })"
    )
    stage.page.evaluate("(said) => sockets[0].tell(said)", {**said, "retry": retry} if retry else said)
    stage.page.evaluate(f"sockets[0].end({code})")
    stage.wait(pause - 0.1)
    assert stage.look("sockets.length") == 1
    stage.wait(0.1)
    assert stage.look("sockets.map(({ address, protocol }) => [address, protocol])") == [
        ["ws://hub.test/api/ws?topic=rooms", "hub.v1"],
        ["ws://hub.test/api/ws?reconnect=ticket", "hub.v1"],
    ]


def test_who_is_told_to_go_for_good_stops(stage: Stage) -> None:
    """Coming back would only do it again."""
    stage.page.evaluate("hub.close(); hub = connect({ topics: ['rooms'], transport: 'websocket' })")
    stage.page.evaluate("sockets[0].tell({ event: 'pong', id: null, data: {} }); sockets[0].end(1008, 'too much')")
    stage.wait(120)
    assert stage.look("[hub.status, hub.freshness, hub.problem, sockets.length]") == [
        "signed-out",
        "stale",
        "too much",
        1,
    ]


def test_what_was_told_is_not_told_again_by_an_older_snapshot(stage: Stage) -> None:
    """A snapshot of new topics may be some events older than what was shown: they are shown again, but are no news."""
    stage.page.evaluate(
        "news = []; hub.addEventListener('change', ({ detail }) => news.push(detail.event?.id ?? null))"
    )
    events = {
        name: {"id": name, "data": {"room": rooms(name, sequence=int(name[2]))[0]}} for name in ("e.2", "e.3", "e.4")
    }
    stage.greet()
    stage.show("a", position="e.1")
    for name in ("e.2", "e.3"):
        stage.tell("message", events[name], name)
    stage.page.evaluate("hub.subscribe('bots')")
    assert stage.addresses[-1] == "/api/stream?topic=rooms&topic=bots"
    assert stage.shown == "a,e.2,e.3"
    stage.greet()
    stage.show("a", "e.2", position="e.2")
    for name in ("e.3", "e.4"):
        stage.tell("message", events[name], name)
    assert stage.look("news") == [None, "e.2", "e.3", None, None, "e.4"]
    assert (stage.shown, stage.look("hub.freshness")) == ("a,e.2,e.3,e.4", "live")


def test_a_websocket_that_is_lost_before_new_topics_came_begins_anew(stage: Stage) -> None:
    """From its position it would go on without the state of what was added."""
    stage.page.evaluate(
        """() => {
            Math.random = () => 1;
            hub.close();
            hub = connect({ topics: ["rooms/a"], transport: "websocket" });
            const page = { rooms: [], complete: true, time: "1970-01-01T00:00:01Z" };
            const say = (event, id, data) => sockets.at(-1).tell({ event, id, data });
            say("hello", null, { heartbeat: 10, reconnect_token: "ticket", resumed: false });
            say("snapshot", "e.1", page);
            hub.subscribe("rooms/b");
            hub.subscribe("rooms/c");
            say("subscribed", null, { topics: ["rooms/a", "rooms/b"], added: ["rooms/b"] });
            say("token", null, { reconnect_token: "of a and b" });
            say("snapshot", "e.2", page);
            sockets.at(-1).end(1006);
        }"""
    )
    stage.wait(0.5)
    sent = [{"action": "subscribe", "topics": ["rooms/b"]}, {"action": "subscribe", "topics": ["rooms/c"]}]
    assert stage.look("sockets[0].said") == sent
    assert stage.look("sockets[1].address") == "ws://hub.test/api/ws?topic=rooms%2Fa&topic=rooms%2Fb&topic=rooms%2Fc"
    assert stage.look("hub.position") == "e.2"


def test_what_moved_to_another_session_is_forgotten(stage: Stage) -> None:
    """The other session tells it anew: shown by both names it would be there twice."""
    stage.greet()
    stage.show("a", "b", position="e.1")
    people = [{"id": name, "room": room, "active": True, "sequence": 2} for name, room in (("p", "a"), ("q", "b"))]
    stage.tell("message", {"data": {"participants": people}}, "e.2")
    moved = {**people[0], "active": False, "leave_reason": "moved", "sequence": 3}
    stage.tell("message", {"data": {"participant": moved}}, "e.3")
    assert stage.look("[hub.participants.get('a').size, hub.participants.get('b').size]") == [0, 1]
    ended = {"id": "b", "status": "ended", "end_reason": "moved", "sequence": 4}
    stage.tell("message", {"data": {"room": ended, "participants": []}}, "e.4")
    assert (stage.shown, stage.look("[...hub.participants.keys()].join()")) == ("a", "a")


def test_who_closes_when_told_that_it_is_lost_is_left_in_peace(stage: Stage) -> None:
    """A page says that it cannot follow any more, and goes on without; nothing may come back behind its back."""
    stage.greet()
    stage.show("a", position="e.1")
    stage.page.evaluate("hub.addEventListener('status', () => hub.close())")
    stage.wait(27)
    assert stage.look("hub.status") == "reconnecting"
    stage.page.evaluate("hub.subscribe('bots')")
    stage.wait(60)
    assert len(stage.addresses) == 1


def test_who_subscribes_when_told_that_it_is_lost_has_one_connection(stage: Stage) -> None:
    """The one that it had must not come back beside the new one."""
    stage.page.evaluate("Math.random = () => 1")
    stage.greet()
    stage.show("a", position="e.1")
    stage.page.evaluate("hub.addEventListener('status', () => hub.subscribe('bots'), { once: true })")
    stage.wait(27)
    opened = len(stage.addresses)
    stage.wait(15)
    assert (opened, len(stage.addresses)) == (2, 2)


@pytest.mark.parametrize("hours", [2, -2], ids=["slept", "clock set back"])
def test_who_wakes_up_knows_that_nothing_was_heard(stage: Stage, hours: int) -> None:
    """What was live when a laptop was closed is not live when it is opened."""
    stage.greet()
    stage.show("a", position="e.1")
    assert stage.look("hub.freshness") == "live"
    stage.page.evaluate(f"now = Date.now() + {hours} * 3_600_000; Date.now = () => now")
    stage.page.evaluate("dispatchEvent(new Event('online'))")
    assert stage.look("hub.status") == "reconnecting"


def test_a_hub_with_too_many_viewers_is_left_alone_for_a_while(stage: Stage) -> None:
    """It says when to come back, and a pause by chance may be no pause at all."""
    stage.page.evaluate("Math.random = () => 0")
    for _ in range(2):
        stage.tell("bye", {"reason": "overloaded", "reconnect": True})
        stage.fail(closed=False)
    stage.wait(0.9)
    assert len(stage.addresses) == 1
    stage.wait(0.1)
    assert len(stage.addresses) == 2


def test_the_api_is_asked_with_the_credential_of_the_stream(hub: HubProcess, open_tab: OpenTab) -> None:
    """Else a page with a token would read as whoever is signed in. A refusal is told in the words of the hub."""
    join(hub, "asked", "ann")
    tab = open_tab().connect(token=token_for(hub, 60, "rooms/livekit:RM_asked"), topics=["rooms/livekit:RM_asked"])
    asked = """(path) => hub.get(path).then(
        ({ items, id }) => items ? items.map((one) => one.id) : id,
        ({ status, title, detail }) => [status, title, detail]
    )"""
    assert tab.page.evaluate(asked, "/api/rooms") == ["livekit:RM_asked"]
    assert tab.page.evaluate(asked, "/api/rooms/livekit:RM_asked") == "livekit:RM_asked"
    assert tab.page.evaluate(asked, "/api/deliveries") == [403, "Not permitted", "this needs the scope admin"]
    refused = 'hub.send("POST", "/api/schedules", { title: 1 }).catch(({ status }) => status)'
    assert tab.look(refused) == 403


def test_what_is_no_topic_is_not_asked_for_again(stage: Stage) -> None:
    """It would be none the next time, too."""
    stage.status = 400
    stage.fail(closed=True)
    stage.await_status("signed-out")
    stage.wait(120)
    assert stage.look("[hub.problem, sources.length]") == ["as the test wants", 1]


def test_a_browser_that_opens_nothing_is_a_problem_that_is_told(stage: Stage) -> None:
    """A page's policy may forbid it, or the address may be none."""
    stage.page.evaluate("() => { WebSocket = class { constructor() { throw new Error('not here'); } }; }")
    stage.page.evaluate("hub.close(); hub = connect({ topics: ['rooms'], transport: 'websocket' })")
    assert stage.look("[hub.status, hub.problem]") == ["signed-out", "not here"]


def test_all_who_wake_up_want_one_attempt(stage: Stage) -> None:
    """Each tab asks for it; an attempt that begins anew each time never gets anywhere."""
    for _ in range(3):
        stage.page.evaluate("dispatchEvent(new Event('online'))")
    assert len(stage.addresses) == 1
    stage.wait(2)
    stage.page.evaluate("dispatchEvent(new Event('online'))")
    assert len(stage.addresses) == 2
