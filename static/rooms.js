/** Rooms: where most is going on stands first, and how many were there lately. */

import { crowdLine, crowdsOf } from "./crowds.js";
import { awaiting, code, element, emptiness, mark, place, write } from "./elements.js";
import { unlessHidden } from "./hidden.js";
import { Older } from "./older.js";
import { providers, sieve } from "./sieve.js";
import { LiveTable, showChip, showTitle } from "./table.js";
import { ago, count, crowdWords, fullTime, roomStatus, roughly, span, titleOf } from "./words.js";

const COLUMNS = [
  { name: "star", label: "Featured", width: "1.5rem" },
  { name: "title", label: "Room", width: "minmax(10rem, 2fr)" },
  { name: "provider", label: "Provider", width: "6.5rem" },
  { name: "status", label: "Status", width: "6rem" },
  { name: "people", label: "People", width: "minmax(8.5rem, 1fr)" },
  { name: "crowd", label: "Last 10 minutes", width: "8rem" },
  { name: "score", label: "Trending", width: "4.5rem" },
  { name: "clock", label: "Duration", width: "5.5rem" },
  { name: "active", label: "Last active", width: "6.5rem" },
];
const STATUSES = [
  ["live", "Live"],
  ["silent", "Silent"],
  ["featured", "Featured"],
  ["ended", "Ended"],
];
const COUNTING_MS = 500;
const HALF_LIFE_MS = 6 * 3_600_000;
// As long as the hub waits by itself before it takes a room for over, if nobody changed that.
const SILENT_MS = 12 * 3_600_000;

/** @param {HTMLElement} root */
export function open(root, page) {
  const { hub } = page;
  const crowds = crowdsOf(hub);
  const filters = sieve(
    page,
    [
      { name: "q", label: "Search rooms" },
      { name: "provider", label: "All providers", options: [] },
      { name: "status", label: "Status", options: STATUSES, isPills: true },
    ],
    () => {
      table.sift();
      render();
    },
  );
  const older = new Older(page, {
    collection: "rooms",
    query: () => ({ status: "ended", ...(filters.values.provider && { provider: filters.values.provider }) }),
    isOver,
    kept: page.place?.kept,
    keep: (room) => isWanted(room, filters.values, hub.now()),
    onRead: () => render(),
  });
  const table = new LiveTable({
    label: "Rooms",
    columns: COLUMNS,
    documents: older,
    now: () => hub.now(),
    isOver,
    // Who looks for what is over wants all of it.
    rows: page.place?.rows,
    isBrief: () => !filters.values.q && filters.values.status !== "ended" && !older.isOpen,
    order,
    keep: (room) => isWanted(room, filters.values, hub.now()),
    href: (room) => `#/rooms/${room.id}`,
    cells: (room, parts) => showRoom(room, parts, page),
    clocks: (room, parts, now) => showClocks(room, parts, now, crowds),
  });
  const remark = element("p", { class: "remark" });
  const [coming, empty, unmatched] = [awaiting(), unlessHidden(page, "rooms", nothing()), nothingLikeThat(() => filters.clear())];
  const rows = element("div", {}, ...table.parts);
  const sheet = element("div", { class: "sheet", id: "rooms" }, rows, ...older.parts);
  root.append(
    element("header", { class: "heading" }, element("h2", {}, "Rooms"), remark, filters.root),
    ...filters.pills,
    sheet,
  );
  let countedAt = 0;
  return { isOfMaps: true, render, tick, heard: (event) => older.hear(event), keep: () => older.kept, close: () => table.close() };

  function render() {
    table.render();
    older.render(page.sees("rooms") && table.isWhole && ["", "ended", "featured"].includes(filters.values.status));
    const isEmpty = !hub.rooms.size && !older.isOpen;
    place(rows, coming, !hub.position);
    place(rows, empty, hub.position && isEmpty);
    place(rows, unmatched, !table.size && !isEmpty);
    // Whoever reads numbers does not see more of them in a second.
    if (Date.now() - countedAt > COUNTING_MS) tell();
  }

  function tick(now) {
    table.tick(now);
    tell();
  }

  function tell() {
    countedAt = Date.now();
    filters.offer("provider", providers(older));
    const [words, counts] = totals(older, filters.values, hub.now());
    write(remark, words);
    filters.tally("status", counts);
  }
}

function isOver(room) {
  return room.status === "ended";
}

/** Rooms whose score will be higher at any moment come first; it halves at the same pace for all. */
function order(one, other) {
  if (isOver(one) && isOver(other)) return compare(other.ended_at ?? other.last_active_at, one.ended_at ?? one.last_active_at);
  return trendingKey(other) - trendingKey(one);
}

function compare(one, other) {
  return (one ?? "") < (other ?? "") ? -1 : Number((one ?? "") > (other ?? ""));
}

const keys = new WeakMap();

function trendingKey(room) {
  if (!keys.has(room)) {
    const base = trendingBase(room);
    keys.set(room, (base > 0 ? Math.log2(base) : -1e9) + (Date.parse(room.last_active_at) || 0) / HALF_LIFE_MS);
  }
  return keys.get(room);
}

