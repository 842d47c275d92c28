/**
 * Server-sent events and a WebSocket behind one small interface: a line.
 *
 * A line tells `heard(name, said, id)` for each message, and `ended(how, { reason, retryMs })` when it ends:
 *
 * - `again`: the browser opens it again by itself
 * - `refused`: it was never open, and nobody says why
 * - `cut`: the network, or whoever is in between
 * - `later`: the hub asks to come back in a while
 * - `expired`: the permission has ended
 * - `forbidden`: the hub wants no more of us
 *
 * @typedef {"again" | "refused" | "cut" | "later" | "expired" | "forbidden"} Ending
 * @typedef {object} Listener
 * @property {(name: string, said: any, id: string) => void} heard
 * @property {(how: Ending, why?: { reason?: string, retryMs?: number }) => void} ended
 */

const NAMES = ["hello", "snapshot", "message", "heartbeat", "token", "auth.expiring", "reset", "bye"];
const SUBPROTOCOL = "hub.v1";
/** @type {Record<number, Ending>} */
const CLOSE_CODES = { 1008: "forbidden", 1012: "later", 1013: "later", 4401: "expired" };

/** Open a line. @param {"sse" | "websocket"} transport @param {URL} url @param {Listener} listener */
export function open(transport, url, listener) {
  return transport === "websocket" ? new SocketLine(url, listener) : new EventLine(url, listener);
}

class EventLine {
  /** Whether something can be said to the hub. */
  isTwoWay = false;
  #source;

  constructor(url, { heard, ended }) {
    const source = (this.#source = new EventSource(url.href));
    for (const name of NAMES) {
      source.addEventListener(name, ({ data, lastEventId }) => {
        // What was on its way when the line was closed is no longer ours.
        if (source.readyState !== EventSource.CLOSED) heard(name, JSON.parse(data), lastEventId);
      });
    }
    source.onerror = () => ended(source.readyState === EventSource.CLOSED ? "refused" : "again");
  }

  get isOpen() {
    return this.#source.readyState === EventSource.OPEN;
  }

  say() {}

  close() {
    this.#source.onerror = null;
    this.#source.close();
  }
}

class SocketLine {
  isTwoWay = true;
  #socket;
  #wasOpen = false;
  #retryMs;

  constructor(url, { heard, ended }) {
    const socket = (this.#socket = new WebSocket(socketUrl(url), SUBPROTOCOL));
    socket.onopen = () => (this.#wasOpen = true);
    socket.onmessage = ({ data }) => {
      const { event, id, data: said, retry = this.#retryMs } = JSON.parse(data);
      this.#retryMs = retry;
      heard(event, said, id ?? "");
    };
    socket.onclose = ({ code, reason }) => {
      ended(CLOSE_CODES[code] ?? (this.#wasOpen ? "cut" : "refused"), { reason, retryMs: this.#retryMs });
    };
  }

  get isOpen() {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  say(action) {
    this.#socket.send(JSON.stringify(action));
  }

  close() {
    Object.assign(this.#socket, { onopen: null, onmessage: null, onclose: null });
    this.#socket.close();
  }
}

/** The hub's WebSocket is beside its stream. */
function socketUrl(url) {
  const address = new URL(url);
  address.protocol = address.protocol.replace("http", "ws");
  address.pathname = address.pathname.replace(/\/stream$/, "/ws");
  return address.href;
}
