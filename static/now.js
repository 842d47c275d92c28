/** Now: how many there are, what just happened, what needs somebody, and whether all that can be believed. */

import { Attention, attentionWords, needy } from "./attention.js";
import { arrange, element, emptiness, code, mark, write } from "./elements.js";
import { rateChart, sparkline } from "./charts.js";
import { happening, subjectOf } from "./happenings.js";
import { Sources } from "./sources.js";
import { totals } from "./totals.js";
import { count, crowdWords, exactTime, fullTime, span } from "./words.js";

const BOT_COUNTERS = [
  ["starting", "Starting", "calm"],
  ["waiting", "Waiting", "wait"],
  ["in_call", "In call", "good"],
  ["recording", "Recording", "live"],
  ["paused", "Paused", "wait"],
  ["processing", "Processing", "calm"],
  ["completed", "Completed", "done"],
  ["failed", "Failed", "bad"],
];
// A chart grows with what was counted, up to this.
const [LEAST_SECONDS, MOST_SECONDS] = [60, 300];
const FEED = 20;
// Faster than this nobody reads.
const CALM_MS = 200;
const UNSEEN = "Not in this sign-in";

/** @param {HTMLElement} root */
export function open(root, page) {
  const { hub, activity } = page;
  const isAdmin = page.may("admin");
  const counters = new Map();
  const rooms = hero("Live rooms", "#/rooms", "live", "rooms");
  const people = hero("People", "#/rooms", "people", "rooms");
  const bots = hero("Bots at work", "#/bots", "atWork", "bots");
  const attention = hero("Need attention", "#/bots?status=stuck", "attention", "bots");
  const inNeed = new Attention(page);
  const events = rateChart("Events", "a second");
  const deliveries = rateChart("Webhooks", "a second");
  const sources = isAdmin ? new Sources(page) : null;
  const feed = new Feed(activity);
  const facts = new Map(["State", "Missing", "Last heard", "Position"].map((name) => [name, element(name === "Position" ? "code" : "span")]));
  const connection = element("dl", { class: "facts" }, ...[...facts].map(([name, said]) => element("div", {}, element("dt", {}, name), element("dd", {}, said))));
  let [shownAt, again] = [-CALM_MS, 0];
  root.append(
    element("div", { class: "heroes" }, rooms.root, people.root, bots.root, attention.root),
    strip(),
    element(
      "div",
      { class: "columns" },
      element("div", { class: "main-column" }, inNeed.root, feed.root),
      element("div", { class: "side" }, element("div", { class: "rates" }, isAdmin ? deliveries.root : barred(), events.root), sources?.root, element("section", { class: "sheet card", "aria-label": "Connection" }, element("h3", {}, "Connection"), connection)),
    ),
  );

  const view = {
    render() {
      const wait = shownAt + CALM_MS - performance.now();
      if (wait > 0) return void (again ||= setTimeout(page.changed, wait));
      clearTimeout(again);
      again = 0;
      shownAt = performance.now();
      const [needing, failing] = [needy(page), sources?.failing ?? []];
      const sums = { ...totals(hub), attention: needing.length + failing.length };
      for (const [name, { value, box, of }] of counters) {
        // Of what a sign-in does not show nobody knows how many there are.
        write(value, page.sees(of) ? sums[name].toLocaleString() : "–");
        box.classList.toggle("zero", !sums[name]);
      }
      write(people.note, page.sees("rooms") ? crowdWords(sums.speakers, sums.listeners) : UNSEEN);
      write(attention.note, page.sees("bots") ? attentionWords(needing, failing, sums.failed) : UNSEEN);
      mark(attention.root, "data-tone", sums.attention ? "wait" : null);
      mark(attention.root, "href", needing.length || !failing.length ? "#/bots?status=stuck" : "#/webhooks?verdict=unhandled");
      inNeed.show(needing, failing);
      page.recall();
      feed.show();
      showConnection();
    },
    tick(now) {
      draw(events, activity.events(now, MOST_SECONDS));
      if (isAdmin) draw(deliveries, activity.deliveries(now, MOST_SECONDS));
      for (const { spark, note, name, of } of [rooms, bots]) {
        if (page.sees(of)) showChange(spark, note, activity.gauge(name));
        else write(note, UNSEEN);
      }
      people.spark.draw(activity.gauge("people"));
      sources?.tick(now);
      view.render();
    },
    heard(event) {
      if (event.type.startsWith("delivery.")) sources?.outdate(event.data.delivery);
    },
    refresh: () => sources?.outdate(),
    close() {
      clearTimeout(again);
      inNeed.close();
    },
  };
  return view;

  function hero(label, href, name, of) {
    const value = element("span", { class: "hero-number", "data-count": name }, "–");
    const note = element("span", { class: "hero-note" });
    const spark = sparkline();
    const box = element("a", { class: "hero", href }, element("span", { class: "hero-label" }, label), value, spark.root, note);
    counters.set(name, { value, box, of });
    return { root: box, note, spark, name, of };
  }

  function strip() {
    const boxes = BOT_COUNTERS.map(([name, label, tone]) => {
      const value = element("span", { class: "counter-number", "data-count": name }, "–");
      const box = element("a", { class: "zero", href: `#/bots?status=${name}`, "data-tone": tone }, value, element("span", { class: "counter-label" }, label));
      counters.set(name, { value, box, of: "bots" });
      return box;
    });
    return element("nav", { class: "counters", "aria-label": "Bots by status" }, ...boxes);
  }

  function showConnection() {
    const missing = hub.behind === null ? "Catching up" : hub.behind ? count(hub.behind, "event") : "Nothing";
    write(facts.get("State"), { live: "Live", behind: "Behind", stale: "Not connected" }[hub.freshness]);
    write(facts.get("Missing"), hub.freshness === "stale" ? "Not known" : missing);
    write(facts.get("Last heard"), hub.heardAt ? exactTime(hub.heardAt) : "Not yet");
    write(facts.get("Position"), hub.position);
  }
}

