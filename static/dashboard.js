/**
 * The dashboard: one connection to the hub, and whichever view the address names.
 *
 * A view is a file that exports `open(root, page, id)`, which fills an empty element and returns what the page calls:
 * `render()` after something has changed, at most once a frame; `tick(now)` each second while what is shown is not stale;
 * `heard(event)` for every event; `refresh()` when more than one event may have been missed, also after each outage; `close()`.
 * When the log has become another one, after a database was restored, it is opened anew: what it knows may never have happened.
 *
 * @typedef {object} View
 * @property {() => void} render
 * @property {(now: number) => void} [tick]
 * @property {(event: import("./hub.d.ts").HubEvent) => void} [heard]
 * @property {() => void} [refresh]
 * @property {() => void} [close]
 * @property {boolean} [isOfMaps]  Whether it shows nothing but what is in the hub's maps: then it may stay, whatever the log.
 */

import { Activity } from "./activity.js";
import { logOf } from "./beats.js";
import * as bot from "./bot.js";
import * as bots from "./bots.js";
import { crowdsOf } from "./crowds.js";
import * as delivery from "./delivery.js";
import { element, mark } from "./elements.js";
import { tellFreshness } from "./freshness.js";
import { connect } from "./hub.js";
import { listenToKeys } from "./keys.js";
import * as now from "./now.js";
import * as room from "./room.js";
import * as rooms from "./rooms.js";
import { totals } from "./totals.js";
import * as webhooks from "./webhooks.js";

/** By the first part of the address: the view of all, and that of one. */
const VIEWS = {
  "": { title: "Now", all: now },
  bots: { title: "Bots", all: bots, one: bot },
  rooms: { title: "Rooms", all: rooms, one: room },
  webhooks: { title: "Webhooks", all: webhooks, one: delivery },
};
const ID = /^(?!\.{1,2}$)[A-Za-z0-9._:@~-]{1,400}$/;
const FRESH_MS = 1000;
const CALM_MS = 50;
const PROBING_MS = 2000;

const main = document.querySelector("main");
let access = await whatWeMay();
const hub = connect({ topics: topicsOf(access) });
const activity = new Activity();
// It sees from the beginning, whichever view is shown.
crowdsOf(hub);
const page = {
  hub,
  activity,
  /** Read something of the API: `get("/api/bots")`. */
  get: (path) => hub.get(path),
  /** Change something: `send("DELETE", "/api/bots/…")`. */
  send: (method, path, body, headers) => hub.send(method, path, body, headers),
  go: (hash) => void (location.hash = hash),
  /** Whether the credential has a scope; `admin` has all, and sees what arrives. */
  may: (scope) => access.scopes.includes("admin") || access.scopes.includes(scope),
  /** What the address says after the `?`, so that a link keeps it. */
  get query() {
    return new URLSearchParams(location.hash.split("?")[1] ?? "");
  },
  set query(wanted) {
    const text = String(wanted);
    history.replaceState(null, "", location.hash.split("?")[0] + (text && `?${text}`));
  },
  /** Have the view rendered: it has read something. */
  changed: () => changed(),
  /** Say in the window's title what is shown. */
  entitle: (text) => (document.title = text ? `${text} · Meeting hub` : "Meeting hub"),
};
/** @type {View | null} */
let view = null;
// Of which log everything is that is shown, "" before anything is.
let log = "";
let isDue = false;
let renderedAt = 0;
// What the view has read may lack something.
let hasMissed = false;
let wasStale = true;
// Since when nobody tells us anything, 0 before anybody did.
let deafSince = 0;
/** The last time of that, until it is known whether its events are told after all. @type {[number, number] | null} */
let deaf = null;

