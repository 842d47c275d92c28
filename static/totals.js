/** How many bots and rooms there are, by what they do. */

import { botStatus } from "./words.js";

/** @param {import("./hub.d.ts").Hub} hub */
export function totals(hub) {
  const sums = { live: 0, people: 0, speakers: 0, listeners: 0, atWork: 0 };
  for (const name of ["starting", "waiting", "in_call", "recording", "paused", "processing", "completed", "failed", "unknown"]) sums[name] = 0;
  for (const { status } of hub.bots.values()) {
    sums[botStatus(status).counter] += 1;
    if (status !== "completed" && status !== "failed") sums.atWork += 1;
  }
  for (const room of hub.rooms.values()) {
    if (room.status === "ended") continue;
    sums.live += 1;
    sums.people += room.participant_count;
    sums.speakers += room.speaker_count;
    sums.listeners += room.listener_count;
  }
  return sums;
}
