/** What arrives by each source, as far as it is worth a look: what fails, what waits, and since when. */

import { arrange, element, mark, write } from "./elements.js";
import { sparkline } from "./charts.js";
import { ago, count, roughly } from "./words.js";

const AGAIN_MS = 10_000;
const SHOWN = 6;

/** The sources of a hub, for administrators; read again when something arrived, not more often than each ten seconds. */
export class Sources {
  #page;
  #list = element("ul", { class: "source-list" });
  #quiet = element("li", { class: "remark" });
  #rows = new Map();
  #unhandled = unhandledLine();
  #told = null;
  /** When something last came by each, as far as it was told since. */
  #seen = new Map();
  #readAt = 0;
  #isDue = true;
  #isReading = false;

  constructor(page) {
    this.#page = page;
    this.root = element("section", { class: "sheet", "aria-label": "Sources" }, element("header", { class: "sheet-title" }, element("h3", {}, "Sources"), element("span", { class: "remark" }, "last hour")), this.#unhandled.root, this.#list);
  }

  /** Something arrived, or, without a delivery, anything may have: that is read at once. @param {import("./hub.d.ts").DeliveryNotice["data"]["delivery"]} [delivery] */
  outdate(delivery) {
    this.#isDue = true;
    if (delivery) this.#seen.set(delivery.source, delivery.received_at);
    else this.#readAt = 0;
  }

  /** Those by which something came in the last hour that could not be used. */
  get failing() {
    return this.#told?.items.filter(isFailing) ?? [];
  }

  /** @param {number} now  By the hub's clock. */
  tick(now) {
    if (this.#isDue && !this.#isReading && Date.now() - this.#readAt > AGAIN_MS) void this.#read(now);
    else this.#show(now);
  }

  async #read(now) {
    this.#isReading = true;
    // After what may have been missed once more: the hub answers for a moment with what it counted before.
    this.#isDue = !this.#readAt;
    // Before it answers: what is missed meanwhile is read at once after it.
    this.#readAt = Date.now();
    this.#told = await this.#page.get("/api/sources").catch(() => {
      this.#isDue = true;
      return this.#told;
    });
    this.#isReading = false;
    this.#show(now);
  }

  #show(now) {
    if (!this.#told) return;
    const { waiting, unhandled } = this.#told;
    const items = this.#told.items.map((one) => ({ ...one, last_seen: latest(one.last_seen, this.#seen.get(one.name)) }));
    this.#showUnhandled(waiting, unhandled, now);
    const used = items.filter((one) => one.last_seen || isFailing(one)).sort((one, other) => isFailing(other) - isFailing(one));
    const shown = used.slice(0, SHOWN);
    const names = new Set(shown.map(({ name }) => name));
    for (const name of this.#rows.keys()) if (!names.has(name)) this.#rows.delete(name);
    const quiet = items.length - used.length;
    write(this.#quiet, `Nothing has come by ${quiet === items.length ? "any source" : count(quiet, "other source")} yet.`);
    arrange(this.#list, [...shown.map((one) => this.#row(one, now)), ...(quiet ? [this.#quiet] : [])]);
  }

  /** Rows stay: whoever has come to a link by keyboard, or presses one, must not lose it. */
  #row(source, now) {
    const row = this.#rows.get(source.name) ?? makeRow(source.name);
    this.#rows.set(source.name, row);
    showSource(row, source, now);
    return row.root;
  }

  #showUnhandled(waiting, unhandled, now) {
    const { root, dead, since, stored } = this.#unhandled;
    const age = (one) => (one.oldest ? `, the oldest ${roughly(now - Date.parse(one.oldest))} ago` : "");
    root.hidden = !unhandled.count && !waiting.count;
    since.parentElement.hidden = !unhandled.count;
    stored.hidden = !waiting.count;
    write(dead, count(unhandled.count, "unhandled webhook"));
    write(since, age(unhandled));
    write(stored, `${count(waiting.count, "webhook")} to be stored${age(waiting)}`);
  }
}

function unhandledLine() {
  const [dead, since] = [element("a", { href: "#/webhooks?verdict=unhandled" }), element("span")];
  const stored = element("span", { "data-tone": "wait" });
  return { root: element("p", { class: "unhandled", hidden: true }, element("span", { "data-tone": "bad" }, dead, since), stored), dead, since, stored };
}

function latest(one, other) {
  return one && other && one > other ? one : (other ?? one);
}

function isFailing({ dead, refused }) {
  return Number(dead + refused > 0);
}

function makeRow(name) {
  const [spark, seen, fails] = [sparkline(), element("span", { class: "remark source-seen" }), element("a", { class: "source-fails" })];
  const root = element("li", {}, element("a", { class: "source-name", href: `#/webhooks?source=${name}` }, name), spark.root, seen, fails);
  return { root, spark, seen, fails };
}

function showSource({ root, spark, seen, fails }, source, now) {
  spark.draw(source.per_minute);
  write(seen, source.last_seen ? ago(now - Date.parse(source.last_seen)) : source.refused ? "refused" : "never");
  mark(root, "data-failing", isFailing(source) > 0);
  fails.hidden = !isFailing(source);
  if (fails.hidden) return;
  const [most] = source.reasons;
  write(fails, failureOf(source));
  mark(fails, "href", most?.delivery ? `#/webhooks/${most.delivery}` : null);
  mark(fails, "title", most?.reason);
}

/** How much failed, and the reason that is told most. */
export function failureOf({ refused, dead, reasons }) {
  const fails = [refused ? `${refused.toLocaleString()} refused` : "", dead ? `${dead.toLocaleString()} of no use` : ""];
  return `${fails.filter(Boolean).join(", ")}: ${reasons[0]?.reason ?? ""}`;
}
