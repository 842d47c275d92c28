/** How much has happened lately: counts by the second for everything, and by the slot for each topic. */

const SECONDS = 600;
// A sparkline's slots, and how many topics have one.
const SLOTS = 30;
const SLOT_SECONDS = 20;
const TOPICS = 5000;
const SAMPLE_MS = 5000;
const SAMPLES = 120;
const LATEST = 60;
// Of these nobody wants to read one by one.
const SMALL = ["track.published", "track.unpublished", "track.updated", "transcript.updated", "room.updated"];

/** Counts of the last ten minutes, by the hub's clock. */
export class Activity {
  // From when to when nobody counted, by the hub's clock.
  #missed = { events: [], deliveries: [] };
  #events = new Counts(SECONDS, 1);
  #deliveries = new Counts(SECONDS, 1);
  /** By topic; those that were heard of last are at the end. @type {Map<string, Counts>} */
  // What happened in the log of before is counted already, and may stand in this one too.
  #isOfAnother = false;
  #topics = new Map();
  /** By name, what a number was in each slot. @type {Map<string, number[]>} */
  #gauges = new Map();
  /** The latest events that are worth a line, the newest first. @type {import("./hub.d.ts").HubEvent[]} */
  latest = [];

  /** Count an event in the second in which the hub received it: some are told late. @param {import("./hub.d.ts").HubEvent} event @param {number} now */
  note(event, now) {
    if (event.type.startsWith("delivery.")) return this.#deliveries.add(now);
    const at = Math.min(now, Date.parse(event.receivedat) || now);
    this.#events.add(now, at);
    const counts = this.#topics.get(event.subject) ?? new Counts(SLOTS, SLOT_SECONDS);
    this.#topics.delete(event.subject);
    this.#topics.set(event.subject, counts);
    counts.add(now, at);
    counts.heardAt = Math.max(counts.heardAt, at);
    if (!SMALL.includes(event.type)) this.latest = [event, ...this.latest.slice(0, LATEST - 1)];
    if (this.#topics.size > TOPICS) this.#topics.delete(this.#topics.keys().next().value);
  }

  /** What happened just before the page was opened, the oldest first, as far as nothing is missing between it and now. @param {import("./hub.d.ts").HubEvent[]} events */
  recall(events, now) {
    const first = Date.parse(events[0]?.receivedat ?? "");
    const told = events.filter((event) => !SMALL.includes(event.type)).reverse();
    this.latest = [...this.latest, ...told].slice(0, LATEST);
    if (!this.#isOfAnother) for (const { receivedat } of events) this.#events.add(now, Math.min(now, Date.parse(receivedat) || now));
    // From when on it is counted by then; of the second of the first there may have been others.
    if (first) this.#missed.events = this.#missed.events.map((gap) => (gap.from < first && first < gap.to ? { from: gap.from, to: first + 1000 } : gap));
  }

  /** What happened is no longer true; that so much was heard still is. */
  forget() {
    this.#isOfAnother = true;
    this.#topics.clear();
    this.#gauges.clear();
    this.latest = [];
  }

  /** Nobody counted these for a while. @param {"events" | "deliveries"} what @param {number} from @param {number} to */
  miss(what, from, to) {
    const kept = this.#missed[what].filter((gap) => gap.to > to - SECONDS * 1000);
    this.#missed[what] = [...kept, { from, to }];
  }

  /** How many events came in each of the last seconds, the latest last; null where nobody counted. */
  events(now, seconds = SECONDS) {
    return this.#counted("events", now, this.#events.last(now, seconds));
  }

  /** How many deliveries arrived in each of the last seconds. */
  deliveries(now, seconds = SECONDS) {
    return this.#counted("deliveries", now, this.#deliveries.last(now, seconds));
  }

  #counted(what, now, counts) {
    const second = Math.floor(now / 1000) - counts.length + 1;
    const isMissed = (place) => this.#missed[what].some(({ from, to }) => (second + place + 1) * 1000 > from && (second + place + 1) * 1000 <= to);
    return counts.map((number, place) => (isMissed(place) ? null : number));
  }

  /** Take down what some numbers are at this second. @param {Record<string, number>} numbers */
  sample(numbers, now) {
    const slot = Math.floor(now / SAMPLE_MS);
    for (const [name, number] of Object.entries(numbers)) {
      const taken = this.#gauges.get(name) ?? [];
      if (taken.slot === slot) taken[taken.length - 1] = number;
      else taken.push(number);
      taken.slot = slot;
      if (taken.length > SAMPLES) taken.shift();
      this.#gauges.set(name, taken);
    }
  }

  /** What a number was in the last ten minutes, or since the page is open, the latest last. */
  gauge(name) {
    return this.#gauges.get(name) ?? [];
  }

  /** When something was last heard of a topic since the page is open; 0: not yet. */
  heardAt(topic) {
    return this.#topics.get(topic)?.heardAt ?? 0;
  }

  /** What happened in a topic in the last ten minutes, in thirty slots. */
  of(topic, now) {
    return this.#topics.get(topic)?.last(now, SLOTS) ?? new Array(SLOTS).fill(0);
  }
}

/** A ring of counts, one for each slot of time. */
class Counts {
  #counts;
  #slotMs;
  #slot = 0;
  heardAt = 0;

  constructor(slots, seconds) {
    this.#counts = new Array(slots).fill(0);
    this.#slotMs = seconds * 1000;
  }

  /** Count something of a time that is not after now; of what is too long ago nothing is kept. */
  add(now, at = now) {
    this.#advance(now);
    const slot = Math.floor(at / this.#slotMs);
    if (this.#slot - slot < this.#counts.length) this.#counts[slot % this.#counts.length] += 1;
  }

  last(now, slots) {
    this.#advance(now);
    const { length } = this.#counts;
    return Array.from({ length: slots }, (_, back) => this.#counts[(this.#slot - slots + 1 + back + length) % length]);
  }

  #advance(now) {
    const slot = Math.floor(now / this.#slotMs);
    const passed = Math.min(slot - this.#slot, this.#counts.length);
    for (let step = 0; step < passed; step += 1) this.#counts[(slot - step) % this.#counts.length] = 0;
    this.#slot = Math.max(this.#slot, slot);
  }
}
