/** Bots: what each is doing, for how long, what went wrong, and what to do about it. */

import { awaiting, code, element, emptiness, link, mark, place, write } from "./elements.js";
import { unlessHidden } from "./hidden.js";
import { launch, letLeave } from "./launching.js";
import { Older } from "./older.js";
import { providers, sieve } from "./sieve.js";
import { LiveTable, showChip, showTitle } from "./table.js";
import { isNeedy, trouble } from "./trouble.js";
import { botStatus, count, fullTime, recordingWords, roughly, shortAddress, span, titleOf, transcriptWords } from "./words.js";

const COLUMNS = [
  { name: "title", label: "Bot", width: "minmax(10rem, 1.3fr)" },
  { name: "status", label: "Status", width: "7rem" },
  { name: "clock", label: "For", width: "5.5rem" },
  { name: "reason", label: "What happened", width: "minmax(14rem, 3.3fr)" },
  { name: "recording", label: "Recording", width: "minmax(8.5rem, 0.9fr)" },
  { name: "meeting", label: "Meeting", width: "minmax(8rem, 1.4fr)" },
  { name: "actions", label: "", width: "4rem" },
];
const STATUSES = [
  ["stuck", "Stuck"],
  ["starting", "Starting"],
  ["waiting", "Waiting"],
  ["in_call", "In call"],
  ["recording", "Recording"],
  ["paused", "Paused"],
  ["processing", "Processing"],
  ["completed", "Completed"],
  ["failed", "Failed"],
  ["unknown", "Unknown"],
];
const FEW_NAMES = 2;
const OVER = ["completed", "failed"];
// Being stuck is a matter of time, not of events.
const SIFT_MS = 5000;

/** @param {HTMLElement} root */
export function open(root, page) {
  const { hub } = page;
  const filters = sieve(
    page,
    [
      { name: "q", label: "Search bots", hint: "Name, id, meeting, reason" },
      { name: "provider", label: "All providers", options: [] },
      { name: "status", label: "Status", options: STATUSES, isPills: true },
    ],
    () => {
      table.sift();
      view.render();
    },
  );
  const wanted = filters.values;
  const dialogs = new Set();
  let siftedAt = 0;

  const older = new Older(page, {
    collection: "bots",
    query: () => ({ ...(wanted.provider && { provider: wanted.provider }), ...(OVER.includes(wanted.status) && { status: wanted.status }) }),
    isOver,
    kept: page.place?.kept,
    keep: (bot) => matches(bot, wanted, (one) => isStuck(one)),
    onRead: () => view.render(),
  });
  const table = new LiveTable({
    label: "Bots",
    columns: COLUMNS,
    documents: older,
    now: () => hub.now(),
    isOver,
    // Who looks for what is over wants all of it.
    rows: page.place?.rows,
    isBrief: () => !wanted.q && !OVER.includes(wanted.status) && !older.isOpen,
    order: newestFirst,
    keep: (bot) => matches(bot, wanted, (one) => isStuck(one)),
    href: ({ id }) => `#/bots/${id}`,
    cells: (bot, parts) => showBot(bot, parts, page.may("launch") ? leave : null),
    clocks: (bot, parts, now) => showClocks(bot, parts, now, page.activity.heardAt(`bots/${bot.id}`)),
  });
  const launching = element("button", { type: "button", class: "button primary", onclick: () => keep(launch(page)) }, "Launch a bot");
  const [coming, none, nothing] = [awaiting(), unlessHidden(page, "bots", emptyHub()), emptiness("No bot is like that now.", ["Change the filter, or ", element("a", { href: "#/bots" }, "show all"), "."])];
  const rows = element("div", {}, ...table.parts);
  const sheet = element("div", { class: "sheet", id: "bots" }, rows, ...older.parts);
  root.append(
    element("header", { class: "heading" }, element("h2", {}, "Bots"), filters.root, page.may("launch") ? launching : null),
    ...filters.pills,
    sheet,
  );

  const view = {
    isOfMaps: true,
    render() {
      table.render();
      older.render(page.sees("bots") && table.isWhole && ["", ...OVER].includes(wanted.status));
      const isEmpty = !hub.bots.size && !older.isOpen;
      place(rows, coming, !hub.position);
      place(rows, none, hub.position && isEmpty);
      place(rows, nothing, !table.size && !isEmpty);
      tell();
    },
    heard: (event) => older.hear(event),
    keep: () => older.kept,
    tick(now) {
      if (wanted.status === "stuck" && now - siftedAt > SIFT_MS) {
        siftedAt = now;
        table.sift();
        table.render();
      }
      table.tick(now);
      tell();
    },
    close() {
      table.close();
      for (const dialog of dialogs) dialog.close();
    },
  };
  return view;

  function isStuck(bot) {
    return isNeedy(bot, hub.now(), page.activity.heardAt(`bots/${bot.id}`));
  }

  function leave(bot) {
    keep(letLeave(page, bot, titleOf(bot.name, bot.id, "Bot").main));
  }

  function keep(dialog) {
    dialogs.add(dialog);
    void dialog.closed.then(() => dialogs.delete(dialog));
  }

  function tell() {
    const counts = { "": 0, stuck: 0 };
    for (const bot of older.values()) {
      if (!matches(bot, { ...wanted, status: "" })) continue;
      counts[""] += 1;
      const { counter } = botStatus(bot.status);
      counts[counter] = (counts[counter] ?? 0) + 1;
      if (isStuck(bot)) counts.stuck += 1;
    }
    filters.tally("status", counts, { stuck: counts.stuck ? "wait" : null });
    filters.offer("provider", providers(older));
  }
}

