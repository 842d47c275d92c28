/** What arrives by each source, as far as it is worth a look: what fails, what waits, and since when. */

import { element } from "./elements.js";
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
  /** When something last came by each, as far as it was told since. */
  #seen = new Map();
  #readAt = 0;
  #isDue = true;
  #isReading = false;

  constructor(page) {
    this.#page = page;
    this.root = element("section", { class: "sheet", "aria-label": "Sources" }, element("header", { class: "sheet-title" }, element("h3", {}, "Sources"), element("span", { class: "remark" }, "last hour")), this.#unhandled, this.#rows);
  }

  /** Something arrived, or, without a delivery, anything may have: that is read at once. @param {import("./hub.d.ts").DeliveryNotice["data"]["delivery"]} [delivery] */
  outdate(delivery) {
    this.#isDue = true;
    if (delivery) this.#seen.set(delivery.source, delivery.received_at);
    else this.#readAt = 0;
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
    const rows = used.slice(0, SHOWN).map((one) => sourceRow(one, now));
    const quiet = items.length - used.length;
    if (quiet) rows.push(element("li", { class: "remark" }, `Nothing has come by ${quiet === items.length ? "any source" : count(quiet, "other source")} yet.`));
    this.#rows.replaceChildren(...rows);
  }

  #showUnhandled(waiting, unhandled, now) {
    const since = (one) => (one.oldest ? `, the oldest ${roughly(now - Date.parse(one.oldest))} ago` : "");
    const dead = element("a", { href: "#/webhooks?verdict=dead" }, count(unhandled.count, "unhandled webhook"));
    const words = [];
    if (unhandled.count) words.push(element("span", { "data-tone": "bad" }, dead, since(unhandled)));
    if (waiting.count) words.push(element("span", { "data-tone": "wait" }, `${count(waiting.count, "webhook")} to be stored${since(waiting)}`));
    this.#unhandled.hidden = !words.length;
    this.#unhandled.replaceChildren(...words);
  }
}

function latest(one, other) {
  return one && other && one > other ? one : (other ?? one);
}

function isFailing({ dead, refused }) {
  return Number(dead + refused > 0);
}

function sourceRow(source, now) {
  const { name, last_seen: seen, per_minute: minutes, dead, refused } = source;
  const spark = sparkline();
  spark.draw(minutes);
  const fails = [refused ? `${refused.toLocaleString()} refused` : "", dead ? `${dead.toLocaleString()} of no use` : ""].filter(Boolean);
  return element(
    "li",
    { "data-failing": fails.length > 0 },
    element("a", { class: "source-name", href: `#/webhooks?source=${name}` }, name),
    spark.root,
    element("span", { class: "remark source-seen" }, seen ? ago(now - Date.parse(seen)) : "never"),
    fails.length ? failure(source, fails.join(", ")) : null,
  );
}

/** How much failed, and the reason that is told most. */
function failure({ reasons }, words) {
  const why = reasons[0]?.reason ?? "";
  const href = reasons[0]?.delivery ? `#/webhooks/${reasons[0].delivery}` : null;
  return element("a", { class: "source-fails", href, title: why }, `${words}: ${why}`);
}
