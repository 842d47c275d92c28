/** What is wrong with a bot, in words: what happened, on whose side, and what to do about it. */

import { roughly } from "./words.js";

const LOBBY_MS = 5 * 60_000;
const SILENT_MS = 10 * 60_000;
// In a call hours may pass without a word: that is no silence.
const TALKATIVE = ["requested", "queued", "joining", "left", "processing"];

/** By `reason.group`: whose side it was on. */
const SIDES = {
  meeting: "The meeting",
  host: "The host",
  billing: "Your account",
  platform: "Zoom, Meet, Teams",
  system: "The provider",
};
const USUAL_ADVICE = {
  meeting: "Check the link and the time of the meeting, then launch another bot.",
  host: "Ask the host to let it in, then launch another.",
  billing: "See what the account has left at the provider.",
  platform: "See whether the meeting lets guests in; sign the bot in if it does not.",
  system: "Launch another; if it goes on, give its id to support.",
};
/** Of a launch that was refused there is no bot, so what helps is another: to order it in another way, or to mend what is in the way. */
const REFUSED_SIDES = { ...SIDES, meeting: "What was asked for", system: "This hub" };
const REFUSED_ADVICE = {
  meeting: "Correct what the provider does not take, then launch it again.",
  billing: USUAL_ADVICE.billing,
  system: "Correct the hub's key, api_version and base_url of the provider: hub check says which is wrong. Then launch it again.",
};
/** What a refusal is called that is not about how this hub is set up. */
const PROVIDERS_OWN = ["PROVIDER_BUSY", "PROVIDER_UNREACHABLE", "NO_BOT"];
/** By the reason's code, where something better can be said than for its group. */
const ADVICE = {
  INVALID_MEETING_URL: "Copy the whole link of the invitation, passcode included.",
  MEETING_NOT_FOUND: "Copy the link of the invitation once more: the meeting may have been moved.",
  MEETING_ENDED: "Send the bot while the meeting goes on.",
  NO_ATTENDEES: "Nothing to do, unless people came later than the bot waits: raise its waiting time.",
  NO_SPEAKER: "Nothing to do, unless people were only silent: raise its silence time.",
  RECORDING_RIGHTS_NOT_GRANTED: "Ask the host to allow recording when the bot asks for it.",
  CANNOT_REQUEST_RECORDING_RIGHT: "Ask the host to allow recording in the settings of the meeting.",
  HOST_CLIENT_CANNOT_GRANT_PERMISSION: "Ask the host to join with the desktop app.",
  INSUFFICIENT_TOKENS: "Buy tokens at the provider, then launch it again.",
  DAILY_BOT_CAP_REACHED: "Wait until tomorrow, or ask the provider for a higher limit.",
  PROVIDER_BUSY: "Wait a minute, then launch it again: nothing was sent.",
  PROVIDER_UNREACHABLE: "Launch it again: nothing was sent. If it goes on, see whether this hub gets out to the provider.",
  NO_BOT: "Launch another, if one is still wanted: nothing is in the meeting.",
  BOT_ALREADY_EXISTS: "Nothing to do: another bot is in this meeting.",
  LOGIN_REQUIRED: "Let guests in, or give the bot an account to sign in with.",
  MEET_LOGIN_REQUIRED: "Let guests in, or give the bot a Google account to sign in with.",
  MEET_LOGIN_UNAVAILABLE: "Add Google accounts for bots at the provider, or launch it a little later.",
  UNABLE_JOIN_EXTERNAL_MEETING: "Use an authorised Zoom app, or a token of somebody in the meeting.",
  API_REQUEST: "Nothing to do: somebody here asked it to leave.",
  API_REQUEST_STOP: "Nothing to do: somebody here asked it to leave.",
  RECORDING_TIMEOUT: "Nothing to do, unless meetings are longer than the provider allows to record.",
  TRANSCRIPTION_FAILED: "The recording is there: ask the provider to transcribe it again.",
};

/** Of a launch: not even whether it became a bot is known. */
const LOST = {
  words: "The provider's answer to the launch was lost: it waits for a human.",
  side: SIDES.system,
  advice: "See at the provider whether a bot is in the meeting, then say on its page what you found: I have looked.",
  tone: "wait",
};

/**
 * What is wrong with a bot, or was when it ended.
 *
 * @param {import("./hub.d.ts").Bot} bot
 * @param {number} now
 * @param {number} heardAt  When this page last heard of it, 0 if it did not.
 * @returns {{ words: string, side: string, advice: string, tone: string } | null}
 */
export function trouble(bot, now, heardAt = 0) {
  return stuck(bot, now, heardAt) ?? explained(bot);
}

/** What keeps a bot from going on, if anything does: somebody should look. */
export function stuck(bot, now, heardAt = 0) {
  const since = Date.parse(bot.status_since ?? bot.created_at ?? "");
  if (bot.status === "unknown") return bot.launch_id === null ? null : LOST;
  if (bot.status === "waiting" && now - since >= LOBBY_MS) return inLobby(now - since);
  const silence = now - Math.max(since, heardAt);
  return TALKATIVE.includes(bot.status) && silence >= SILENT_MS ? silent(bot, silence) : null;
}

/** Whether somebody should look, or launch another: of a launch that was settled somebody knows. */
export function isNeedy(bot, now, heardAt = 0) {
  return (isRefusal(bot) && bot.reason?.code !== "no_bot") || stuck(bot, now, heardAt) !== null;
}

/** Why it ended, or left. */
function explained(bot) {
  const { reason, status } = bot;
  if (!reason) return null;
  const { group, message } = reason;
  // As MeetingBaaS' v2 says it when it answers, which says the same without that in webhooks.
  const code = reason.code.toUpperCase().replace(/^FST_ERR_/, "");
  if (code === "LEAVE_REQUESTED") return asked(bot);
  const [sides, usual] = isRefusal(bot) && !PROVIDERS_OWN.includes(code) ? [REFUSED_SIDES, REFUSED_ADVICE] : [SIDES, USUAL_ADVICE];
  const advice = ADVICE[code] ?? (status === "failed" ? usual[group] : "");
  return { words: message || reason.code, side: sides[group] ?? "", advice: advice ?? "", tone: status === "failed" ? "bad" : "done" };
}

/** Nobody is to blame: somebody here wanted it. */
function asked({ status }) {
  const isGone = ["left", "processing", "completed", "failed"].includes(status);
  return { words: "Asked to leave through this hub.", side: "", advice: isGone ? "" : "It should be gone in a moment. If not, ask it again.", tone: "done" };
}

/** Whether it failed before it was a bot: it goes by its launch still. */
export function isRefusal({ id, provider, launch_id: launch, status }) {
  return status === "failed" && id === `${provider}:${launch}`;
}

function inLobby(ms) {
  return {
    words: `In the lobby for ${roughly(ms)}: nobody has let it in.`,
    side: SIDES.host,
    advice: "Ask the host to admit it, or let it leave.",
    tone: "wait",
  };
}

function silent({ status }, ms) {
  const isBefore = !["left", "processing"].includes(status);
  return {
    words: `Nothing heard of it for ${roughly(ms)}${isBefore ? ", and it has not reached the meeting" : ", and its result has not come"}.`,
    side: SIDES.system,
    advice: isBefore
      ? "See at the provider whether it is there; its webhooks may not reach this hub."
      : "Long recordings take a while. If it stays so, ask the provider for it by its id.",
    tone: "wait",
  };
}