/** The latest events, the newest on top. */
class Feed {
  #activity;
  #list = element("ol", { class: "timeline feed" });
  #rows = new Map();
  #empty = emptiness("Nothing has happened since this page is open.", ["Try it: ", code("hub simulate")]);

  constructor(activity) {
    this.#activity = activity;
    this.root = element("section", { class: "sheet", "aria-label": "What changes" }, element("h3", { class: "sheet-title" }, "What changes"), this.#list, this.#empty);
  }

  show() {
    const latest = this.#activity.latest.slice(0, FEED);
    const rows = new Map(latest.map((event) => [event.id, this.#rows.get(event.id) ?? feedRow(event)]));
    this.#rows = rows;
    arrange(this.#list, [...rows.values()]);
    this.#empty.hidden = rows.size > 0;
  }
}

function feedRow(event) {
  const { words, tone, because } = happening(event);
  const { name, href } = subjectOf(event);
  return element(
    "li",
    { "data-tone": tone },
    element("time", { datetime: event.time, title: fullTime(event.time) }, exactTime(event.time)),
    element("span", { class: "happened" }, element(href ? "a" : "span", { class: "feed-name", href: href || null, title: name }, name), " ", element("span", {}, words), because ? element("span", { class: "happened-because" }, because) : null),
  );
}

function barred() {
  const words = "How many webhooks arrive is shown to administrators.";
  return element("figure", { class: "rate" }, element("figcaption", {}, "Webhooks"), element("p", { class: "remark" }, words));
}

function showChange(spark, note, values) {
  spark.draw(values);
  const change = values.length > 1 ? values.at(-1) - values[0] : 0;
  const since = Math.max(1, Math.round((values.length * 5) / 60));
  write(note, change ? `${change > 0 ? "+" : "−"}${Math.abs(change).toLocaleString()} in ${since} min` : "No change lately");
}

function draw(chart, all) {
  const begun = all.findIndex((value) => value !== null);
  const seconds = begun < 0 ? 0 : all.length - begun;
  const values = all.slice(-Math.max(seconds, LEAST_SECONDS));
  const lately = values.slice(-10).filter((value) => value !== null);
  const rate = lately.length ? (lately.reduce((sum, value) => sum + value, 0) / lately.length).toFixed(1) : "–";
  const missed = all.slice(-seconds || all.length).filter((value) => value === null).length;
  chart.draw(values, rate, seconds ? `most ${Math.max(...values)} in a second, ${sinceWords(seconds, missed)}` : "");
}

function sinceWords(seconds, missed) {
  const minutes = Math.round(seconds / 60);
  const since = seconds < LEAST_SECONDS ? `counted for ${span(seconds * 1000)}` : `last ${minutes > 1 ? `${minutes} minutes` : "minute"}`;
  return missed && seconds ? `${since}, not for ${span(missed * 1000)} of it` : since;
}
