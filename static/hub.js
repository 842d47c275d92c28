/**
 * The hub in a browser: a live copy of bots and rooms, and the truth about how fresh it is.
 *
 *     import { connect } from "/static/hub.js";
 *     const hub = connect({ topics: ["bots", "rooms"] });
 *     hub.addEventListener("change", () => draw(hub.bots, hub.rooms));
 *     hub.addEventListener("status", () => showBadge(hub.status, hub.behind));
 *
 * Each connection goes on where the one before stopped: nothing is missed and nothing comes twice.
 *
 * @typedef {import("./hub.d.ts").Options} Options
 * @typedef {import("./hub.d.ts").Status} Status
 * @typedef {import("./hub.d.ts").SnapshotPage} SnapshotPage
 * @typedef {import("./hub.d.ts").EventData} EventData
 */

const NAMES = ["hello", "snapshot", "message", "heartbeat", "token", "auth.expiring", "reset", "bye"];
const WAKING = ["online", "pageshow", "visibilitychange"];
const COLLECTIONS = /** @type {const} */ (["bots", "rooms", "schedules", "recordings", "participants"]);
const USUAL_HEARTBEAT_MS = 30_000;
const SILENT_BEATS = 2.5;
const OPENING_MS = 20_000;
const TICK_MS = 1000;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;

/**
 * Open the stream and keep it open until `close()`.
 *
 * @param {Options} [options]
 * @returns {Hub}
 */
export function connect(options = {}) {
  return new Hub(options);
}

/** A connection to the hub with what it has told so far. Tells `change`, `status` and `expiring`. */
export class Hub extends EventTarget {
  bots = new Map();
  rooms = new Map();
  schedules = new Map();
  /** The participants of each room, by id, in a map by the room's id. */
  participants = new Map();
  recordings = new Map();

  /** @type {Status} */
  status = "connecting";
  /** How many events are missing while the status is `behind`; null when that is not known. @type {number | null} */
  behind = 0;
  /** Whether the hub itself is in trouble. */
  degraded = false;
  reasons = [];
  /** Why the hub refused us, in its own words. */
  problem = "";
  /** Everything up to here is shown. */
  position = "";
  /** When the hub was last heard, in milliseconds since 1970 by this machine's clock. */
  heardAt = 0;

  #url;
  #topics;
  #token;
  #reconnectToken = "";
  /** @type {EventSource | null} */
  #source = null;
  /** @type {AbortController | null} */
  #probe = null;
  /** A snapshot that is not complete yet. @type {SnapshotPage | null} */
  #coming = null;
  // What is shown is what the hub told on this connection, or has been resumed by it.
  #isCurrent = false;
  #heartbeatMs = USUAL_HEARTBEAT_MS;
  #head = 0;
  #clockLead = 0;
  // When the connection was last begun or lost.
  #triedAt = 0;
  #beatAt = 0;
  #failures = 0;
  #told = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retryTimer;
  #ticker = setInterval(() => this.#tick(), TICK_MS);
  #closing = new AbortController();

