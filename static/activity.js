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
  #begunAt = 0;
  #events = new Counts(SECONDS, 1);
  #deliveries = new Counts(SECONDS, 1);
  /** By topic; those that were heard of last are at the end. @type {Map<string, Counts>} */
  #topics = new Map();
  /** By name, what a number was in each slot. @type {Map<string, number[]>} */
  #gauges = new Map();
  /** The latest events that are worth a line, the newest first. @type {import("./hub.d.ts").HubEvent[]} */
  latest = [];

  /** Count an event. @param {import("./hub.d.ts").HubEvent} event @param {number} now */
  note(event, now) {
    if (event.type.startsWith("delivery.")) return this.#deliveries.add(now);
    this.#events.add(now);
    const counts = this.#topics.get(event.subject) ?? new Counts(SLOTS, SLOT_SECONDS);
    this.#topics.delete(event.subject);
    this.#topics.set(event.subject, counts);
    counts.add(now);
    counts.heardAt = now;
    if (!SMALL.includes(event.type)) this.latest = [event, ...this.latest.slice(0, LATEST - 1)];
    if (this.#topics.size > TOPICS) this.#topics.delete(this.#topics.keys().next().value);
  }

  /** How many events came in each of the last seconds, the latest last; null before anybody counted. */
  events(now, seconds = SECONDS) {
    return this.#since(now, this.#events.last(now, seconds));
  }

  /** How many deliveries arrived in each of the last seconds. */
  deliveries(now, seconds = SECONDS) {
    return this.#since(now, this.#deliveries.last(now, seconds));
  }

  #since(now, counts) {
    const uncounted = counts.length - Math.ceil((now - this.#begunAt) / 1000);
    return counts.map((number, place) => (place < uncounted ? null : number));
  }

  /** Take down what some numbers are at this second. @param {Record<string, number>} numbers */
  sample(numbers, now) {
    this.#begunAt ||= now;
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

  add(now) {
    this.#advance(now);
    this.#counts[this.#slot % this.#counts.length] += 1;
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
