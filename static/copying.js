/** A text to be used elsewhere, with a button that copies it. */

import { element, write } from "./elements.js";

const TOLD_MS = 1500;

/** @param {string} label  What the text is, for those who only hear the button. */
export function copyable(label, text) {
  const code = element("code", { title: text }, text);
  const button = element("button", { type: "button", class: "quiet copy", "aria-label": `Copy: ${label}` }, "Copy");
  button.addEventListener("click", async () => {
    write(button, (await copied(code, text)) ? "Copied" : "Press Ctrl C");
    setTimeout(() => write(button, "Copy"), TOLD_MS);
  });
  return element("span", { class: "copyable" }, code, button);
}

/** Without https there is no clipboard; then the text is chosen, and the old way tried. */
async function copied(node, text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    getSelection()?.selectAllChildren(node);
    return document.execCommand("copy");
  }
}
