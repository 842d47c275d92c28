/** Tables of documents that change all the time: rows stay, and only what differs in them is written. */

import { element, mark, write } from "./elements.js";

// So many rows are made at first, and so many more whenever somebody scrolls to their end.
const ROWS_AT_ONCE = 60;
// Of what is over, so many are shown until somebody wants all.
const FEW_OVER = 12;
const NEAR = "600px";

/**
 * A table with one row for each document of a map.
 *
 * @typedef {object} Described
 * @property {string} label  What the table is of.
 * @property {{ name: string, label: string, width: string }[]} columns  Widths are those of a CSS grid.
 * @property {ReadonlyMap<string, any>} documents
 * @property {(one: any, other: any) => number} order  Of documents that are alike, the id decides.
 * @property {(document: any, parts: Record<string, Part>, row: HTMLElement) => void} cells  Write what depends on the document.
 * @property {(document: any, parts: Record<string, Part>, now: number) => void} [clocks]  Write what depends on the time, too.
 * @property {(document: any) => boolean} [isOver]  What is over stands below, dimmed, and is shown in part.
 * @property {() => boolean} [isBrief]  Whether that is so now.
 * @property {(document: any) => boolean} [keep]  Which documents are shown; after it has changed call `sift()`.
 * @property {number} [rows]  So many were shown when somebody left, who comes back now.
 * @property {(document: any) => string} [href]  Where a row leads, `#/…`.
 * @property {() => number} now
 * @typedef {{ cell: HTMLElement, main: HTMLElement, sub: HTMLElement }} Part
 */
export class LiveTable {
  #is;
  #rows = new Map();
  // What has been put in its place; documents are never changed, only replaced.
  #known = new WeakSet();
  #sorted = [];
  #limit;
  #least;
  #showsAll = false;
  #body = element("tbody", { role: "rowgroup" });
  #more = element("button", { type: "button", class: "more", hidden: true, onclick: () => this.#grow(true) });
  #watch = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && this.#grow(false), { rootMargin: NEAR });

