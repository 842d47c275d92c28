/** The dashboard: what hub.js holds, as two tables. Whatever is shown is set as text, since names come from strangers. */

import { connect } from "./hub.js";

const LONGEST_TABLE = 500;
// Of what is over, so many are shown until somebody wants all.
const FEW_OVER = 12;
const TICK_MS = 1000;

// How each status is called, how it looks, and under which of the counters it falls.
const BOT_STATUS = {
  requested: ["Requested", "calm", "starting"],
  queued: ["Queued", "calm", "starting"],
  joining: ["Joining", "calm", "starting"],
  waiting: ["Waiting", "wait", "waiting"],
  in_call: ["In call", "good", "in_call"],
  recording: ["Recording", "live", "recording"],
  paused: ["Paused", "wait", "paused"],
  left: ["Left", "calm", "processing"],
  processing: ["Processing", "calm", "processing"],
  completed: ["Completed", "done", "completed"],
  failed: ["Failed", "bad", "failed"],
  unknown: ["Unknown", "done", "starting"],
};
const BADGES = {
  connecting: "Connecting",
  live: "Live",
  behind: "Catching up",
  reconnecting: "Reconnecting",
  "signed-out": "Signed out",
};

const hub = connect({ topics: ["bots", "rooms"] });

/** A table with one row for each document: rows stay, and only what differs in them is written. */
class LiveTable {
  #rows = new Map();

  #showsAll = false;

