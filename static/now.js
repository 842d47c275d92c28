/** Now: how many bots and rooms there are, what is going on, and what changed. */

import { element, write } from "./elements.js";
import { rateChart } from "./charts.js";
import { botStatus } from "./words.js";

const ROOM_COUNTERS = [
  ["live", "Live rooms", "good"],
  ["people", "People", "live"],
  ["speakers", "Speakers", "calm"],
  ["listeners", "Listeners", "calm"],
];
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
const CHART_SECONDS = 300;

/** @param {HTMLElement} root */
export function open(root, page) {
  const { hub, activity } = page;
  const counters = new Map();
  const events = rateChart("Events", "a second");
  const deliveries = page.may("admin") ? rateChart("Webhooks", "a second") : null;
  root.append(
    strip("Rooms", "#/rooms", ROOM_COUNTERS),
    strip("Bots", "#/bots", BOT_COUNTERS),
    element("div", { class: "rates" }, events.root, deliveries?.root),
  );
  return {
    render() {
      for (const [name, number] of Object.entries(totals(hub))) {
        const { value, box } = counters.get(name);
        write(value, number.toLocaleString());
        box.classList.toggle("zero", !number);
      }
    },
    tick(now) {
      draw(events, activity.events(now, CHART_SECONDS));
      if (deliveries) draw(deliveries, activity.deliveries(now, CHART_SECONDS));
    },
  };

  function strip(title, href, named) {
    const boxes = named.map(([name, label, tone]) => {
      const value = element("dd", { "data-count": name }, "–");
      const box = element("div", { class: "zero", "data-tone": tone }, element("dt", {}, label), value);
      counters.set(name, { value, box });
      return box;
    });
    const heading = element("h2", {}, element("a", { href }, title));
    return element("section", { "aria-label": title }, heading, element("dl", { class: "counters" }, ...boxes));
  }
}

function totals(hub) {
  const sums = Object.fromEntries([...ROOM_COUNTERS, ...BOT_COUNTERS].map(([name]) => [name, 0]));
  for (const bot of hub.bots.values()) sums[botStatus(bot.status).counter] += 1;
  for (const room of hub.rooms.values()) {
    if (room.status === "ended") continue;
    sums.live += 1;
    sums.people += room.participant_count;
    sums.speakers += room.speaker_count;
    sums.listeners += room.listener_count;
  }
  return sums;
}

function draw(chart, values) {
  const lately = values.slice(-10).reduce((sum, value) => sum + value, 0) / 10;
  chart.draw(values, lately.toFixed(1), `most ${Math.max(...values)} in a second, of the last 5 minutes`);
}
