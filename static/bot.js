/** One bot: what happened to it and when, what was said, who was there, and what it brought back. */

import { Chronicle, Timeline } from "./chronicle.js";
import { awaiting, element, emptiness, headingOf, link, mark, write } from "./elements.js";
import { forget, letLeave } from "./launching.js";
import { isOver, mayLeave } from "./bots.js";
import { Transcript } from "./transcript.js";
import { showChip } from "./table.js";
import { trouble } from "./trouble.js";
import { botStatus, count, fullTime, recordingWords, roughly, sizeWords, span, titleOf } from "./words.js";

const AGAIN_MS = 1000;

/** @param {HTMLElement} root */
export function open(root, page, id) {
  const { hub } = page;
  const topic = `bots/${id}`;
  const chronicle = new Chronicle(page, topic);
  const timeline = new Timeline();
  const transcript = new Transcript(page, id);
  const about = (question) => () => (asking = question(page, bot, titleOf(bot.name, id, "Bot").main));
  const parts = layOut(page, id, timeline, transcript, about(letLeave), about(forget));
  root.append(...parts.all);
  let [bot, recording, problem] = [hub.bots.get(id), null, null];
  let [asking, reading, isOutdated, again] = [null, false, false, 0];
  let closed = false;
  void read();

  return {
    render() {
      if (movedOn()) return;
      bot = newest(hub.bots.get(id), bot);
      parts.missing.hidden = Boolean(bot) || !problem;
      parts.body.hidden = !bot;
      parts.coming.hidden = Boolean(bot || problem);
      write(parts.missing.firstElementChild, problem?.status === 404 ? "There is no such bot here." : "The bot could not be read.");
      if (!bot) return write(parts.why, problem?.detail ?? "");
      page.entitle(titleOf(bot.name, id, "Bot").main);
      showBot(parts, bot, recording);
      timeline.show(chronicle);
      transcript.show(bot.transcript);
      this.tick(hub.now());
    },
    tick(now) {
      if (bot) showClocks(parts, bot, recording, now, Math.max(page.activity.heardAt(topic), chronicle.heardAt));
    },
    heard(event) {
      chronicle.hear(event);
      if (event.subject !== topic) return;
      if (event.type === "bot.erased") return void ([bot, problem] = [null, { detail: "It was erased." }]);
      bot = newest(event.data.bot, bot);
      if (!transcript.hear(event)) return;
      // Files, links and whole transcripts are not carried by events.
      clearTimeout(again);
      again = setTimeout(read, AGAIN_MS);
    },
    refresh: () => void read(),
    close() {
      closed = true;
      chronicle.close();
      clearTimeout(again);
      asking?.close();
    },
  };

  /** What is not in the stream: history, files, and bots that ended long ago. */
  async function read() {
    // What is missed while it is being read is read after that.
    if (reading) return void (isOutdated = true);
    reading = true;
    isOutdated = false;
    try {
      const found = await page.get(`/api/bots/${id}`);
      if (closed) return;
      // Asked for by the name of its launch.
      if (found.id !== id) return void location.replace(`#/bots/${found.id}`);
      bot = newest(found, bot);
      problem = null;
      await Promise.all([chronicle.read(), transcript.read(), readRecording()]);
    } catch (error) {
      problem = error;
    }
    reading = false;
    if (closed) return;
    if (isOutdated) void read();
    page.changed();
  }

  async function readRecording() {
    if (bot.recording) recording = await page.get(`/api/recordings/${bot.recording.id}`).catch(() => recording);
  }

  /** A launch whose bot has its own id by now is shown there. */
  function movedOn() {
    if (hub.bots.has(id)) return false;
    for (const one of hub.bots.values()) {
      if (one.launch_id && `${one.provider}:${one.launch_id}` === id) {
        location.replace(`#/bots/${one.id}`);
        return true;
      }
    }
    return false;
  }
}

function newest(one, other) {
  return one && !(other?.sequence > one.sequence) ? one : other;
}

function layOut(page, id, timeline, transcript, leave, forgotten) {
  const piece = (tag, attributes = {}) => element(tag, attributes);
  const parts = {
    name: piece("h2"), status: { main: piece("span") }, clock: piece("span", { class: "remark clock" }), own: piece("code"),
    callout: piece("div", { class: "callout", hidden: true }), facts: piece("dl", { class: "facts" }),
    people: piece("ul", { class: "people-list" }), files: piece("div", { class: "files" }), why: piece("p"),
    leave: element("button", { type: "button", class: "button danger", onclick: leave, hidden: true }, "Let it leave"),
    forget: element("button", { type: "button", class: "button danger", onclick: forgotten, hidden: true }, "I have looked: forget it"),
  };
  write(parts.own, id);
  const head = headingOf("bots", "Bots", parts.name, parts.status.main, parts.clock, element("span", { class: "spacer" }), parts.forget, parts.leave);
  const side = element("div", { class: "side" }, card("Recording", parts.files), card("People", parts.people), card("Details", parts.facts));
  const columns = element("div", { class: "columns" }, element("div", { class: "main-column" }, timeline.root, transcript.root), side);
  parts.body = element("div", { hidden: true }, head, parts.callout, columns);
  parts.missing = emptiness("There is no such bot here.", [parts.why], [element("a", { href: "#/bots" }, "All bots")]);
  parts.missing.hidden = true;
  parts.coming = awaiting();
  [parts.mayLaunch, parts.mayErase] = [page.may("launch"), page.may("admin")];
  parts.all = [parts.body, parts.missing, parts.coming];
  return parts;
}

