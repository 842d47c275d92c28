/** One room: who is and was there, how long, what it came to, and what was recorded. */

import { Captures } from "./captures.js";
import { awaiting, chip, code, element, emptiness, headingOf, mark, write } from "./elements.js";
import { leaveWords } from "./leaving.js";
import { Meeting } from "./meeting.js";
import { Presence, peopleOf } from "./presence.js";
import { isSilent, makeStar } from "./rooms.js";
import { clockTime, count, roomStatus, span, titleOf } from "./words.js";

const COUNTERS = [
  ["people", "People now"],
  ["speakers", "Speakers"],
  ["listeners", "Listeners"],
  ["peak", "Peak"],
  ["duration", "Duration"],
  ["minutes", "Minutes in all"],
  ["cost", "Cost"],
  ["score", "Trending"],
];
const PERSONS = ["human", "sip"];
const MACHINES = { recorder: "recorder", agent: "agent", ingress: "stream in" };
// Before it is read again when the hub did not answer.
const AGAIN_MS = 3000;

/** @param {HTMLElement} root @param {string} asked  A session's id, or that of a durable room. */
export function open(root, page, asked) {
  const { hub } = page;
  const meeting = new Meeting(page, asked);
  const [presence, captures, shown] = [new Presence(), new Captures(), parts(page)];
  const empty = emptiness("Nobody has been here yet.", ["People appear with their first webhook: ", code("hub send livekit participant_joined")]);
  let [isClosed, hasNews, failedAt] = [false, false, 0];
  shown.people.append(element("div", { class: "sheet" }, presence.root, empty));
  shown.recordings.append(captures.root);
  root.append(shown.problem, shown.body);
  void read();
  return { render, tick, heard, refresh: read, close: () => (isClosed = true) };

  async function read() {
    failedAt = 0;
    const problem = await meeting.read().catch((error) => error);
    if (isClosed) return;
    shown.problem.hidden = !problem;
    shown.body.hidden = problem ? problem.status === 404 || !meeting.room : false;
    if (problem) return complain(problem);
    page.entitle(titleOf(meeting.room.name ?? meeting.room.room_id, meeting.id, "Room").main);
    listSessions();
    hasNews = true;
    render();
  }

  function complain(problem) {
    const isGone = problem.status === 404;
    if (!isGone) failedAt = Date.now();
    const [title, words] = isGone ? [`There is no room ${asked}.`, "It was erased, is no longer kept, or was never there."] : ["The room could not be read.", problem.message];
    shown.problem.replaceChildren(emptiness(title, [words], [element("a", { href: "#/rooms" }, "All rooms")]));
  }

  function heard(event) {
    if (event.type === "room.erased" && event.subject === `rooms/${meeting.id}`) return void read();
    if (!meeting.hear(event)) return;
    hasNews = true;
    // An end settles what was counted on, and names only some of those that it closed.
    if (event.type === "room.ended") void read();
  }

  function render() {
    const { room } = meeting;
    if (!room) return;
    showAgain();
    if (!hasNews) return;
    hasNews = false;
    showHead(shown, meeting);
    const people = peopleOf(meeting.people.values());
    empty.hidden = people.length > 0;
    presence.root.hidden = !people.length;
    write(shown.remark, people.length ? `${count(people.length, "participant")}${hereWords(people)}` : "");
    const { from, to } = meeting.stretch(hub.now());
    presence.show(people, from, to);
    shown.recordings.hidden = !meeting.recordings.size;
    captures.show(meeting.recordings.values());
    tick(hub.now());
  }

  function tick(now) {
    const { room } = meeting;
    if (failedAt && Date.now() - failedAt > AGAIN_MS) void read();
    if (!room) return;
    const { word, tone } = roomStatus({ ...room, stale: isSilent(room, now) });
    write(shown.chip, word);
    mark(shown.chip, "data-tone", tone);
    mark(shown.values.cost.parentElement, "title", costWords(meeting));
    for (const [name, value] of Object.entries(meeting.numbers(now))) {
      write(shown.values[name], value);
      shown.values[name].parentElement.classList.toggle("zero", value === "0" || value === "–");
    }
    const { from, to } = meeting.stretch(now);
    if (!meeting.isOver) presence.draw(from, to);
    captures.tick(now);
  }

  /** Whoever looks at what is over is told where they meet now. */
  function showAgain() {
    const { durable_room: durable } = meeting.room;
    const isAgain = (one) => one.durable_room === durable && one.status === "live" && one.id !== meeting.id;
    const again = meeting.isOver && durable ? [...hub.rooms.values()].find(isAgain) : null;
    shown.again.hidden = !again;
    if (again) mark(shown.again.lastElementChild, "href", `#/rooms/${again.id}`);
  }

  function listSessions() {
    shown.sessions.hidden = !meeting.sessions.length;
    shown.links.replaceChildren(...meeting.sessions.map(sessionRow));
  }
}

