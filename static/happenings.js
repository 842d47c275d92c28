/** What events say, in a few words each. */

import { briefly, capital, count } from "./words.js";

// What turns the direction of all that follows, as a name may hold it.
const TURNING = /[\u202a-\u202e\u2066-\u2069]/gu;
// Of a name; what follows it must still be seen.
const LONGEST = 80;
// By these codes somebody wanted a bot to leave; by others the meeting or the provider ends it.
const TOLD = /^(leave_requested|api_request)/i;
const MACHINES = { recorder: "The recorder", agent: "An agent", ingress: "A live feed" };

/** By the type of event: the words, and the tone. Functions get the event's data. */
const HAPPENINGS = {
  "bot.requested": ["Asked for", "calm"],
  "bot.unknown": ["Nobody knows whether it was launched", "wait"],
  "bot.queued": ["Queued", "calm"],
  "bot.retrying": [({ bot }) => `Tries again, attempt ${bot?.attempt ?? ""}`, "wait"],
  "bot.joining": ["On its way into the meeting", "calm"],
  "bot.waiting": ["In the lobby", "wait"],
  "bot.joined": ["In the call", "good"],
  "bot.leaving": [({ code, reason }) => (TOLD.test(reason?.code ?? code ?? "") ? "Told to leave" : "About to leave"), "calm"],
  "bot.left": ["Left the call", "calm"],
  "bot.processing": ["Recording is being processed", "calm"],
  "bot.completed": ["Completed", "done"],
  "bot.failed": ["Failed", "bad"],
  "bot.erased": ["Erased", "done"],
  "room.started": ["Started", "good"],
  "room.updated": ["Changed", "calm"],
  "room.ended": ["Ended", "done"],
  "room.erased": ["Erased", "done"],
  "participant.joined": [({ participant }) => `${nameOf(participant)} came`, "good"],
  "participant.left": [({ participant }) => `${nameOf(participant)} left`, "calm"],
  "participant.rejected": [({ participant }) => `${nameOf(participant)} could not come in`, "bad"],
  "participant.updated": [({ participant }) => `${nameOf(participant)} is ${participant?.role || "changed"} now`, "calm"],
  "track.published": ["Somebody shares audio or video", "calm"],
  "track.unpublished": ["Somebody stopped sharing", "calm"],
  "track.updated": ["Audio or video changed", "calm"],
  "recording.started": ["Recording", "live"],
  "recording.updated": ["Recording changed", "calm"],
  "recording.paused": ["Recording paused", "wait"],
  "recording.resumed": ["Recording goes on", "live"],
  "recording.stopped": ["Recording stopped", "calm"],
  "recording.completed": ["Recording is ready", "good"],
  "recording.failed": ["Recording failed", "bad"],
  "stream.started": ["Live stream started", "live"],
  "stream.stopped": ["Live stream stopped", "calm"],
  "stream.failed": ["Live stream failed", "bad"],
  "transcript.started": ["Being transcribed", "calm"],
  "transcript.updated": [({ segments }) => (segments ? `Transcript: ${count(segments.length, "segment")}` : "Transcript goes on"), "calm"],
  "transcript.completed": ["Transcript is ready", "good"],
  "transcript.failed": ["Transcript failed", "bad"],
  "chat.message": [({ message }) => `${message?.sender || "Somebody"}: ${message?.text ?? ""}`, "calm"],
  "schedule.created": [({ schedule }) => `Planned: ${schedule?.title ?? "a meeting"}`, "calm"],
  "schedule.updated": [({ schedule }) => `Plan changed: ${schedule?.title ?? "a meeting"}`, "calm"],
  "schedule.cancelled": [({ schedule }) => `Cancelled: ${schedule?.title ?? "a meeting"}`, "done"],
};

/** @param {import("./hub.d.ts").HubEvent} event @returns {{ words: string, tone: string, because: string }} */
export function happening({ type, data, providertype }) {
  const [words, tone] = HAPPENINGS[type] ?? [capital(String(providertype || type).replace(/[._]/g, " ")), "calm"];
  const { reason, recording } = data;
  const because = (typeof reason === "object" ? reason?.message || reason?.code : reason) || recording?.error || "";
  return { words: typeof words === "function" ? words(data).replace(TURNING, "") : words, tone, because: legible(String(because)) };
}

/** Codes in words; what only says once more that somebody left is left out. */
function legible(reason) {
  return reason === "participant_left" ? "" : /^[a-z_]+$/i.test(reason) ? reason.replace(/_/g, " ").toLowerCase() : reason;
}

/** What an event is about, by name, and where that is shown. */
export function subjectOf({ subject, data }) {
  const [collection, id = ""] = [subject.slice(0, subject.indexOf("/")), subject.slice(subject.indexOf("/") + 1)];
  const own = id.slice(id.search(/[:@]/) + 1);
  const { bot, room, schedule } = data;
  if (collection === "bots") return { name: bot?.name || `Bot ${briefly(own)}`, href: `#/bots/${id}` };
  if (collection === "rooms") return { name: room?.name || room?.room_id || own, href: `#/rooms/${id}` };
  return { name: schedule?.title || id, href: "" };
}

/** Machines are called what they are. */
function nameOf(participant) {
  const { kind = "human", name, identity } = participant ?? {};
  const called = short(name || identity || "Somebody");
  if (kind === "human") return called;
  return kind === "sip" ? `${called} by phone` : MACHINES[kind] ?? `The ${kind}`;
}

function short(name) {
  return name.length > LONGEST ? `${Array.from(name).slice(0, LONGEST).join("")}…` : name;
}
