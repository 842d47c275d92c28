/** What arrived, as far as it is shown: so much that it can be looked through, and without a hole in it. */

const PAGE = 100;
// What arrived longest ago makes room for what arrives, unless somebody asked for it.
const HELD = 1000;
const UNHANDLED = ["dead", "refused"];

/** Deliveries that are like what is chosen, and from where those that arrived before them are read. */
export class Arrivals {
  /** By id; `at` is when each was received, in milliseconds since 1970. */
  held = new Map();
  /** Whether what arrived so far has been read. */
  isRead = false;
  /** Whether what arrives waits, as nobody reads a list that moves. */
  isHolding = false;
  #chosen;
  #kept = [];
  // Before an outage: whether what is read after it follows on that is to be seen.
  #before = new Set();
  #limit = HELD;
  #next = "";

  /** @param {{ source?: string, verdict?: string }} chosen  Looked at anew each time. */
  constructor(chosen) {
    this.#chosen = chosen;
  }

  /** How many wait to be shown. */
  get waiting() {
    return this.#kept.length;
  }

  /** From where older ones are read; empty when there are none. */
  get next() {
    return this.#next;
  }

  /** Ask for a page of what is like that, by lists of one verdict each. */
  async ask(get, from = "") {
    const { source } = this.#chosen;
    const asked = this.#verdicts.map((verdict) => new URLSearchParams({ limit: String(PAGE), ...(source && { source }), ...(verdict && { verdict }) }));
    return merged(await Promise.all(asked.map((query) => get(`/api/deliveries?${query}${from && `&${from}`}`))));
  }

  /** All that are chosen; an empty one is any. What nobody has looked after is of two. */
  get #verdicts() {
    return this.#chosen.verdict === "unhandled" ? UNHANDLED : [this.#chosen.verdict ?? ""];
  }

  /** Something else was chosen. */
  clear() {
    this.held.clear();
    this.#before.clear();
    this.isRead = false;
    this.#next = "";
  }

  /** From now on something may be missed. */
  cutOff() {
    for (const id of [...this.held.keys(), ...this.#kept.map((one) => one.id)]) this.#before.add(id);
  }

  /** The newest page was read. */
  read({ items, next }) {
    const goesOn = this.isRead && (!this.#before.size || !next || items.some(({ id }) => this.#before.has(id)));
    // There would be a hole that nothing fills: what is older is read on demand.
    if (!goesOn) this.#begin(next);
    this.#before.clear();
    this.isRead = true;
    for (const one of items) this.#put(one);
  }

  /** An older page was read, as somebody asked for it. */
  readOlder({ items, next }) {
    this.#next = next;
    this.#limit += items.length;
    for (const one of items) this.#put(one);
  }

  /** Something arrived, or came again, or became something else. */
  heard(delivery) {
    if (this.isHolding) this.#kept.push(delivery);
    else this.#take(delivery);
  }

  hold(isHolding) {
    this.isHolding = isHolding;
    for (const one of this.#kept.splice(0)) this.#take(one);
  }

  forgetOldest() {
    while (this.#kept.length > HELD) this.#kept.shift();
    if (this.held.size <= this.#limit + PAGE) return;
    const sorted = [...this.held.values()].sort((one, other) => one.at - other.at);
    const oldest = sorted.splice(0, this.held.size - this.#limit);
    for (const { id } of oldest) this.held.delete(id);
    this.#next = since(sorted[0].at);
  }

  #begin(next) {
    for (const id of this.#before) this.held.delete(id);
    this.#kept = this.#kept.filter(({ id }) => !this.#before.has(id));
    this.#limit = HELD;
    this.#next = next;
  }

  #take(delivery) {
    const { source } = this.#chosen;
    const known = this.held.get(delivery.id);
    if (delivery.verdict === "duplicate") {
      if (known) this.held.set(delivery.id, { ...known, copies: delivery.copies });
      return;
    }
    if ((!source || delivery.source === source) && this.#verdicts.some((one) => !one || one === delivery.verdict)) this.#put(delivery);
    else if (known) this.held.delete(delivery.id);
  }

  #put(one) {
    this.held.set(one.id, { ...one, copies: copiesOf(one, this.held.get(one.id)), at: Date.parse(one.received_at) });
  }
}

/** How often a delivery that was read came again; it may have since that was written, and have been told so. */
export function copiesOf(one, known) {
  return Math.max(one.copies ?? 0, known?.copies ?? 0);
}

/** The newest pages of several lists as one, as far back as all of them reach; and how it goes on. */
function merged(pages) {
  if (pages.length === 1) return { items: pages[0].items, next: cursor(pages[0].next) };
  const ends = pages.filter(({ next }) => next).map(({ items }) => Date.parse(items.at(-1).received_at));
  const end = Math.max(...ends);
  const items = pages.flatMap((page) => page.items).filter((one) => !(Date.parse(one.received_at) < end));
  return { items, next: ends.length ? since(end) : "" };
}

/** What is older begins here; what came in the same millisecond is read again. */
function since(time) {
  return `to=${new Date(time + 1).toISOString()}`;
}

function cursor(next) {
  return next ? `cursor=${encodeURIComponent(next)}` : "";
}
