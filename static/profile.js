/** What a bot's page shows of the bot itself: how it is, what is wrong with it, who was there, and its files. */

import { isDone, isLeaving, isOver, mayLeave } from "./bots.js";
import { awaiting, element, emptiness, headingOf, link, mark, write } from "./elements.js";
import { showChip } from "./table.js";
import { trouble } from "./trouble.js";
import { botStatus, count, fullTime, recordingWords, roughly, shortAddress, sizeWords, span, titleOf } from "./words.js";

/** Its elements, and what stands there as long as there is no bot. */
export function layOut(page, id, timeline, transcript, leave, settled) {
  const piece = (tag, attributes = {}) => element(tag, attributes);
  const parts = {
    name: piece("h2"), status: { main: piece("span") }, clock: piece("span", { class: "remark clock" }), own: piece("code"),
    callout: piece("div", { class: "callout", hidden: true }), facts: piece("dl", { class: "facts" }),
    people: piece("ul", { class: "people-list" }), files: piece("div", { class: "files" }), why: piece("p"),
    leave: element("button", { type: "button", class: "button danger", onclick: leave, hidden: true }),
    settle: element("button", { type: "button", class: "button", onclick: settled, hidden: true }, "I have looked"),
  };
  write(parts.own, id);
  const head = headingOf("bots", "Bots", parts.name, parts.status.main, parts.clock, element("span", { class: "spacer" }), parts.settle, parts.leave);
  const side = element("div", { class: "side" }, card("Recording", parts.files), card("People", parts.people), card("Details", parts.facts));
  const columns = element("div", { class: "columns" }, element("div", { class: "main-column" }, timeline.root, transcript.root), side);
  parts.lack = element("p", { class: "trouble", role: "alert", hidden: true });
  parts.body = element("div", { hidden: true }, head, parts.lack, parts.callout, columns);
  parts.missing = emptiness("", [parts.why], [element("a", { href: "#/bots" }, "All bots")]);
  parts.missing.hidden = true;
  parts.coming = awaiting();
  parts.mayLaunch = page.may("launch");
  parts.all = [parts.body, parts.missing, parts.coming];
  return parts;
}

function card(title, ...content) {
  return element("section", { class: "sheet card", "aria-label": title }, element("h3", {}, title), ...content);
}

/** What stands there as long as there is no bot. */
export function showMissing(parts, bot, problem) {
  parts.missing.hidden = Boolean(bot) || !problem;
  parts.body.hidden = !bot;
  parts.coming.hidden = Boolean(bot || problem);
  if (bot || !problem) return;
  const [title, why] = missingWords(problem);
  write(parts.missing.firstElementChild, title);
  write(parts.why, why);
}

function missingWords({ isErased, status, message }) {
  if (isErased) return ["It was erased.", ""];
  if (status === 404) return ["There is no such bot here.", "It was erased, is no longer kept, or was never there."];
  return ["The bot could not be read.", message];
}

/** Say that something is not there that should be, and why. */
export function showLack({ lack }, problem, mayMend) {
  lack.hidden = !problem;
  write(lack, problem ? `Not all of it could be read: ${problem.message}.${mayMend ? " It is tried again." : ""}` : "");
}

/** Whatever depends on the bot, and on nothing else. @param {string[]} speakers  Who is heard in its transcript. */
export function showBot(parts, bot, recording, speakers) {
  write(parts.name, titleOf(bot.name, bot.id, "Bot").main);
  showChip(parts.status, botStatus(bot.status));
  parts.leave.hidden = !parts.mayLaunch || !mayLeave(bot);
  write(parts.leave, isLeaving(bot) ? "Ask it again to leave" : "Let it leave");
  parts.settle.hidden = !parts.mayLaunch || bot.status !== "unknown" || !bot.launch_id;
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
  showPeople(parts.people, bot, speakers);
  showFiles(parts.files, bot, recording);
}

/** Whatever depends on the time, too. */
export function showClocks({ clock, callout, expiry }, bot, recording, now, heardAt) {
  const lasted = bot.status_since ? now - Date.parse(bot.status_since) : null;
  write(clock, lasted === null ? "" : isOver(bot) ? `${roughly(lasted)} ago` : `for ${span(lasted)}`);
  showCallout(callout, trouble(bot, now, heardAt));
  const running = document.getElementById("recording-words");
  if (running) write(running, recordingWords(bot.recording, isDone(bot) ? null : now) || (isOver(bot) ? "None" : "None so far"));
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
    element("p", { class: "callout-advice" }, side ? element("span", { class: "side-word" }, side) : null, advice ? element("span", {}, advice) : null),
  );
}

function showFacts(list, facts) {
  const shown = facts.filter(([, value]) => value);
  const key = JSON.stringify(shown.map(([name, value]) => [name, value.textContent ?? value]));
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(...shown.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}

/** Those whom the provider names, and those who are only heard. */
function showPeople(list, bot, speakers) {
  const named = bot.participants.map(({ name }) => name);
  const heard = speakers.filter((name) => !named.includes(name)).map((name) => ({ name, speaker: true }));
  const people = [...bot.participants, ...heard];
  const key = JSON.stringify([people, isOver(bot)]);
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  const shown = people.map(({ name, speaker }) => element("li", {}, name, speaker ? element("span", { class: "remark" }, "spoke") : null));
  list.replaceChildren(...(shown.length ? shown : [element("li", { class: "remark" }, isOver(bot) ? "Nobody was named." : "Nobody was named so far.")]));
}

/** Links lead through the hub, which knows whether the provider's own are still good. */
function showFiles(box, bot, recording) {
  const files = recording?.artifacts ?? [];
  const key = JSON.stringify([files, recording?.expires_at, recording?.size, bot.recording?.status, bot.recording?.error, bot.transcript]);
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  const said = bot.transcript ? `Transcript ${bot.transcript.status}, ${count(bot.transcript.segments_count, "segment")}` : "";
  const links = files.map(({ name, url }) => element("a", { class: "button", href: url.replace(/^\//, ""), target: "_blank", rel: "noreferrer noopener" }, `${name} ↗`));
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
