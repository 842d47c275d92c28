/** How much has happened lately: counts by the second for everything, and by the slot for each topic. */

const SECONDS = 600;
// A sparkline's slots, and how many topics have one.
const SLOTS = 30;
const SLOT_SECONDS = 20;
const TOPICS = 5000;

/** Counts of the last ten minutes, by the hub's clock. */
export class Activity {
  #events = new Counts(SECONDS, 1);
  #deliveries = new Counts(SECONDS, 1);
  /** By topic; those that were heard of last are at the end. @type {Map<string, Counts>} */
  #topics = new Map();

  /** Count an event. @param {import("./hub.d.ts").HubEvent} event @param {number} now */
  note(event, now) {
    if (event.type.startsWith("delivery.")) return this.#deliveries.add(now);
    this.#events.add(now);
    const counts = this.#topics.get(event.subject) ?? new Counts(SLOTS, SLOT_SECONDS);
    this.#topics.delete(event.subject);
    this.#topics.set(event.subject, counts);
    counts.add(now);
    if (this.#topics.size > TOPICS) this.#topics.delete(this.#topics.keys().next().value);
  }

  /** How many events came in each of the last seconds, the latest last. */
  events(now, seconds = SECONDS) {
    return this.#events.last(now, seconds);
  }

  /** How many deliveries arrived in each of the last seconds. */
  deliveries(now, seconds = SECONDS) {
    return this.#deliveries.last(now, seconds);
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
