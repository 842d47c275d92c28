/** Questions and forms laid over the page. Whoever opens one closes it when its view goes. */

import { element, write } from "./elements.js";
import { capital } from "./words.js";

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

/** Do something once at a time; say what the hub said when it fails, and return that. */
export async function attempt(button, refusal, work) {
  if (button.disabled) return null;
  button.disabled = true;
  refusal.hidden = true;
  try {
    await work();
    return null;
  } catch (problem) {
    write(refusal, problemWords(problem));
    refusal.hidden = false;
    return problem;
  } finally {
    button.disabled = false;
  }
}

/** What was refused, why, and when to try again. Titles say on whose side it is. */
function problemWords({ title, detail, message, retryAfter, said }) {
  const own = said?.provider?.message || "";
  // What a provider says is more than what the hub makes of it, but for how the hub is set up.
  const why = own && said.fault !== "hub" ? own : detail;
  const quoted = own && said.fault === "hub" ? `The provider says: ${sentence(own)}` : "";
  const again = retryAfter ? `Try again in ${retryAfter} s.` : said?.retry ? "Try again." : "";
  return [sentence(merged(title ?? message, why)), quoted, again].filter(Boolean).join(" ");
}

/** A title and what follows from it; said once, where one begins as the other does. */
function merged(title, why) {
  if (!why || title.toLowerCase().startsWith(why.toLowerCase())) return title;
  return why.toLowerCase().startsWith(title.toLowerCase()) ? capital(why) : `${title}: ${why}`;
}

function sentence(words) {
  return /[.!?…]$/.test(words) ? words : `${words}.`;
}
