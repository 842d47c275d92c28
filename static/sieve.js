/** What a list is narrowed to: a text and some choices, kept in the address so that a link shows the same. */

import { element, mark, write } from "./elements.js";

const TYPING_MS = 120;

/**
 * @typedef {object} Field
 * @property {string} name  In the address.
 * @property {string} label
 * @property {string} [hint]  What a text may be of.
 * @property {[string, string][]} [options]  Without these it is a text.
 * @property {boolean} [isPills]  Whether all options stand side by side.
 *
 * @param {{ query: URLSearchParams }} page
 * @param {Field[]} fields
 * @param {() => void} onChange
 */
export function sieve(page, fields, onChange) {
  const values = Object.fromEntries(fields.map(({ name }) => [name, page.query.get(name) ?? ""]));
  const controls = new Map(fields.map((field) => [field.name, control(field, choose)]));
  const roots = (isPills) => fields.filter((field) => Boolean(field.isPills) === isPills).map(({ name }) => controls.get(name).root);
  let waiting = 0;
  for (const [name, { show }] of controls) show(values[name]);
  return {
    values,
    /** What stands in the heading, and the rows of pills beneath it. */
    root: element("form", { class: "sieve", role: "search", onsubmit: (event) => event.preventDefault() }, ...roots(false)),
    pills: roots(true),
    /** Let somebody choose among what there turned out to be. */
    offer: (name, options) => controls.get(name).offer(options, values[name]),
    /** Say how many there are of each option, and what is to be noticed. */
    tally: (name, counts, tones = {}) => controls.get(name).tally(counts, tones),
    clear() {
      for (const [name, { show }] of controls) {
        show("");
        choose(name, "", false);
      }
    },
  };

  function choose(name, value, isTyped) {
    values[name] = value;
    const query = page.query;
    if (value) query.set(name, value);
    else query.delete(name);
    page.query = query;
    clearTimeout(waiting);
    waiting = setTimeout(onChange, isTyped ? TYPING_MS : 0);
  }
}

function control(field, choose) {
  if (!field.options) return textField(field, choose);
  return field.isPills ? pillField(field, choose) : choiceField(field, choose);
}

function textField({ name, label, hint = label }, choose) {
  const typed = () => choose(name, root.value.trim(), true);
  const root = element("input", { class: "field search", type: "search", placeholder: hint, "aria-label": label, "data-filter": true, oninput: typed });
  return { root, show: (value) => (root.value = value) };
}

function choiceField({ name, label, options }, choose) {
  const root = element("select", { class: "field", "aria-label": label, onchange: () => choose(name, root.value, false) });
  const show = (value) => (root.value = value);
  let offered = "";
  const offer = (found, chosen) => {
    // What was chosen before stays, though there is nothing of it now.
    const known = !chosen || found.some(([value]) => value === chosen) ? found : [...found, [chosen, chosen]];
    if (offered === JSON.stringify(known)) return;
    offered = JSON.stringify(known);
    root.replaceChildren(...[["", label], ...known].map(([value, words]) => element("option", { value }, words)));
    show(chosen);
  };
  offer(options, "");
  return { root, show: (value) => (offer(options, value), show(value)), offer };
}

function pillField({ name, label, options }, choose) {
  const pills = new Map();
  const show = (chosen) => {
    for (const [value, { button }] of pills) mark(button, "aria-pressed", String(value === chosen));
  };
  for (const [value, words] of [["", "All"], ...options]) {
    const number = element("span", { class: "pill-count" });
    const press = () => {
      show(value);
      choose(name, value, false);
    };
    pills.set(value, { number, button: element("button", { type: "button", class: "pill", onclick: press }, words, number) });
  }
  const tally = (counts, tones) => {
    for (const [value, { button, number }] of pills) {
      write(number, (counts[value] ?? 0).toLocaleString());
      button.classList.toggle("zero", !counts[value]);
      mark(button, "data-tone", tones[value] ?? null);
    }
  };
  const root = element("div", { class: "pills", role: "group", "aria-label": label }, ...[...pills.values()].map(({ button }) => button));
  return { root, show, tally };
}

/** The providers that there are documents of, as options. */
export function providers(documents) {
  const names = new Set([...documents.values()].map(({ provider }) => provider).filter(Boolean));
  return [...names].sort().map((name) => [name, name]);
}
