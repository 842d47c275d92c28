"""The views of the page: what just happened, which bots need somebody, and the whole story of one."""

import contextlib
import re
import socketserver
from collections.abc import Iterator
from threading import Thread

import pytest
from playwright.sync_api import Page, Route, expect

from hub.commands.send import sample_for, with_values
from hub.events import format_time
from hub.tokens import Claims, Tokens, Use
from tests.e2e.conftest import OpenPage
from tests.e2e.meetings import join, now_ms, send
from tests.e2e.stage import Stage
from tests.processes import HubProcess

HOSTILE = '<img src=x onerror="window.wasRun = true">'
MINUTE_MS = 60_000


class HangUp(socketserver.StreamRequestHandler):
    """Reads what is asked, and hangs up."""

    def handle(self) -> None:
        """Whoever asks cannot know whether it was done."""
        self.rfile.readline()


@contextlib.contextmanager
def broken_provider() -> Iterator[str]:
    """Return the address of a provider whose answers are all lost."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), HangUp) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub for all tests of this file, each of which has bots and rooms of its own."""
    with broken_provider() as address:
        process = HubProcess(tmp_path_factory.mktemp("hub"), HUB_MEETINGBAAS__BASE_URL=address)
        process.start()
        yield process
        process.kill()


def show(open_page: OpenPage, hub: HubProcess, view: str, *, may_lose_the_stream: bool = False) -> Page:
    page = open_page(f"{hub.login_url()}#/{view}", may_lose_the_stream=may_lose_the_stream)
    expect(page.locator("#badge")).to_have_text("Live")
    expect(page.locator("main")).to_have_attribute("aria-busy", "false")
    return page


def tell(hub: HubProcess, bot: str, code: str, *, ago_ms: int = 0) -> None:
    """Let a bot report a status of some time ago."""
    told_at = f"data.status.created_at={format_time(now_ms() - ago_ms)}"
    send(hub, "meetingbaas", f"bot.status_change.{code}", f"data.bot_id={bot}", told_at)


def speak(hub: HubProcess, bot: str, number: int, text: str) -> None:
    said = {"id": f"s{number}", "text": text, "start": number * 2, "end": number * 2 + 1}
    changes = [f"data.segment.{name}={value}" for name, value in said.items()]
    send(hub, "meetingbaas", "guide.transcription.updated", f"data.botId={bot}", *changes)


def await_end(page: Page) -> None:
    """Wait until the transcript is at its end."""
    page.wait_for_function(
        """() => {
            const { scrollHeight, scrollTop, clientHeight } = document.querySelector(".speech");
            return scrollHeight - scrollTop - clientHeight < 2;
        }"""
    )


def test_now_tells_what_happens_what_arrives_and_what_fails(hub: HubProcess, open_page: OpenPage) -> None:
    """Who leaves the page open sees trouble without asking for it."""
    join(hub, "before", "Early")
    wrong = sample_for("pulse", "participant_joined", now_ms())
    assert hub.post("pulse", wrong, wrong=True)[0] == 401
    # Kept apart from the answer, a moment later.
    while not hub.get("/api/deliveries?verdict=refused")[1]["items"]:
        pass
    page = show(open_page, hub, "")
    failing = page.locator(".source-list [data-failing]", has_text="pulse")
    expect(failing).to_contain_text("1 refused")
    # What is shown anew each second stays where it is for whoever has come to it.
    failing.locator(".source-name").evaluate("link => (window.held = link).focus()")
    # Also what happened before the page was opened.
    expect(page.locator(".feed li").first).to_contain_text("before")
    join(hub, "now", HOSTILE)
    expect(page.locator(".feed li").first).to_contain_text("now")
    expect(page.locator(".feed li").first).to_contain_text("came")
    expect(page.locator("[data-count=people]")).to_have_text("2")
    # What arrived before the viewer was live is shown as what it did, and as nothing else.
    join(hub, "now", "Late")
    webhooks = page.locator(".rate", has_text="Webhooks")
    expect(webhooks.locator("strong")).not_to_have_text("0.0")
    expect(page.get_by_label("Connection")).to_contain_text("Nothing")
    assert page.evaluate("document.activeElement === held && held.isConnected")
    tell(hub, "now1", "in_waiting_room", ago_ms=6 * MINUTE_MS)
    expect(page.locator(".hero", has_text="Need attention")).to_contain_text(
        "1 in the lobby too long, 1 source failing"
    )
    expect(page.locator("[data-count=attention]")).to_have_text("2")
    expect(page).to_have_title("(1) Now · Meeting hub")
    needing = page.get_by_label("Need attention").locator("li")
    expect(needing.first).to_contain_text("Bot now1In the lobby for 6 min")
    needing.first.get_by_role("button", name="Let Bot now1 leave").click()
    page.get_by_role("dialog").get_by_role("button", name="No").click()
    page.locator(".hero", has_text="Need attention").click()
    expect(page.locator(".pill[aria-pressed=true]")).to_contain_text("Stuck")
    page.keyboard.press("Escape")
    page.locator(".unhandled a").click()
    expect(page.locator(".pill[aria-pressed=true]")).to_have_text("Unhandled")
    expect(page.locator("#deliveries .status .chip")).to_have_text(["Refused"])
    assert page.evaluate("window.wasRun") is None


