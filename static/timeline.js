/** A chronicle as a list: what came last on top, each day under its date, and what is remarkable beside it. */

import { arrange, element, mark, write } from "./elements.js";
import { happening } from "./happenings.js";
import { delayWords } from "./verdicts.js";
import { count, exactTime, fullTime } from "./words.js";

const ROWS = 200;
// Shorter than this nobody notices.
const LATE_MS = 1000;

/** @typedef {import("./chronicle.js").Chronicle} Chronicle */

/** Rows stay as they are, new ones come on top. */
export class Timeline {
  #list = element("ol", { class: "timeline" });
  #rows = new Map();
  #days = new Map();
  #empty = element("p", { class: "remark pad" });
  #older = element("button", { type: "button", class: "more", hidden: true, onclick: () => this.#showOlder() });
  #rest = element("p", { class: "remark pad", hidden: true });
  #most = ROWS;
  #shown = "";
  #again = () => {};

  constructor() {
    this.root = element("section", { class: "sheet", "aria-label": "Timeline" }, element("h3", { class: "sheet-title" }, "Timeline"), this.#list, this.#older, this.#rest, this.#empty);
  }

  /** @param {Chronicle} chronicle @param {number} now @param {string} unread  What to say before it was read. */
  show(chronicle, now, unread) {
    this.#again = () => this.show(chronicle, now, unread);
    write(this.#empty, chronicle.isRead ? "Nothing was told of it yet." : unread);
    const today = new Date(now).toDateString();
    const shown = `${chronicle.version} ${today} ${this.#most}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    const { entries, leftOut } = chronicle;
    const rows = new Map(entries.slice(0, this.#most).map((entry) => [entry.key, this.#row(entry)]));
    this.#rows = rows;
    arrange(this.#list, this.#withDays(rows, today));
    this.#list.hidden = !entries.length;
    this.#empty.hidden = entries.length > 0;
    const more = Math.max(0, entries.length - this.#most);
    this.#older.hidden = !more;
    write(this.#older, `Show older: ${more.toLocaleString()} more`);
    this.#rest.hidden = Boolean(more) || !leftOut;
    write(this.#rest, `${count(leftOut, "more event")} in the hub's log, too many for this page: GET /api/events.`);
  }

  #showOlder() {
    this.#most += ROWS;
    this.#again();
  }

  #row(entry) {
    const made = this.#rows.get(entry.key);
    const key = JSON.stringify([entry.isLate, entry.delivery?.copies, entry.delivery?.id, entry.times]);
    if (made?.dataset.key === key) return made;
    const row = entry.event ? eventRow(entry) : deliveryRow(entry);
    row.dataset.key = key;
    return row;
  }

  /** Between rows of different days, the date of those that follow; what is under none is of today. */
  #withDays(rows, today) {
    const days = new Map();
    let before = today;
    const all = [...rows].flatMap(([key, row]) => {
      const { day } = row.dataset;
      if (day === before) return [row];
      before = day;
      const name = `${key} ${day} ${today}`;
      days.set(name, this.#days.get(name) ?? element("li", { class: "day" }, dayWords(day, today)));
      return [days.get(name), row];
    });
    this.#days = days;
    return all;
  }
}

function dayWords(day, today) {
  if (day === today) return "Today";
  const year = day.slice(-4) === today.slice(-4) ? undefined : "numeric";
  return new Date(day).toLocaleDateString([], { weekday: "long", day: "numeric", month: "long", year });
}

function eventRow({ event, delivery, isLate, times }) {
  const { words, tone, because } = happening(event);
  const late = Date.parse(event.receivedat) - Date.parse(event.time);
  return element(
    "li",
    { "data-tone": tone, "data-day": new Date(event.time).toDateString() },
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
    { "data-tone": "done", class: "idle", "data-day": new Date(at).toDateString() },
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
