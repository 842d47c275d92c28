/** What was said: segments as they come, followed while one is at the end, and searched. */

import { arrange, element, mark, write } from "./elements.js";
import { Sought } from "./sought.js";
import { count, span } from "./words.js";

const PAGE = 1000;
const PAGES = 20;
const END_PX = 40;
// What is out of sight is laid out so many at a time: a browser watches each of what it leaves out.
const TOGETHER = 100;

/** @typedef {{ row: HTMLElement, time: HTMLElement, speaker: HTMLElement, said: HTMLElement, segment: any, isHit: boolean }} Line */

export class Transcript {
  /** By id, as they were told. */
  #segments = new Map();
  /** By id, as they are shown; and in the order of speech. @type {Map<string, Line>} */
  #lines = new Map();
  #spoken = [];
  /** What was told since it was shown; where all is new, that does not matter. */
  #news = new Set();
  #isOutdated = true;
  #isRead = false;
  /** Who is heard, by name. @type {string[]} */
  speakers = [];
  #page;
  #path;
  #wasWhole = false;
  #isFollowing = true;
  // Where the list stood last.
  #scrolledTo = 0;
  /** What is searched for, and where one was before. */
  #words = "";
  #before = null;
  #hits = 0;
  #sought = new Sought();
  #search = element("input", { class: "field search", type: "search", placeholder: "Search what was said", "aria-label": "Search the transcript", "data-filter": true, oninput: () => this.#seek() });
  #number = element("span", { class: "remark" });
  #list = element("div");
  #scroller = element("div", { class: "speech", tabindex: 0, role: "group", "aria-label": "What was said", hidden: true, onscroll: () => this.#noticeScroll() }, this.#list);
  #follow = element("button", { type: "button", class: "button follow", hidden: true, onclick: () => this.#goToEnd() }, "↓ Follow");
  #empty = element("p", { class: "remark pad" });