  /** @param {Options} options */
  constructor({ url, topics = [], token = "" }) {
    super();
    this.#url = url ? new URL(url, location.href) : new URL("../api/stream", import.meta.url);
    this.#topics = topics;
    this.#token = token;
    for (const name of WAKING) addEventListener(name, (event) => this.#wake(event), { signal: this.#closing.signal });
    this.#open();
  }

  /** The hub's time in milliseconds since 1970, whatever this machine's clock says. */
  now() {
    return Date.now() + this.#clockLead;
  }

  /** Go on with another token: before the old one expires, or when signed out. */
  renew(token = "") {
    this.#token = token;
    this.#reconnectToken = "";
    this.#failures = 0;
    this.#open();
  }

  /** Stop for good. What was told stays in the maps. */
  close() {
    this.#closing.abort();
    clearInterval(this.#ticker);
    this.#drop();
  }

  #open() {
    this.#drop();
    this.#triedAt = Date.now();
    const source = new EventSource(this.#address());
    this.#source = source;
    for (const name of NAMES) {
      source.addEventListener(name, (message) => source === this.#source && this.#hear(name, message));
    }
    source.onerror = () => source === this.#source && this.#fail(source);
  }

  #drop() {
    clearTimeout(this.#retryTimer);
    this.#source?.close();
    this.#source = null;
    this.#probe?.abort();
    this.#probe = null;
    this.#coming = null;
    this.#isCurrent = false;
  }

  #address() {
    const address = new URL(this.#url);
    if (this.#reconnectToken) {
      address.searchParams.set("reconnect", this.#reconnectToken);
    } else {
      for (const topic of this.#topics) address.searchParams.append("topic", topic);
      if (this.#token) address.searchParams.set("token", this.#token);
    }
    if (this.position) address.searchParams.set("last_event_id", this.position);
    return address.href;
  }

  /** @param {string} name @param {MessageEvent<string>} message */
  #hear(name, { data, lastEventId }) {
    const said = JSON.parse(data);
    this.heardAt = Date.now();
    this.#failures = 0;
    if (name === "hello") this.#greet(said);
    if (name === "snapshot") this.#gather(said);
    if (name === "message") this.#apply(said.data);
    if (name === "message" && said.type?.endsWith(".erased")) this.#forget(said.subject);
    if (name === "heartbeat") this.#beat(said);
    if (name === "token") this.#reconnectToken = said.reconnect_token;
    if (name === "reset") this.#lose();
    if (name === "bye" && !said.reconnect) return this.#examine();
    // The position of a snapshot holds once all of it is there.
    if (lastEventId && !this.#coming) this.position = lastEventId;
    if (this.#isCurrent && this.status !== "live") this.#judge();
    if (name === "message") this.#emit("change", { event: said, position: this.position });
    if (name === "snapshot" && said.complete) this.#emit("change", { event: null, position: this.position });
    if (name === "auth.expiring") this.#emit("expiring", said);
  }

  #greet({ heartbeat, reconnect_token, resumed }) {
    this.#heartbeatMs = heartbeat * 1000;
    this.#reconnectToken = reconnect_token;
    this.#beatAt = Date.now();
    this.#head = 0;
    this.#isCurrent = resumed;
    this.problem = "";
  }

  /** @param {SnapshotPage} page */
  #gather(page) {
    this.#coming ??= { complete: false, time: page.time };
    for (const name of COLLECTIONS) (this.#coming[name] ??= []).push(...(page[name] ?? []));
    if (!page.complete) return;
    for (const name of COLLECTIONS) this[name].clear();
    this.#apply(this.#coming);
    this.#coming = null;
    this.#isCurrent = true;
    this.#beatAt = Date.now();
    this.#clockLead = Date.parse(page.time) - this.#beatAt;
  }

  /** Replace what is held by what is told; it may be told twice, in a snapshot and in an event. @param {EventData} said */
  #apply({ bot, room, schedule, recording, transcript, participant, ...several }) {
    const { bots = [], rooms = [], schedules = [], recordings = [], participants = [] } = several;
    for (const one of bot ? [bot] : bots) replace(this.bots, one);
    for (const one of room ? [room] : rooms) replace(this.rooms, one);
    for (const one of schedule ? [schedule] : schedules) replace(this.schedules, one);
    if (schedule?.status === "CANCELLED") this.schedules.delete(schedule.id);
    for (const one of [recording, transcript, ...recordings]) if (one) replace(this.recordings, one);
    for (const one of participant ? [participant] : participants) replace(this.#peopleOf(one.room), one);
    if (room?.status === "ended") this.#emptyOut(room);
  }

  /** What was erased is gone, with all that was part of it. @param {string} subject */
  #forget(subject) {
    const [collection, id] = [subject.slice(0, subject.indexOf("/")), subject.slice(subject.indexOf("/") + 1)];
    this[collection]?.delete(id);
    this.participants.delete(id);
    for (const one of this.recordings.values()) {
      if ((collection === "bots" ? one.bot : one.room) === id) this.recordings.delete(one.id);
    }
  }

  #peopleOf(room) {
    if (!this.participants.has(room)) this.participants.set(room, new Map());
    return this.participants.get(room);
  }

  /** In an ended room nobody is active, also when there were too many to name each. */
  #emptyOut(room) {
    const people = this.participants.get(room.id) ?? new Map();
    for (const one of people.values()) {
      if (one.active) replace(people, { ...one, active: false, left_at: room.ended_at, sequence: room.sequence });
    }
  }

  #beat({ time, head, degraded, reasons = [] }) {
    this.#beatAt = Date.now();
    this.#clockLead = Date.parse(time) - this.#beatAt;
    this.#head = sequenceOf(head);
    this.degraded = degraded;
    this.reasons = reasons;
    this.#tell(this.status, this.behind);
  }

  /** What is shown is outdated, and stays shown until the new snapshot is complete. */
  #lose() {
    this.#coming = null;
    if (this.#isCurrent) this.#tell("behind", null);
    this.#isCurrent = false;
  }

  /** Tell how far we are. There is no heartbeat for who catches up: then nobody knows by how much. */
  #judge() {
    const isBeating = Date.now() - this.#beatAt <= SILENT_BEATS * this.#heartbeatMs;
    const behind = isBeating ? Math.max(0, this.#head - sequenceOf(this.position)) : null;
    this.#tell(behind === 0 ? "live" : "behind", behind);
  }

  #tick() {
    if (!this.#source) return;
    const isOpen = this.#source.readyState === EventSource.OPEN;
    const patience = isOpen ? SILENT_BEATS * this.#heartbeatMs : OPENING_MS;
    if (Date.now() - Math.max(this.heardAt, this.#triedAt) > patience) {
      this.#failures += 1;
      this.#retryLater();
    } else if (this.#isCurrent) {
      this.#judge();
    }
  }

  /** @param {EventSource} source */
  #fail(source) {
    this.#tellLost();
    this.#coming = null;
    this.#isCurrent = false;
    this.#triedAt = Date.now();
    this.#failures += 1;
    if (source.readyState === EventSource.CLOSED) return this.#examine();
    // The first attempt is the browser's own, since only it knows the `retry:` that the hub asked for.
    if (this.#failures > 1) this.#retryLater();
  }

  /** Find out what EventSource does not tell: whether we were refused, or the network failed. */
  async #examine() {
    this.#drop();
    this.#tellLost();
    const probe = (this.#probe = new AbortController());
    const timer = setTimeout(() => probe.abort(), OPENING_MS);
    const { status, problem } = await answerOf(this.#address(), probe.signal);
    clearTimeout(timer);
    probe.abort();
    if (this.#probe !== probe) return;
    this.problem = problem;
    if (status >= 400 && status < 500 && this.#reconnectToken) {
      // Perhaps only this token is no longer good: ask again with what we were given at first.
      this.#reconnectToken = "";
      return this.#examine();
    }
    if (status === 401 || status === 403) return this.#tell("signed-out");
    this.#retryLater();
  }

  #retryLater() {
    this.#drop();
    this.#tellLost();
    const longest = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.#failures);
    this.#retryTimer = setTimeout(() => this.#open(), Math.random() * longest);
  }

  /** Back from sleep, from the cache of pages, or from a place without network: don't wait for a timer. */
  #wake(event) {
    if (event.type === "pageshow" && !event.persisted) return;
    if (event.type === "visibilitychange" && (document.hidden || this.#wasHeardLately())) return;
    this.#failures = 0;
    this.#open();
  }

  #wasHeardLately() {
    return this.#source?.readyState === EventSource.OPEN && Date.now() - this.heardAt <= this.#heartbeatMs;
  }

  #tellLost() {
    this.#tell(this.position ? "reconnecting" : "connecting");
  }

  /** @param {Status} status @param {number | null} [behind] */
  #tell(status, behind = 0) {
    Object.assign(this, { status, behind });
    const { degraded, reasons, problem } = this;
    const freshness = { status, behind, degraded, reasons, problem };
    if (JSON.stringify(freshness) === this.#told) return;
    this.#told = JSON.stringify(freshness);
    this.#emit("status", freshness);
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

function replace(held, told) {
  if (!(held.get(told.id)?.sequence > told.sequence)) held.set(told.id, told);
}

function sequenceOf(position) {
  return Number(position.slice(position.lastIndexOf(".") + 1));
}

/** Return the status of the answer, 0 when there was none, and what it says is wrong. */
async function answerOf(address, signal) {
  try {
    const answer = await fetch(address, { signal, cache: "no-store", headers: { Accept: "text/event-stream" } });
    const isProblem = answer.headers.get("Content-Type")?.startsWith("application/problem+json");
    const said = isProblem ? await answer.json() : {};
    return { status: answer.status, problem: said.detail ?? said.title ?? "" };
  } catch {
    return { status: 0, problem: "" };
  }
}
