/** Who needs attention, and why: bots that are stuck, launches that failed, sources that cannot be used. */

import { isLeaving, mayLeave } from "./bots.js";
import { arrange, element, mark, write } from "./elements.js";
import { letLeave } from "./launching.js";
import { failureOf } from "./sources.js";
import { isNeedy, trouble } from "./trouble.js";
import { count, shortAddress, titleOf } from "./words.js";

const SHOWN = 5;
const KINDS = {
  waiting: (number) => `${number} in the lobby too long`,
  silent: (number) => `${number} silent`,
  unknown: (number) => `${number} lost`,
  failed: (number) => `${count(number, "launch", "launches")} failed`,
  source: (number) => `${count(number, "source")} failing`,
};

/** The bots of a page that need somebody, those longest so first. */
export function needy({ hub, activity }) {
  const now = hub.now();
  const bots = [...hub.bots.values()].filter((bot) => isNeedy(bot, now, activity.heardAt(`bots/${bot.id}`)));
  return bots.sort((one, other) => ((one.status_since ?? "") < (other.status_since ?? "") ? -1 : 1));
}

/** How many there are of each kind, in words. */
export function attentionWords(bots, sources, failed) {
  const kinds = [...bots.map(({ status }) => (KINDS[status] ? status : "silent")), ...sources.map(() => "source")];
  const words = Object.entries(KINDS).map(([kind, say]) => [kinds.filter((one) => one === kind).length, say]);
  const said = words.filter(([number]) => number).map(([number, say]) => say(number));
  if (said.length) return said.join(", ");
  return failed ? `No bot is stuck; ${failed.toLocaleString()} failed lately` : "No bot is stuck";
}

/** The first of them by name, with what is wrong and what can be done here. */
export class Attention {
  #page;
  #rows = new Map();
  #list = element("ul", { class: "attention" });
  #more = element("a", { class: "more" });
  #dialog = null;

  constructor(page) {
    this.#page = page;
    this.root = element("section", { class: "sheet", "aria-label": "Need attention", hidden: true }, element("h3", { class: "sheet-title" }, "Need attention"), this.#list, this.#more);
  }

  show(bots, sources) {
    const { activity, hub } = this.#page;
    const lines = [
      ...bots.map((bot) => [`bots/${bot.id}`, (row) => this.#showBot(row, bot, trouble(bot, hub.now(), activity.heardAt(`bots/${bot.id}`)))]),
      ...sources.map((source) => [`sources/${source.name}`, (row) => showSource(row, source)]),
    ];
    const shown = lines.slice(0, SHOWN);
    for (const key of this.#rows.keys()) if (!shown.some(([one]) => one === key)) this.#rows.delete(key);
    arrange(this.#list, shown.map(([key, show]) => this.#row(key, show)));
    this.root.hidden = !lines.length;
    this.#more.hidden = lines.length <= SHOWN;
    mark(this.#more, "href", bots.length > SHOWN ? "#/bots?status=stuck" : "#/webhooks?verdict=unhandled");
    write(this.#more, `${lines.length - SHOWN} more`);
  }

  close() {
    this.#dialog?.close();
  }

  #row(key, show) {
    const row = this.#rows.get(key) ?? makeRow();
    this.#rows.set(key, row);
    show(row);
    return row.root;
  }

  #showBot(row, bot, found) {
    const name = titleOf(bot.name, bot.id, "Bot").main;
    write(row.name, name);
    mark(row.name, "href", `#/bots/${bot.id}`);
    write(row.where, shortAddress(bot.meeting_url));
    write(row.words, found?.words);
    mark(row.root, "data-tone", found?.tone);
    row.leave.hidden = !this.#page.may("launch") || !mayLeave(bot);
    write(row.leave, isLeaving(bot) ? "Ask again" : "Leave");
    mark(row.leave, "aria-label", isLeaving(bot) ? `Ask ${name} again to leave` : `Let ${name} leave`);
    row.leave.onclick = () => (this.#dialog = letLeave(this.#page, bot, name));
  }
}

function showSource(row, source) {
  write(row.name, source.name);
  mark(row.name, "href", `#/webhooks?source=${source.name}&verdict=unhandled`);
  write(row.where, "Webhooks");
  write(row.words, failureOf(source));
  mark(row.words, "title", row.words.textContent);
  mark(row.root, "data-tone", "bad");
}

function makeRow() {
  const [name, where, words] = [element("a", { class: "feed-name" }), element("span", { class: "sub" }), element("span", { class: "attention-words" })];
  const leave = element("button", { type: "button", class: "quiet row-action", hidden: true });
  return { root: element("li", {}, element("span", { class: "attention-who" }, name, where), words, leave), name, where, words, leave };
}
