/**
 * The hub in a browser: a live copy of bots and rooms, and the truth about how fresh it is.
 *
 *     import { connect } from "/static/hub.js";
 *     const hub = connect({ topics: ["bots", "rooms"] });
 *     hub.addEventListener("change", () => draw(hub.bots, hub.rooms));
 *     hub.addEventListener("status", () => showBadge(hub.freshness, hub.behind));
 *
 * Each connection goes on where the one before stopped: nothing is missed and nothing comes twice. Tabs share one.
 *
 * @typedef {import("./hub.d.ts").Options} Options
 * @typedef {import("./hub.d.ts").Status} Status
 */

import { ask } from "./asking.js";
import { Beats, isAfter, isLongAgo } from "./beats.js";
import { Connection } from "./connection.js";
import { Credential } from "./credential.js";
import { Documents } from "./documents.js";
import { Group, groupName } from "./sharing.js";

const WAKING = ["online", "pageshow", "visibilitychange", "resume"];
// A page that is put aside must not keep the others waiting, and may be kept whole if it holds nothing.
const LEAVING = ["pagehide", "freeze"];
const TICK_MS = 1000;
// What ended longer ago is of no snapshot; hubs that do not say it have an hour.
const USUAL_RECENT_S = 3600;
const FORGET_MS = 60_000;

/**
 * Open the stream and keep it open until `close()`.
 *
 * @param {Options} [options]
 * @returns {Hub}
 */
export function connect(options = {}) {
  return new Hub(options);
}

/** A connection to the hub with what it has told so far. Tells `change`, `delivery`, `status` and `expiring`. */
export class Hub extends EventTarget {
  #documents = new Documents();
  bots = this.#documents.bots;
  rooms = this.#documents.rooms;
  schedules = this.#documents.schedules;
  /** The participants of each room, by id, in a map by the room's id. */
  participants = this.#documents.participants;
  recordings = this.#documents.recordings;

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
  #transport;
  #share;
  #credential;
  // Who leads has a connection, who follows has none; alone there is no group, and put aside there is neither.
  /** @type {Connection | null} */
  #connection = null;
  /** @type {Group | null} */
  #group = null;
  // What is shown is what the hub told on this connection, or has been resumed by it.
  #isCurrent = false;
  // What is shown is of other topics than those that are followed now: there is no going on from it.
  #isOfOthers = false;
  // Somebody looks, or has just come: a leader that is signed out must not be the last word.
  #isAnxious = true;
  #beats = new Beats();
  // As far as events were told; what is shown may begin anew a little before.
  #reached = "";
  #told = "";
  #forgotAt = Date.now();
  #ticker = setInterval(() => this.#tick(), TICK_MS);
  #closing = new AbortController();

