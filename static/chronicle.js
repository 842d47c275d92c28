/** Everything that happened to a bot or a room, as it was told: when it happened, when it came, and how often. */

import { arrange, element, mark, write } from "./elements.js";
import { happening } from "./happenings.js";
import { delayWords } from "./verdicts.js";
import { exactTime, fullTime } from "./words.js";

const PAGE = 1000;
// So many events, and so many deliveries, are held; the log is read to its end all the same.
const HELD = 5000;
const ROWS = 200;
const GONE = 410;
// Before what has arrived is read: what it was about is not told, and many may come at once.
const CALM_MS = 1000;
// Shorter than this nobody notices.
const LATE_MS = 1000;

/** The events of a topic: those of the log, and those that come meanwhile, each once. */
export class Chronicle {
  /** By sequence. @type {Map<number, import("./hub.d.ts").HubEvent>} */
  #events = new Map();
  /** What arrived, by id; for administrators. */
  #deliveries = new Map();
  #page;
  #topic;
  #sorted = null;
  // As far as the log was read. What was heard since may have gaps.
  #readTo = "";
  #isClosed = false;
  /** The earliest time of arrivals that may be about this, "" if there is none. */
  #unread = "";
  #waiting = 0;
  /** How many events are no longer held. */
  leftOut = 0;
  // Grows whenever there is something else to show.
  version = 0;
  heardAt = 0;

  constructor(page, topic) {
    this.#page = page;
    this.#topic = topic;
  }

  /** Read what is in the log; again, from there on, after something may have been missed. */
  async read() {
    const topic = encodeURIComponent(this.#topic);
    await this.#readEvents(topic).catch((problem) => {
      if (problem.status !== GONE) throw problem;
      // What was read is of a log that is no longer this one, or no longer reaches back so far.
      [this.#readTo, this.leftOut] = ["", 0];
      return this.#readEvents(topic);
    });
    if (this.#page.may("admin")) await this.#readDeliveries(topic);
  }

  /** Stop reading. */
  close() {
    this.#isClosed = true;
    clearTimeout(this.#waiting);
  }

  /** Take note of an event or a notice, if it is about this. */
  hear(event) {
    if (event.type.startsWith("delivery.")) this.#arrive(event.data.delivery);
    else if (event.subject === this.#topic) {
      this.#note(event);
      if (this.#events.size > HELD + PAGE) this.#trim();
    }
  }

  /** All that happened, what came last first, with what is remarkable about it. */
  get entries() {
    this.#sorted ??= this.#sort();
    return this.#sorted;
  }

  async #readEvents(topic) {
    for (let next = this.#readTo; next !== null && !this.#isClosed; ) {
      const found = await this.#page.get(`/api/events?topic=${topic}&limit=${PAGE}${next && `&after=${next}`}`);
      for (const event of found.items) this.#note(event);
      this.#trim();
      next = found.next;
      this.#readTo = next ?? found.items.at(-1)?.id ?? this.#readTo;
    }
  }

  async #readDeliveries(subject, since = "") {
    const from = since && `&from=${encodeURIComponent(since)}`;
    const { items } = await this.#page.get(`/api/deliveries?subject=${subject}&limit=${PAGE}${from}`).catch(() => ({ items: [] }));
    for (const one of items) this.#deliveries.set(one.id, one);
    if (items.length) this.#outdate();
    forgetBeyond(this.#deliveries, [...this.#deliveries.values()].sort(byArrival).map(({ id }) => id));
  }

  #note(event) {
    this.#events.set(Number(event.sequence), event);
    this.heardAt = Math.max(this.heardAt, Date.parse(event.receivedat));
    this.#outdate();
  }

  /** Hold the newest, and of what is older rather what happened than what was said. */
  #trim() {
    const earlier = [...this.#events].sort(([one], [other]) => one - other).slice(0, -PAGE);
    const isSaid = ([, { type }]) => type === "transcript.updated";
    const first = [...earlier.filter(isSaid), ...earlier.filter((one) => !isSaid(one))];
    this.leftOut += forgetBeyond(this.#events, first.map(([sequence]) => sequence));
  }

  #arrive({ id, copies, received_at: at }) {
    const known = this.#deliveries.get(id);
    if (!known) return this.#readSoon(at);
    if (known.copies >= copies) return;
    this.#deliveries.set(id, { ...known, copies });
    this.#outdate();
  }

  /** A notice does not say what it is about; the hub knows. */
  #readSoon(at) {
    if (!this.#unread || at < this.#unread) this.#unread = at;
    this.#waiting ||= setTimeout(async () => {
      const since = this.#unread;
      [this.#unread, this.#waiting] = ["", 0];
      await this.#readDeliveries(encodeURIComponent(this.#topic), since);
      if (!this.#isClosed) this.#page.changed();
    }, CALM_MS);
  }

  #outdate() {
    this.#sorted = null;
    this.version += 1;
  }

