/** One card for each place where a provider posts: whether anything comes, what was wrong, and what to configure. */

import { copyable } from "./copying.js";
import { drawing, element, mark, write } from "./elements.js";
import { ago, fullTime } from "./words.js";

const MINUTES = 60;
const MINUTE_MS = 60_000;
const [WIDTH, HEIGHT] = [240, 36];
const FEW_REASONS = 2;
const COUNTS = [
  ["received", "Received", "calm"],
  ["duplicates", "Copies", "calm"],
  ["dead", "Unusable", "bad"],
  ["refused", "Refused", "bad"],
];

/** The cards. What was counted is read; what arrives since is added to it. */
export class SourceCards {
  root = element("div", { class: "sources" });
  #cards = new Map();

  /** What `GET /api/sources` answered, and when. */
  show({ items }, now) {
    const names = new Set(items.map(({ name }) => name));
    for (const [name, card] of this.#cards) {
      if (names.has(name)) continue;
      card.root.remove();
      this.#cards.delete(name);
    }
    for (const source of items) this.#put(source, now);
    this.tick(now);
  }

  /** Add what has just arrived. @param {import("./hub.d.ts").DeliveryNotice["data"]["delivery"]} delivery */
  count({ source, verdict, received_at: at, reason, id }, now) {
    const card = this.#cards.get(source);
    if (!card) return;
    const { counts } = card;
    if (verdict === "duplicate") counts.duplicates += 1;
    else if (verdict === "refused") counts.refused += 1;
    else counts.received += 1;
    if (verdict === "dead") counts.dead += 1;
    if (verdict === "accepted" || verdict === "dead") {
      forward(card, now);
      card.minutes[MINUTES - 1] += 1;
      card.seen = at;
    }
    if (verdict === "refused") card.refusedAt = at;
    if (verdict === "dead" || verdict === "refused") addReason(card, verdict, reason, id);
    card.isDue = true;
  }

  /** Bring what is shown in line, at most once a frame. */
  render() {
    for (const card of this.#cards.values()) {
      if (card.isDue) drawCard(card);
      card.isDue = false;
    }
  }

  tick(now) {
    for (const card of this.#cards.values()) {
      const at = card.seen ?? card.refusedAt;
      write(card.last, lastWords(card, now));
      mark(card.last, "title", at ? fullTime(at) : null);
      if (forward(card, now)) drawCard(card);
    }
  }

  #put(source, now) {
    const card = this.#cards.get(source.name) ?? makeCard(source);
    if (!this.#cards.has(source.name)) this.root.append(card.root);
    this.#cards.set(source.name, card);
    card.seen = source.last_seen;
    card.minutes = [...source.per_minute];
    card.minute = Math.floor(now / MINUTE_MS);
    card.counts = Object.fromEntries(COUNTS.map(([name]) => [name, source[name]]));
    card.reasons = source.reasons.map((one) => ({ ...one }));
    drawCard(card);
  }
}

