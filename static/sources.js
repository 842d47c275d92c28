/** What arrives by each source, as far as it is worth a look: what fails, what waits, and since when. */

import { element, write } from "./elements.js";
import { sparkline } from "./charts.js";
import { ago, count, roughly } from "./words.js";

const AGAIN_MS = 10_000;
const SHOWN = 6;

/** The sources of a hub, for administrators; read again when something arrived, not more often than each ten seconds. */
export class Sources {
  #page;
  #rows = element("ul", { class: "source-list" });
  #unhandled = element("p", { class: "unhandled", hidden: true });
  #told = null;
  #readAt = 0;
  #isDue = true;
  #isReading = false;

  constructor(page) {
    this.#page = page;
    this.root = element("section", { class: "sheet", "aria-label": "Sources" }, element("header", { class: "sheet-title" }, element("h3", {}, "Sources"), element("span", { class: "remark" }, "last hour")), this.#unhandled, this.#rows);
  }

  /** Something arrived: what is shown is no longer all. */
  outdate() {
    this.#isDue = true;
  }

  /** @param {number} now  By the hub's clock. */
  tick(now) {
    if (this.#isDue && !this.#isReading && Date.now() - this.#readAt > AGAIN_MS) void this.#read(now);
    else this.#show(now);
  }

  async #read(now) {
    this.#isReading = true;
    this.#isDue = false;
    this.#told = await this.#page.get("/api/sources").catch(() => this.#told);
    this.#readAt = Date.now();
    this.#isReading = false;
    this.#show(now);
  }

  #show(now) {
    if (!this.#told) return;
    const { items, waiting, unhandled } = this.#told;
    this.#showUnhandled(waiting, unhandled, now);
    const used = items.filter((one) => one.last_seen || isFailing(one)).sort((one, other) => isFailing(other) - isFailing(one));
    const rows = used.slice(0, SHOWN).map((one) => sourceRow(one, now));
    const quiet = items.length - used.length;
    if (quiet) rows.push(element("li", { class: "remark" }, `Nothing has come by ${quiet === items.length ? "any source" : count(quiet, "other source")} yet.`));
    this.#rows.replaceChildren(...rows);
  }

  #showUnhandled(waiting, unhandled, now) {
    const since = (one) => (one.oldest ? `, the oldest ${roughly(now - Date.parse(one.oldest))} ago` : "");
    const dead = element("a", { href: "#/webhooks?verdict=dead" }, `${count(unhandled.count, "webhook")} of no use`);
    const words = [];
    if (unhandled.count) words.push(element("span", { "data-tone": "bad" }, dead, since(unhandled)));
    if (waiting.count) words.push(element("span", { "data-tone": "wait" }, `${count(waiting.count, "webhook")} to be stored${since(waiting)}`));
    this.#unhandled.hidden = !words.length;
    this.#unhandled.replaceChildren(...words);
  }
}

function isFailing({ dead, refused }) {
  return Number(dead + refused > 0);
}

function sourceRow(source, now) {
  const { name, last_seen: seen, per_minute: minutes, dead, refused, reasons } = source;
  const spark = sparkline();
  spark.draw(minutes);
  const fails = [refused ? `${refused.toLocaleString()} refused` : "", dead ? `${dead.toLocaleString()} of no use` : ""].filter(Boolean);
  const row = element(
    "li",
    { "data-failing": fails.length > 0 },
    element("a", { class: "source-name", href: "#/webhooks" }, name),
    spark.root,
    element("span", { class: "remark source-seen" }, seen ? ago(now - Date.parse(seen)) : "never"),
    fails.length ? element("span", { class: "source-fails" }, `${fails.join(", ")}: ${reasons[0]?.reason ?? ""}`) : null,
  );
  write(row.firstElementChild, name);
  return row;
}