  constructor(page, id) {
    this.#page = page;
    this.#path = `/api/bots/${id}/transcript`;
    const heading = element("header", { class: "sheet-title" }, element("h3", {}, "Transcript"), this.#number, element("span", { class: "spacer" }), this.#search);
    this.root = element("section", { class: "sheet transcript", "aria-label": "Transcript" }, heading, this.#scroller, this.#follow, this.#empty);
    this.#setFollowing(true);
    // How high a row is turns out only when it is seen: the end moves, also when the window changes.
    const watch = new ResizeObserver(() => this.#isFollowing && !this.#words && this.#goToEnd());
    for (const one of [this.#scroller, this.#list]) watch.observe(one);
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
    this.#isOutdated = this.#isRead = true;
  }

  /** Take what an event says; return whether something else has to be read for it. */
  hear({ type, data }) {
    for (const segment of data.segments ?? []) {
      this.#segments.set(segment.id, segment);
      this.#news.add(segment.id);
    }
    // A full transcript replaces what was heard before.
    if (type === "transcript.completed") this.#wasWhole = true;
    return type === "transcript.completed" || data.more === true || type.startsWith("recording.") || type === "bot.completed";
  }

  /** Nothing of it is known any more. */
  forget() {
    this.#segments.clear();
    this.#isOutdated = true;
  }

  /** @param {{ told: import("./hub.d.ts").Bot["transcript"], isOver: boolean, unread: string }} known */
  show({ told, isOver, unread }) {
    const isNew = this.#isOutdated || [...this.#news].some((id) => !this.#take(this.#segments.get(id)));
    if (isNew) this.#showAll();
    if (isNew || this.#news.size) this.speakers = [...new Set(this.#spoken.map(({ segment }) => segment.speaker))].filter(Boolean);
    this.#news.clear();
    const all = count(this.#spoken.length, "segment");
    write(this.#number, this.#words ? `${this.#hits.toLocaleString()} of ${all}` : this.#spoken.length ? all : "");
    this.#search.hidden = this.#scroller.hidden = !this.#spoken.length;
    this.#empty.hidden = this.#spoken.length > 0 && !(this.#words && !this.#hits);
    write(this.#empty, this.#spoken.length ? "Nothing like that was said." : this.#isRead ? emptyWords(told, isOver) : unread);
  }

  /** Have one shown, where that changes nothing but its own place; return whether it could be. */
  #take(segment) {
    const known = this.#lines.get(segment.id);
    if (known && known.segment.start !== segment.start) return false;
    const line = known ?? this.#line(segment);
    const isLast = !this.#spoken.length || inOrder(this.#spoken.at(-1).segment, segment) < 0;
    if (!known && !isLast) return false;
    if (!known) {
      this.#lines.set(segment.id, line);
      this.#part(this.#spoken.length).append(line.row);
      this.#spoken.push(line);
    }
    this.#draw(line, segment);
    const place = this.#spoken.lastIndexOf(line);
    for (const near of [place, place + 1]) this.#begin(near);
    this.#sift(line);
    return true;
  }

  #showAll() {
    this.#isOutdated = false;
    const spoken = [...this.#segments.values()].sort(inOrder).map((segment) => {
      const line = this.#lines.get(segment.id) ?? this.#line(segment);
      this.#draw(line, segment);
      return line;
    });
    this.#spoken = spoken;
    this.#lines = new Map(spoken.map((line) => [line.segment.id, line]));
    spoken.forEach((_, place) => this.#begin(place));
    const parts = [];
    for (let place = 0; place < spoken.length; place += TOGETHER) {
      parts.push(this.#part(place));
      arrange(parts.at(-1), spoken.slice(place, place + TOGETHER).map(({ row }) => row));
    }
    arrange(this.#list, parts);
    this.#siftAll();
  }

  /** The part of the list that a place is in; parts are made in their order. */
  #part(place) {
    return this.#list.children[Math.floor(place / TOGETHER)] ?? this.#list.appendChild(element("ol"));
  }

  /** @returns {Line} */
  #line(segment) {
    const [time, speaker, said] = [element("time"), element("span", { class: "speaker" }), element("span", { class: "said" })];
    return { row: element("li", {}, time, element("div", {}, speaker, said)), time, speaker, said, segment: null, isHit: false };
  }

  #draw(line, segment) {
    if (line.segment === segment) return;
    line.segment = segment;
    write(line.time, span(segment.start * 1000));
    write(line.speaker, segment.speaker || "Somebody");
    write(line.said, segment.text);
    mark(line.row, "class", segment.final ? null : "unfinal");
  }

  /** Who goes on speaking is not named again. */
  #begin(place) {
    const line = this.#spoken[place];
    if (line) mark(line.row, "data-goes-on", place > 0 && this.#spoken[place - 1].segment.speaker === line.segment.speaker);
  }

  /** Search, from where one is; when that is over one is there again. */
  #seek() {
    const words = this.#search.value.trim().toLowerCase();
    if (words && !this.#words) this.#before = { isFollowing: this.#isFollowing, ...this.#whereOneIs() };
    const isBack = this.#words && !words;
    this.#words = words;
    this.#siftAll();
    this.#follow.hidden = this.#isFollowing || Boolean(words);
    if (isBack) this.#goBack();
    else this.#scroller.scrollTop = 0;
    this.#page.changed();
  }

  #siftAll() {
    // What was found here or there, each is named.
    mark(this.#list, "data-sought", Boolean(this.#words));
    this.#sought.clear();
    this.#hits = 0;
    for (const line of this.#spoken) {
      line.isHit = false;
      this.#sift(line);
    }
  }

  #sift(line) {
    const { segment, row } = line;
    const wasHit = line.isHit;
    line.isHit = !this.#words || `${segment.speaker}\n${segment.text}`.toLowerCase().includes(this.#words);
    row.hidden = !line.isHit;
    this.#hits += Number(line.isHit) - Number(wasHit);
    for (const node of [line.speaker, line.said]) this.#sought.mark(node, line.isHit ? this.#words : "");
  }

  #whereOneIs() {
    const { top } = this.#scroller.getBoundingClientRect();
    const reaches = (one) => one.getBoundingClientRect().bottom > top;
    const part = [...this.#list.children].find(reaches);
    const row = [...(part?.children ?? [])].find(reaches);
    return { row, above: row ? this.#above(row) : 0 };
  }

  /** How much of a row is above what one sees. */
  #above(row) {
    return this.#scroller.getBoundingClientRect().top - row.getBoundingClientRect().top;
  }

  #goBack() {
    const { isFollowing, row, above } = this.#before;
    if (isFollowing) return this.#goToEnd();
    // As long as it is out of sight nobody knows how high it is.
    if (row?.isConnected) {
      row.parentElement.style.contentVisibility = "visible";
      this.#scroller.scrollTop += above - this.#above(row);
    }
    this.#scrolledTo = this.#scroller.scrollTop;
  }

  /** Who scrolls up wants to read there; who comes back to the end wants to go on. That the end moves away says nothing. */
  #noticeScroll() {
    if (this.#words) return;
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    const wentUp = scrollTop < this.#scrolledTo;
    this.#scrolledTo = scrollTop;
    if (scrollHeight - scrollTop - clientHeight < END_PX) this.#setFollowing(true);
    else if (wentUp) this.#setFollowing(false);
  }

  #goToEnd() {
    this.#setFollowing(true);
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#scrolledTo = this.#scroller.scrollTop;
  }

  #setFollowing(isFollowing) {
    this.#isFollowing = isFollowing;
    this.#follow.hidden = isFollowing;
    mark(this.#scroller, "data-follows", isFollowing);
  }
}

function inOrder(one, other) {
  return one.start - other.start || (one.id < other.id ? -1 : 1);
}

function emptyWords(told, isOver) {
  if (!told) return isOver ? "Nothing that was said is known." : "Nothing was said so far, or it is not transcribed.";
  return {
    started: "It is being transcribed. What was said appears here.",
    failed: "It could not be transcribed.",
    completed: "Nothing was said.",
  }[told.status] ?? (isOver ? "Nothing was said." : "Nothing was said so far.");
}
