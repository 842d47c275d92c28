/** One room: who is and was there, how long, what it came to, and what was recorded. */

import { code, element, emptiness, mark, write } from "./elements.js";
import { leaveWords } from "./leaving.js";
import { Presence, peopleOf } from "./presence.js";
import { isSilent, makeStar, trendingScore } from "./rooms.js";
import { ago, capital, clockTime, count, fullTime, roomStatus, roughly, span, titleOf } from "./words.js";

const COUNTERS = [
  ["people", "People now"],
  ["speakers", "Speaking"],
  ["listeners", "Listening"],
  ["peak", "Peak"],
  ["duration", "Duration"],
  ["minutes", "Minutes in all"],
  ["cost", "Cost"],
  ["score", "Trending"],
];
const MINUTE = 60_000;
const EARLIER = 20;
const RECORDING_TONES = { recording: "live", completed: "good", failed: "bad", starting: "calm", processing: "calm", paused: "wait" };

/** @param {HTMLElement} root @param {string} asked  A session's id, or that of a durable room. */
export function open(root, page, asked) {
  const { hub } = page;
  const shown = parts(page);
  const presence = new Presence();
  // What was read once; the stream goes on from there.
  let [room, id, readAt, isClosed] = [null, asked, 0, false];
  const [people, recordings] = [new Map(), new Map()];
  // What was told before it was known which room is meant.
  const early = [];
  const empty = emptiness("Nobody has been here yet.", ["People appear with their first webhook: ", code("hub send livekit participant_joined")]);
  shown.people.append(element("div", { class: "sheet" }, presence.root, empty));
  shown.body.append(shown.again, shown.counters, shown.people, shown.recordings, shown.sessions);
  root.append(shown.back, shown.problem, shown.body);
  void read();
  return { render, tick, heard, refresh: read, close: () => (isClosed = true) };

  /** All that was before; events that come meanwhile are newer, and stay. */
  async function read() {
    try {
      const found = await page.get(`/api/rooms/${asked}`);
      id = found.id;
      const [visits, captured, sessions] = await Promise.all([
        everything(page, `/api/rooms/${id}/participants?limit=1000`),
        everything(page, `/api/recordings?room=${id}&limit=100`),
        found.durable_room ? page.get(`/api/rooms?${sessionsOf(found)}&limit=${EARLIER}`) : { items: [] },
      ]);
      if (isClosed) return;
      [room, readAt] = [newer(found, hub.rooms.get(id)), hub.now()];
      room.totals = found;
      for (const one of visits) keep(people, one);
      for (const one of captured) keep(recordings, one);
      listSessions(sessions.items.filter((one) => one.durable_room === found.durable_room && one.id !== id));
      [shown.problem.hidden, shown.body.hidden] = [true, false];
      for (const event of early.splice(0)) heard(event);
      page.entitle(titleOf(room.name ?? room.room_id, id, "Room").main);
      render();
    } catch (problem) {
      if (isClosed) return;
      shown.problem.hidden = false;
      const isGone = problem.status === 404;
      if (isGone) shown.body.hidden = true;
      const words = isGone ? "It was erased, is no longer kept, or was never there." : problem.message;
      shown.problem.replaceChildren(emptiness(isGone ? `There is no room ${asked}.` : "The room could not be read.", [words]));
    }
  }

  function heard(event) {
    const { type, subject, time, data } = event;
    if (!room) return void (data.room || data.participant || data.recording ? early.push(event) : 0);
    if (type === "room.erased" && subject === `rooms/${id}`) return void read();
    if (![data.room?.id, data.participant?.room, data.recording?.room, data.transcript?.room].includes(id)) return;
    const { totals } = room;
    if (data.room?.id === id) room = { ...newer(room, data.room), totals };
    for (const one of [data.participant, ...(data.participants ?? [])]) if (one?.room === id) keep(people, goingOn(people.get(one.id), one, time));
    for (const one of [data.recording, data.transcript]) if (one?.room === id) keep(recordings, one);
    // An end settles what was counted on, and names only some of those that it closed.
    if (type === "room.ended") void read();
  }

  function render() {
    if (!room) return;
    const isOver = room.status === "ended";
    const title = titleOf(room.name ?? room.room_id, id, "Room");
    write(shown.title, title.main);
    write(shown.provider, room.provider);
    write(shown.id, id);
    write(shown.durable, room.durable_room && room.durable_room !== id ? room.durable_room : "");
    shown.star.dataset.room = room.durable_room ?? id;
    mark(shown.star, "aria-pressed", String(room.featured));
    write(shown.starWords, room.featured ? "Featured" : "Feature");
    mark(shown.sheet, "href", `api/rooms/${id}/participants?format=csv`);
    write(shown.when, whenWords(room, isOver));
    const again = [...hub.rooms.values()].find((one) => isOver && one.id !== id && one.status === "live" && one.durable_room && one.durable_room === room.durable_room);
    shown.again.hidden = !again;
    if (again) mark(shown.again.querySelector("a"), "href", `#/rooms/${again.id}`);
    const those = peopleOf(people.values());
    empty.hidden = those.length > 0;
    presence.root.hidden = !those.length;
    const here = those.filter((one) => one.shown.active).length;
    write(shown.peopleRemark, those.length ? `${count(those.length, "participant")}${here ? `, ${here} here now` : ""}` : "");
    const { from, to } = stretch(hub.now());
    presence.show(those, from, to);
    shown.recordings.hidden = !recordings.size;
    listRecordings();
    tick(hub.now());
  }

  function tick(now) {
    if (!room) return;
    const isOver = room.status === "ended";
    const { word, tone } = roomStatus({ ...room, stale: isSilent(room, now) });
    write(shown.chip, word);
    mark(shown.chip, "data-tone", tone);
    for (const [name, value] of Object.entries(numbers(now, isOver))) {
      write(shown.values[name], value);
      shown.values[name].parentElement.classList.toggle("zero", value === "0" || value === "–");
    }
    if (!isOver) {
      const { from, to } = stretch(now);
      presence.draw(from, to);
    }
    for (const [node, expires] of shown.expiries) write(node, expiryWords(expires, now));
  }

  /** From the first that is known of it to its end, or to now. */
  function stretch(now) {
    const joins = [...people.values()].map((one) => Date.parse(one.joined_at)).filter(Boolean);
    const begin = Math.min(...joins, Date.parse(room.started_at) || now);
    const end = room.status === "ended" ? Date.parse(room.ended_at ?? room.last_active_at) : now;
    return { from: begin, to: Math.max(end, begin + 1000) };
  }

  /** What was counted when it was read, and what has come since, by those who are there. */
  function numbers(now, isOver) {
    const { totals } = room;
    const since = isOver ? 0 : Math.max(0, now - readAt);
    const minutes = totals.participant_minutes + (since / MINUTE) * room.participant_count;
    const price = totals.participant_minutes > 0 ? totals.cost / totals.participant_minutes : null;
    return {
      people: String(isOver ? 0 : room.participant_count),
      speakers: String(isOver ? 0 : room.speaker_count),
      listeners: String(isOver ? 0 : room.listener_count),
      peak: String(Math.max(totals.peak_participants, room.participant_count)),
      duration: span(isOver || !room.started_at ? totals.duration * 1000 : now - Date.parse(room.started_at)),
      minutes: minutes.toLocaleString([], { maximumFractionDigits: minutes < 100 ? 1 : 0 }),
      cost: price === null ? "–" : (minutes * price).toLocaleString([], { minimumFractionDigits: 2, maximumFractionDigits: minutes * price < 1 ? 4 : 2 }),
      score: isOver ? "–" : trendingScore(room, now).toFixed(1),
    };
  }

  function listRecordings() {
    const told = JSON.stringify([...recordings.values()]);
    if (shown.recordings.dataset.told === told) return;
    shown.recordings.dataset.told = told;
    shown.expiries = [];
    shown.files.replaceChildren(...[...recordings.values()].map((one) => recordingRow(one, shown.expiries)));
  }

  function listSessions(sessions) {
    shown.sessions.hidden = !sessions.length;
    shown.links.replaceChildren(...sessions.map(sessionRow));
  }
}