function trendingBase(room) {
  return room.listener_count + room.speaker_count * 3 + (room.featured ? 5 : 0);
}

/** How much is going on in a room: listeners, speakers three times, five for a featured one; half of it six hours later. */
export function trendingScore(room, now) {
  const idle = Math.max(0, now - (Date.parse(room.last_active_at) || 0));
  return trendingBase(room) * 0.5 ** (idle / HALF_LIFE_MS);
}

/** Nobody has said anything of it for so long that it may be over. */
export function isSilent(room, now) {
  return !isOver(room) && (room.stale || now - Date.parse(room.last_active_at) > SILENT_MS);
}

function isWanted(room, { q, provider, status }, now) {
  if (provider && room.provider !== provider) return false;
  if (status === "live" && (isOver(room) || isSilent(room, now))) return false;
  if (status === "silent" && !isSilent(room, now)) return false;
  if (status === "featured" && !room.featured) return false;
  if (status === "ended" && !isOver(room)) return false;
  const words = q.toLowerCase();
  return !words || [room.name, room.id, room.room_id, room.durable_room].some((one) => one?.toLowerCase().includes(words));
}

/** How many there are of each status among those that are narrowed to otherwise, and of how many people. */
function totals(rooms, wanted, now) {
  const counts = { "": 0, live: 0, silent: 0, featured: 0, ended: 0 };
  let people = 0;
  for (const room of rooms.values()) {
    if (!isWanted(room, { ...wanted, status: "" }, now)) continue;
    counts[""] += 1;
    counts[isOver(room) ? "ended" : isSilent(room, now) ? "silent" : "live"] += 1;
    if (room.featured) counts.featured += 1;
    if (!isOver(room)) people += room.participant_count;
  }
  return [people ? `${count(people, "person", "people")} in ${count(counts.live + counts.silent, "room")}` : "", counts];
}

function showRoom(room, parts, page) {
  showTitle(parts.title, titleOf(room.name ?? room.room_id, room.id, "Room"), `#/rooms/${room.id}`);
  write(parts.provider.main, room.provider);
  write(parts.people.main, isOver(room) ? "" : room.participant_count.toLocaleString());
  write(parts.people.sub, room.participant_count ? crowdWords(room.speaker_count, room.listener_count) : "");
  mark(parts.active.cell, "title", fullTime(room.last_active_at));
  mark(parts.clock.cell, "title", fullTime(room.started_at));
  showStar(room, parts.star, page);
}

function showStar(room, { main }, page) {
  const star = main.firstElementChild ?? main.appendChild(makeStar(page));
  star.dataset.room = room.durable_room ?? room.id;
  mark(star, "aria-pressed", String(room.featured));
  mark(star, "disabled", !page.may("launch"));
  mark(star, "hidden", isOver(room) && !room.featured);
  mark(star, "title", page.may("launch") ? (room.featured ? "Featured: click to take it back" : "Feature this room") : "Featured");
}

/** A star that is pressed while its room is featured. */
export function makeStar(page) {
  const press = async () => {
    const wanted = star.getAttribute("aria-pressed") !== "true";
    mark(star, "aria-busy", "true");
    const problem = await page.send("PATCH", `/api/rooms/${star.dataset.room}`, { featured: wanted }).then(() => null, (error) => error);
    if (!problem) mark(star, "aria-pressed", String(wanted));
    star.classList.toggle("failed", Boolean(problem));
    if (problem) mark(star, "title", problem.message);
    mark(star, "aria-busy", null);
  };
  const star = element("button", { type: "button", class: "star", "aria-label": "Feature this room", tabindex: -1, onclick: press }, "★");
  return star;
}

function showClocks(room, parts, now, crowds) {
  const silent = isSilent(room, now);
  showChip(parts.status, roomStatus({ ...room, stale: silent }));
  const until = isOver(room) ? (room.ended_at ?? room.last_active_at) : null;
  const lasted = (until ? Date.parse(until) : now) - Date.parse(room.started_at);
  write(parts.clock.main, room.started_at ? (isOver(room) ? roughly(lasted) : span(lasted)) : "");
  write(parts.active.main, room.last_active_at ? ago(now - Date.parse(room.last_active_at)) : "");
  write(parts.score.main, isOver(room) ? "" : shortly(trendingScore(room, now)));
  const { main } = parts.crowd;
  if (isOver(room)) return main.replaceChildren();
  main.line ??= crowdLine();
  if (main.firstChild !== main.line.root) main.replaceChildren(main.line.root);
  main.line.draw(crowds.of(room.id, now));
}

function shortly(score) {
  return score >= 100 ? Math.round(score).toLocaleString() : score.toFixed(1);
}

function nothing() {
  return emptiness(
    "No rooms right now. One appears here with its first webhook.",
    ["Try it: ", code("hub send livekit participant_joined")],
    ["or play whole meetings: ", code("hub simulate")],
  );
}

function nothingLikeThat(clear) {
  const button = element("button", { type: "button", class: "button", onclick: clear }, "Show all rooms");
  return emptiness("No room is like that.", ["Nothing here has this name, provider and status at once."], [button]);
}