def test_a_name_hides_nothing_that_stands_beside_it(hub: HubProcess, open_page: OpenPage) -> None:
    """However long it is, and whichever way it turns what follows: strangers choose it."""
    page = show(open_page, hub, "")
    named = ("room.sid=RM_long", "room.name=long", "participant.sid=PA_long", "participant.identity=w")
    send(hub, "livekit", "participant_joined", *named, "participant.name=\u202e" + "W" * 200)
    happened = page.locator(".feed li", has_text="long").first.locator("span > span").first
    expect(happened).to_have_text("W" * 79 + "… came")
    page.set_viewport_size({"width": 375, "height": 700})
    page.goto(f"{hub.url}/#/rooms/livekit:RM_long")
    name, time = page.locator(".presence-who .main"), page.locator(".presence-time")
    expect(time).to_be_visible()
    ends, begins = name.bounding_box(), time.bounding_box()
    assert ends and begins
    assert ends["x"] + ends["width"] <= begins["x"]


def test_who_only_reads_is_offered_nothing_that_would_be_refused(hub: HubProcess, open_page: OpenPage) -> None:
    """A page on a wall has a token of its own, which neither launches bots nor sees what arrives."""
    claims = Claims(use=Use.ACCESS, topics=("bots",), scope=("read",), exp=now_ms() // 1000 + 60)
    page = open_page(f"{hub.url}/?token={Tokens(hub.settings.auth.token_secrets).mint(claims)}")
    expect(page.locator("#badge")).to_have_text("Live")
    expect(page.locator(".rates")).to_contain_text("shown to administrators")
    expect(page.get_by_label("Sources")).to_have_count(0)
    # Of what it is not for nobody knows how much there is.
    expect(page.locator("[data-count=people]")).to_have_text("–")
    expect(page.locator(".hero", has_text="Live rooms")).to_contain_text("Not in this sign-in")
    page.keyboard.press("g")
    page.keyboard.press("b")
    expect(page.get_by_role("heading", name="Bots")).to_be_visible()
    expect(page.get_by_role("button", name="Launch a bot")).to_have_count(0)
    page.goto(f"{hub.url}/#/rooms")
    expect(page.locator(".empty:visible")).to_contain_text("This sign-in shows no rooms.")


def test_bots_say_what_went_wrong_on_whose_side_and_what_to_do(hub: HubProcess, open_page: OpenPage) -> None:
    """And who is stuck is marked, though nothing happens to it: that is what being stuck means."""
    tell(hub, "stuck1", "in_waiting_room", ago_ms=7 * MINUTE_MS)
    tell(hub, "fresh1", "in_waiting_room")
    send(hub, "meetingbaas", "bot.failed", "data.bot_id=failed1", f"data.bot_name={HOSTILE}")
    page = show(open_page, hub, "bots")
    reason = page.locator("tr", has_text="stuck1").locator(".reason")
    expect(reason).to_contain_text("In the lobby for 7 min: nobody has let it in.")
    expect(reason).to_contain_text("The host · Ask the host to admit it")
    expect(page.locator("tr", has_text="fresh1").locator(".reason .main")).to_be_empty()
    # Of an unknown address not even a box is there: a card would draw a dot after it.
    expect(page.locator("tr", has_text="fresh1").locator(".meeting .main:empty")).to_have_count(1)
    expect(page.locator("tr", has_text="failed1").locator(".reason")).to_contain_text("Nobody let the bot into")
    page.locator(".pill", has_text="Stuck").click()
    expect(page.locator("tr", has_text="stuck1")).to_be_visible()
    expect(page.locator("tr", has_text="fresh1")).to_have_count(0)
    page.locator("tr", has_text="stuck1").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h2", has_text="stuck1")).to_be_focused()
    # Back where one was: the same filter, and the row that was opened.
    page.keyboard.press("Escape")
    expect(page.locator("tr", has_text="stuck1")).to_be_focused()
    assert page.url.endswith("#/bots?status=stuck")
    page.keyboard.press("/")
    page.keyboard.type("nobody of that name")
    expect(page.locator(".empty:visible")).to_contain_text("No bot is like that now.")
    # Esc takes the words back, with all that they did.
    page.keyboard.press("Escape")
    expect(page.locator("tr", has_text="stuck1")).to_be_visible()
    page.keyboard.type("nobody of that name")
    expect(page.locator(".empty:visible")).to_contain_text("No bot is like that now.")
    # The address keeps it all: a link shows the same to somebody else.
    assert page.url.endswith("#/bots?status=stuck&q=nobody+of+that+name")
    page.goto(f"{hub.url}/#/bots?q=fresh1")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_label("Search bots").press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("h2", has_text="fresh1")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("h2", has_text="Bots")).to_be_visible()
    assert page.evaluate("window.wasRun") is None


