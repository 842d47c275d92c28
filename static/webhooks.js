/** Webhooks: what arrives as it arrives, and beside it whether each source is well. */

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
  ["dead", "Unusable"],
  ["refused", "Refused"],
];
const PAGE = 100;
// What arrived longest ago makes room for what arrives, unless somebody asked for it.
const HELD = 1000;
// Before it is read again when the hub did not answer.
const AGAIN_MS = 3000;

/** @param {HTMLElement} root */
export function open(root, page) {
  if (!page.may("admin")) return openForOthers(root);
  const { hub } = page;
  const held = new Map();
  const cards = new SourceCards();
  let [limit, next, isClosed, isHolding, asked, isRead] = [HELD, "", false, false, 0, false];
  // Before an outage: whether what is read after it follows on that is to be seen.
  let before = new Set();
  let [neglected, failedAt] = [null, 0];
  const kept = [];
  const filters = sieve(
    page,
    [
      { name: "source", label: "All sources", options: [] },
      { name: "verdict", label: "Verdict", options: VERDICTS, isPills: true },
    ],
    () => {
      held.clear();
      before.clear();
      table.sift();
      [isRead, next] = [false, ""];
      void read();
    },
  );
  const table = new LiveTable({
    label: "Deliveries",
    columns: COLUMNS,
    documents: held,
    now: () => hub.now(),
    order: (one, other) => other.at - one.at || numberOf(other.id) - numberOf(one.id),
    href: (one) => `#/webhooks/${one.id}`,
    cells: showDelivery,
    clocks: (one, parts, now) => write(parts.active.main, ago(now - one.at)),
  });
  const hold = element("button", { type: "button", class: "button", "aria-pressed": "false", onclick: toggle }, "Hold");
  const older = element("button", { type: "button", class: "more", hidden: true, onclick: () => void readOlder() }, "Older deliveries");
  const trouble = element("p", { class: "trouble", role: "alert", hidden: true });
  const unhandled = element("p", { class: "remark", role: "status" });
  const [coming, empty, unmatched] = [awaiting(), nothing(), emptiness("Nothing has arrived that is like that.", ["Choose another source or verdict, or wait: it appears here as it arrives."])];
  const sheet = element("div", { class: "sheet", id: "deliveries" }, ...table.parts, older);
  root.append(
    element("header", { class: "heading" }, element("h2", {}, "Webhooks"), unhandled),
    trouble,
    cards.root,
    element("section", { "aria-label": "Deliveries" }, element("header", { class: "heading" }, element("h3", {}, "Deliveries"), ...filters.pills, filters.root, hold), sheet),
  );
  const status = () => {
    if (hub.freshness !== "stale") return;
    for (const id of [...held.keys(), ...kept.map((one) => one.id)]) before.add(id);
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
      const [sources, { items, next: following }] = await Promise.all([page.get("/api/sources"), page.get(`/api/deliveries?${wanted()}`)]);
      if (isClosed || mine !== asked) return;
      const goesOn = isRead && (!before.size || !following || items.some(({ id }) => before.has(id)));
      // There would be a hole that nothing fills: what is older is read on demand.
      if (!goesOn) begin(following);
      before.clear();
      isRead = true;
      for (const one of items) put(one);
      cards.show(sources, hub.now());
      filters.offer("source", sources.items.map(({ name }) => [name, name]));
      neglected = sources.unhandled;
      trouble.hidden = true;
      render();
      tick(hub.now());
    } catch (problem) {
      if (isClosed || mine !== asked) return;
      failedAt = Date.now();
      trouble.hidden = false;
      write(trouble, problem.message);
    }
  }

  function begin(following) {
    for (const id of before) held.delete(id);
    kept.splice(0, kept.length, ...kept.filter(({ id }) => !before.has(id)));
    [limit, next] = [HELD, following ? `cursor=${encodeURIComponent(following)}` : ""];
  }

  async function readOlder() {
    const from = next;
    mark(older, "disabled", true);
    try {
      const { items, next: following } = await page.get(`/api/deliveries?${wanted()}&${from}`);
      // Something else is looked at by now.
      if (isClosed || from !== next) return;
      next = following ? `cursor=${encodeURIComponent(following)}` : "";
      limit += items.length;
      for (const one of items) put(one);
      trouble.hidden = true;
    } catch (problem) {
      if (isClosed || from !== next) return;
      trouble.hidden = false;
      write(trouble, problem.message);
    } finally {
      mark(older, "disabled", null);
      if (!isClosed) render();
    }
  }

  function wanted() {
    const { source, verdict } = filters.values;
    return new URLSearchParams({ limit: String(PAGE), ...(source && { source }), ...(verdict && { verdict }) });
  }

  function heard({ type, data }) {
    if (!type.startsWith("delivery.")) return;
    const { delivery } = data;
    // It was redriven: what was counted of it is no longer so.
    if (held.get(delivery.id)?.verdict === "dead" && delivery.verdict !== "duplicate") return void read();
    if (neglected && (delivery.verdict === "dead" || delivery.verdict === "refused")) {
      neglected = { count: neglected.count + 1, oldest: neglected.oldest ?? delivery.received_at };
    }
    cards.count(delivery, hub.now());
    if (isHolding) kept.push(delivery);
    else take(delivery);
  }

  function take(delivery) {
    const { source, verdict } = filters.values;
    const known = held.get(delivery.id);
    if (delivery.verdict === "duplicate") {
      if (known) held.set(delivery.id, { ...known, copies: delivery.copies });
      return;
    }
    if ((!source || delivery.source === source) && (!verdict || delivery.verdict === verdict)) put(delivery);
    else if (known) held.delete(delivery.id);
  }

  function put(one) {
    held.set(one.id, { ...one, at: Date.parse(one.received_at) });
  }

  function forgetOldest() {
    if (held.size <= limit + PAGE) return;
    const sorted = [...held.values()].sort((one, other) => one.at - other.at);
    const oldest = sorted.splice(0, held.size - limit);
    for (const { id } of oldest) held.delete(id);
    // What is older begins here now; what came in the same millisecond is read again.
    next = `to=${new Date(sorted[0].at + 1).toISOString()}`;
  }

  /** Nobody reads a list that moves. */
  function toggle() {
    isHolding = !isHolding;
    mark(hold, "aria-pressed", String(isHolding));
    for (const one of kept.splice(0)) take(one);
    render();
  }

  function render() {
    while (kept.length > HELD) kept.shift();
    forgetOldest();
    table.render();
    cards.render();
    write(hold, isHolding ? (kept.length ? `Show ${kept.length.toLocaleString()} new` : "Held") : "Hold");
    older.hidden = !next || !held.size;
    const isNarrowed = filters.values.source || filters.values.verdict;
    place(sheet, coming, !isRead && !held.size);
    place(sheet, empty, isRead && !held.size && !isNarrowed);
    place(sheet, unmatched, isRead && !held.size && Boolean(isNarrowed));
  }

  function tick(now) {
    if (failedAt && Date.now() - failedAt > AGAIN_MS) void read();
    if (neglected) write(unhandled, held.size ? unhandledWords(neglected, now) : "");
    table.tick(now);
    cards.tick(now);
  }
}

/** Of what came in the same millisecond, what was taken later is above. */
function numberOf(id) {
  return Number(id.replace("q", ""));
}

function openForOthers(root) {
  const hint = emptiness(
    "Webhooks are for administrators.",
    ["What arrives may be about any room, so this needs a sign-in for everything."],
    ["Run ", code("hub token"), " where the hub runs, and open the address that it prints."],
  );
  root.append(element("header", { class: "heading" }, element("h2", {}, "Webhooks")), element("div", { class: "sheet" }, hint));
  return { render() {} };
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
