/** What is said where only administrators see something. */

import { code, element, emptiness } from "./elements.js";

/** A view that says how to become one. */
export function openForOthers(root) {
  const hint = emptiness(
    "Webhooks are for administrators.",
    ["What arrives may be about any room, so this needs a sign-in for everything."],
    ["Run ", code("hub token"), " where the hub runs, and open the address that it prints."],
  );
  root.append(element("header", { class: "heading" }, element("h2", {}, "Webhooks")), element("div", { class: "sheet" }, hint));
  return { render() {} };
}
