"""hub.js on a stage: a hub that misbehaves as a test wants, and time that stands still."""

from pathlib import Path

from playwright.sync_api import BrowserContext, Route

STATIC = Path(__file__).resolve().parents[2] / "static"


class Stage:
    """hub.js with a hub that says what the test wants, and a clock that only the test moves."""

    def __init__(self, context: BrowserContext) -> None:
        self.status = 503
        self.asked: list[str] = []
        context.route("http://hub.test/**", self._answer)
        self.page = context.new_page()
        self.page.clock.install(time=0)
        self.page.clock.pause_at(1000)
        self.page.goto("http://hub.test/")
        self.page.evaluate(
            """async () => {
                window.sources = [];
                window.EventSource = class extends EventTarget {
                    static CONNECTING = 0;
                    static OPEN = 1;
                    static CLOSED = 2;
                    readyState = 0;
                    lastEventId = "";
                    constructor(address) {
                        super();
                        this.address = address;
                        sources.push(this);
                    }
                    close() {
                        this.readyState = EventSource.CLOSED;
                    }
                    tell(name, said, position) {
                        this.readyState = EventSource.OPEN;
                        // As in a real one, what has no id of its own has the last one.
                        this.lastEventId = position ?? this.lastEventId;
                        const { lastEventId } = this;
                        this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(said), lastEventId }));
                    }
                    fail(readyState) {
                        this.readyState = readyState;
                        this.onerror(new Event("error"));
                    }
                };
                window.sockets = [];
                window.WebSocket = class extends EventTarget {
                    static OPEN = 1;
                    readyState = 0;
                    said = [];
                    constructor(address, protocol) {
                        super();
                        Object.assign(this, { address, protocol });
                        sockets.push(this);
                    }
                    send(text) {
                        this.said.push(JSON.parse(text));
                    }
                    close() {
                        this.readyState = 3;
                    }
                    tell(told) {
                        this.readyState = 1;
                        this.onopen?.(new Event("open"));
                        this.onmessage?.(new MessageEvent("message", { data: JSON.stringify(told) }));
                    }
                    end(code, reason = "") {
                        this.readyState = 3;
                        this.onclose?.(new CloseEvent("close", { code, reason }));
                    }
                };
                const { connect } = await import("http://hub.test/static/hub.js");
                window.connect = connect;
                window.hub = connect({ topics: ["rooms"] });
            }"""
        )

    def _answer(self, route: Route) -> None:
        url = route.request.url
        if "/static/" in url:
            route.fulfill(path=STATIC / url.rpartition("/")[2], content_type="text/javascript")
        elif "/api/stream" in url:
            self.asked.append(url)
            refusal = '{"detail": "as the test wants"}'
            route.fulfill(status=self.status, content_type="application/problem+json", body=refusal)
        else:
            route.fulfill(content_type="text/html", body="<!doctype html><title>stage</title>")

    def tell(self, name: str, said: object, position: str | None = None) -> None:
        self.page.evaluate("(told) => sources.at(-1).tell(...told)", [name, said, position])

    def greet(self, *, resumed: bool = False) -> None:
        said = {"heartbeat": 10, "reconnect_token": "ticket", "resumed": resumed, "expires_at": None}
        self.tell("hello", said, "e.1" if resumed else None)

    def show(self, *names: str, position: str | None, complete: bool = True) -> None:
        self.tell("snapshot", {"rooms": rooms(*names), "complete": complete, "time": "1970-01-01T00:00:01Z"}, position)

    def beat(self, position: str, head: str) -> None:
        self.tell("heartbeat", {"time": "1970-01-01T00:00:01Z", "head": head, "degraded": False}, position)

    def fail(self, *, closed: bool) -> None:
        self.page.evaluate("(state) => sources.at(-1).fail(state)", 2 if closed else 0)

    def wait(self, seconds: float) -> None:
        self.page.clock.run_for(int(seconds * 1000))

    def look(self, expression: str) -> object:
        return self.page.evaluate(expression)

    def await_status(self, status: str) -> None:
        self.page.wait_for_function("(status) => hub.status === status", arg=status, polling=20)

    @property
    def shown(self) -> object:
        return self.look("[...hub.rooms.keys()].join()")

    @property
    def addresses(self) -> list[str]:
        found: list[str] = self.page.evaluate("sources.map(({ address }) => address.replace('http://hub.test', ''))")
        return found


def rooms(*names: str, sequence: int = 1) -> list[dict[str, object]]:
    return [{"id": name, "status": "live", "sequence": sequence} for name in names]
