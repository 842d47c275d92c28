/** The hub's heartbeat, its clock and its head: from these follows how fresh what is shown is. */

export const USUAL_HEARTBEAT_MS = 30_000;
/** Nothing for so many heartbeats: the connection is dead, whatever the browser says. */
export const SILENT_BEATS = 2.5;

// The clocks of two tabs differ a little.
const SAME_CLOCK_MS = 1000;

/** What the last heartbeats told. */
export class Beats {
  #everyMs = USUAL_HEARTBEAT_MS;
  #beatAt = 0;
  /** How far the log was, as far as we know; null: somewhere, and we are on our way there. @type {number | null} */
  #head = 0;
  #clockLead = 0;

  /** How long silence is nothing special. */
  get patienceMs() {
    return SILENT_BEATS * this.#everyMs;
  }

  /** The hub's time in milliseconds since 1970, whatever this machine's clock says. */
  now() {
    return Date.now() + this.#clockLead;
  }

  /** A connection begins: with a state of now, or with what was missed, at the end of which comes a heartbeat. */
  begin(heartbeat, { resumed }) {
    this.#everyMs = heartbeat * 1000;
    this.#beatAt = Date.now();
    this.#head = resumed ? null : 0;
  }

  setClock(time) {
    this.#beatAt = Date.now();
    this.#clockLead = Date.parse(time) - this.#beatAt;
  }

  setHead(position) {
    this.#head = sequenceOf(position);
  }

  /** How many events are missing. There is no heartbeat for who catches up: then nobody knows, and it is null. */
  behind(position) {
    const isBeating = Date.now() - this.#beatAt <= this.patienceMs;
    return isBeating && this.#head !== null ? Math.max(0, this.#head - sequenceOf(position)) : null;
  }

  /** All of it, for another tab of this machine. */
  copy() {
    return { everyMs: this.#everyMs, beatAt: this.#beatAt, head: this.#head, clockLead: this.#clockLead };
  }

  adopt({ everyMs, beatAt, head, clockLead }) {
    this.#everyMs = everyMs;
    this.#beatAt = beatAt;
    this.#head = head;
    this.#clockLead = clockLead;
  }
}

/** Whether something was too long ago. When the clock was set back nobody knows how long: then it was, too. */
export function isLongAgo(time, patienceMs) {
  const elapsed = Date.now() - time;
  return elapsed > patienceMs || elapsed < -SAME_CLOCK_MS;
}

/** Whether a position is further than another; those of different logs cannot be compared: what is new counts. */
export function isAfter(position, other) {
  return logOf(position) !== logOf(other) || !(sequenceOf(position) <= sequenceOf(other));
}

/** Which log a position is of. */
export function logOf(position) {
  return position.slice(0, position.lastIndexOf("."));
}

export function sequenceOf(position) {
  return Number(position.slice(position.lastIndexOf(".") + 1));
}
