/** How many people rooms had in the last minutes, as far as this page has seen it, and a line of that. */

import { drawing, mark } from "./elements.js";

const SLOTS = 40;
const SLOT_MS = 15_000;
const [WIDTH, HEIGHT] = [120, 24];
/** @type {WeakMap<object, Crowds>} */
const known = new WeakMap();

/** The one memory of a hub: views come and go, what was seen stays. @returns {Crowds} */
export function crowdsOf(hub) {
  if (!known.has(hub)) known.set(hub, new Crowds(hub));
  return /** @type {Crowds} */ (known.get(hub));
}

/** Remembers when the number of people in a room changed. Of what it has not seen it says nothing. */
export class Crowds {
  #hub;
  /** By room: since when how many were there, in order. @type {Map<string, [number, number][]>} */
  #changes = new Map();

  constructor(hub) {
    this.#hub = hub;
    hub.addEventListener("change", ({ detail }) => (detail.event ? this.#note(detail.event) : this.#begin()));
    this.#begin();
  }

  /** How many were there in each of the last slots, the current one last; null where nobody looked. */
  of(id, now) {
    const changes = this.#changes.get(id) ?? [];
    const last = Math.floor(now / SLOT_MS);
    let place = -1;
    return Array.from({ length: SLOTS }, (_, back) => {
      const until = back === SLOTS - 1 ? now : (last - SLOTS + 2 + back) * SLOT_MS;
      while (place + 1 < changes.length && changes[place + 1][0] <= until) place += 1;
      return place < 0 ? null : changes[place][1];
    });
  }

  /** What was between the last word and this snapshot nobody has seen. */
  #begin() {
    const now = this.#hub.now();
    this.#changes.clear();
    for (const { id, participant_count: people } of this.#hub.rooms.values()) this.#changes.set(id, [[now, people]]);
  }

  #note({ receivedat, data: { room } }) {
    if (!room) return;
    const changes = this.#changes.get(room.id) ?? [];
    this.#changes.set(room.id, changes);
    const last = changes.at(-1);
    if (last?.[1] === room.participant_count) return;
    // What is told late, after a pause, was so then; but never before what is known already.
    const at = Math.min(this.#hub.now(), Date.parse(receivedat) || Infinity);
    changes.push([Math.max(at, last?.[0] ?? 0), room.participant_count]);
    const begin = at - SLOTS * SLOT_MS;
    while (changes.length > 1 && changes[1][0] < begin) changes.shift();
  }
}

/** A line of people over time; where nobody looked it is dotted along the ground. */
export function crowdLine() {
  const [line, area, unseen] = ["crowd-line", "crowd-area", "crowd-unseen"].map((name) => drawing("path", { class: name }));
  const shape = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" };
  const root = drawing("svg", { ...shape, class: "crowd-chart" }, area, unseen, line);
  let drawn = "";
  const draw = (values) => {
    const told = values.join();
    if (told === drawn) return;
    drawn = told;
    const seen = values.findIndex((value) => value !== null);
    // One moment is no line yet.
    const from = seen < 0 ? SLOTS - 1 : seen;
    const highest = Math.max(4, ...values);
    const x = (place) => ((place / (SLOTS - 1)) * WIDTH).toFixed(1);
    const y = (value) => (HEIGHT - 1.5 - (value / highest) * (HEIGHT - 4)).toFixed(1);
    mark(unseen, "d", from > 0 ? `M0 ${HEIGHT - 1.5}H${x(from)}` : null);
    if (from === SLOTS - 1) return void [line, area].map((path) => mark(path, "d", null));
    const steps = values.slice(from).map((value, place) => (place ? `H${x(from + place)}V${y(value)}` : `M${x(from)} ${y(value)}`));
    mark(line, "d", steps.join(""));
    mark(area, "d", `${steps.join("")}V${HEIGHT}H${x(from)}Z`);
  };
  return { root, draw };
}
