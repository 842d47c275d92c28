/** Webhooks: what arrives as it arrives, and beside it whether each source is well. */

import { openForOthers } from "./administrators.js";
import { Arrivals } from "./arrivals.js";
import { awaiting, code, element, emptiness, mark, place, write } from "./elements.js";
import { sieve } from "./sieve.js";
import { SourceCards } from "./sourcecards.js";
import { LiveTable, showChip, showTitle } from "./table.js";
import { delayWords, isLate, verdictOf } from "./verdicts.js";
import { ago, count, exactTime, fullTime } from "./words.js";

const COLUMNS = [
  { name: "status", label: "Verdict", width: "6.5rem" },
  { name: "title", label: "Event", width: "minmax(10rem, 2fr)" },
  { name: "provider", label: "Source", width: "7.5rem" },
  { name: "reason", label: "Reason", width: "minmax(8rem, 2.5fr)" },
  { name: "told", label: "Events", width: "4rem" },
  { name: "copies", label: "Copies", width: "4rem" },
  { name: "late", label: "Delay", width: "5rem" },
  { name: "active", label: "Received", width: "7.5rem" },
];
const VERDICTS = [
  ["accepted", "Accepted"],
  ["unhandled", "Unhandled"],
  ["dead", "Unusable"],
  ["refused", "Refused"],
];
// Before it is read again when the hub did not answer.
const AGAIN_MS = 3000;

/** @param {HTMLElement} root */
export function open(root, page) {
  if (!page.may("admin")) return openForOthers(root);
  const { hub } = page;
  const cards = new SourceCards();
  let isClosed = false;
  // How often was read, so that only the last answer counts, and when that failed.
  let asked = 0;
  let failedAt = 0;
  let neglected = null;
  const filters = sieve(
    page,
    [
      { name: "source", label: "All sources", options: [] },
      { name: "verdict", label: "Verdict", options: VERDICTS, isPills: true },
    ],
    () => {
      arrivals.clear();
      table.sift();
      void read();
    },
  );
  const arrivals = new Arrivals(filters.values);
  const table = new LiveTable({
    label: "Deliveries",
    columns: COLUMNS,
    documents: arrivals.held,
    now: () => hub.now(),
    rows: page.place?.rows,
    order: (one, other) => other.at - one.at || numberOf(other.id) - numberOf(one.id),
    href: (one) => `#/webhooks/${one.id}`,
    cells: showDelivery,
    clocks: (one, parts, now) => write(parts.active.main, ago(now - one.at)),
  });
  const hold = element("button", { type: "button", class: "button", "aria-pressed": "false", onclick: toggle }, "Hold");
  const older = element("button", { type: "button", class: "more", hidden: true, onclick: () => void readOlder() }, "Older deliveries");
  const trouble = element("p", { class: "trouble", role: "alert", hidden: true });
  const unhandled = element("p", { class: "remark" });
  const [coming, empty, unmatched] = [awaiting(), nothing(), emptiness("Nothing has arrived that is like that.", ["Choose another source or verdict, or wait: it appears here as it arrives."])];
  const sheet = element("div", { class: "sheet", id: "deliveries" }, ...table.parts, older);
  root.append(
    element("header", { class: "heading" }, element("h2", {}, "Webhooks"), unhandled),
    trouble,
    cards.root,
    element("section", { "aria-label": "Deliveries" }, element("header", { class: "heading" }, element("h3", {}, "Deliveries"), ...filters.pills, filters.root, hold), sheet),
  );
  const status = () => {
    if (hub.freshness === "stale") arrivals.cutOff();
  };
  hub.addEventListener("status", status);
  void read();
  return { render, tick, heard, refresh: () => void read(), close };

  function close() {
    isClosed = true;
    hub.removeEventListener("status", status);
    table.close();
  }

  /** What has arrived so far. Who has chosen otherwise meanwhile, or has gone, is not told. */
  async function read() {
    const mine = (asked += 1);
    failedAt = 0;
    try {
      const [sources, newest] = await Promise.all([page.get("/api/sources"), arrivals.ask(page.get)]);
      if (isClosed || mine !== asked) return;
      arrivals.read(newest);
      cards.show(sources, hub.now());
      filters.offer("source", sources.items.map(({ name }) => [name, name]));
      neglected = sources.unhandled;
      trouble.hidden = true;
      render();
      tick(hub.now());
    } catch (problem) {
      if (isClosed || mine !== asked) return;
      failedAt = Date.now();
      // Who is signed out is told so already.
      trouble.hidden = problem.status === 401;
      write(trouble, problem.message);
    }
  }

  async function readOlder() {
    const from = arrivals.next;
    mark(older, "disabled", true);
    try {
      const found = await arrivals.ask(page.get, from);
      // Something else is looked at by now.
      if (isClosed || from !== arrivals.next) return;
      arrivals.readOlder(found);
      trouble.hidden = true;
    } catch (problem) {
      if (isClosed || from !== arrivals.next) return;
      trouble.hidden = false;
      write(trouble, problem.message);
    } finally {
      mark(older, "disabled", null);
      if (!isClosed) render();
    }
  }

  function heard({ type, data }) {
    if (!type.startsWith("delivery.")) return;
    const { delivery } = data;
    // It was redriven: what was counted of it is no longer so.
    if (arrivals.held.get(delivery.id)?.verdict === "dead" && delivery.verdict !== "duplicate") {
      arrivals.heard(delivery);
      return void read();
    }
    if (neglected && (delivery.verdict === "dead" || delivery.verdict === "refused")) {
      neglected = { count: neglected.count + 1, oldest: neglected.oldest ?? delivery.received_at };
    }
    cards.count(delivery, hub.now());
    arrivals.heard(delivery);
  }

  /** Nobody reads a list that moves. */
  function toggle() {
    arrivals.hold(!arrivals.isHolding);
    mark(hold, "aria-pressed", String(arrivals.isHolding));
    render();
  }

  function render() {
    arrivals.forgetOldest();
    const { held, isRead, isHolding, waiting, next } = arrivals;
    table.render();
    cards.render();
    write(hold, isHolding ? (waiting ? `Show ${waiting.toLocaleString()} new` : "Held") : "Hold");
    older.hidden = !next || !held.size;
    const isNarrowed = filters.values.source || filters.values.verdict;
    place(sheet, coming, !isRead && !held.size);
    place(sheet, empty, isRead && !held.size && !isNarrowed);
    place(sheet, unmatched, isRead && !held.size && Boolean(isNarrowed));
  }

  function tick(now) {
    if (failedAt && Date.now() - failedAt > AGAIN_MS) void read();
    if (neglected) write(unhandled, arrivals.held.size ? unhandledWords(neglected, now) : "");
    table.tick(now);
    cards.tick(now);
  }
}