REFUSED = [
    ("meeting", "INVALID_MEETING_URL", "What was asked for", "Copy the whole link"),
    ("meeting", "FST_ERR_VALIDATION", "What was asked for", "Correct what the provider does not take"),
    ("billing", "FST_ERR_BOT_ALREADY_EXISTS", "Your account", "another bot is in this meeting"),
    ("billing", "FST_ERR_DAILY_BOT_CAP_REACHED", "Your account", "Wait until tomorrow"),
    ("system", "provider_busy", "The provider", "Wait a minute"),
    ("system", "FST_ERR_FORBIDDEN", "This hub", "Correct the hub's key"),
]


def test_a_refused_launch_says_who_can_mend_what(hub: HubProcess, open_page: OpenPage) -> None:
    """There is no bot yet that a host could let in, and a key that is wrong stays wrong at the next launch."""
    page = show(open_page, hub, "")
    bot = {"id": "meetingbaas:launch-1", "provider": "meetingbaas", "launch_id": "launch-1", "status": "failed"}
    bots = [{**bot, "reason": {"group": group, "code": code, "message": ""}} for group, code, _, _ in REFUSED]
    found = page.evaluate(
        "bots => import('/static/trouble.js').then(({ trouble }) => bots.map((bot) => trouble(bot, 0)))",
        bots,
    )
    for (_, _, side, advice), said in zip(REFUSED, found, strict=True):
        assert said["side"] == side
        assert advice in said["advice"]


