/** One delivery: what was sent, what became of it, and a second chance for what could not be used. */

import { openForOthers } from "./administrators.js";
import { awaiting, chip, crumb, element, emptiness, headingOf, mark } from "./elements.js";
import { delayWords, verdictOf } from "./verdicts.js";
import { count, fullTime, sizeWords } from "./words.js";

// Before it is read again when the hub did not answer.
const AGAIN_MS = 3000;
const VIEWED = /^(rooms|bots)\//;

/** @param {HTMLElement} root @param {string} id */
export function open(root, page, id) {
  if (!page.may("admin")) return openForOthers(root);
  let [isClosed, shown, failedAt, asked] = [false, "", 0, 0];
  const body = element("div", { class: "delivery" }, element("div", { class: "sheet" }, awaiting()));
  const outcome = element("div", { class: "outcome", role: "status", hidden: true });
  root.append(body);
  void read();
  return { render() {}, tick, heard, refresh: () => void read(), close: () => (isClosed = true) };

  function tick() {
    if (failedAt && Date.now() - failedAt > AGAIN_MS) void read();
  }

  async function read() {
    const mine = (asked += 1);
    failedAt = 0;
    try {
      const found = await page.get(`/api/deliveries/${id}`);
      if (isClosed || mine !== asked) return;
      // Whoever reads or marks something in it is not disturbed.
      if (JSON.stringify(found) === shown) return;
      shown = JSON.stringify(found);
      page.entitle(`Delivery ${id}`);
      body.replaceChildren(...parts(found, outcome, redrive));
    } catch (problem) {
      if (isClosed || mine !== asked) return;
      const isGone = problem.status === 404;
      // What the hub refuses it refuses again.
      if (problem.status < 400 || problem.status >= 500) failedAt = Date.now();
      // What was read of it stays true.
      if (shown && !isGone) return;
      shown = "";
      const [title, words] = isGone ? [`There is no delivery ${id} any more.`, "It may have been redriven, or is older than what is kept."] : [`Delivery ${id} cannot be shown.`, problem.message];
      body.replaceChildren(outcome, element("div", { class: "sheet" }, emptiness(title, [words], [crumb("webhooks", "All webhooks")])));
    }
  }

  /** Somebody else may redrive it, too, and it may come again. */
  function heard({ type, data }) {
    if (type.startsWith("delivery.") && data.delivery.id === id) void read();
  }

  async function redrive(isTrial, buttons) {
    for (const button of buttons) mark(button, "disabled", true);
    outcome.hidden = false;
    try {
      const said = await page.send("POST", `/api/deliveries/${id}/redrive${isTrial ? "?dry_run=1" : ""}`);
      outcome.replaceChildren(...(isTrial ? foretold(said) : settled(said, id)));
      outcome.dataset.tone = said.status === "accepted" || said.status === "duplicate" ? "good" : "bad";
      // What was refused is no longer there by this name.
      const isElsewhere = !isTrial && said.delivery !== id;
      if (isElsewhere) for (const button of buttons) button.remove();
      else if (!isTrial && !isClosed) await read();
    } catch (problem) {
      outcome.dataset.tone = "bad";
      outcome.replaceChildren(element("strong", {}, "It still cannot be used. "), problem.message);
    }
    for (const button of buttons) mark(button, "disabled", null);
  }
}

function parts(found, outcome, redrive) {
  const { word, tone } = verdictOf(found.verdict);
  const title = found.provider_type ?? (found.verdict === "refused" ? "A request that was not verified" : "A delivery of no known type");
  const canBeRedriven = (found.verdict === "dead" && found.reason !== "erased") || found.verdict === "refused";
  return [
    headingOf("webhooks", "Webhooks", element("h2", {}, title), chip(word, tone), canBeRedriven && actions(found, redrive)),
    found.reason && element("p", { class: "warning", "data-tone": tone }, found.reason),
    outcome,
    element("dl", { class: "about sheet" }, ...about(found)),
    section("What it became", found.events.length ? element("ul", { class: "rows sheet" }, ...found.events.map(eventRow)) : note(found)),
    section("Body", bodyOf(found)),
    section("Headers", headersOf(found.headers)),
  ].filter(Boolean);
}

function actions({ verdict }, redrive) {
  const again = verdict === "refused" ? "Verify again" : "Redrive";
  const buttons = [
    element("button", { type: "button", class: "button", title: "Say what would become of it, and change nothing", onclick: () => void redrive(true, buttons) }, "Try"),
    element("button", { type: "button", class: "button primary", onclick: () => void redrive(false, buttons) }, again),
  ];
  return element("span", { class: "buttons" }, ...buttons);
}

function about({ id, source, received_at: received, event_time: happened, late, copies, last_copy_at: last, size, address }) {
  const said = [
    ["Source", source],
    ["Delivery", id],
    ["Received", fullTime(received)],
    ["Happened", fullTime(happened)],
    ["Delay", delayWords(late)],
    ["Copies", copies ? `${count(copies, "copy", "copies")}, the last ${fullTime(last)}` : "none"],
    ["Size", sizeWords(size)],
    ["From", address],
  ];
  return said.filter(([, value]) => value).map(([label, value]) => element("div", {}, element("dt", {}, label), element("dd", {}, value)));
}

function section(title, ...children) {
  return element("section", { "aria-label": title }, element("h3", {}, title), ...children);
}

function note({ verdict }) {
  const words = verdict === "accepted" ? "It said nothing new, so that it added no event." : "Nothing, as it stands.";
  return element("p", { class: "remark" }, words);
}

function eventRow({ id, type, subject, time }) {
  const link = VIEWED.test(subject) ? element("a", { href: `#/${subject}` }, subject) : element("span", {}, subject);
  return element("li", {}, element("span", { class: "event-type" }, type), link, element("span", { class: "sub" }, `${fullTime(time)} · ${id}`));
}

function bodyOf({ body, body_base64: encoded }) {
  if (encoded !== undefined) return element("pre", { class: "bytes sheet", tabindex: 0 }, encoded);
  if (body === null || body === undefined) return element("p", { class: "remark" }, "It was too large to be kept.");
  if (!body) return element("p", { class: "remark" }, "Empty, or erased.");
  return element("pre", { class: "bytes sheet", tabindex: 0 }, pretty(body));
}

/** As it was sent, or set out in lines if that loses nothing. */
function pretty(body) {
  try {
    const shown = JSON.stringify(JSON.parse(body), null, 2);
    // Numbers of more digits than JavaScript has would be shown as others.
    return /\d{16}/.test(body) ? body : shown;
  } catch {
    return body;
  }
}

function headersOf(headers) {
  const rows = Object.entries(headers).map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", { "data-redacted": value === "redacted" }, value)));
  return element("dl", { class: "headers sheet" }, ...rows);
}

function foretold({ status, reason, facts }) {
  if (status !== "accepted") return [element("strong", {}, "It would still be of no use. "), reason ?? ""];
  const lines = facts.map(({ type, subject }) => element("li", {}, `${type} of ${subject}`));
  return [element("strong", {}, facts.length ? "It would tell this:" : "It would be accepted, and tell nothing."), element("ul", {}, ...lines)];
}

function settled({ status, reason, events, delivery }, id) {
  if (status === "dead") return [element("strong", {}, "It still cannot be used. "), reason ?? ""];
  const other = delivery !== id && element("a", { href: `#/webhooks/${delivery}` }, `It is delivery ${delivery} now.`);
  const words = status === "duplicate" ? "It had arrived before, so that nothing was told twice. " : `It was read: ${count(events, "event")}. `;
  return [element("strong", {}, words), other || ""];
}