  constructor(section, documents, { isOver, moment, cells, clocks }) {
    this.table = section.querySelector("table");
    this.body = section.querySelector("tbody");
    this.empty = section.querySelector(".empty");
    this.remark = section.querySelector("[data-remark]");
    this.columns = [...section.querySelectorAll("th")];
    this.more = section.querySelector(".more");
    Object.assign(this, { documents, isOver, moment, cells, clocks });
    this.body.addEventListener("keydown", (event) => this.#walk(event));
    this.more.addEventListener("click", () => {
      this.#showsAll = !this.#showsAll;
      this.render();
    });
  }

  /** Bring the rows in line with the documents. */
  render() {
    const sorted = [...this.documents.values()].sort((one, other) => this.#compare(one, other));
    const living = sorted.findIndex((one) => this.isOver(one));
    const few = living < 0 ? sorted.length : living + FEW_OVER;
    const shown = sorted.slice(0, Math.min(LONGEST_TABLE, this.#showsAll ? sorted.length : few));
    const ids = new Set(shown.map(({ id }) => id));
    for (const [id, row] of this.#rows) if (!ids.has(id)) this.#remove(id, row);
    this.#arrange(shown.map((found) => this.#row(found)));
    this.table.hidden = !shown.length;
    this.empty.hidden = shown.length > 0;
    this.more.hidden = few >= Math.min(LONGEST_TABLE, sorted.length);
    write(this.more, this.#showsAll ? "Show fewer" : `Show ${sorted.length - few} more that are over`);
    write(this.remark, shown.length === LONGEST_TABLE ? `the first ${LONGEST_TABLE} of ${sorted.length}` : "");
  }

  /** Let the clocks go on. */
  tick(now) {
    for (const { shown, parts } of this.#rows.values()) this.clocks(shown, parts, now);
  }

  #compare(one, other) {
    const isOver = this.isOver(one);
    if (isOver !== this.isOver(other)) return isOver ? 1 : -1;
    const [first, second] = [this.moment(one) ?? "", this.moment(other) ?? ""];
    if (first !== second) return first < second ? 1 : -1;
    return one.id < other.id ? -1 : 1;
  }

  #row(document) {
    let row = this.#rows.get(document.id);
    if (!row) this.#rows.set(document.id, (row = makeRow(this.columns)));
    if (row.shown === document) return row;
    const isNews = row.shown && row.shown.status !== document.status;
    row.shown = document;
    row.element.dataset.id = document.id;
    row.element.dataset.over = this.isOver(document);
    this.cells(document, row.parts);
    this.clocks(document, row.parts, hub.now());
    if (isNews) highlight(row.element);
    return row;
  }

  /** Put the rows in order, moving as few as possible: those that stay keep focus and selection. */
  #arrange(rows) {
    let place = this.body.firstElementChild;
    for (const { element } of rows) {
      if (place && place !== element && place.nextElementSibling === element) {
        // The row in between goes further down: it comes to its place in its turn.
        const strayed = place;
        place = element;
        move(this.body, strayed, null);
      }
      if (place === element) place = element.nextElementSibling;
      else move(this.body, element, place);
    }
    if (!this.body.querySelector("[tabindex='0']")) this.body.firstElementChild?.setAttribute("tabindex", "0");
  }

  #remove(id, { element }) {
    const neighbour = element.nextElementSibling ?? element.previousElementSibling;
    if (element.contains(document.activeElement) && neighbour) this.#focus(neighbour);
    element.remove();
    this.#rows.delete(id);
  }

  /** One stop for the tab key; from there the arrows go through the rows. */
  #walk(event) {
    const row = event.target.closest("tr");
    const target = {
      ArrowDown: row.nextElementSibling,
      ArrowUp: row.previousElementSibling,
      Home: this.body.firstElementChild,
      End: this.body.lastElementChild,
    }[event.key];
    if (!target || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.#focus(target);
  }

  #focus(row) {
    this.body.querySelector("[tabindex='0']")?.setAttribute("tabindex", "-1");
    row.setAttribute("tabindex", "0");
    row.focus();
  }
}

const bots = new LiveTable(document.getElementById("bots"), hub.bots, {
  isOver: (bot) => bot.status === "completed" || bot.status === "failed",
  moment: (bot) => (bots.isOver(bot) ? (bot.ended_at ?? bot.status_since) : bot.created_at),
  cells(bot, parts) {
    const [word, tone] = BOT_STATUS[bot.status] ?? [bot.status, "done"];
    showTitle(parts.title, bot.name, bot.id, "Bot");
    write(parts.provider.main, bot.provider);
    write(parts.status.main, word, "chip", tone);
    write(parts.attempt.main, bot.attempt);
    parts.attempt.cell.classList.toggle("notable", bot.attempt > 1);
    parts.clock.cell.title = fullTime(bot.status_since);
    write(parts.reason.main, bot.reason ? bot.reason.message || bot.reason.code : "");
    parts.reason.cell.title = bot.reason ? `${bot.reason.message} (${bot.reason.code})` : "";
    parts.reason.cell.classList.toggle("bad", bot.status === "failed");
    write(parts.recording.sub, transcriptWords(bot.transcript));
    showMeeting(parts.meeting, bot.meeting_url, bot.participants.length);
  },
  clocks(bot, parts, now) {
    const lasted = bot.status_since ? now - Date.parse(bot.status_since) : null;
    write(parts.clock.main, lasted === null ? "" : this.isOver(bot) ? roughly(lasted) : span(lasted));
    write(parts.recording.main, recordingWords(bot.recording, this.isOver(bot) ? null : now));
  },
});

const rooms = new LiveTable(document.getElementById("rooms"), hub.rooms, {
  isOver: (room) => room.status === "ended",
  moment: (room) => (rooms.isOver(room) ? (room.ended_at ?? room.last_active_at) : room.started_at),
  cells(room, parts) {
    const [word, tone] = room.status === "ended" ? ["Ended", "done"] : room.stale ? ["Silent", "wait"] : ["Live", "good"];
    showTitle(parts.title, room.name ?? room.room_id, room.id, "Room");
    write(parts.provider.main, room.provider);
    write(parts.status.main, word, "chip", tone);
    write(parts.people.main, room.participant_count);
    write(parts.people.sub, `${room.speaker_count} speaking, ${room.listener_count} listening`);
    write(parts.started.main, clockTime(room.started_at));
    parts.started.cell.title = fullTime(room.started_at);
    parts.active.cell.title = fullTime(room.last_active_at);
  },
  clocks(room, parts, now) {
    const until = this.isOver(room) ? (room.ended_at ?? room.last_active_at) : null;
    const lasted = (until ? Date.parse(until) : now) - Date.parse(room.started_at);
    write(parts.clock.main, room.started_at ? span(lasted) : "");
    write(parts.active.main, room.last_active_at ? ago(now - Date.parse(room.last_active_at)) : "");
  },
});

let isDue = false;

hub.addEventListener("change", () => {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    bots.render();
    rooms.render();
    count();
    document.querySelector("main").setAttribute("aria-busy", "false");
  });
});
hub.addEventListener("status", showFreshness);
hub.addEventListener("expiring", () => notice("expiring"));
setInterval(() => {
  bots.tick(hub.now());
  rooms.tick(hub.now());
}, TICK_MS);
showFreshness();

function showFreshness() {
  const { status, behind, reasons, problem } = hub;
  document.body.dataset.status = status;
  write(document.getElementById("badge"), behind ? `Behind by ${behind}` : BADGES[status]);
  write(document.getElementById("last-heard"), new Date(hub.heardAt).toLocaleTimeString());
  const wasRefused = new URLSearchParams(location.search).get("login") === "refused";
  write(document.getElementById("problem"), status === "signed-out" && wasRefused ? "The link that you opened is no longer good." : "");
  write(document.getElementById("trouble"), problem);
  // What is spooled is not refused, whatever else is in trouble.
  const trouble = ["spool", "storage", "bus"].find((part) => reasons.includes(part)) ?? "";
  notice(status === "live" || status === "behind" ? trouble : status);
}