def test_nobody_is_blamed_for_what_was_asked_for_here(stage: Stage) -> None:
    """Nor is a bot said to have been told to leave that the meeting threw out, or to record what it has left."""
    assert stage.look(
        """(async () => {
            const { trouble } = await import("/static/trouble.js");
            const { happening } = await import("/static/happenings.js");
            const { recordingWords } = await import("/static/words.js");
            const { isDone, isLeaving } = await import("/static/bots.js");
            const asked = { code: "leave_requested", group: "host", message: "asked through the hub" };
            const bot = (status) => ({ id: "b", status, reason: asked });
            const left = (code) => happening({ type: "bot.leaving", data: { code, reason: { code } } }).words;
            const recording = { status: "recording", started_at: "1970-01-01T00:00:00Z", duration: null };
            const { words, side, advice } = trouble(bot("recording"), 0);
            return {
                callout: [words, side, advice],
                over: trouble(bot("completed"), 0).advice,
                leaving: ["in_call", "completed"].map((status) => isLeaving(bot(status))),
                told: ["leave_requested", "api_request_stop", "bot_removed"].map(left),
                recorded: recordingWords(recording, isDone(bot("left")) ? null : 9),
            };
        })()"""
    ) == {
        "callout": ["Asked to leave through this hub.", "", "It should be gone in a moment. If not, ask it again."],
        "over": "",
        "leaving": [True, False],
        "told": ["Told to leave", "Told to leave", "About to leave"],
        "recorded": "Recorded",
    }


def test_a_form_launches_one_bot_however_often_it_is_sent(hub: HubProcess, open_page: OpenPage) -> None:
    """A double click must not send two bots; what was changed after a refusal is another launch."""
    page = show(open_page, hub, "bots", may_lose_the_stream=True)
    sent: list[tuple[str, object]] = []

    def answer(route: Route) -> None:
        sent.append((route.request.headers["idempotency-key"], route.request.post_data_json))
        if len(sent) < 3:
            problem = {
                "title": "The account at the provider may not",
                "detail": "the account at the provider may not: no tokens are left, or its cap is reached",
                "fault": "account",
                "provider": {"code": "FST_ERR_INSUFFICIENT_TOKENS", "message": "0 tokens left"},
            }
            route.fulfill(status=402, json=problem, content_type="application/problem+json")
        else:
            route.fulfill(status=201, json={"bot": {"id": "meetingbaas:launch1"}})

    page.route("**/api/bots", answer)
    page.get_by_role("button", name="Launch a bot").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Meeting link").fill("https://meet.test/abc")
    form.get_by_role("button", name="Launch").click()
    expect(form.get_by_role("alert")).to_have_text("The account at the provider may not: 0 tokens left.")
    form.get_by_role("button", name="Launch").click()
    expect(form.get_by_role("button", name="Launch")).to_be_enabled()
    form.get_by_text("Options").click()
    form.get_by_label("More, as JSON").fill('{"extra": {"customer": 7}}')
    tell(hub, "launch1", "joining_call")
    form.get_by_role("button", name="Launch").dblclick()
    expect(page.locator("h2", has_text="launch1")).to_be_visible()
    first, again, changed = sent
    body = {"meeting_url": "https://meet.test/abc", "bot_name": "Notetaker"}
    assert first == again == (first[0], body)
    assert changed[0] != first[0]
    assert changed[1] == {**body, "extra": {"customer": 7}}


def test_a_launch_whose_answer_was_lost_is_looked_into_and_then_settled(hub: HubProcess, open_page: OpenPage) -> None:
    """Who is told to try again sends a second bot; and what somebody has looked into needs attention no longer."""
    page = show(open_page, hub, "bots", may_lose_the_stream=True)
    page.get_by_role("button", name="Launch a bot").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Meeting link").fill("https://meet.test/lost")
    form.get_by_role("button", name="Launch").click()
    expect(form.get_by_role("alert")).to_contain_text("There may be a bot in the meeting: look before")
    expect(form.get_by_role("button", name="Launch")).to_be_disabled()
    form.get_by_role("link", name="This launch").click()
    expect(page.locator(".callout")).to_contain_text("See at the provider whether a bot is in the meeting")
    page.goto(f"{hub.url}/#/bots?status=unknown")
    page.locator("tr", has_text="Notetaker").click()
    page.get_by_role("button", name="I have looked").click()
    question = page.get_by_role("dialog")
    question.get_by_label("Its id there").fill("nobody")
    question.get_by_role("button", name="It is this bot").click()
    expect(question.get_by_role("alert")).to_be_visible()
    question.get_by_role("button", name="There is no bot").click()
    expect(page.locator(".heading")).to_contain_text("Failed")
    expect(page.get_by_role("button", name="I have looked")).to_be_hidden()
    expect(page.locator(".callout")).to_contain_text("nothing is in the meeting")
    page.goto(f"{hub.url}/#/")
    expect(page.get_by_label("Need attention")).not_to_contain_text("Notetaker")