  #sort() {
    const arrived = Map.groupBy(this.#deliveries.values(), ({ received_at: at, provider_type: type }) => `${at} ${type}`);
    let latest = 0;
    const told = [...this.#events].sort(([one], [other]) => one - other).map(([sequence, event]) => {
      const happened = Date.parse(event.time);
      const delivery = arrived.get(`${event.receivedat} ${event.providertype}`)?.[0];
      const entry = { key: `e${sequence}`, event, delivery, at: Date.parse(event.receivedat), isLate: happened < latest };
      latest = Math.max(latest, happened);
      return entry;
    });
    // What stated nothing that was not known already led to no event.
    const idle = [...this.#deliveries.values()].filter(({ events }) => !events);
    const silent = idle.map((delivery) => ({ key: `d${delivery.id}`, event: null, delivery, at: Date.parse(delivery.received_at), isLate: false }));
    return joinTranscripts([...told, ...silent].sort((one, other) => one.at - other.at)).reverse();
  }
}

function byArrival({ received_at: one }, { received_at: other }) {
  return one < other ? -1 : Number(one > other);
}

/** Let go of the first of these, as many as are too many; return how many those were. */
function forgetBeyond(held, keys) {
  const before = held.size;
  for (const key of keys.slice(0, Math.max(0, before - HELD))) held.delete(key);
  return before - held.size;
}

/** A meeting has thousands of transcript updates; one after the other they are one line. */
function joinTranscripts(entries) {
  const joined = [];
  for (const entry of entries) {
    const before = joined.at(-1);
    const isMore = entry.event?.type === "transcript.updated" && before?.event?.type === "transcript.updated";
    if (isMore) joined[joined.length - 1] = { ...entry, key: before.key, times: (before.times ?? 1) + 1 };
    else joined.push(entry);
  }
  return joined;
}

/** A chronicle as a list; rows stay as they are, new ones come on top. */
export class Timeline {
  #list = element("ol", { class: "timeline" });
  #rows = new Map();
  #empty = element("p", { class: "remark pad" }, "Nothing was told of it yet.");
  #rest = element("p", { class: "remark pad", hidden: true });
  #shown = -1;

  constructor() {
    this.root = element("section", { class: "sheet", "aria-label": "Timeline" }, element("h3", { class: "sheet-title" }, "Timeline"), this.#list, this.#empty, this.#rest);
  }

  /** @param {Chronicle} chronicle */
  show(chronicle) {
    if (chronicle.version === this.#shown) return;
    this.#shown = chronicle.version;
    const { entries } = chronicle;
    const shown = entries.slice(0, ROWS);
    const rows = new Map(shown.map((entry) => [entry.key, this.#row(entry)]));
    this.#rows = rows;
    arrange(this.#list, [...rows.values()]);
    this.#empty.hidden = entries.length > 0;
    const more = Math.max(0, entries.length - ROWS) + chronicle.leftOut;
    this.#rest.hidden = !more;
    write(this.#rest, `${more.toLocaleString()} more are in GET /api/events.`);
  }

  #row(entry) {
    const made = this.#rows.get(entry.key);
    const key = JSON.stringify([entry.isLate, entry.delivery?.copies, entry.delivery?.id, entry.times]);
    if (made?.dataset.key === key) return made;
    const row = entry.event ? eventRow(entry) : deliveryRow(entry);
    row.dataset.key = key;
    return row;
  }
}

function eventRow({ event, delivery, isLate, times }) {
  const { words, tone, because } = happening(event);
  const late = Date.parse(event.receivedat) - Date.parse(event.time);
  return element(
    "li",
    { "data-tone": tone },
    element("time", { datetime: event.time, title: fullTime(event.time) }, exactTime(event.time)),
    element("span", { class: "happened" }, element("span", { class: "happened-words" }, words), because ? element("span", { class: "happened-because" }, because) : null),
    element(
      "span",
      { class: "marks" },
      times > 1 ? element("span", { class: "mark-word" }, `${times} times`) : null,
      isLate ? element("span", { class: "mark-word", "data-tone": "wait", title: "Something that happened after this was told before it." }, "out of order") : null,
      copiesMark(delivery),
      late >= LATE_MS ? element("span", { class: "mark-word", title: `Received ${fullTime(event.receivedat)}` }, `+${delayWords(late / 1000)}`) : null,
      typeMark(event.providertype, delivery),
    ),
  );
}

function deliveryRow({ delivery }) {
  const { received_at: at, provider_type: type } = delivery;
  const words = delivery.verdict === "accepted" ? "Told again what was known" : `Of no use: ${delivery.reason ?? delivery.verdict}`;
  return element(
    "li",
    { "data-tone": "done", class: "idle" },
    element("time", { datetime: at, title: fullTime(at) }, exactTime(at)),
    element("span", { class: "happened" }, words),
    element("span", { class: "marks" }, copiesMark(delivery), typeMark(type, delivery)),
  );
}

function copiesMark(delivery) {
  if (!delivery?.copies) return null;
  const title = "The provider sent the very same webhook again; it changed nothing.";
  return element("span", { class: "mark-word", "data-tone": "wait", title }, `came ${delivery.copies + 1} times`);
}

/** The provider's own word; for administrators it leads to what arrived. */
function typeMark(type, delivery) {
  const word = element(delivery ? "a" : "span", { class: "mark-type", title: type }, type ?? "");
  if (delivery) mark(word, "href", `#/webhooks/${delivery.id}`);
  return word;
}