/** Of what came in the same millisecond, what was taken later is above. */
function numberOf(id) {
  return Number(id.replace("q", ""));
}

function showDelivery(one, parts) {
  showChip(parts.status, verdictOf(one.verdict));
  showTitle(parts.title, { main: one.provider_type ?? (one.verdict === "refused" ? "Not verified" : "Unknown"), sub: one.id }, `#/webhooks/${one.id}`);
  write(parts.provider.main, one.source);
  write(parts.reason.main, one.reason ?? "");
  mark(parts.reason.cell, "title", one.reason);
  write(parts.told.main, one.events || "");
  write(parts.copies.main, one.copies ? `+${one.copies}` : "");
  parts.copies.cell.classList.toggle("notable", one.copies > 0);
  write(parts.late.main, delayWords(one.late));
  parts.late.cell.classList.toggle("notable", isLate(one.late));
  write(parts.active.sub, exactTime(one.received_at));
  mark(parts.active.cell, "title", fullTime(one.received_at));
}

function unhandledWords({ count: number, oldest }, now) {
  if (!number) return "Everything that arrived could be used.";
  return `${count(number, "delivery", "deliveries")} that nobody has looked after, the oldest ${ago(now - Date.parse(oldest))}`;
}

function nothing() {
  return emptiness(
    "No webhook has arrived yet.",
    ["Give your provider the URL above, or try it: ", code("hub send livekit room_started")],
    ["What is wrong with the set-up says ", code("hub check")],
  );
}