  /** @param {Described} is */
  constructor(is) {
    this.#least = is.rows ?? 0;
    this.#limit = Math.max(ROWS_AT_ONCE, this.#least);
    this.#is = { clocks: () => {}, isOver: () => false, isBrief: () => true, keep: () => true, ...is };
    const heads = is.columns.map(({ name, label }) => element("th", { role: "columnheader", scope: "col", class: name }, label));
    const head = element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...heads));
    this.table = element("table", { role: "table", "aria-label": is.label, hidden: true }, head, this.#body);
    this.table.style.setProperty("--columns", is.columns.map(({ width }) => width).join(" "));
    /** What to put into the page: the table, and what makes it longer. */
    this.parts = [this.table, this.#more];
    this.#body.addEventListener("keydown", (event) => this.#walk(event));
    this.#body.addEventListener("focusin", (event) => this.#stopAt(event.target.closest("tr")));
    this.#body.addEventListener("click", (event) => this.#follow(event));
    this.#watch.observe(this.#more);
  }

  /** How many documents are shown, or would be if one scrolled on. */
  get size() {
    return this.#sorted.length;
  }

  /** Whether all of them have a row. */
  get isWhole() {
    return this.#rows.size === this.#sorted.length;
  }

  /** Bring the rows in line with the documents. */
  render() {
    this.#sort();
    const sorted = this.#sorted;
    const living = sorted.findIndex((one) => this.#is.isOver(one));
    const few = living < 0 || !this.#is.isBrief() ? sorted.length : Math.min(sorted.length, Math.max(this.#least, living + FEW_OVER));
    const wanted = this.#showsAll ? sorted.length : few;
    const shown = sorted.slice(0, Math.min(this.#limit, wanted));
    const ids = new Set(shown.map(({ id }) => id));
    for (const [id, row] of this.#rows) if (!ids.has(id)) this.#remove(id, row);
    this.#arrange(shown.map((found) => this.#row(found)));
    this.table.hidden = !shown.length;
    this.#offerMore(shown.length, wanted, few);
  }

  /** Let the clocks go on. */
  tick(now) {
    for (const { shown, parts } of this.#rows.values()) this.#is.clocks(shown, parts, now);
  }

  /** Ask again which documents are to be shown, and in which order. */
  sift() {
    this.#known = new WeakSet();
    this.#sorted = [];
  }

  close() {
    this.#watch.disconnect();
  }

  /** Put what is new in its place. Of a thousand only those that changed are compared. */
  #sort() {
    const { documents, keep } = this.#is;
    const compare = (one, other) => this.#compare(one, other);
    const news = [];
    for (const one of documents.values()) {
      if (this.#known.has(one)) continue;
      this.#known.add(one);
      if (keep(one)) news.push(one);
    }
    this.#sorted = this.#sorted.filter((one) => documents.get(one.id) === one);
    if (news.length * 8 > this.#sorted.length) this.#sorted = [...this.#sorted, ...news].sort(compare);
    else for (const one of news) this.#sorted.splice(place(this.#sorted, one, compare), 0, one);
  }

  #compare(one, other) {
    const isOver = this.#is.isOver(one);
    if (isOver !== this.#is.isOver(other)) return isOver ? 1 : -1;
    return this.#is.order(one, other) || (one.id < other.id ? -1 : 1);
  }

  #offerMore(shown, wanted, few) {
    const { length } = this.#sorted;
    this.#more.hidden = shown === wanted && few === length;
    if (shown < wanted) write(this.#more, `${wanted - shown} more`);
    else write(this.#more, this.#showsAll ? "Show fewer" : `Show ${length - few} more that ${length - few === 1 ? "is" : "are"} over`);
    this.#more.dataset.grows = String(shown < wanted);
  }

  #grow(isAsked) {
    if (this.#more.dataset.grows === "true") this.#limit += ROWS_AT_ONCE;
    else if (isAsked) this.#showsAll = !this.#showsAll;
    else return;
    this.render();
    // Whoever is still near the end after that is told so once more.
    this.#watch.unobserve(this.#more);
    this.#watch.observe(this.#more);
  }

  #row(document) {
    let row = this.#rows.get(document.id);
    if (!row) this.#rows.set(document.id, (row = makeRow(this.#is.columns)));
    if (row.shown === document) return row;
    const isNews = row.shown && row.shown.status !== document.status;
    row.shown = document;
    row.element.dataset.id = document.id;
    row.element.dataset.over = this.#is.isOver(document);
    this.#is.cells(document, row.parts, row.element);
    this.#is.clocks(document, row.parts, this.#is.now());
    if (isNews) highlight(row.element);
    return row;
  }

  /** Put the rows in order, moving as few as possible: those that stay keep focus and selection. */
  #arrange(rows) {
    const body = this.#body;
    let place = body.firstElementChild;
    for (const { element } of rows) {
      if (place && place !== element && place.nextElementSibling === element) {
        // The row in between goes further down: it comes to its place in its turn.
        const strayed = place;
        place = element;
        move(body, strayed, null);
      }
      if (place === element) place = element.nextElementSibling;
      else move(body, element, place);
    }
    if (!body.querySelector("tr[tabindex='0']")) body.firstElementChild?.setAttribute("tabindex", "0");
  }

  #remove(id, { element }) {
    const neighbour = element.nextElementSibling ?? element.previousElementSibling;
    if (element.contains(document.activeElement) && neighbour) this.#focus(neighbour);
    element.remove();
    this.#rows.delete(id);
  }

  /** One stop for the tab key; from there the arrows go through the rows, and Enter goes where one leads. */
  #walk(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const row = event.target.closest("tr");
    if (event.key === "Enter" && event.target === row) return this.#go(row);
    const target = {
      ArrowDown: row.nextElementSibling,
      ArrowUp: row.previousElementSibling,
      Home: this.#body.firstElementChild,
      End: this.#body.lastElementChild,
    }[event.key];
    if (!target) return;
    event.preventDefault();
    this.#focus(target);
  }

  #follow(event) {
    const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey && !getSelection()?.toString();
    if (isPlain && !event.target.closest("a, button")) this.#go(event.target.closest("tr"));
  }

  #go(row) {
    const shown = this.#rows.get(row.dataset.id)?.shown;
    if (shown && this.#is.href) location.hash = this.#is.href(shown);
  }

  #focus(row) {
    this.#stopAt(row);
    row.focus();
  }

  /** The tab key comes to this row, and from it to what can be pressed in it. */
  #stopAt(row) {
    for (const one of this.#body.querySelectorAll("[tabindex='0']")) if (!row.contains(one)) one.setAttribute("tabindex", "-1");
    for (const one of [row, ...row.querySelectorAll("button")]) one.setAttribute("tabindex", "0");
  }
}

/** Write a title with what stands beneath it; with `href` it is a link, for those who open another tab. */
export function showTitle({ cell, main, sub }, { main: title, sub: under }, href) {
  if (href) {
    const anchor = main.firstElementChild ?? main.appendChild(element("a", { tabindex: -1 }));
    mark(anchor, "href", href);
    write(anchor, title);
  } else {
    write(main, title);
  }
  write(sub, under);
  mark(cell, "title", under ? `${title}\n${under}` : title);
}

/** Write a status as a chip. */
export function showChip({ main }, { word, tone }) {
  write(main, word);
  if (main.dataset.tone !== tone) Object.assign(main, { className: "chip" }).dataset.tone = tone;
}

/** Find where something belongs among what is sorted. */
function place(sorted, one, compare) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(sorted[middle], one) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Make an empty row; its parts are by the names of the columns. */
function makeRow(columns) {
  const row = element("tr", { role: "row", tabindex: -1 });
  const parts = {};
  for (const { name, label } of columns) {
    const [main, sub] = ["main", "sub"].map((part) => element("span", { class: part }));
    const cell = element("td", { role: "cell", class: name, "data-label": label }, main, sub);
    row.append(cell);
    parts[name] = { cell, main, sub };
  }
  return { element: row, parts, shown: null };
}

function move(parent, element, before) {
  // insertBefore takes the focus away from what it moves.
  if (parent.moveBefore && element.isConnected) parent.moveBefore(element, before);
  else parent.insertBefore(element, before);
}

function highlight(row) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const colors = [{ backgroundColor: "var(--highlight)" }, { backgroundColor: "transparent" }];
  row.animate(colors, { duration: 1200, easing: "ease-out" });
}