/** Say what to do, if there is anything to do. */
function notice(name) {
  const area = document.getElementById("notice");
  for (const one of area.children) one.hidden = one.dataset.notice !== name;
  area.hidden = !name;
  area.dataset.notice = name;
}

function count() {
  const totals = { live: 0, people: 0, speakers: 0, listeners: 0 };
  for (const [, , counter] of Object.values(BOT_STATUS)) totals[counter] = 0;
  for (const bot of hub.bots.values()) totals[(BOT_STATUS[bot.status] ?? BOT_STATUS.unknown)[2]] += 1;
  for (const room of hub.rooms.values()) {
    if (room.status === "ended") continue;
    totals.live += 1;
    totals.people += room.participant_count;
    totals.speakers += room.speaker_count;
    totals.listeners += room.listener_count;
  }
  for (const counter of document.querySelectorAll("[data-count]")) {
    write(counter, totals[counter.dataset.count].toLocaleString());
    counter.parentElement.classList.toggle("zero", !totals[counter.dataset.count]);
  }
}

/** Make an empty row; its parts are by the names of the columns. */
function makeRow(columns) {
  const element = document.createElement("tr");
  element.setAttribute("role", "row");
  element.tabIndex = -1;
  const parts = {};
  for (const column of columns) {
    const cell = element.appendChild(document.createElement("td"));
    const [main, sub] = ["main", "sub"].map((name) => {
      const part = cell.appendChild(document.createElement("span"));
      part.className = name;
      return part;
    });
    cell.setAttribute("role", "cell");
    cell.className = column.className;
    cell.dataset.label = column.textContent;
    parts[column.className] = { cell, main, sub };
  }
  return { element, parts, shown: null };
}

function move(parent, element, before) {
  // insertBefore takes the focus away from what it moves.
  if (parent.moveBefore && element.isConnected) parent.moveBefore(element, before);
  else parent.insertBefore(element, before);
}

function highlight(element) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const color = getComputedStyle(element).getPropertyValue("--highlight");
  element.animate([{ backgroundColor: color }, { backgroundColor: "transparent" }], { duration: 1200, easing: "ease-out" });
}

function write(node, value, className, tone) {
  const text = String(value);
  if (node.textContent !== text) node.textContent = text;
  if (className && node.dataset.tone !== tone) Object.assign(node, { className }).dataset.tone = tone;
}

function showTitle({ cell, main, sub }, name, id, noun) {
  const own = id.slice(id.indexOf(":") + 1);
  write(main, name || `${noun} ${own.slice(0, 8)}`);
  write(sub, name || own.length > 8 ? own : "");
  cell.title = name ? `${name}\n${id}` : id;
}

/** Only what is a web address becomes a link. */
function showMeeting({ cell, main, sub }, address, people) {
  const url = address && URL.canParse(address) ? new URL(address) : null;
  const isLink = url?.protocol === "https:" || url?.protocol === "http:";
  if (isLink !== (main.tagName === "A")) {
    const other = document.createElement(isLink ? "a" : "span");
    if (isLink) Object.assign(other, { target: "_blank", rel: "noreferrer noopener" });
    other.className = "main";
    main.replaceWith(other);
    main = other;
  }
  if (isLink && main.href !== url.href) main.href = url.href;
  write(main, isLink ? url.host + url.pathname : (address ?? ""));
  write(sub, people ? `${people} ${people === 1 ? "person" : "people"}` : "");
  cell.title = address ?? "";
}

/** Say how far a recording is; without `now` it does not run, whatever was told last. */
function recordingWords(recording, now) {
  if (!recording || recording.status === "unknown") return "";
  const { status, started_at: start, duration } = recording;
  const word = status === "recording" ? "Running" : status[0].toUpperCase() + status.slice(1);
  if (duration !== null) return `${word} ${span(duration * 1000)}`;
  return status === "recording" && start && now ? `${word} ${span(now - Date.parse(start))}` : word;
}

function transcriptWords(transcript) {
  if (!transcript) return "";
  const { status, segments_count: segments } = transcript;
  return `Transcript ${status}${segments ? `, ${segments} ${segments === 1 ? "segment" : "segments"}` : ""}`;
}

function ago(ms) {
  return ms < 5000 ? "now" : `${roughly(ms)} ago`;
}

function span(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [days, hours, minutes] = [86400, 3600, 60].map((unit) => Math.floor(seconds / unit));
  const two = (number) => String(number).padStart(2, "0");
  if (days) return `${days} d ${hours % 24} h`;
  if (hours) return `${hours}:${two(minutes % 60)}:${two(seconds % 60)}`;
  return `${minutes}:${two(seconds % 60)}`;
}

function roughly(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 86400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86400)} d`;
}

function clockTime(time) {
  return time ? new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : "";
}

function fullTime(time) {
  return time ? new Date(time).toLocaleString() : "";
}
