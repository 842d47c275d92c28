/** What was said: segments as they come, followed while one is at the end, and searched. */

import { arrange, element, mark, write } from "./elements.js";
import { count, span } from "./words.js";

const PAGE = 1000;
const PAGES = 20;
const END_PX = 40;

export class Transcript {
  /** By id, in the order of speech as soon as somebody looks. */
  #segments = new Map();
  #rows = new Map();
  #page;
  #path;
  #isOutdated = true;
  #isFollowing = true;
  #wasWhole = false;
  #search = element("input", { class: "field search", type: "search", placeholder: "Search what was said", "aria-label": "Search the transcript", "data-filter": true, oninput: () => this.#sift() });
  #number = element("span", { class: "remark" });
  #list = element("ol", { class: "speech", tabindex: 0, "aria-label": "What was said", onscroll: () => this.#noticeScroll() });
  #follow = element("button", { type: "button", class: "button follow", hidden: true, onclick: () => this.#goToEnd() }, "↓ Follow");
  #empty = element("p", { class: "remark pad" });

  constructor(page, id) {
    this.#page = page;
    this.#path = `/api/bots/${id}/transcript`;
    const heading = element("header", { class: "sheet-title" }, element("h3", {}, "Transcript"), this.#number, element("span", { class: "spacer" }), this.#search);
    this.root = element("section", { class: "sheet transcript", "aria-label": "Transcript" }, heading, this.#list, this.#follow, this.#empty);
  }

  /** Read all of it. */
  async read() {
    const read = new Map();
    let cursor = "";
    for (let number = 0; number < PAGES; number += 1) {
      const { items, next } = await this.#page.get(`${this.#path}?limit=${PAGE}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
      for (const segment of items) read.set(segment.id, segment);
      if (!next) break;
      cursor = next;
    }
    // What came meanwhile is in there, but for what came after the page was read.
    if (!this.#wasWhole) for (const [id, segment] of this.#segments) if (!read.has(id)) read.set(id, segment);
    this.#wasWhole = false;
    this.#segments = read;
    this.#isOutdated = true;
  }

  /** Take what an event says; return whether something else has to be read for it. */
  hear({ type, data }) {
    for (const segment of data.segments ?? []) {
      this.#segments.set(segment.id, segment);
      this.#isOutdated = true;
    }
    // A full transcript replaces what was heard before.
    if (type === "transcript.completed") this.#wasWhole = true;
    return type === "transcript.completed" || data.more === true || type.startsWith("recording.") || type === "bot.completed";
  }

  /** @param {import("./hub.d.ts").Bot["transcript"]} told */
  show(told) {
    this.#search.hidden = !this.#segments.size;
    write(this.#empty, told ? emptyWords(told.status) : "Nothing was said so far, or it is not transcribed.");
    if (!this.#isOutdated) return;
    this.#isOutdated = false;
    const spoken = [...this.#segments.values()].sort((one, other) => one.start - other.start || (one.id < other.id ? -1 : 1));
    const rows = new Map(spoken.map((segment, place) => [segment.id, this.#row(segment, spoken[place - 1]?.speaker)]));
    this.#rows = rows;
    // New ones come at the end: nothing else is touched.
    arrange(this.#list, [...rows.values()].map(({ row }) => row));
    this.#empty.hidden = spoken.length > 0;
    this.#list.hidden = !spoken.length;
    this.#sift();
  }

  #row(segment, speakerBefore) {
    const made = this.#rows.get(segment.id);
    const isNew = segment.speaker !== speakerBefore;
    if (made?.segment === segment && made.isNew === isNew) return made;
    const row = made?.row ?? element("li");
    const name = isNew ? element("span", { class: "speaker" }, segment.speaker || "Somebody") : null;
    const text = element("span", { class: "said" }, segment.text);
    mark(row, "class", segment.final ? null : "unfinal");
    row.replaceChildren(element("time", {}, span(segment.start * 1000)), element("div", {}, ...[name, text].filter(Boolean)));
    return { row, segment, isNew };
  }

  #sift() {
    const words = this.#search.value.trim().toLowerCase();
    let found = 0;
    for (const { row, segment } of this.#rows.values()) {
      row.hidden = Boolean(words) && !`${segment.speaker}\n${segment.text}`.toLowerCase().includes(words);
      if (!row.hidden) found += 1;
    }
    const all = count(this.#rows.size, "segment");
    write(this.#number, words ? `${found} of ${all}` : this.#rows.size ? all : "");
    if (this.#isFollowing && !words) this.#goToEnd();
  }

  /** Who scrolls up wants to read there; who comes back to the end wants to go on. */
  #noticeScroll() {
    const { scrollHeight, scrollTop, clientHeight } = this.#list;
    this.#isFollowing = scrollHeight - scrollTop - clientHeight < END_PX;
    this.#follow.hidden = this.#isFollowing;
  }

  #goToEnd() {
    this.#isFollowing = true;
    this.#follow.hidden = true;
    this.#list.scrollTop = this.#list.scrollHeight;
  }
}

function emptyWords(status) {
  return {
    started: "It is being transcribed. What was said appears here.",
    failed: "It could not be transcribed.",
    completed: "Nothing was said.",
  }[status] ?? "Nothing was said so far.";
}