  /** @param {Options} options */
  constructor({ url, topics = [], token = "", getToken, transport = "sse", share = true } = {}) {
    super();
    this.#url = url ? new URL(url, location.href) : new URL("../api/stream", import.meta.url);
    this.#topics = [...topics];
    this.#transport = transport;
    this.#share = share;
    this.#credential = new Credential(token, getToken);
    // Some of these are told to the document, and do not come up from there.
    const heard = { signal: this.#closing.signal, capture: true };
    for (const name of WAKING) addEventListener(name, (event) => this.#wake(event), heard);
    for (const name of LEAVING) addEventListener(name, () => this.#stepAside(), heard);
    this.#join();
  }

  /** In one word: `live`, `behind`, or `stale` when what is shown may be outdated. */
  get freshness() {
    return this.status === "live" || this.status === "behind" ? this.status : "stale";
  }

  /** The hub's time in milliseconds since 1970, whatever this machine's clock says. */
  now() {
    return this.#beats.now();
  }

  /** Go on with another token: before the old one expires, or when signed out. */
  renew(token = "") {
    const wasCookie = this.#credential.isCookie;
    this.#credential.replace(token);
    // Only with the cookie tabs share without a name.
    if (wasCookie !== this.#credential.isCookie && this.#share === true) return this.#joinOthers();
    // Tokens are not handed to other tabs: who has the new one leads.
    if (this.#connection) this.#connection.renew();
    else this.#group?.take();
  }

  /** Read something of the API with the same credential: `get("/api/bots")`. */
  get(path) {
    return this.send("GET", path);
  }

  /** Ask the API for something; fails with the problem that the hub answered. */
  send(method, path, body = undefined, headers = {}) {
    return ask({ home: this.#url, credential: this.#credential, method, path, body, headers });
  }

  /** Follow more topics. What is shown stays until what they hold has come. */
  subscribe(...topics) {
    this.#follow([...new Set([...this.#topics, ...topics])]);
  }

  /** Follow fewer topics. The last one cannot be left: then `close()`. */
  unsubscribe(...topics) {
    const left = this.#topics.filter((topic) => !topics.includes(topic));
    if (this.#topics.length && !left.length) throw new RangeError("no topic would be left: close() instead");
    this.#follow(left);
  }

  /** Stop for good. What was told stays in the maps. */
  close() {
    this.#closing.abort();
    clearInterval(this.#ticker);
    this.#leave();
  }

  #follow(topics) {
    if (this.#closing.signal.aborted || String(topics) === String(this.#topics)) return;
    this.#topics = topics;
    // Alone one may ask for the rest on the same connection; a group follows what it is named for.
    if (!this.#group && this.#connection?.follow(topics)) return;
    this.#isOfOthers = true;
    this.#joinOthers();
  }

  /** Share with those that want what we want now. Who is put aside does so on coming back. */
  #joinOthers() {
    if (!this.#connection && !this.#group) return;
    this.#leave();
    this.#join();
  }

  #join() {
    const [url, topics, transport, share] = [this.#url, this.#topics, this.#transport, this.#share];
    const name = groupName({ url, topics, transport, share, isCookie: this.#credential.isCookie });
    if (!name) return this.#lead();
    this.#isAnxious = true;
    this.#group = new Group(name, {
      position: () => this.#resumable,
      lead: () => this.#lead(),
      follow: () => this.#yield(),
      standAlone: () => {
        this.#group = null;
        this.#lead();
      },
      hear: (name, said, id) => this.#hear(name, said, id),
      copy: (isAnxious) => this.#copy(isAnxious),
      adopt: (copied) => this.#adopt(copied),
    });
  }

  #lead() {
    this.#isAnxious = false;
    const [url, topics, transport, credential] = [this.#url, this.#topics, this.#transport, this.#credential];
    const hear = (name, said, id) => {
      this.#group?.post(name, said, id);
      this.#hear(name, said, id);
    };
    this.#connection = new Connection({ url, topics, transport, credential }, { position: () => this.#resumable, hear });
    // Only now: who hears of it may close it.
    this.#connection.open();
  }

  #yield() {
    this.#connection?.close();
    this.#connection = null;
  }

  #leave() {
    this.#group?.leave();
    this.#group = null;
    this.#yield();
  }

  #stepAside() {
    this.#leave();
    this.#hear("lost", {}, "");
  }

  get #resumable() {
    return this.#isOfOthers ? "" : this.position;
  }

  /** @param {string} name @param {any} said @param {string} id */
  #hear(name, said, id) {
    if (name === "opening") return this.#beginAnew();
    if (name === "lost") return this.#lose(said);
    if (name === "refused") return this.#refuse(said);
    this.heardAt = Date.now();
    // What arrives is no event of the log: it has no place, and there is no state of it.
    if (name === "message" && said.type?.startsWith("delivery.")) return this.#emit("delivery", said);
    // Who was ahead of a new leader has it already.
    if (name === "message" && said.id && !isAfter(said.id, this.position)) return;
    const isShown = name === "snapshot" && this.#gather(said);
    if (name === "hello") this.#greet(said);
    if (name === "message") this.#documents.apply(said.data);
    if (name === "message" && said.type?.endsWith(".erased")) this.#documents.forget(said.subject);
    if (name === "heartbeat") this.#keepTime(said);
    if (name === "reset") this.#outdate();
    const hasTurned = name === "subscribed" || name === "unsubscribed";
    if (hasTurned) this.#turn(said);
    // The position of a snapshot holds once all of it is there.
    if (isShown || (id && !this.#documents.isComing && isAfter(id, this.position))) this.position = id;
    if (this.#isCurrent && this.status !== "live") this.#judge();
    if (name === "message" || isShown || hasTurned) this.#change(name === "message" ? said : null);
    if (name === "auth.expiring") this.#emit("expiring", said);
  }

  #change(event) {
    // What a snapshot of other topics begins before is told again; it is shown, but it is no news.
    const isNews = event && (!event.id || isAfter(event.id, this.#reached));
    if (isAfter(this.position, this.#reached)) this.#reached = this.position;
    this.#emit("change", { event: isNews ? event : null, position: this.position });
  }

  #begin() {
    this.#documents.abandon();
    this.#isCurrent = false;
  }

  /** After hours of sleep nobody has noticed yet that nothing was heard. */
  #beginAnew() {
    this.#begin();
    this.#noticeSilence();
  }

  #lose({ problem = this.problem }) {
    this.#begin();
    this.problem = problem;
    this.#tellLost();
  }

  #refuse({ problem }) {
    this.#begin();
    this.problem = problem;
    this.#tell("signed-out");
  }

  #greet({ heartbeat, resumed }) {
    this.#beats.begin(heartbeat, { resumed });
    this.problem = "";
    this.#isCurrent = resumed;
    if (!resumed) this.#documents.expectAll();
    if (!resumed && this.status === "live") this.#tell("behind", null);
  }

  /** @param {import("./hub.d.ts").SnapshotPage} page */
  #gather(page) {
    if (!this.#documents.gather(page)) return false;
    this.#isCurrent = true;
    this.#isOfOthers = false;
    this.#beats.setClock(page.time);
    this.#documents.recentMs = (page.recent ?? USUAL_RECENT_S) * 1000;
    return true;
  }

  /** Other topics are followed; of what was added a snapshot comes, without which there is no going on. */
  #turn({ topics, added }) {
    this.#documents.follow(topics, added);
    this.#isOfOthers = added.length > 0;
  }

  #keepTime({ time, head, degraded, reasons = [] }) {
    this.#beats.setClock(time);
    this.#beats.setHead(head);
    Object.assign(this, { degraded, reasons });
    this.#tell(this.status, this.behind);
  }

  /** What is shown is outdated, and stays shown until the new snapshot is complete. */
  #outdate() {
    this.#documents.expectAll();
    if (this.#isCurrent) this.#tell("behind", null);
    this.#isCurrent = false;
  }

  #copy(isAnxious) {
    // To be asked is also an occasion to look at the clock: timers of hidden pages are slow.
    this.#connection?.tick();
    if (isAnxious && !this.#connection?.wasHeardLately) this.#connection?.wake();
    const { status, behind, degraded, reasons, problem, heardAt } = this;
    return {
      documents: this.#documents.copy(),
      position: this.#resumable,
      isCurrent: this.#isCurrent,
      // So called among tabs, of which some may be of an older page.
      pulse: this.#beats.copy(),
      said: { degraded, reasons, problem, heardAt },
      status,
      behind,
    };
  }

  #adopt({ documents, position, isCurrent, pulse, said, status, behind }) {
    const isNews = position && (this.#isOfOthers || isAfter(position, this.position));
    this.#documents.goOnLike(documents);
    if (isNews) {
      this.#documents.replaceAll(documents);
      this.#isOfOthers = false;
      this.position = position;
    }
    this.#beats.adopt(pulse);
    Object.assign(this, said);
    this.#isCurrent = isCurrent;
    this.#tell(status, behind);
    if (isNews) this.#change(null);
    if (status === "signed-out" && this.#isAnxious) this.#group?.take();
    this.#isAnxious = false;
  }

  /** Tell how far we are. */
  #judge() {
    if (this.#isSilent) return this.#tellLost();
    const behind = this.#beats.behind(this.position);
    this.#tell(behind === 0 ? "live" : "behind", behind);
  }

  #tick() {
    this.#connection?.tick();
    this.#group?.tick(this.#beats.patienceMs);
    this.#noticeSilence();
    if (this.#isCurrent) this.#judge();
    if (Date.now() - this.#forgotAt > FORGET_MS) this.#forget();
  }

  /** Over days what ended would be more than all that goes on. */
  #forget() {
    this.#forgotAt = Date.now();
    if (this.#isCurrent && this.#documents.forgetOld(this.now(), this.#topics)) this.#change(null);
  }

  get #isSilent() {
    return isLongAgo(this.heardAt, this.#beats.patienceMs);
  }

  #noticeSilence() {
    if (this.freshness !== "stale" && this.#isSilent) this.#tellLost();
  }

  /** Back from sleep, from the cache of pages, or from a place without network: don't wait for a timer. */
  #wake(event) {
    if (event.type === "visibilitychange" && document.hidden) return;
    if (!this.#connection && !this.#group) return this.#join();
    if (event.type === "pageshow" && !event.persisted) return;
    const isUrgent = event.type !== "visibilitychange" || !this.#connection?.wasHeardLately;
    this.#isAnxious = true;
    if (!this.#connection) this.#group?.ask(true);
    else if (isUrgent) this.#connection.wake();
  }

  #tellLost() {
    this.#tell(this.position ? "reconnecting" : "connecting");
  }

  /** @param {Status} status @param {number | null} [behind] */
  #tell(status, behind = 0) {
    Object.assign(this, { status, behind });
    const { freshness, degraded, reasons, problem } = this;
    const told = { status, freshness, behind, degraded, reasons, problem };
    if (JSON.stringify(told) === this.#told) return;
    this.#told = JSON.stringify(told);
    this.#emit("status", told);
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
