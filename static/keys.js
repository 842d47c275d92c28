/** The keyboard: g and a letter goes somewhere, / to the filter, Esc up, ? shows all that. */

const PLACES = { n: "#/", b: "#/bots", r: "#/rooms", w: "#/webhooks" };
const SEQUENCE_MS = 1500;

/** Listen to keys. @param {{ go: (hash: string) => void, up: () => string }} page */
export function listenToKeys({ go, up }) {
  const help = document.getElementById("keys");
  let startedAt = 0;
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const isTyping = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.key === "Escape") return isTyping ? leaveField(event) : go(up());
    if (event.key === "ArrowDown" && event.target.matches?.("[data-filter]")) return toFirstRow(event);
    if (isTyping) return;
    const wasStarted = Date.now() - startedAt < SEQUENCE_MS;
    startedAt = event.key === "g" ? Date.now() : 0;
    if (wasStarted && PLACES[event.key]) return act(event, () => go(PLACES[event.key]));
    if (event.key === "/") return act(event, () => document.querySelector("main [data-filter]")?.focus());
    if (event.key === "?") return act(event, () => help.showModal());
  });
  for (const button of document.querySelectorAll("[data-shows-keys]")) button.addEventListener("click", () => help.showModal());
}

/** What was searched for is gone first. The browser would empty the field, too, and tell nobody. */
function leaveField(event) {
  const field = event.target;
  if (field.type !== "search" || !field.value) return field.blur();
  act(event, () => {
    field.value = "";
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

/** From the text that narrows a table into what it has left. */
function toFirstRow(event) {
  const row = document.querySelector("main tbody tr");
  if (row) act(event, () => row.focus());
}

function act(event, work) {
  event.preventDefault();
  work();
}
