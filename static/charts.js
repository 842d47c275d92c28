/** Small drawings of numbers over time, in the colours of the page. Each is an element and a function that redraws it. */

import { drawing, element, mark, write } from "./elements.js";

const WIDTH = 120;
const HEIGHT = 32;
const AREA = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none" };

/** A line without axes, for a row of a table. */
export function sparkline() {
  const line = drawing("path", { class: "spark-line" });
  const root = drawing("svg", { ...AREA, class: "spark", role: "img", "aria-hidden": "true" }, line);
  const flat = `M0 ${HEIGHT - 1}H${WIDTH}`;
  const draw = (values) => mark(line, "d", values.length > 1 && values.some(Boolean) ? runsOf(values, Math.max(3, ...values))[0].path : flat);
  return { root, draw };
}

/** A rate over the last minutes: the number of now, and an area. Nothing is drawn of when nobody counted (null). */
export function rateChart(label, unit) {
  const number = element("strong", {}, "0");
  const note = element("span", { class: "rate-note" });
  const [area, line] = [drawing("path", { class: "rate-area" }), drawing("path", { class: "rate-line" })];
  const root = element(
    "figure",
    { class: "rate" },
    element("figcaption", {}, label, element("span", { class: "rate-now" }, number, ` ${unit}`)),
    drawing("svg", { ...AREA, role: "img", "aria-hidden": "true" }, area, line),
    note,
  );
  const draw = (values, now, words) => {
    const highest = Math.max(1, ...values);
    const runs = runsOf(values, highest);
    mark(line, "d", runs.map(({ path }) => path).join(""));
    mark(area, "d", runs.map(({ path, start }) => `${path}V${HEIGHT}H${start}Z`).join(""));
    write(number, now);
    write(note, words);
  };
  return { root, draw };
}

/** A line for each stretch of time in which somebody counted. */
function runsOf(values, highest) {
  const step = WIDTH / Math.max(1, values.length - 1);
  const runs = [];
  values.forEach((value, place) => {
    if (value === null) return;
    const [x, y] = [(place * step).toFixed(1), (HEIGHT - 1 - (value / highest) * (HEIGHT - 3)).toFixed(1)];
    const isNew = place === 0 || values[place - 1] === null;
    if (isNew) runs.push({ path: `M${x} ${y}`, start: x });
    else runs.at(-1).path += `L${x} ${y}`;
  });
  return runs;
}
