/** Whether the page can be believed: the badge, the notices, and how long nothing was heard. */

import { write } from "./elements.js";
import { exactTime, span } from "./words.js";

const BADGES = {
  connecting: "Connecting",
  live: "Live",
  behind: "Catching up",
  reconnecting: "Reconnecting",
  "signed-out": "Signed out",
};

/** Keeps telling it. @param {import("./hub.d.ts").Hub} hub */
export function tellFreshness(hub) {
  hub.addEventListener("status", show);
  hub.addEventListener("expiring", () => notice("expiring"));
  setInterval(showAge, 1000);
  show();

  function show() {
    const { status, freshness, behind, reasons, problem } = hub;
    Object.assign(document.body.dataset, { status, freshness });
    // Said aloud is what it is, not each number on the way.
    write(byId("badge-said"), BADGES[status]);
    write(byId("badge"), behind ? `Behind by ${behind.toLocaleString()}` : BADGES[status]);
    write(byId("last-heard"), exactTime(hub.heardAt));
    const wasRefused = new URLSearchParams(location.search).get("login") === "refused";
    write(byId("problem"), status === "signed-out" && wasRefused ? "The link that you opened is no longer good." : "");
    write(byId("trouble"), problem);
    // What is spooled is not refused, whatever else is in trouble.
    const trouble = ["spool", "storage", "bus"].find((part) => reasons.includes(part)) ?? "";
    notice(status === "live" || status === "behind" ? trouble : status);
    showAge();
  }

  /** What is shown is of then, not of now. */
  function showAge() {
    const isOld = hub.freshness === "stale" && hub.heardAt > 0;
    write(byId("age"), isOld ? `as of ${span(Date.now() - hub.heardAt)} ago` : "");
  }
}

/** Say what to do, if there is anything to do. */
function notice(name) {
  const area = byId("notice");
  for (const one of area.children) one.hidden = one.dataset.notice !== name;
  area.hidden = !name;
  area.dataset.notice = name;
}

function byId(id) {
  return document.getElementById(id);
}
