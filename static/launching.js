/** The form that sends a bot into a meeting, the question what became of one, and the one before it is called back. */

import { ask, attempt, showDialog } from "./dialogs.js";
import { element } from "./elements.js";

const EXAMPLE = '{"extra": {"customer": 7}, "recording_mode": "speaker_view"}';

/** Ask where to send a bot; leads to it when it is on its way. */
export function launch(page) {
  const field = (name, label, attributes, note) => {
    const input = element(attributes.rows ? "textarea" : "input", { class: "field", name, id: `launch-${name}`, ...attributes });
    const said = note ? element("span", { class: "remark" }, note) : null;
    return [input, element("label", { class: "labelled", for: input.id }, element("span", {}, label), input, said)];
  };
  const [url, urlRow] = field("meeting_url", "Meeting link", { type: "url", required: true, autofocus: true, placeholder: "https://meet.google.com/…", autocomplete: "off" });
  const [name, nameRow] = field("bot_name", "What people see it called", { required: true, maxlength: 255, value: "Notetaker", autocomplete: "off" });
  const [more, moreRow] = field("more", "More, as JSON", { rows: 3, spellcheck: "false", placeholder: EXAMPLE }, "Goes to the provider as it is; extra comes back with its webhooks.");
  const refusal = element("p", { class: "refusal", role: "alert", hidden: true });
  const send = element("button", { class: "button primary" }, "Launch");
  const cancel = element("button", { type: "button", class: "button" }, "Cancel");
  const options = element("details", { class: "options" }, element("summary", {}, "Options"), moreRow);
  const form = element("form", { class: "stack" }, urlRow, nameRow, options, refusal, element("div", { class: "actions" }, cancel, send));
  const shown = showDialog("Launch a bot", form);
  // One for each filling: what is sent twice is one bot, what was changed is another.
  let key = newKey();
  cancel.addEventListener("click", () => shown.close());
  form.addEventListener("input", () => (key = newKey()));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const order = async () => {
      const body = { ...parsed(more.value), meeting_url: url.value.trim(), bot_name: name.value.trim() };
      const { bot } = await page.send("POST", "/api/bots", body, { "Idempotency-Key": key });
      shown.close("launched");
      page.go(`#/bots/${bot.id}`);
    };
    void attempt(send, refusal, order).then((problem) => {
      if (problem?.status === 0) refusal.append(" The bot may be on its way. Launched again unchanged it is the same one, never a second.");
      if (!isLost(problem)) return;
      // Whoever wants another one opens the form anew.
      send.disabled = true;
      const there = element("a", { href: `#/bots/${problem.said.launch_id}`, onclick: () => shown.close() }, "This launch");
      refusal.replaceChildren(`${problem.title}. There may be a bot in the meeting: look before you launch again. `, there);
    });
  });
  return shown;
}

/** Ask somebody who has looked at the provider's what became of a launch that nobody knows of. */
export function settle(page, lost, name) {
  const refusal = element("p", { class: "refusal", role: "alert", hidden: true });
  const own = element("input", { class: "field", id: "settled-id", autocomplete: "off", autofocus: true, required: true });
  const label = element("label", { class: "labelled", for: own.id }, element("span", {}, "Its id there"), own);
  const [cancel, none] = ["Not now", "There is no bot"].map((words) => element("button", { type: "button", class: "button" }, words));
  const found = element("button", { class: "button primary" }, "It is this bot");
  const words = "If the provider shows a bot in the meeting, its id brings it here. If there is none, the launch counts as failed.";
  const form = element("form", { class: "stack" }, element("p", { class: "remark" }, words), label, refusal, element("div", { class: "actions" }, cancel, none, found));
  const shown = showDialog(`What became of ${name}?`, form);
  const say = (button, bot) =>
    attempt(button, refusal, async () => {
      const { id } = await page.send("PATCH", `/api/bots/${lost.id}`, { bot_id: bot });
      shown.close("settled");
      page.go(`#/bots/${id}`);
    });
  cancel.addEventListener("click", () => shown.close());
  none.addEventListener("click", () => void say(none, null));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void say(found, own.value.trim());
  });
  return shown;
}

/** Ask whether a bot shall leave, and let it. */
export function letLeave(page, bot, name) {
  return ask({
    question: `Let ${name} leave?`,
    words: "It leaves the meeting and stops recording. What it has recorded so far is kept.",
    label: "Let it leave",
    work: () => page.send("DELETE", `/api/bots/${bot.id}`),
  });
}

/** Whether nobody knows what became of it; of what was certainly not sent the hub says that it may be sent again. */
function isLost(problem) {
  return problem?.said?.fault === "provider" && !problem.said.retry && Boolean(problem.said.launch_id);
}

function parsed(text) {
  if (!text.trim()) return {};
  let said;
  try {
    said = JSON.parse(text);
  } catch (error) {
    throw new Error(`The options are no JSON: ${error.message}`);
  }
  if (typeof said !== "object" || said === null || Array.isArray(said)) throw new Error("The options must be a JSON object, {…}.");
  return said;
}

/** Also where pages come without https, which have no crypto.randomUUID. */
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
