/** Who was there when: a row for each person, a bar for each visit, all over one stretch of time. */

import { element, mark, write } from "./elements.js";
import { leaveWords } from "./leaving.js";
import { clockTime, count, exactTime, fullTime, span } from "./words.js";

// So many rows are made until somebody wants all.
const FEW = 100;
const MINUTE = 60_000;
// Between two marks of the scale, and how many of them there are at most.
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440].map((minutes) => minutes * MINUTE);
const MARKS = 6;
const KINDS = { human: "", sip: "Phone", recorder: "Recorder", agent: "Agent", ingress: "Stream in" };

const MACHINES = ["recorder", "ingress"];

/**
 * People out of participants, each with all visits by whatever device.
 *
 * @param {Iterable<any>} participants
 * @returns {{ key: string, shown: any, visits: { from: number, to: number | null, reason: string }[], connections: number }[]}
 */
export function peopleOf(participants) {
  const people = new Map();
  for (const one of participants) {
    const key = one.identity || one.id;
    const person = people.get(key) ?? { key, shown: one, visits: [], connections: 0 };
    if (one.active) person.connections += 1;
    if (one.active || !person.shown.active) person.shown = one;
    person.visits.push(...visitsOf(one));
    people.set(key, person);
  }
  for (const { visits } of people.values()) visits.sort((one, other) => one.from - other.from);
  return [...people.values()].sort((one, other) => (one.visits[0]?.from ?? 0) - (other.visits[0]?.from ?? 0) || (one.key < other.key ? -1 : 1));
}

/** How long somebody was there by any device: two at once do not count double. */
export function watched(visits, now) {
  let [sum, reached] = [0, -Infinity];
  for (const { from, to } of visits) {
    const end = to ?? now;
    sum += Math.max(0, end - Math.max(from, reached));
    reached = Math.max(reached, end);
  }
  return sum;
}

function visitsOf({ stays, joined_at: joined, left_at: left, leave_reason: reason }) {
  const told = stays ?? (joined ? [{ joined_at: joined, left_at: left, leave_reason: reason }] : []);
  return told.map((stay) => ({
    from: Date.parse(stay.joined_at),
    to: stay.left_at ? Date.parse(stay.left_at) : null,
    reason: stay.leave_reason ?? "",
  }));
}

/** The drawing. Rows and bars stay; as time goes on only their places are written. */
export class Presence {
  #rows = new Map();
  #people = [];
  #showsAll = false;
  #scale = element("div", { class: "presence-scale", "aria-hidden": "true" });
  #list = element("ul", { class: "presence-list" });
  #more = element("button", { type: "button", class: "more", hidden: true, onclick: () => this.#toggle() });
  #range = { from: 0, to: 0 };

