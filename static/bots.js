/** Bots: what each is doing, for how long, and why. */

import { code, element, emptiness, link, mark, write } from "./elements.js";
import { LiveTable, showChip, showTitle } from "./table.js";
import { botStatus, count, fullTime, recordingWords, roughly, span, titleOf, transcriptWords } from "./words.js";

const COLUMNS = [
  { name: "title", label: "Bot", width: "minmax(10rem, 2fr)" },
  { name: "provider", label: "Provider", width: "7.5rem" },
  { name: "status", label: "Status", width: "7.5rem" },
  { name: "clock", label: "For", width: "5.5rem" },
  { name: "attempt", label: "Attempt", width: "4.5rem" },
  { name: "reason", label: "Reason", width: "minmax(8rem, 2fr)" },
  { name: "recording", label: "Recording", width: "minmax(8rem, 1.25fr)" },
  { name: "meeting", label: "Meeting", width: "minmax(7rem, 1fr)" },
];

/** @param {HTMLElement} root */
export function open(root, page) {
  const { hub } = page;
  const table = new LiveTable({
    label: "Bots",
    columns: COLUMNS,
    documents: hub.bots,
    now: () => hub.now(),
    isOver,
    order: newestFirst,
    cells: showBot,
    clocks: showClocks,
  });
  const empty = emptiness("No bots right now. One appears here with its first webhook.", [
    "Try it: ",
    code("hub send meetingbaas bot.status_change.in_call_recording"),
  ], ["or play whole meetings: ", code("hub simulate")]);
  root.append(
    element("header", { class: "heading" }, element("h2", {}, "Bots")),
    element("div", { class: "sheet", id: "bots" }, ...table.parts, empty),
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

function isOver(bot) {
  return bot.status === "completed" || bot.status === "failed";
}

function moment(bot) {
  return (isOver(bot) ? (bot.ended_at ?? bot.status_since) : bot.created_at) ?? "";
}

function newestFirst(one, other) {
  const [first, second] = [moment(one), moment(other)];
  return first === second ? 0 : first < second ? 1 : -1;
}

function showBot(bot, parts) {
  showTitle(parts.title, titleOf(bot.name, bot.id, "Bot"));
  write(parts.provider.main, bot.provider);
  showChip(parts.status, botStatus(bot.status));
  write(parts.attempt.main, bot.attempt);
  parts.attempt.cell.classList.toggle("notable", bot.attempt > 1);
  mark(parts.clock.cell, "title", fullTime(bot.status_since));
  write(parts.reason.main, bot.reason ? bot.reason.message || bot.reason.code : "");
  mark(parts.reason.cell, "title", bot.reason ? `${bot.reason.message} (${bot.reason.code})` : null);
  parts.reason.cell.classList.toggle("bad", bot.status === "failed");
  write(parts.recording.sub, transcriptWords(bot.transcript));
  showMeeting(parts.meeting, bot.meeting_url, bot.participants.length);
}

function showClocks(bot, parts, now) {
  const lasted = bot.status_since ? now - Date.parse(bot.status_since) : null;
  write(parts.clock.main, lasted === null ? "" : isOver(bot) ? roughly(lasted) : span(lasted));
  write(parts.recording.main, recordingWords(bot.recording, isOver(bot) ? null : now));
}

function showMeeting({ cell, main, sub }, address, people) {
  if (main.dataset.address !== String(address)) {
    main.dataset.address = String(address);
    const url = address && URL.canParse(address) ? new URL(address) : null;
    main.replaceChildren(link(address, url?.host ? url.host + url.pathname : (address ?? "")));
  }
  write(sub, people ? count(people, "person", "people") : "");
  mark(cell, "title", address);
}