def test_a_bot_leaves_only_when_that_is_meant(hub: HubProcess, open_page: OpenPage) -> None:
    """One click too many must not end a recording."""
    tell(hub, "leaver-today", "in_call_not_recording")
    page = show(open_page, hub, "bots/meetingbaas:leaver-today")
    asked: list[str] = []

    def answer(route: Route) -> None:
        if route.request.method != "DELETE":
            return route.continue_()
        asked.append(route.request.url)
        return route.fulfill(status=202, json={})

    page.route("**/api/bots/meetingbaas:leaver-today", answer)
    page.get_by_role("button", name="Let it leave").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("Let Bot leaver-today leave?")
    expect(question.get_by_role("button", name="No")).to_be_focused()
    page.keyboard.press("Escape")
    expect(question).to_have_count(0)
    assert asked == []
    page.get_by_role("button", name="Let it leave").click()
    question.get_by_role("button", name="Let it leave").click()
    expect(question).to_have_count(0)
    assert len(asked) == 1


def test_the_timeline_has_everything_and_marks_what_came_late_or_again(hub: HubProcess, open_page: OpenPage) -> None:
    """Who asks why a meeting is missing reads here what the provider said, and when."""
    tell(hub, "story1", "joining_call", ago_ms=2 * MINUTE_MS)
    waiting = with_values(
        sample_for("meetingbaas", "v1.bot.status_change.in_waiting_room", now_ms()), ["data.bot_id=story1"]
    )
    assert [hub.post("meetingbaas", waiting)[1]["status"] for _ in range(2)] == ["accepted", "duplicate"]
    page = show(open_page, hub, "bots/meetingbaas:story1")
    line = page.locator(".timeline li", has_text="In the lobby")
    expect(line).to_contain_text("came 2 times")
    expect(page.locator(".timeline li", has_text="On its way")).to_contain_text("+2 min")
    # What happens now is added to what was read, and nothing is there twice.
    assert hub.post("meetingbaas", waiting)[1]["status"] == "duplicate"
    expect(line).to_contain_text("came 3 times")
    # Also of what has arrived only after the page was opened.
    joined = sample_for("meetingbaas", "v1.bot.status_change.in_call_not_recording", now_ms())
    joined = with_values(joined, ["data.bot_id=story1"])
    assert [hub.post("meetingbaas", joined)[1]["status"] for _ in range(2)] == ["accepted", "duplicate"]
    called = page.locator(".timeline li", has_text="In the call")
    expect(called).to_contain_text("came 2 times")
    expect(called.get_by_role("link")).to_have_attribute("href", re.compile("#/webhooks/"))
    tell(hub, "story1", "queued", ago_ms=5 * MINUTE_MS)
    expect(page.locator(".timeline li").first).to_contain_text("Queued")
    expect(page.locator(".timeline li").first).to_contain_text("out of order")
    expect(page.locator(".timeline li:not(.day)")).to_have_count(4)


def test_of_a_long_story_the_newest_is_held(stage: Stage) -> None:
    """And rather what happened than what was said; how much is left out is told."""
    assert stage.look(
        """import("/static/chronicle.js").then(async ({ Chronicle }) => {
            const asked = [];
            const type = (number) => (number > 1000 && number <= 4000 ? "transcript.updated" : "participant.joined");
            const event = (number) => ({
                id: `e.${number}`, sequence: number, type: type(number), subject: "bots/a", data: {},
                time: new Date(number).toISOString(), receivedat: new Date(number).toISOString(),
            });
            let head = 7000;
            const get = async (path) => {
                const after = Number(/after=e[.]([0-9]+)/.exec(path)?.[1] ?? 0);
                asked.push(after);
                const length = Math.min(1000, head - after);
                const items = Array.from({ length }, (_, place) => event(after + place + 1));
                return { items, next: after + items.length < head ? `e.${after + items.length}` : null };
            };
            const chronicle = new Chronicle({ get, may: () => false, changed() {} }, "bots/a");
            await chronicle.read();
            const { entries } = chronicle;
            head = 7002;
            await chronicle.read();
            const [first, second] = [entries, chronicle.entries].map((all) => [all[0].key, all.at(-1).key]);
            return [first, second, asked.at(-1), chronicle.leftOut];
        })"""
    ) == [["e7000", "e1"], ["e7002", "e1"], 7000, 2002]


