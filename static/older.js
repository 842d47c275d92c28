/** What ended too long ago for the stream: read page by page, when somebody asks for it. */

import { logOf } from "./beats.js";
import { element, mark, write } from "./elements.js";

const PAGE = 200;
// Of a text nothing may be found on a page: so many are read before it is asked once more.
const PAGES_AT_ONCE = 10;

/** The documents of a list, as far as they were read, and beneath the table the button that reads on. */
export class Older {
  #page;
  #is;
  /** What was read, for which question, of which log, and from where it goes on. */
  kept;
  #isReading = false;
  #isWanted = false;
  #button = element("button", { type: "button", class: "more older", onclick: () => void this.#search() });
  #trouble = element("p", { class: "pad remark", role: "alert", hidden: true });
  #end = element("p", { class: "pad remark", hidden: true }, "Nothing older is kept.");

  /**
   * @param {any} page
   * @param {object} is
   * @param {string} is.collection  `bots` or `rooms`.
   * @param {() => Record<string, string>} is.query  What the hub itself can narrow it to.
   * @param {(one: any) => boolean} is.isOver
   * @param {(one: any) => boolean} is.keep
   * @param {() => void} is.onRead
   * @param {any} [is.kept]  What was read before somebody left.
   */
  constructor(page, is) {
    this.#page = page;
    this.#is = is;
    this.kept = is.kept ?? { read: new Map(), next: "", asked: "", isAtEnd: false, log: "" };
    this.parts = [this.#button, this.#trouble, this.#end];
  }

  /** Whether somebody has asked for any. */
  get isOpen() {
    return this.kept.asked !== "";
  }

  // Seen together with what the stream tells, which is newer.

  get #told() {
    return this.#page.hub[this.#is.collection];
  }

  get(id) {
    return this.#told.get(id) ?? this.kept.read.get(id);
  }

  *values() {
    yield* this.#told.values();
    for (const one of this.kept.read.values()) if (!this.#told.has(one.id)) yield one;
  }

  /** Something was erased. @param {import("./hub.d.ts").HubEvent} event */
  hear({ type, subject }) {
    if (type.endsWith(".erased")) this.kept.read.delete(subject.slice(subject.indexOf("/") + 1));
  }

  /** @param {boolean} [isWanted]  Whether what has ended may be among what is looked for, and the rest is in view. */
  render(isWanted = this.#isWanted) {
    this.#isWanted = isWanted;
    const log = logOf(this.#page.hub.position);
    // What was read is of a log that is no more.
    if (this.isOpen && log && log !== this.kept.log) this.#forget();
    const isAtEnd = this.kept.isAtEnd && this.kept.asked === this.#query;
    this.#button.hidden = isAtEnd || !isWanted;
    this.#end.hidden = !isAtEnd || !isWanted;
    write(this.#button, this.#isReading ? "Reading…" : `${this.isOpen ? "More" : "Show"} ${this.#is.collection} that ended longer ago`);
    mark(this.#button, "disabled", this.#isReading);
  }

  get #query() {
    return String(new URLSearchParams({ ...this.#is.query(), limit: String(PAGE) }));
  }

  /** Read on until something turns up that is looked for. */
  async #search() {
    const query = this.#query;
    if (query !== this.kept.asked) [this.kept.next, this.kept.isAtEnd] = ["", false];
    [this.kept.asked, this.kept.log, this.#isReading] = [query, logOf(this.#page.hub.position), true];
    this.render();
    const problem = await this.#pages(query).catch((error) => error);
    if (problem && !this.kept.read.size) this.kept.asked = "";
    this.#isReading = false;
    this.#trouble.hidden = !problem;
    if (problem) write(this.#trouble, `Could not be read: ${problem.message}`);
    this.#is.onRead();
  }

  async #pages(query) {
    for (let pages = 0; pages < PAGES_AT_ONCE; pages += 1) {
      const found = await this.#page.get(`/api/${this.#is.collection}?${query}${this.kept.next}`);
      if (query !== this.kept.asked) return;
      const over = found.items.filter((one) => this.#is.isOver(one));
      const news = over.filter((one) => !this.get(one.id));
      for (const one of over) this.kept.read.set(one.id, one);
      this.kept.next = found.next ? `&cursor=${encodeURIComponent(found.next)}` : "";
      this.kept.isAtEnd = !found.next;
      if (this.kept.isAtEnd || news.some((one) => this.#is.keep(one))) return;
    }
  }

  #forget() {
    this.kept.read.clear();
    Object.assign(this.kept, { asked: "", next: "", isAtEnd: false });
  }
}
