/** Bots: what each is doing, for how long, what went wrong, and what to do about it. */

import { code, element, emptiness, link, mark, place, write } from "./elements.js";
import { launch, letLeave } from "./launching.js";
import { LiveTable, showChip, showTitle } from "./table.js";
import { stuck, trouble } from "./trouble.js";
import { botStatus, count, fullTime, recordingWords, roughly, span, titleOf, transcriptWords } from "./words.js";

const COLUMNS = [
  { name: "title", label: "Bot", width: "minmax(11rem, 1.7fr)" },
  { name: "status", label: "Status", width: "7rem" },
  { name: "clock", label: "For", width: "4.75rem" },
  { name: "reason", label: "What happened", width: "minmax(14rem, 3fr)" },
  { name: "recording", label: "Recording", width: "minmax(8.5rem, 1.1fr)" },
  { name: "meeting", label: "Meeting", width: "minmax(7rem, 1.1fr)" },
  { name: "actions", label: "", width: "4rem" },
];
const FILTERS = [
  ["", "All"],
  ["stuck", "Stuck"],
  ["starting", "Starting"],
  ["waiting", "Waiting"],
  ["in_call", "In call"],
  ["recording", "Recording"],
  ["paused", "Paused"],
  ["processing", "Processing"],
  ["completed", "Completed"],
  ["failed", "Failed"],
];
// Being stuck is a matter of time, not of events.
const SIFT_MS = 5000;

/** @param {HTMLElement} root */
export function open(root, page) {
  const { hub } = page;
  const asked = page.query;
  const wanted = { status: asked.get("status") ?? "", provider: asked.get("provider") ?? "", q: asked.get("q") ?? "" };
  const dialogs = new Set();
  let siftedAt = 0;

  const table = new LiveTable({
    label: "Bots",
    columns: COLUMNS,
    documents: hub.bots,
    now: () => hub.now(),
    isOver,
    // Who looks for what is over wants all of it.
    isBrief: () => !wanted.q && !["completed", "failed"].includes(wanted.status),
    order: newestFirst,
    keep: (bot) => matches(bot, wanted, (one) => isStuck(one)),
    href: ({ id }) => `#/bots/${id}`,
    cells: (bot, parts) => showBot(bot, parts, page.may("launch") ? leave : null),
    clocks: (bot, parts, now) => showClocks(bot, parts, now, page.activity.heardAt(`bots/${bot.id}`)),
  });
  const search = element("input", { class: "field search", type: "search", placeholder: "Name, id, meeting, reason", "aria-label": "Search bots", "data-filter": true, value: wanted.q, oninput: () => want("q", search.value.trim()) });
  const providers = element("select", { class: "field", "aria-label": "Provider", onchange: () => want("provider", providers.value) });
  const pills = new Map(FILTERS.map(([name, label]) => [name, pill(name, label)]));
  const launching = element("button", { type: "button", class: "button primary", onclick: () => keep(launch(page)) }, "Launch a bot");
  const [none, nothing] = [emptyHub(), emptiness("No bot is like that now.", ["Change the filter, or ", element("a", { href: "#/bots" }, "show all"), "."])];
  const sheet = element("div", { class: "sheet", id: "bots" }, ...table.parts);
  root.append(
    element("header", { class: "heading" }, element("h2", {}, "Bots"), element("span", { class: "spacer" }), providers, search, page.may("launch") ? launching : null),
    element("div", { class: "pills", role: "group", "aria-label": "Status" }, ...[...pills.values()].map(({ button }) => button)),
    sheet,
  );

  const view = {
    render() {
      table.render();
      place(sheet, none, !hub.bots.size);
      place(sheet, nothing, !table.size && hub.bots.size > 0);
      showPills();
      showProviders();
    },
    tick(now) {
      if (wanted.status === "stuck" && now - siftedAt > SIFT_MS) {
        siftedAt = now;
        table.sift();
        table.render();
      }
      table.tick(now);
      showPills();
    },
    close() {
      table.close();
      for (const dialog of dialogs) dialog.close();
    },
  };
  return view;

  function isStuck(bot) {
    return stuck(bot, hub.now(), page.activity.heardAt(`bots/${bot.id}`)) !== null;
  }

  function leave(bot) {
    keep(letLeave(page, bot, titleOf(bot.name, bot.id, "Bot").main));
  }

  function keep(dialog) {
    dialogs.add(dialog);
    void dialog.closed.then(() => dialogs.delete(dialog));
  }

  function want(name, value) {
    wanted[name] = value;
    page.query = new URLSearchParams(Object.entries(wanted).filter(([, text]) => text));
    table.sift();
    view.render();
  }

  function pill(name, label) {
    const number = element("span", { class: "pill-count" });
    const button = element("button", { type: "button", class: "pill", onclick: () => want("status", name) }, label, number);
    return { button, number };
  }

  function showPills() {
    const counts = Object.fromEntries(FILTERS.map(([name]) => [name, 0]));
    for (const bot of hub.bots.values()) {
      counts[""] += 1;
      counts[botStatus(bot.status).counter] += 1;
      if (isStuck(bot)) counts.stuck += 1;
    }
    for (const [name, { button, number }] of pills) {
      write(number, counts[name].toLocaleString());
      mark(button, "aria-pressed", String(wanted.status === name));
      button.classList.toggle("zero", !counts[name]);
    }
    mark(pills.get("stuck").button, "data-tone", counts.stuck ? "wait" : null);
  }

  function showProviders() {
    const names = [...hub.bots.values()].map(({ provider }) => provider);
    const known = [...new Set([...names, wanted.provider])].filter(Boolean).sort();
    if (providers.childElementCount !== known.length + 1) {
      providers.replaceChildren(new Option("All providers", ""), ...known.map((name) => new Option(name, name)));
      providers.value = wanted.provider;
    }
    providers.hidden = known.length < 2 && !wanted.provider;
  }
}

