/** What became of what arrived, and how late it was, in words. */

import { capital, roughly } from "./words.js";

const VERDICTS = {
  accepted: { word: "Accepted", tone: "good" },
  duplicate: { word: "Copy", tone: "done" },
  dead: { word: "Unusable", tone: "bad" },
  refused: { word: "Refused", tone: "wait" },
};
const NOTABLE_S = 60;

/** The word and the tone of a verdict, also of one that is newer than this page. */
export function verdictOf(name) {
  return VERDICTS[name] ?? { word: capital(name), tone: "done" };
}

/** How long after what it tells of it arrived. */
export function delayWords(late) {
  if (late === null || late === undefined) return "";
  if (late < 0) return "early";
  if (late < 10) return `${late.toFixed(1)} s`;
  return roughly(late * 1000);
}

export function isLate(late) {
  return late > NOTABLE_S;
}
