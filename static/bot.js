/** One bot: what happened to it and when, what was said, who was there, and what it brought back. */

import { Chronicle } from "./chronicle.js";
import { letLeave, settle } from "./launching.js";
import { isOver } from "./bots.js";
import { layOut, showBot, showClocks, showLack, showMissing } from "./profile.js";
import { Timeline } from "./timeline.js";
import { Transcript } from "./transcript.js";
import { titleOf } from "./words.js";

// Before what was told is read, and before what could not be read is read again.
const SOON_MS = 1000;
const AGAIN_MS = 3000;

/** @param {HTMLElement} root */
export function open(root, page, id) {
  const { hub } = page;
  const topic = `bots/${id}`;
  const chronicle = new Chronicle(page, topic);
  const timeline = new Timeline();
  const transcript = new Transcript(page, id);
  const about = (question) => () => (asking = question(page, bot, titleOf(bot.name, id, "Bot").main));
  const parts = layOut(page, id, timeline, transcript, about(letLeave), about(settle));
  root.append(...parts.all);
  let [bot, recording, problem] = [hub.bots.get(id), null, null];
  let [asking, reading, isOutdated, soon, readAt] = [null, false, false, 0, 0];
  let isClosed = false;
  // Why something is not there that should be.
  let lacking = [];
  void read();

  return {
    render() {
      if (movedOn()) return;
      bot = newest(hub.bots.get(id), bot);
      showMissing(parts, bot, problem);
      if (!bot) return;
      page.entitle(titleOf(bot.name, id, "Bot").main);
      showLack(parts, lacking[0], lacking.some(mayMend));
      const unread = lacking.length ? "It could not be read." : "Reading…";
      timeline.show(chronicle, hub.now(), unread);
      transcript.show({ told: bot.transcript, isOver: isOver(bot), unread });
      showBot(parts, bot, recording, transcript.speakers);
      this.tick(hub.now());
    },
    tick(now) {
      if (!reading && lacking.some(mayMend) && Date.now() - readAt > AGAIN_MS) void read();
      if (bot) showClocks(parts, bot, recording, now, Math.max(page.activity.heardAt(topic), chronicle.heardAt));
    },
    heard(event) {
      chronicle.hear(event);
      if (event.subject !== topic) return;
      if (event.type === "bot.erased") return beGone();
      if (!transcript.hear(event)) return;
      // Files, links and whole transcripts are not carried by events.
      clearTimeout(soon);
      soon = setTimeout(read, SOON_MS);
    },
    refresh: () => void read(),
    close() {
      isClosed = true;
      chronicle.close();
      clearTimeout(soon);
      asking?.close();
    },
  };

  function beGone() {
    [bot, recording, problem] = [null, null, { isErased: true }];
    // What is being read may be of before.
    isOutdated = reading;
    chronicle.forget();
    transcript.forget();
  }

  /** What is not in the stream: history, files, and bots that ended long ago. One part that fails hides no other. */
  async function read() {
    // What is missed while it is being read is read after that.
    if (reading) return void (isOutdated = true);
    [reading, isOutdated] = [true, false];
    const found = await readBot().catch((error) => error);
    problem = problem?.isErased && found?.status === 404 ? problem : found;
    if (isClosed) return;
    page.changed();
    const others = problem?.status === 404 ? [] : [chronicle.read(), transcript.read(), readRecording()];
    const done = await Promise.allSettled(others);
    [reading, readAt] = [false, Date.now()];
    if (isClosed) return;
    lacking = [problem, ...done.map(({ reason }) => reason)].filter(Boolean);
    if (isOutdated) void read();
    page.changed();
  }

  /** As it was just read, unless the stream has told more. */
  async function readBot() {
    const found = await page.get(`/api/bots/${id}`).catch((error) => {
      if (error.status === 404) bot = null;
      throw error;
    });
    if (!isClosed && !isOutdated) bot = found;
    // Asked for by the name of its launch.
    if (found.id !== id) moveTo(found.id);
    return null;
  }

  async function readRecording() {
    const told = newest(hub.bots.get(id), bot)?.recording;
    recording = told ? await page.get(`/api/recordings/${told.id}`).catch(orNothing) : null;
  }

  /** What is gone, or not for this sign-in, is nothing that the page lacks. */
  function orNothing(error) {
    if (error.status === 404) return null;
    throw error;
  }

  /** Whether asking once more may help; there may be a bot by now where there was none. */
  function mayMend({ status }) {
    return status === 0 || status === 429 || status >= 500 || (status === 404 && bot !== null);
  }

  /** A launch whose bot has its own id by now is shown there. */
  function movedOn() {
    if (hub.bots.has(id)) return false;
    for (const one of hub.bots.values()) {
      if (one.launch_id && `${one.provider}:${one.launch_id}` === id) {
        moveTo(one.id);
        return true;
      }
    }
    return false;
  }

  function moveTo(other) {
    if (!isClosed) location.replace(`#/bots/${other}`);
    isClosed = true;
  }
}

/** Of the same log, what was told last. */
function newest(one, other) {
  return one && !(other?.sequence > one.sequence) ? one : other;
}
