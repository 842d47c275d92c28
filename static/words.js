/** Times, statuses and reasons in the words of people. */

// Ids that people made up are no longer; those of machines tell nobody anything after a few letters.
const WHOLE = 14;

/** How each status of a bot is called, how it looks, and under which of the counters it falls. */
const BOT_STATUS = {
  requested: ["Requested", "calm", "starting"],
  queued: ["Queued", "calm", "starting"],
  joining: ["Joining", "calm", "starting"],
  waiting: ["Waiting", "wait", "waiting"],
  in_call: ["In call", "good", "in_call"],
  recording: ["Recording", "live", "recording"],
  paused: ["Paused", "wait", "paused"],
  left: ["Left", "calm", "processing"],
  processing: ["Processing", "calm", "processing"],
  completed: ["Completed", "done", "completed"],
  failed: ["Failed", "bad", "failed"],
  unknown: ["Unknown", "wait", "unknown"],
};

/** The word, the tone and the counter of a bot's status; also of one that is newer than this page. */
export function botStatus(status) {
  const [word, tone, counter] = BOT_STATUS[status] ?? [status, "done", "starting"];
  return { word, tone, counter };
}

export function roomStatus(room) {
  if (room.status === "ended") return { word: "Ended", tone: "done" };
  return room.stale ? { word: "Silent", tone: "wait" } : { word: "Live", tone: "good" };
}

/** A name, or what stands for one; and beneath it the provider's own id, where that says more. */
export function titleOf(name, id, noun) {
  const own = id.slice(id.indexOf(":") + 1);
  const called = briefly(own);
  return { main: name || `${noun} ${called}`, sub: name || called !== own ? own : "" };
}

/** An id as something may be called by it: one of a few letters whole, else how it begins. */
export function briefly(own) {
  return own.length > WHOLE ? own.slice(0, 8) : own;
}

/** Say how far a recording is; without `now` it runs no longer, whatever was told last. */
export function recordingWords(recording, now) {
  if (!recording || recording.status === "unknown") return "";
  const { status, started_at: start, duration } = recording;
  const isRunning = status === "recording" && Boolean(now);
  const word = isRunning ? "Running" : status === "recording" ? "Recorded" : capital(status);
  if (duration !== null) return `${word} ${span(duration * 1000)}`;
  return isRunning && start ? `${word} ${span(now - Date.parse(start))}` : word;
}

export function transcriptWords(transcript) {
  if (!transcript) return "";
  const { status, segments_count: segments } = transcript;
  return `Transcript ${status}${segments ? `, ${count(segments, "segment")}` : ""}`;
}

/** A number with its noun. */
export function count(number, one, several = `${one}s`) {
  return `${number.toLocaleString()} ${number === 1 ? one : several}`;
}

/** By their roles: who happens to speak at this moment nobody tells. */
export function crowdWords(speakers, listeners) {
  return `${count(speakers, "speaker")}, ${count(listeners, "listener")}`;
}

export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function shortAddress(address) {
  const url = address && URL.canParse(address) ? new URL(address) : null;
  return url?.host ? url.host + url.pathname : (address ?? "");
}

export function ago(ms) {
  return ms < 5000 ? "now" : `${roughly(ms)} ago`;
}

/** A span of time to the second: 0:07, 1:02:03, 2 d 4 h. */
export function span(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [days, hours, minutes] = [86400, 3600, 60].map((unit) => Math.floor(seconds / unit));
  const two = (number) => String(number).padStart(2, "0");
  if (days) return `${days} d ${hours % 24} h`;
  if (hours) return `${hours}:${two(minutes % 60)}:${two(seconds % 60)}`;
  return `${minutes}:${two(seconds % 60)}`;
}

/** A span of time in its largest unit. */
export function roughly(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 86400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86400)} d`;
}

export function sizeWords(bytes) {
  const [unit, factor] = bytes >= 1e9 ? ["GB", 1e9] : bytes >= 1e6 ? ["MB", 1e6] : bytes >= 1e3 ? ["kB", 1e3] : ["B", 1];
  return `${(bytes / factor).toLocaleString([], { maximumFractionDigits: 1 })} ${unit}`;
}

export function clockTime(time) {
  return time ? new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : "";
}

/** To the second. */
export function exactTime(time) {
  return time ? new Date(time).toLocaleTimeString() : "";
}

export function fullTime(time) {
  return time ? new Date(time).toLocaleString() : "";
}
