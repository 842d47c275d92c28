/**
 * The dashboard: one connection to the hub, and whichever view the address names.
 *
 * A view is a file that exports `open(root, page, id)`, which fills an empty element and returns what the page calls:
 * `render()` after something has changed, at most once a frame; `tick(now)` each second while what is shown is not stale;
 * `heard(event)` for every event; `refresh()` when more than one event may have been missed, also after each outage; `close()`;
 * `keep()` before something else is opened: what it returns is `page.place.kept` when somebody comes back.
 * When the log has become another one, after a database was restored, it is opened anew: what it knows may never have happened.
 *
 * @typedef {object} View
 * @property {() => void} render
 * @property {(now: number) => void} [tick]
 * @property {(event: import("./hub.d.ts").HubEvent) => void} [heard]
 * @property {() => void} [refresh]
 * @property {() => void} [close]
 * @property {() => unknown} [keep]
 * @property {boolean} [isOfMaps]  Whether it shows nothing but what is in the hub's maps: then it may stay, whatever the log.
 */

import { Access } from "./access.js";
import { Activity } from "./activity.js";
import { needy } from "./attention.js";
import { isAfter, logOf, sequenceOf } from "./beats.js";
import * as bot from "./bot.js";
import * as bots from "./bots.js";
import { crowdsOf } from "./crowds.js";
import * as delivery from "./delivery.js";
import { element, mark } from "./elements.js";
import { tellFreshness } from "./freshness.js";
import { connect } from "./hub.js";
import { listenToKeys } from "./keys.js";
import * as now from "./now.js";
import * as nowhere from "./nowhere.js";
import { Places } from "./places.js";
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
const NOWHERE = { title: "Nothing here", all: nowhere };
const ID = /^(?!\.{1,2}$)[A-Za-z0-9._:@~-]{1,400}$/;
const FRESH_MS = 1000;
const CALM_MS = 50;
const RECALLED = 60;

const main = document.querySelector("main");
const access = await Access.ask();
const hub = connect({ topics: access.followed });
const activity = new Activity();
// It sees from the beginning, whichever view is shown.
crowdsOf(hub);
const page = {
  hub,
  activity,
  /** Read something of the API: `get("/api/bots")`. */
  get: (path) => page.send("GET", path),
  /** Change something: `send("DELETE", "/api/bots/…")`. */
  send: (method, path, body, headers) => hub.send(method, path, body, headers).catch(doubt),
  go: (hash) => void (location.hash = hash),
  /** Whether the credential has a scope; `admin` has all, and sees what arrives. */
  may: (scope) => access.may(scope),
  /** What the credential is for. */
  get topics() {
    return access.topics;
  },
  /** Whether the credential shows all or some of a collection. */
  sees: (collection) => access.sees(collection),
  /** What the address says after the `?`, so that a link keeps it. */
  get query() {
    return new URLSearchParams(location.hash.split("?")[1] ?? "");
  },
  set query(wanted) {
    const text = String(wanted);
    history.replaceState(null, "", location.hash.split("?")[0] + (text && `?${text}`));
  },
  /** Have what happened just before the page was opened told to `activity`, once. */
  recall: () => void recall(),
  /** Have the view rendered: it has read something. */
  changed: () => changed(),
  /** Say in the window's title what is shown. */
  entitle(text) {
    title = text;
    showTitle();
  },
  /** How the list that is opened was left, if somebody comes back to it. @type {import("./places.js").Place | null} */
  place: null,
};
const places = new Places(main);
let title = "";
/** @type {View | null} */
let view = null;
// Of which log everything is that is shown, "" before anything is.
let log = "";
// Where in it the page began to listen, until what is before that has been asked for.
let begun = "";
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
  if (access.isRefused && detail.freshness !== "stale") void access.review();
  access.isRefused ||= detail.status === "signed-out";
  showTitle();
  changed();
});
addEventListener("hashchange", ({ oldURL }) => open(new URL(oldURL).hash));
// Somebody else may have signed in meanwhile, in another tab.
addEventListener("visibilitychange", () => document.hidden || hub.freshness === "stale" || void access.review(), true);
main.addEventListener("click", goBack);
setInterval(() => {
  // What is not live must not look as if it went on.
  if (hub.freshness === "stale") return;
  deaf = null;
  activity.sample(totals(hub), hub.now());
  showTitle();
  view?.tick?.(hub.now());
}, FRESH_MS);
listenToKeys({ go: page.go, up: () => (place().id ? places.hashOf(place().section) : "#/") });
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
  if (log === before) return;
  begun = position;
  if (!before) return;
  activity.forget();
  if (!view?.isOfMaps) open();
}

/** More may have happened than is told. */
function miss() {
  hasMissed = true;
  if (deaf) activity.miss("events", ...deaf);
  deaf = null;
}

/** What happened before is in no snapshot. */
async function recall() {
  if (!begun) return;
  const end = begun;
  begun = "";
  const from = `${logOf(end)}.${Math.max(0, sequenceOf(end) - RECALLED)}`;
  const { items } = await hub.get(`/api/events?after=${from}&limit=${RECALLED}`).catch(() => ({ items: [] }));
  activity.recall(items.filter(({ id }) => !isAfter(id, end)), hub.now());
  changed();
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

/** A tab in the background says by its title whether somebody is needed, and whether it can be believed. */
function showTitle() {
  const trouble = { reconnecting: "⚠ Reconnecting", "signed-out": "⚠ Signed out" }[hub.status];
  const number = needy(page).length;
  const shown = [trouble, title, "Meeting hub"].filter(Boolean).join(" · ");
  document.title = number && !trouble ? `(${number}) ${shown}` : shown;
}

/** What the address names: `#/bots/<id>`. */
function place(hash = location.hash) {
  const [section, id = "", more] = hash.replace(/^#\/?/, "").split("?")[0].split("/");
  const found = VIEWS[section];
  const isKnown = found && !more && (!id || (found.one && ID.test(id)));
  return isKnown ? { section, id, found } : { section: null, id: "", found: NOWHERE };
}

/** @param {string} [left]  The address of what was shown before. */
function open(left) {
  const { section, id, found } = place();
  const before = left === undefined ? null : place(left);
  if (before && !before.id) places.leave(before.section, left, before.section === section ? id : "", view?.keep?.());
  // Whoever comes from somewhere else begins at the top.
  page.place = before?.id && !id && before.section === section ? places.at(section, location.hash) : null;
  view?.close?.();
  const root = element("div", { class: `view view-${section || "now"}` });
  main.replaceChildren(root);
  scrollTo(0, 0);
  page.entitle(found.title);
  for (const anchor of document.querySelectorAll(".top nav a")) {
    mark(anchor, "aria-current", anchor.dataset.section === section ? "page" : null);
  }
  view = (id ? found.one : found.all).open(root, page, id);
  if (before) places.arrive(page.place);
  changed();
}

/** The way up leads to the list as it was left. */
function goBack(event) {
  const crumb = event.target.closest("a.crumb");
  if (!crumb || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  page.go(places.hashOf(place(crumb.hash).section));
}

/** What is refused may have been allowed to who signed in before. */
function doubt(problem) {
  if (problem.status === 401 || problem.status === 403) void access.review();
  throw problem;
}