  constructor() {
    const heads = ["Person", "", "Watched", "State"].map((words) => element("span", {}, words));
    this.root = element("div", { class: "presence-chart" }, element("div", { class: "presence-head" }, ...heads, this.#scale), this.#list, this.#more);
  }

  /** @param {ReturnType<typeof peopleOf>} people @param {number} from @param {number} to */
  show(people, from, to) {
    this.#people = people;
    const shown = this.#showsAll ? people : people.slice(0, FEW);
    const keys = new Set(shown.map(({ key }) => key));
    for (const [key, row] of this.#rows) {
      if (keys.has(key)) continue;
      row.root.remove();
      this.#rows.delete(key);
    }
    shown.forEach((person, place) => this.#put(person, place));
    this.#more.hidden = people.length <= FEW;
    write(this.#more, this.#showsAll ? "Show fewer" : `Show all ${count(people.length, "person", "people")}`);
    this.draw(from, to);
  }

  /** Let open visits grow. */
  draw(from, to) {
    this.#range = { from, to };
    this.#mark();
    for (const row of this.#rows.values()) drawRow(row, from, to);
  }

  #toggle() {
    this.#showsAll = !this.#showsAll;
    this.show(this.#people, this.#range.from, this.#range.to);
  }

  #put(person, place) {
    const row = this.#rows.get(person.key) ?? makeRow();
    this.#rows.set(person.key, row);
    if (this.#list.children[place] !== row.root) this.#list.insertBefore(row.root, this.#list.children[place] ?? null);
    row.person = person;
    const { shown } = person;
    const name = shown.name || shown.identity || shown.id;
    // What a provider calls its own machines tells nobody anything.
    const isMachine = MACHINES.includes(shown.kind);
    write(row.name, isMachine ? KINDS[shown.kind] : name);
    mark(row.name, "title", name);
    // Roles that providers give to their own machines say nothing more than the kind.
    const role = shown.role?.startsWith("__") ? "" : shown.role;
    write(row.role, [isMachine ? "" : KINDS[shown.kind] ?? shown.kind, role].filter(Boolean).join(" · "));
    mark(row.root, "data-kind", shown.kind);
    mark(row.root, "data-active", String(shown.active));
    write(row.state, shown.active ? "In the room" : leaveWords(person.visits.at(-1)?.reason || shown.leave_reason) || "Left");
    mark(row.state, "title", shown.active ? null : [shown.leave_reason, fullTime(shown.left_at)].filter(Boolean).join(", "));
    write(row.visits, person.visits.length > 1 ? count(person.visits.length, "visit") : "");
  }

  /** Round times along the top, and lines down from them. */
  #mark() {
    const { from, to } = this.#range;
    const length = Math.max(1, to - from);
    const step = STEPS.find((one) => length / one <= MARKS) ?? Math.ceil(length / MARKS / STEPS.at(-1)) * STEPS.at(-1);
    const zone = new Date(from).getTimezoneOffset() * MINUTE;
    const first = Math.ceil((from - zone) / step) * step + zone;
    const times = [];
    for (let time = first; time <= to; time += step) times.push(time);
    while (this.#scale.children.length > times.length) this.#scale.lastElementChild.remove();
    times.forEach((time, place) => {
      const one = this.#scale.children[place] ?? this.#scale.appendChild(element("span", { class: "presence-mark" }));
      write(one, length < 3 * MINUTE ? exactTime(time) : clockTime(time));
      one.style.left = `${(((time - from) / length) * 100).toFixed(3)}%`;
    });
  }
}

function makeRow() {
  const [name, role, time, visits, state] = ["main", "sub", "main", "sub", "presence-state"].map((part) => element("span", { class: part }));
  const lane = element("span", { class: "presence-lane", role: "img" });
  const cells = [element("span", { class: "presence-who" }, name, role), lane, element("span", { class: "presence-time" }, time, visits), state];
  return { root: element("li", { class: "presence-person" }, ...cells), name, role, lane, time, visits, state, person: null };
}

function drawRow({ person, lane, time }, from, to) {
  const length = Math.max(1, to - from);
  const { visits } = person;
  while (lane.children.length > visits.length) lane.lastElementChild.remove();
  visits.forEach((visit, place) => {
    const bar = lane.children[place] ?? lane.appendChild(element("span", { class: "presence-bar" }));
    const [begin, end] = [Math.max(0, visit.from - from), Math.min(length, (visit.to ?? to) - from)];
    bar.style.left = `${((begin / length) * 100).toFixed(3)}%`;
    bar.style.width = `${(Math.max(0, (end - begin) / length) * 100).toFixed(3)}%`;
    mark(bar, "data-open", visit.to === null);
    mark(bar, "title", `${exactTime(visit.from)} – ${visit.to === null ? "still there" : `${exactTime(visit.to)}, ${leaveWords(visit.reason) || "left"}`}`);
  });
  const told = span(watched(visits, to));
  write(time, told);
  mark(lane, "aria-label", `${count(visits.length, "visit")}, ${told} in all`);
}