def test_a_long_story_is_shown_to_its_beginning_and_by_days(stage: Stage) -> None:
    """The lobby of the day before is what one looks for, and a time alone does not say of which day it is."""
    assert stage.look(
        """(async () => {
            const { Chronicle } = await import("/static/chronicle.js");
            const { Timeline } = await import("/static/timeline.js");
            const [today, yesterday] = [2, 1].map((day) => new Date(2026, 4, day, 12).toISOString());
            const items = Array.from({ length: 250 }, (_, place) => ({
                id: `e.${place + 1}`, sequence: place + 1, type: "bot.joining", subject: "bots/a", data: {},
                time: place < 240 ? yesterday : today, receivedat: place < 240 ? yesterday : today,
            }));
            const page = { get: async () => ({ items, next: null }), may: () => false, changed() {} };
            const chronicle = new Chronicle(page, "bots/a");
            const timeline = new Timeline();
            const texts = () => [...timeline.root.querySelectorAll("li")].map((row) => row.textContent);
            timeline.show(chronicle, Date.parse(today), "Reading…");
            const before = timeline.root.querySelector("p:not([hidden])").textContent;
            await chronicle.read();
            timeline.show(chronicle, Date.parse(today), "");
            const first = texts();
            const button = timeline.root.querySelector("button");
            const offered = button.textContent;
            button.click();
            return [before, first.length, first[10], offered, texts().length, button.hidden];
        })()"""
    ) == ["Reading…", 201, "Friday, May 1", "Show older: 50 more", 251, True]


def test_what_could_not_be_read_of_a_bot_is_said_and_read_again(hub: HubProcess, open_page: OpenPage) -> None:
    """Else a page says for hours that nothing was told, because the hub was away for a moment."""
    tell(hub, "away1", "joining_call")
    send(hub, "meetingbaas", "v1.complete", "data.bot_id=away1")
    page = show(open_page, hub, "bots", may_lose_the_stream=True)
    page.clock.install()
    page.route("**/transcript?*", lambda route: route.fulfill(status=503, json={"title": "Storage is away"}))
    page.evaluate("location.hash = '#/bots/meetingbaas:away1'")
    expect(page.get_by_role("alert").locator("visible=true")).to_have_text(
        "Not all of it could be read: Storage is away. It is tried again."
    )
    expect(page.get_by_label("Transcript", exact=True)).to_contain_text("It could not be read.")
    # What could be read is there.
    expect(page.locator(".timeline")).to_contain_text("On its way")
    expect(page.get_by_role("link", name="video")).to_be_visible()
    page.unroute("**/transcript?*")
    # What one may not see, or is gone, is nothing that is lacking.
    page.route("**/api/recordings/*", lambda route: route.fulfill(status=404, json={"title": "Not found"}))
    page.clock.fast_forward(4000)
    expect(page.locator(".speech li").first).to_be_visible()
    expect(page.get_by_role("alert").locator("visible=true")).to_have_count(0)