/** Every page of a list. */
async function everything(page, path) {
  const items = [];
  for (let next = ""; next !== null; ) {
    const found = await page.get(next ? `${path}&cursor=${encodeURIComponent(next)}` : path);
    items.push(...found.items);
    next = found.next;
  }
  return items;
}

function sessionsOf({ room_id: roomId, name }) {
  return new URLSearchParams(roomId ? { room_id: roomId } : { name: name ?? "" });
}

function newer(one, other) {
  return other && other.sequence > one.sequence ? { ...other } : { ...one };
}

function keep(held, told) {
  const known = held.get(told.id);
  if (!known || known.sequence <= told.sequence) held.set(told.id, told);
}

/** An event tells when somebody came first and left last; what was between is known from before. */
function goingOn(known, told, time) {
  if (told.stays) return told;
  const stays = known?.stays ?? (known?.joined_at ? [stayOf(known)] : []);
  if (!stays.length) return told;
  const last = stays.at(-1);
  if (told.active && last.left_at) return { ...told, stays: [...stays, { joined_at: time, left_at: null, leave_reason: null }] };
  if (told.active) return { ...told, stays };
  if (stays.length === 1) return { ...told, stays: [stayOf(told)] };
  return { ...told, stays: [...stays.slice(0, -1), { ...last, left_at: told.left_at, leave_reason: told.leave_reason }] };
}