function card(title, ...content) {
  return element("section", { class: "sheet card", "aria-label": title }, element("h3", {}, title), ...content);
}

function showBot(parts, bot, recording) {
  write(parts.name, titleOf(bot.name, bot.id, "Bot").main);
  showChip(parts.status, botStatus(bot.status));
  parts.leave.hidden = !parts.mayLaunch || !mayLeave(bot);
  parts.forget.hidden = !parts.mayErase || bot.status !== "unknown" || !bot.launch_id;
  showFacts(parts.facts, [
    ["Meeting", bot.meeting_url && link(bot.meeting_url, shortAddress(bot.meeting_url))],
    ["Provider", bot.provider],
    ["Id", parts.own],
    // Before it is a bot it goes by that anyway.
    ["Launched as", bot.id === `${bot.provider}:${bot.launch_id}` ? null : bot.launch_id],
    ["First heard of", fullTime(bot.created_at)],
    ["Joined", fullTime(bot.joined_at)],
    ["Ended", fullTime(bot.ended_at)],
    ["Attempt", bot.attempt > 1 ? bot.attempt : null],
  ]);
  showPeople(parts.people, bot.participants);
  showFiles(parts.files, bot, recording);
}

function showClocks({ clock, callout, expiry }, bot, recording, now, heardAt) {
  const lasted = bot.status_since ? now - Date.parse(bot.status_since) : null;
  write(clock, lasted === null ? "" : isOver(bot) ? `${roughly(lasted)} ago` : `for ${span(lasted)}`);
  showCallout(callout, trouble(bot, now, heardAt));
  const running = document.getElementById("recording-words");
  if (running) write(running, recordingWords(bot.recording, isOver(bot) ? null : now) || "None so far");
  const good = document.getElementById("recording-expiry");
  if (good) write(good, expiryWords(recording?.expires_at, now));
}

function showCallout(callout, found) {
  callout.hidden = !found;
  if (!found) return;
  const { words, side, advice, tone } = found;
  mark(callout, "data-tone", tone);
  const key = `${words}${side}${advice}`;
  if (callout.dataset.key === key) return;
  callout.dataset.key = key;
  callout.replaceChildren(
    element("p", { class: "callout-words" }, words),
    element("p", { class: "callout-advice" }, side ? element("span", { class: "side-word" }, side) : null, advice),
  );
}

function showFacts(list, facts) {
  const shown = facts.filter(([, value]) => value);
  const key = JSON.stringify(shown.map(([name, value]) => [name, value.textContent ?? value]));
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(...shown.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}

function showPeople(list, people) {
  const key = JSON.stringify(people);
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  const shown = people.map(({ name, speaker }) => element("li", {}, name, speaker ? element("span", { class: "remark" }, "spoke") : null));
  list.replaceChildren(...(shown.length ? shown : [element("li", { class: "remark" }, "Nobody was named so far.")]));
}

/** Links lead through the hub, which knows whether the provider's own are still good. */
function showFiles(box, bot, recording) {
  const files = recording?.artifacts ?? [];
  const key = JSON.stringify([files, recording?.expires_at, recording?.size, bot.recording?.status, bot.recording?.error, bot.transcript]);
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  const said = bot.transcript ? `Transcript ${bot.transcript.status}, ${count(bot.transcript.segments_count, "segment")}` : "";
  const links = files.map(({ name, url }) => element("a", { class: "button", href: url.replace(/^\//, ""), rel: "noreferrer" }, `${name} ↗`));
  box.replaceChildren(
    element("p", { id: "recording-words" }),
    ...[bot.recording?.error, said, recording?.size ? sizeWords(recording.size) : ""].filter(Boolean).map((line) => element("p", { class: "remark" }, line)),
    links.length ? element("p", { class: "actions start" }, ...links) : "",
    element("p", { class: "remark", id: "recording-expiry" }),
  );
}

function expiryWords(time, now) {
  if (!time) return "";
  const left = Date.parse(time) - now;
  return left > 0 ? `The links are good for ${roughly(left)} more.` : `The provider's links ended ${roughly(-left)} ago.`;
}

function shortAddress(address) {
  return URL.canParse(address) ? new URL(address).host + new URL(address).pathname : address;
}