def test_what_is_said_is_followed_until_one_reads_back(hub: HubProcess, open_page: OpenPage) -> None:
    """Nobody can read a text that runs away; whoever is at its end wants to see what comes."""
    tell(hub, "talk1", "in_call_not_recording")
    for number in range(30):
        speak(hub, "talk1", number, f"sentence {number} {HOSTILE} {'and so on ' * 20}")
    page = show(open_page, hub, "bots/meetingbaas:talk1")
    # Where each takes some lines, so that nobody knows how far the end is before it is seen.
    page.set_viewport_size({"width": 375, "height": 700})
    page.locator(".transcript").scroll_into_view_if_needed()
    said = page.locator(".speech li")
    expect(said).to_have_count(30)
    await_end(page)
    speak(hub, "talk1", 30, "the end" + " of it" * 40)
    expect(said.last).to_contain_text("the end")
    await_end(page)
    page.set_viewport_size({"width": 1280, "height": 700})
    await_end(page)
    expect(page.get_by_role("button", name="Follow")).to_be_hidden()
    page.locator(".speech").evaluate("list => (list.scrollTop = 100)")
    expect(page.get_by_role("button", name="Follow")).to_be_visible()
    speak(hub, "talk1", 31, "even later")
    expect(said).to_have_count(32)
    expect(said.last).not_to_be_in_viewport()
    page.keyboard.press("/")
    page.keyboard.type("even later")
    expect(page.locator(".speech li:visible")).to_have_count(1)
    expect(page.locator(".transcript header")).to_contain_text("1 of 32 segments")
    # Torn from what was said before it, it is told who said it.
    expect(page.locator(".speech li:visible .speaker")).to_be_visible()
    assert page.evaluate("String([...CSS.highlights.get('sought')])") == "even later"
    page.keyboard.press("Escape")
    expect(page.locator(".speech li:visible")).to_have_count(32)
    assert page.locator(".speech").evaluate("list => list.scrollTop") == 100
    assert page.evaluate("window.wasRun") is None


def test_one_more_segment_has_nothing_else_looked_at(stage: Stage) -> None:
    """A long meeting has thousands, and somebody may be reading them."""
    assert stage.look(
        """import("/static/transcript.js").then(async ({ Transcript }) => {
            let looks = 0;
            const segment = (number) => ({
                id: `s${number}`, text: `${number}`, speaker: "Ann", final: true,
                get start() { return (looks += 1), number; },
            });
            const items = Array.from({ length: 1000 }, (_, number) => segment(number));
            const transcript = new Transcript({ get: async () => ({ items, next: null }), changed() {} }, "a");
            const show = () => transcript.show({ told: null, isOver: false, unread: "" });
            await transcript.read();
            show();
            looks = 0;
            const hear = (one) => transcript.hear({ type: "transcript.updated", data: { segments: [one] } });
            hear(segment(1000));
            show();
            const few = looks;
            hear({ ...segment(3), id: "late", text: "late", start: 2.5 });
            show();
            const texts = [...transcript.root.querySelectorAll(".said")].map((one) => one.textContent);
            return [few < 10, texts.length, texts.slice(2, 4), texts.at(-1)];
        })"""
    ) == [True, 1002, ["2", "late"], "1000"]


def test_a_recording_is_reached_through_the_hub_as_long_as_its_link_is_good(
    hub: HubProcess, open_page: OpenPage
) -> None:
    """The provider's own links are secrets, and end."""
    send(hub, "meetingbaas", "v1.complete", "data.bot_id=done1")
    page = show(open_page, hub, "bots/meetingbaas:done1")
    files = page.get_by_label("Recording", exact=True)
    expect(files).to_contain_text("The links are good for")
    address = files.get_by_role("link", name="video").get_attribute("href")
    assert address == "api/recordings/meetingbaas:done1/content?artifact=video"
    # The page that was left open stays.
    expect(files.get_by_role("link", name="video")).to_have_attribute("target", "_blank")
    expect(page.get_by_label("People", exact=True).locator("li").first).to_contain_text("spoke")


def test_the_keyboard_reaches_everything(hub: HubProcess, open_page: OpenPage) -> None:
    """And says how."""
    page = show(open_page, hub, "")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Back up")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("g")
    page.keyboard.press("r")
    expect(page.locator(".top nav [aria-current=page]")).to_have_text("Rooms")
    page.keyboard.press("Escape")
    expect(page.locator(".top nav [aria-current=page]")).to_have_text("Now")
    assert page.title().endswith("Now · Meeting hub")
    page.goto(f"{hub.url}/#/bots/%3Cscript%3E")
    expect(page.locator("main .empty")).to_contain_text("There is nothing at this address.")