hub.addEventListener("change", ({ detail }) => {
  noticeLog(detail.position);
  if (detail.event) hear(detail.event);
  else miss();
  changed();
});
hub.addEventListener("delivery", ({ detail }) => hear(detail));
hub.addEventListener("status", ({ detail }) => {
  const isStale = detail.freshness === "stale";
  // A stream that goes on tells what happened; what arrives, files and counts are in no stream.
  hasMissed ||= wasStale && !isStale;
  if (isStale !== wasStale) listen(isStale);
  wasStale = isStale;
  if (access.isRefused && detail.freshness !== "stale") void beWelcomed();
  access.isRefused ||= detail.status === "signed-out";
  changed();
});
addEventListener("hashchange", open);
setInterval(() => {
  // What is not live must not look as if it went on.
  if (hub.freshness === "stale") return;
  deaf = null;
  activity.sample(totals(hub), hub.now());
  view?.tick?.(hub.now());
}, FRESH_MS);
listenToKeys({ go: page.go, up: () => (place().id ? `#/${place().section}` : "#/") });
tellFreshness(hub);
open();

function hear(event) {
  activity.note(event, hub.now());
  view?.heard?.(event);
  changed();
}

/** Say of which time nothing was counted. Nobody tells again what arrived; events are told later, or are in a snapshot. */
function listen(isStale) {
  if (isStale) return void (deafSince = hub.now() - (Date.now() - hub.heardAt));
  deaf = [deafSince, hub.now()];
  activity.miss("deliveries", ...deaf);
  if (!deafSince) activity.miss("events", ...deaf);
}

/** Nothing that is known of another log is shown as if it were of this one. */
function noticeLog(position) {
  const before = log;
  log = logOf(position);
  if (!before || log === before) return;
  activity.forget();
  if (!view?.isOfMaps) open();
}

/** More may have happened than is told. */
function miss() {
  hasMissed = true;
  if (deaf) activity.miss("events", ...deaf);
  deaf = null;
}

/** Have what changed shown: at once, but not in every frame while much happens. */
function changed() {
  if (isDue) return;
  isDue = true;
  const wait = renderedAt + CALM_MS - performance.now();
  if (wait > 0) setTimeout(() => requestAnimationFrame(render), wait);
  else requestAnimationFrame(render);
}

function render() {
  isDue = false;
  renderedAt = performance.now();
  mark(main, "aria-busy", String(!hub.position));
  if (hasMissed) view?.refresh?.();
  hasMissed = false;
  view?.render();
}

/** What the address names: `#/bots/<id>`. */
function place() {
  const [section, id = ""] = location.hash.replace(/^#\/?/, "").split("?")[0].split("/");
  const found = VIEWS[section];
  const isKnown = found && (!id || (found.one && ID.test(id)));
  return isKnown ? { section, id, found } : { section: "", id: "", found: VIEWS[""] };
}

function open() {
  const { section, id, found } = place();
  view?.close?.();
  const root = element("div", { class: `view view-${section || "now"}` });
  main.replaceChildren(root);
  scrollTo(0, 0);
  page.entitle(found.title);
  for (const anchor of document.querySelectorAll(".top nav a")) {
    mark(anchor, "aria-current", anchor.dataset.section === section ? "page" : null);
  }
  view = (id ? found.one : found.all).open(root, page, id);
  changed();
}

function topicsOf({ topics, scopes }) {
  if (!topics.includes("*")) return topics;
  const all = ["bots", "rooms", "schedules", "sources"];
  return scopes.includes("admin") ? [...all, "deliveries"] : all;
}

/** Somebody has signed in meanwhile, who may be another one. */
async function beWelcomed() {
  const before = topicsOf(access);
  access = await whatWeMay();
  if (String(topicsOf(access)) !== String(before)) location.reload();
}

/** Ask what the page's cookie permits; who is refused is shown the page too, which then says what to do. */
async function whatWeMay() {
  for (;;) {
    const answer = await fetch("api/access", { cache: "no-store" }).catch(() => null);
    if (answer?.ok) return answer.json();
    if (answer && answer.status < 500) return { topics: ["*"], scopes: ["read"], isRefused: true };
    await new Promise((resolve) => setTimeout(resolve, PROBING_MS));
  }
}