/** Whether there is something to leave: before it has set out nobody knows it, and afterwards it is gone. */
export function mayLeave({ status }) {
  return ["queued", "joining", "waiting", "in_call", "recording", "paused"].includes(status);
}

/** Whether it was asked through the hub to leave, and has not yet. */
export function isLeaving(bot) {
  return mayLeave(bot) && bot.reason?.code === "leave_requested";
}

/** Whether it has left the meeting: it records no longer, also when nobody has said so. */
export function isDone(bot) {
  return isOver(bot) || bot.status === "left" || bot.status === "processing";
}

/** Whether a bot is over; what is over stands below. */
export function isOver(bot) {
  return OVER.includes(bot.status);
}

function matches(bot, { status, provider, q }, isStuck) {
  if (provider && bot.provider !== provider) return false;
  if (status === "stuck" ? !isStuck(bot) : status && botStatus(bot.status).counter !== status && bot.status !== status) return false;
  if (!q) return true;
  const said = [bot.name, bot.id, bot.launch_id, bot.meeting_url, bot.reason?.message, bot.reason?.code, ...bot.participants.map(({ name }) => name)];
  const text = said.join("\n").toLowerCase();
  return q.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

function moment(bot) {
  return (isOver(bot) ? (bot.ended_at ?? bot.status_since) : bot.created_at) ?? "";
}

function newestFirst(one, other) {
  const [first, second] = [moment(one), moment(other)];
  return first === second ? 0 : first < second ? 1 : -1;
}

function showBot(bot, parts, leave) {
  const title = titleOf(bot.name, bot.id, "Bot");
  // Without a name it is called by its id already.
  showTitle(parts.title, bot.name ? title : { ...title, sub: "" }, `#/bots/${bot.id}`);
  mark(parts.title.cell, "title", [bot.name, bot.id].filter(Boolean).join("\n"));
  showChip(parts.status, botStatus(bot.status));
  write(parts.clock.sub, [bot.attempt > 1 ? `attempt ${bot.attempt}` : "", stayWords(bot)].filter(Boolean).join(", "));
  mark(parts.clock.cell, "title", fullTime(bot.status_since));
  const { segments_count: segments } = bot.transcript ?? {};
  write(parts.recording.sub, segments ? count(segments, "segment") : transcriptWords(bot.transcript));
  mark(parts.recording.cell, "title", transcriptWords(bot.transcript) || null);
  showMeeting(parts.meeting, bot.meeting_url, bot.participants.map(({ name }) => name));
  if (leave) offerLeave(parts.actions.main, bot, title.main, leave);
}

/** How long it was in the call, when it is over. */
function stayWords(bot) {
  const stayed = Date.parse(bot.ended_at) - Date.parse(bot.joined_at);
  return isOver(bot) && stayed >= 0 ? `in call ${span(stayed)}` : "";
}

function showClocks(bot, parts, now, heardAt) {
  const lasted = bot.status_since ? now - Date.parse(bot.status_since) : null;
  write(parts.clock.main, lasted === null ? "" : isOver(bot) ? `${roughly(lasted)} ago` : span(lasted));
  mark(parts.clock.cell, "data-label", isOver(bot) ? "Ended" : "For");
  write(parts.recording.main, recordingWords(bot.recording, isDone(bot) ? null : now));
  const found = trouble(bot, now, heardAt);
  write(parts.reason.main, found?.words ?? "");
  write(parts.reason.sub, found ? [found.side, found.advice].filter(Boolean).join(" · ") : "");
  mark(parts.reason.cell, "title", found ? [found.words, found.side, found.advice].filter(Boolean).join("\n") : null);
  mark(parts.reason.cell, "data-tone", found?.tone ?? null);
}

function offerLeave(place, bot, name, leave) {
  if (!mayLeave(bot)) return place.replaceChildren();
  const button = place.firstElementChild ?? place.appendChild(element("button", { type: "button", class: "quiet row-action", tabindex: -1 }));
  write(button, isLeaving(bot) ? "Ask again" : "Leave");
  mark(button, "aria-label", isLeaving(bot) ? `Ask ${name} again to leave` : `Let ${name} leave`);
  button.onclick = () => leave(bot);
}

function showMeeting({ cell, main, sub }, address, people) {
  if (main.dataset.address !== String(address)) {
    main.dataset.address = String(address);
    main.replaceChildren(...(address ? [link(address, shortAddress(address))] : []));
  }
  write(sub, peopleWords(people));
  mark(cell, "title", [address, ...people].filter(Boolean).join("\n") || null);
}

/** The first of them by name. */
function peopleWords(people) {
  const others = people.length - FEW_NAMES;
  return people.slice(0, FEW_NAMES).join(", ") + (others > 0 ? ` +${others}` : "");
}

function emptyHub() {
  return emptiness(
    "No bots right now. One appears here with its first webhook.",
    ["Try it: ", code("hub send meetingbaas bot.status_change.in_call_recording")],
    ["or play whole meetings: ", code("hub simulate")],
  );
}