/** Whether there is something to leave: before it has set out nobody knows it, and afterwards it is gone. */
export function mayLeave({ status }) {
  return ["queued", "joining", "waiting", "in_call", "recording", "paused"].includes(status);
}

/** Whether a bot is over; what is over stands below. */
export function isOver(bot) {
  return bot.status === "completed" || bot.status === "failed";
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
  showTitle(parts.title, title, `#/bots/${bot.id}`);
  showChip(parts.status, botStatus(bot.status));
  write(parts.clock.sub, bot.attempt > 1 ? `attempt ${bot.attempt}` : "");
  mark(parts.clock.cell, "title", fullTime(bot.status_since));
  write(parts.recording.sub, transcriptWords(bot.transcript));
  showMeeting(parts.meeting, bot.meeting_url, bot.participants.length);
  if (leave) offerLeave(parts.actions.main, bot, title.main, leave);
}

function showClocks(bot, parts, now, heardAt) {
  const lasted = bot.status_since ? now - Date.parse(bot.status_since) : null;
  write(parts.clock.main, lasted === null ? "" : isOver(bot) ? roughly(lasted) : span(lasted));
  write(parts.recording.main, recordingWords(bot.recording, isOver(bot) ? null : now));
  const found = trouble(bot, now, heardAt);
  write(parts.reason.main, found?.words ?? "");
  write(parts.reason.sub, found ? [found.side, found.advice].filter(Boolean).join(" · ") : "");
  mark(parts.reason.cell, "title", found ? [found.words, found.side, found.advice].filter(Boolean).join("\n") : null);
  mark(parts.reason.cell, "data-tone", found?.tone ?? null);
}

function offerLeave(place, bot, name, leave) {
  if (!mayLeave(bot)) return place.replaceChildren();
  const button = place.firstElementChild ?? place.appendChild(element("button", { type: "button", class: "quiet row-action", tabindex: -1 }, "Leave"));
  mark(button, "aria-label", `Let ${name} leave`);
  button.onclick = () => leave(bot);
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

function emptyHub() {
  return emptiness(
    "No bots right now. One appears here with its first webhook.",
    ["Try it: ", code("hub send meetingbaas bot.status_change.in_call_recording")],
    ["or play whole meetings: ", code("hub simulate")],
  );
}
