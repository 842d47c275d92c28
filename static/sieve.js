/** What a list is narrowed to: a text and some choices, kept in the address so that a link shows the same. */

import { element } from "./elements.js";

const TYPING_MS = 120;

/**
 * @param {{ query: URLSearchParams }} page
 * @param {{ name: string, label: string, options?: [string, string][] }[]} fields  Without options it is a text.
 * @param {() => void} onChange
 */
export function sieve(page, fields, onChange) {
  const values = Object.fromEntries(fields.map(({ name }) => [name, page.query.get(name) ?? ""]));
  const controls = new Map(fields.map((field) => [field.name, control(field, values[field.name], choose)]));
  const root = element("form", { class: "sieve", role: "search", onsubmit: (event) => event.preventDefault() }, ...controls.values());
  let waiting = 0;
  return { root, values, offer, clear };

  function choose(name, value, isTyped) {
    values[name] = value;
    const query = page.query;
    if (value) query.set(name, value);
    else query.delete(name);
    page.query = query;
    clearTimeout(waiting);
    waiting = setTimeout(onChange, isTyped ? TYPING_MS : 0);
  }

  /** Let somebody choose among what there turned out to be. */
  function offer(name, options) {
    const select = controls.get(name);
    const all = select.dataset.all;
    const wanted = options.some(([value]) => value === values[name]) || !values[name] ? options : [...options, [values[name], values[name]]];
    const told = JSON.stringify(wanted);
    if (select.dataset.offered === told) return;
    select.dataset.offered = told;
    select.replaceChildren(...[["", all], ...wanted].map(([value, label]) => element("option", { value }, label)));
    select.value = values[name];
  }

  function clear() {
    for (const [name, one] of controls) {
      one.value = "";
      choose(name, "", false);
    }
  }
}

function control({ name, label, options }, value, choose) {
  if (!options) {
    const typed = (event) => choose(name, event.target.value.trim(), true);
    const input = element("input", { class: "field", type: "search", placeholder: label, "aria-label": label, "data-filter": true, oninput: typed });
    input.value = value;
    return input;
  }
  const made = [["", label], ...options].map(([one, words]) => element("option", { value: one }, words));
  const chosen = (event) => choose(name, event.target.value, false);
  const select = element("select", { class: "field", "aria-label": label, "data-all": label, onchange: chosen }, ...made);
  select.value = value;
  return select;
}
