/** Questions and forms laid over the page. Whoever opens one closes it when its view goes. */

import { element, write } from "./elements.js";

/** Show something until it is closed; resolves to what it was closed with. */
export function showDialog(title, ...content) {
  const heading = element("h2", {}, title);
  const dialog = element("dialog", { class: "dialog", "aria-label": title }, heading, ...content);
  document.body.append(dialog);
  dialog.showModal();
  const closed = new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
  });
  return { dialog, closed, close: (value = "") => dialog.close(value) };
}

/** Ask before doing what cannot be undone; the work may fail, and then says why. */
export function ask({ question, words, label, work }) {
  const refusal = element("p", { class: "refusal", role: "alert", hidden: true });
  const act = element("button", { type: "button", class: "button danger" }, label);
  const keep = element("button", { type: "button", class: "button", autofocus: true }, "No");
  const shown = showDialog(question, element("p", { class: "remark" }, words), refusal, element("div", { class: "actions" }, keep, act));
  keep.addEventListener("click", () => shown.close());
  act.addEventListener("click", () => attempt(act, refusal, () => work().then(() => shown.close("done"))));
  return shown;
}

/** Do something once at a time; say what the hub said when it fails. */
export async function attempt(button, refusal, work) {
  if (button.disabled) return;
  button.disabled = true;
  refusal.hidden = true;
  try {
    await work();
  } catch (problem) {
    write(refusal, problemWords(problem));
    refusal.hidden = false;
  } finally {
    button.disabled = false;
  }
}

const FAULTS = {
  caller: "It is what was asked for.",
  hub: "It is how this hub is set up.",
  account: "It is the account at the provider.",
  provider: "It is the provider.",
};

/** What was refused, why, on whose side that is, and when to try again. */
export function problemWords({ title, detail, message, retryAfter, said }) {
  const words = detail && detail !== title ? `${title}: ${detail}` : (title ?? message);
  const again = retryAfter ? `Try again in ${retryAfter} s.` : said?.retry ? "Try again." : "";
  return [/[.!?]$/.test(words) ? words : `${words}.`, FAULTS[said?.fault], again].filter(Boolean).join(" ");
}
