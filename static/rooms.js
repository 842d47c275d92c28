/** Rooms: where people are, and how many. */

import { code, element, emptiness, mark, write } from "./elements.js";
import { LiveTable, showChip, showTitle } from "./table.js";
import { ago, clockTime, fullTime, roomStatus, span, titleOf } from "./words.js";

const COLUMNS = [
  { name: "title", label: "Room", width: "minmax(10rem, 2fr)" },
  { name: "provider", label: "Provider", width: "7.5rem" },
  { name: "status", label: "Status", width: "7.5rem" },
  { name: "clock", label: "Duration", width: "6rem" },
  { name: "people", label: "People now", width: "minmax(9rem, 1fr)" },
  { name: "started", label: "Started", width: "6rem" },
  { name: "active", label: "Last active", width: "7rem" },
];

/** @param {HTMLElement} root */
export function open(root, page) {
  const { hub } = page;
  const table = new LiveTable({
    label: "Rooms",
    columns: COLUMNS,
    documents: hub.rooms,
    now: () => hub.now(),
    isOver,
    order: newestFirst,
    cells: showRoom,
    clocks: showClocks,
  });
  const empty = emptiness("No rooms right now. One appears here with its first webhook.", [
    "Try it: ",
    code("hub send livekit participant_joined"),
  ], ["or play whole meetings: ", code("hub simulate")]);
  root.append(
    element("header", { class: "heading" }, element("h2", {}, "Rooms")),
    element("div", { class: "sheet", id: "rooms" }, ...table.parts, empty),
  );
  return {
    render() {
      table.render();
      empty.hidden = table.size > 0;
    },
    tick: (now) => table.tick(now),
    close: () => table.close(),
  };
}

function isOver(room) {
  return room.status === "ended";
}

function moment(room) {
  return (isOver(room) ? (room.ended_at ?? room.last_active_at) : room.started_at) ?? "";
}

function newestFirst(one, other) {
  const [first, second] = [moment(one), moment(other)];
  return first === second ? 0 : first < second ? 1 : -1;
}

function showRoom(room, parts) {
  showTitle(parts.title, titleOf(room.name ?? room.room_id, room.id, "Room"));
  write(parts.provider.main, room.provider);
  showChip(parts.status, roomStatus(room));
  write(parts.people.main, room.participant_count);
  write(parts.people.sub, `${room.speaker_count} speaking, ${room.listener_count} listening`);
  write(parts.started.main, clockTime(room.started_at));
  mark(parts.started.cell, "title", fullTime(room.started_at));
  mark(parts.active.cell, "title", fullTime(room.last_active_at));
}

function showClocks(room, parts, now) {
  const until = isOver(room) ? (room.ended_at ?? room.last_active_at) : null;
  const lasted = (until ? Date.parse(until) : now) - Date.parse(room.started_at);
  write(parts.clock.main, room.started_at ? span(lasted) : "");
  write(parts.active.main, room.last_active_at ? ago(now - Date.parse(room.last_active_at)) : "");
}