function showHead(shown, { room, id, isOver }) {
  write(shown.title, titleOf(room.name ?? room.room_id, id, "Room").main);
  mark(shown.title, "title", room.name);
  write(shown.provider, room.provider);
  write(shown.id, id);
  write(shown.durable, room.durable_room && room.durable_room !== id ? room.durable_room : "");
  write(shown.when, whenWords(room, isOver));
  shown.star.dataset.room = room.durable_room ?? id;
  mark(shown.star, "aria-pressed", String(room.featured));
  write(shown.starWords, room.featured ? "Featured" : "Feature");
  mark(shown.sheet, "href", `api/rooms/${id}/participants?format=csv&bom=1`);
}

/** As rooms count: people by each of their connections, but neither recorders nor agents. */
function hereWords(people) {
  const here = people.filter(({ shown }) => shown.active);
  const persons = here.filter(({ shown }) => PERSONS.includes(shown.kind));
  const connections = persons.reduce((sum, { connections: more }) => sum + more, 0);
  const machines = Object.entries(MACHINES).map(([kind, word]) => [here.filter(({ shown }) => shown.kind === kind).length, word]);
  const others = machines.filter(([number]) => number).map(([number, word]) => ` + ${count(number, word, `${word}s`)}`);
  if (!here.length) return "";
  const of = connections > persons.length ? `${count(connections, "connection")} of ${count(persons.length, "person", "people")} here now` : `${persons.length} here now`;
  return `, ${of}${others.join("")}`;
}

function whenWords(room, isOver) {
  if (!room.started_at) return "";
  const start = `${new Date(room.started_at).toLocaleDateString([], { day: "numeric", month: "short" })}, ${clockTime(room.started_at)}`;
  if (!isOver) return `since ${start}`;
  return [`${start} – ${clockTime(room.ended_at)}`, leaveWords(room.end_reason)].filter(Boolean).join(" · ");
}

/** The price is the hub's own, in whatever currency somebody has set it. */
function costWords({ price }) {
  const each = price === null ? "by the minute" : `at ${price.toLocaleString([], { maximumFractionDigits: 6 })} a minute`;
  return `Minutes in all, ${each}: what this hub is configured to count ([rooms] price_per_participant_minute)`;
}

function sessionRow(room) {
  const { word, tone } = roomStatus(room);
  const start = room.started_at ? new Date(room.started_at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }) : room.id;
  const about = `${span(room.duration * 1000)}, at most ${count(room.peak_participants, "person", "people")}`;
  return element("li", {}, chip(word, tone), element("a", { href: `#/rooms/${room.id}` }, start), element("span", { class: "sub" }, about));
}

function parts(page) {
  const [title, provider, when, starWords] = ["h2", "span", "span", "span"].map((tag) => element(tag));
  const [id, durable] = [element("code"), element("code")];
  const [chip, remark] = [element("span", { class: "chip" }), element("p", { class: "remark" })];
  const star = makeStar(page);
  for (const name of ["tabindex", "aria-label"]) mark(star, name, null);
  mark(star, "disabled", !page.may("launch"));
  star.classList.add("button");
  star.append(" ", starWords);
  const sheet = element("a", { class: "button", download: true }, "Attendance (CSV)");
  const problem = element("div", { class: "sheet", role: "alert" }, awaiting());
  const again = element("p", { class: "hint", hidden: true }, "They are meeting again: ", element("a", {}, "to the session that goes on"));
  const values = Object.fromEntries(COUNTERS.map(([name]) => [name, element("dd", { "data-count": name }, "–")]));
  const counters = COUNTERS.map(([name, label]) => element("div", { class: "zero" }, element("dt", {}, label), values[name]));
  const links = element("ul", { class: "rows sheet" });
  const people = section("Who was there", remark);
  const [recordings, sessions] = [section("Recordings"), section("Other sessions of this room")];
  sessions.append(links);
  const body = element(
    "div",
    { class: "one", hidden: true },
    headingOf("rooms", "Rooms", title, chip, element("span", { class: "buttons" }, star, sheet)),
    element("p", { class: "room-facts" }, provider, when, id, durable),
    again,
    element("dl", { class: "totals" }, ...counters),
    people,
    recordings,
    sessions,
  );
  return { body, title, chip, provider, id, durable, when, star, starWords, sheet, problem, again, values, people, remark, recordings, sessions, links };
}

function section(title, remark) {
  return element("section", { "aria-label": title }, element("header", { class: "heading" }, element("h3", {}, title), remark));
}
