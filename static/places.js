/** Where somebody was in a list before they opened something of it, and the way back to there. */

// A list that is read first may take a moment; who goes on by themselves is left alone.
const PATIENCE_MS = 3000;
const GOING_ON = ["wheel", "touchmove", "pointerdown", "keydown"];

/**
 * @typedef {object} Place
 * @property {string} hash
 * @property {number} y
 * @property {string} id  Of the row that was opened, or had the focus.
 * @property {number} rows  How many there were.
 * @property {unknown} kept  What the view wants to have back.
 */

/** One place for each section, and what is to be brought into view or focus now. */
export class Places {
  #main;
  /** @type {Map<string, Place>} */
  #left = new Map();
  /** @type {Place | null} */
  #wanted = null;
  #until = 0;
  #hasMoved = false;

  constructor(main) {
    this.#main = main;
    for (const name of GOING_ON) addEventListener(name, () => this.#giveUp(), { capture: true, passive: true });
  }

  /** Note how a list is left, by what is opened. */
  leave(section, hash, opened, kept) {
    const id = opened || (document.activeElement?.closest("tr")?.dataset.id ?? "");
    this.#left.set(section, { hash, y: scrollY, id, rows: this.#main.querySelectorAll("tbody tr").length, kept });
  }

  /** The address of a section as it was left. */
  hashOf(section) {
    return this.#left.get(section)?.hash ?? `#/${section}`;
  }

  /** How a list was left, if it is what is opened now. */
  at(section, hash) {
    const place = this.#left.get(section);
    return place?.hash === hash ? place : null;
  }

  /** Something else is shown: from a place on, or from its beginning. @param {Place | null} place */
  arrive(place) {
    this.#wanted = place;
    this.#hasMoved = true;
    this.#until = performance.now() + PATIENCE_MS;
    this.#settle();
  }

  /** As far as it is there by now, and again until it is. */
  #settle() {
    if (performance.now() > this.#until) this.#giveUp();
    if (this.#hasMoved) this.#look();
    if (this.#hasMoved) requestAnimationFrame(() => this.#settle());
  }

  #look() {
    if (this.#wanted && Math.abs(scrollY - this.#wanted.y) > 1) scrollTo(0, this.#wanted.y);
    // Who came by a link of the bar at the top is still there.
    if (document.activeElement !== document.body) return this.#giveUp();
    const row = this.#wanted?.id && this.#main.querySelector(`tr[data-id="${CSS.escape(this.#wanted.id)}"]`);
    const heading = this.#main.querySelector("h2");
    const target = this.#wanted?.id ? row : heading?.checkVisibility() ? heading : null;
    if (!target) return;
    if (target === heading) target.tabIndex = -1;
    target.focus({ preventScroll: true });
    if (target === row) row.scrollIntoView({ block: "nearest" });
    this.#giveUp();
  }

  #giveUp() {
    this.#wanted = null;
    this.#hasMoved = false;
  }
}