function makeCard(source) {
  const warning = warningOf(source);
  const last = element("span", { class: "source-last" });
  const values = Object.fromEntries(COUNTS.map(([name]) => [name, element("dd")]));
  const numbers = COUNTS.map(([name, label, tone]) => element("div", { "data-tone": tone }, element("dt", {}, label), values[name]));
  const bars = drawing("path", { class: "minute-bars" });
  const chart = drawing("svg", { class: "minutes", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img" }, bars);
  const rate = element("span", { class: "sub" });
  const reasons = element("ul", { class: "reasons" });
  const root = element(
    "article",
    { class: "source sheet", "data-source": source.name, "data-on": String(source.is_on), "aria-label": `Source ${source.name}` },
    element(
      "header",
      {},
      element("h3", {}, source.name),
      source.name === source.provider ? null : element("span", { class: "sub" }, source.provider),
      element("span", { class: "source-heard" }, source.is_on ? last : "Off"),
    ),
    warning && element("p", { class: "warning", "data-tone": source.is_on ? "wait" : "bad" }, warning),
    element("figure", {}, chart, rate),
    element("dl", { class: "source-counts" }, ...numbers),
    reasons,
    setUp(source),
  );
  return { root, last, values, chart, bars, rate, reasonList: reasons, isDue: false };
}

/** What to do with it; in view until something has come. */
function setUp({ name, url, test, last_seen: seen, is_on: isOn }) {
  const use = (words, label, text) => element("p", { class: "source-use" }, element("span", { class: "source-label" }, words), copyable(label, text));
  return element(
    "details",
    { open: !seen },
    element("summary", {}, "Set up and try"),
    use("Give the provider this URL", `URL of ${name}`, url),
    isOn && use("Send a test event", `command that tries ${name}`, test),
  );
}

/** What is wrong with how it is set up, whether or not anything comes. */
function warningOf({ is_on: isOn, proof, provider, url }) {
  if (!isOn) return "Off: it has no secret, so nothing can prove its webhooks. Its path answers 404 until you set one.";
  if (proof === "none") return `Whoever reaches this path is believed to be ${provider}: its proof is "none".`;
  if (proof === "ip") return `Whoever posts from its allow_ips is believed to be ${provider}, unsigned.`;
  if (url.startsWith("http:") && !isHere(new URL(url).hostname)) return "Not https: webhooks can be read and changed on their way.";
  return "";
}

function isHere(host) {
  return host === "localhost" || host.startsWith("127.") || host === "[::1]";
}

/** Who sets it up must see that something comes, though nothing that was proved. */
function lastWords({ seen, counts, refusedAt }, now) {
  if (seen) return `Last seen ${ago(now - Date.parse(seen))}`;
  if (!counts.refused) return "Never seen";
  return `${refusedAt ? `Refused ${ago(now - Date.parse(refusedAt))}` : "Only refused"}, nothing verified yet`;
}

/** Minutes go by; return whether any did. */
function forward(card, now) {
  const minute = Math.floor(now / MINUTE_MS);
  const passed = Math.min(MINUTES, Math.max(0, minute - card.minute));
  if (passed) card.minutes = [...card.minutes.slice(passed), ...new Array(passed).fill(0)];
  card.minute = Math.max(card.minute, minute);
  return passed > 0;
}

function addReason(card, verdict, reason, id) {
  const known = card.reasons.find((one) => one.verdict === verdict && one.reason === reason);
  if (known) Object.assign(known, { count: known.count + 1, delivery: id });
  else card.reasons.push({ verdict, reason: reason ?? "", count: 1, delivery: id });
  card.reasons.sort((one, other) => other.count - one.count);
}

function drawCard({ root, values, counts, minutes, chart, bars, rate, reasons, reasonList }) {
  for (const [name, node] of Object.entries(values)) {
    write(node, counts[name].toLocaleString());
    node.parentElement.classList.toggle("zero", !counts[name]);
  }
  const highest = Math.max(1, ...minutes);
  const step = WIDTH / MINUTES;
  const shape = minutes.map((value, place) => {
    const height = value ? Math.max(2, (value / highest) * (HEIGHT - 2)) : 0.75;
    return `M${(place * step).toFixed(1)} ${HEIGHT}v${-height.toFixed(1)}h${(step - 1).toFixed(1)}v${height.toFixed(1)}z`;
  });
  mark(bars, "d", shape.join(""));
  const words = counts.received ? `Last hour, at most ${highest.toLocaleString()} in a minute` : counts.refused ? "Nothing verified in the last hour" : "Nothing in the last hour";
  mark(chart, "aria-label", `Deliveries: ${words}`);
  write(rate, words);
  mark(root, "data-troubled", counts.dead + counts.refused > 0);
  const shown = reasons.slice(0, FEW_REASONS);
  const told = JSON.stringify(shown);
  if (reasonList.dataset.told === told) return;
  reasonList.dataset.told = told;
  reasonList.replaceChildren(...shown.map(reasonLine));
}

function reasonLine({ verdict, reason, count: number, delivery }) {
  const words = verdict === "refused" ? "refused" : "unusable";
  return element("li", {}, element("a", { href: `#/webhooks/${delivery}`, title: reason }, reason || "no reason"), element("span", { class: "sub" }, `${number.toLocaleString()}× ${words}`));
}
