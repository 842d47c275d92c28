/** Everything that happened to a bot or a room, as it was told: when it happened, when it came, and how often. */

import { copiesOf } from "./arrivals.js";

const PAGE = 1000;
// So many events, and so many deliveries, are held; the log is read to its end all the same.
const HELD = 5000;
const GONE = 410;
// Before what has arrived is read: what it was about is not told, and many may come at once.
const CALM_MS = 1000;

/** The events of a topic: those of the log, and those that come meanwhile, each once. */
export class Chronicle {
  /** By sequence, with when it happened and when it came. @type {Map<number, { event: import("./hub.d.ts").HubEvent, happened: number, at: number }>} */
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
  /** Whether the log was read to its end, so that what is not here did not happen. */
  isRead = false;
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
      this.forget();
      return this.#readEvents(topic);
    });
    this.isRead = true;
    if (this.#page.may("admin")) await this.#readDeliveries(topic);
  }

  /** Nothing of it is known any more. */
  forget() {
    this.#events.clear();
    this.#deliveries.clear();
    [this.#readTo, this.leftOut, this.heardAt, this.isRead] = ["", 0, 0, false];
    this.#outdate();
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
    for (const one of items) this.#deliveries.set(one.id, { ...one, copies: copiesOf(one, this.#deliveries.get(one.id)) });
    if (items.length) this.#outdate();
    forgetBeyond(this.#deliveries, [...this.#deliveries.values()].sort(byArrival).map(({ id }) => id));
  }

  #note(event) {
    const [happened, at] = [Date.parse(event.time), Date.parse(event.receivedat)];
    this.#events.set(Number(event.sequence), { event, happened, at });
    this.heardAt = Math.max(this.heardAt, at);
    this.#outdate();
  }

  /** Hold the newest, and of what is older rather what happened than what was said. */
  #trim() {
    const earlier = [...this.#events].sort(([one], [other]) => one - other).slice(0, -PAGE);
    const isSaid = ([, { event }]) => event.type === "transcript.updated";
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
    const told = [...this.#events].sort(([one], [other]) => one - other).map(([sequence, { event, happened, at }]) => {
      const delivery = arrived.get(`${event.receivedat} ${event.providertype}`)?.[0];
      const entry = { key: `e${sequence}`, event, delivery, at, isLate: happened < latest };
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