function stayOf({ joined_at, left_at, leave_reason }) {
  return { joined_at, left_at, leave_reason };
}

function whenWords(room, isOver) {
  if (!room.started_at) return "";
  const start = `${new Date(room.started_at).toLocaleDateString([], { day: "numeric", month: "short" })}, ${clockTime(room.started_at)}`;
  if (!isOver) return `since ${start}`;
  return [`${start} – ${clockTime(room.ended_at)}`, leaveWords(room.end_reason)].filter(Boolean).join(" · ");
}

function expiryWords(expires, now) {
  if (!expires) return "";
  const left = Date.parse(expires) - now;
  return left > 0 ? `link is good for ${roughly(left)}` : `link expired ${ago(-left)}`;
}

function recordingRow(recording, expiries) {
  const { status, scope, started_at: start, duration, size, url, artifacts, expires_at: expires, error, reason } = recording;
  const files = artifacts?.length ? artifacts : url ? [{ name: "File", url }] : [];
  const expiry = element("span", { class: "sub", title: fullTime(expires) });
  expiries.push([expiry, expires]);
  const about = [start && clockTime(start), duration !== null && span(duration * 1000), size !== null && bytes(size)].filter(Boolean).join(" · ");
  return element(
    "li",
    { "data-id": recording.id },
    element("span", { class: "chip", "data-tone": RECORDING_TONES[status] ?? "done" }, capital(status)),
    element("span", { class: "file-about" }, element("span", { class: "main" }, scope ? capital(scope.replaceAll("_", " ")) : "Recording"), element("span", { class: "sub" }, about)),
    element("span", { class: "file-trouble" }, error ?? (reason ? leaveWords(reason) : "")),
    element("span", { class: "file-links" }, ...files.map((file) => element("a", { href: file.url.replace(/^\//, ""), download: true }, capital(file.name))), expiry),
  );
}

function bytes(size) {
  const [unit, factor] = size >= 1e9 ? ["GB", 1e9] : size >= 1e6 ? ["MB", 1e6] : ["kB", 1e3];
  return `${(size / factor).toLocaleString([], { maximumFractionDigits: 1 })} ${unit}`;
}

function sessionRow(room) {
  const { word, tone } = roomStatus(room);
  return element(
    "li",
    {},
    element("span", { class: "chip", "data-tone": tone }, word),
    element("a", { href: `#/rooms/${room.id}` }, room.started_at ? new Date(room.started_at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }) : room.id),
    element("span", { class: "sub" }, `${span(room.duration * 1000)}, at most ${count(room.peak_participants, "person", "people")}`),
  );
}

function parts(page) {
  const [title, chip, provider, id, durable, when, peopleRemark, starWords] = ["h2", "span", "span", "code", "code", "span", "p", "span"].map((tag) => element(tag));
  const problem = element("div", { class: "sheet", role: "alert", hidden: true });
  const again = element("p", { class: "hint", hidden: true }, "They are meeting again: ", element("a", {}, "to the session that goes on"));
  const star = makeStar(page);
  mark(star, "tabindex", null);
  star.classList.add("button");
  star.append(" ", starWords);
  mark(star, "disabled", !page.may("launch"));
  const sheet = element("a", { class: "button", download: true }, "Attendance (CSV)");
  Object.assign(chip, { className: "chip" });
  peopleRemark.className = "remark";
  const back = element("p", { class: "crumbs" }, element("a", { class: "back", href: "#/rooms" }, "Rooms"));
  const header = element(
    "header",
    {},
    element("div", { class: "heading" }, title, chip, element("span", { class: "actions" }, star, sheet)),
    element("p", { class: "facts" }, provider, when, id, durable),
  );
  const values = Object.fromEntries(COUNTERS.map(([name]) => [name, element("dd", { "data-count": name }, "–")]));
  const counters = element("dl", { class: "counters" }, ...COUNTERS.map(([name, label]) => element("div", { class: "zero" }, element("dt", {}, label), values[name])));
  const people = element("section", { "aria-label": "Participants" }, element("header", { class: "heading" }, element("h3", {}, "Who was there"), peopleRemark));
  const [files, links] = [element("ul", { class: "files sheet" }), element("ul", { class: "files sheet" })];
  const recordings = element("section", { "aria-label": "Recordings", hidden: true }, element("header", { class: "heading" }, element("h3", {}, "Recordings")), files);
  const sessions = element("section", { "aria-label": "Other sessions", hidden: true }, element("header", { class: "heading" }, element("h3", {}, "Other sessions of this room")), links);
  const body = element("div", { class: "one", hidden: true }, header);
  return { back, body, title, chip, provider, id, durable, when, star, starWords, sheet, problem, again, counters, values, people, peopleRemark, recordings, files, sessions, links, expiries: [] };
}
