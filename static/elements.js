/** Making elements without HTML: names come from strangers, and whatever is said here is text. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element. Attributes that are functions listen (`onclick`), `true` means present, `false` and null absent;
 * children that are no elements are text.
 */
export function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for drawings. */
export function drawing(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** Write text where it differs. */
export function write(node, value) {
  const text = String(value ?? "");
  if (node.textContent !== text) node.textContent = text;
}

/** Set an attribute where it differs; null and false take it away. */
export function mark(node, name, value) {
  const text = value === true ? "" : value;
  if (text === false || text === null || text === undefined) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(text)) node.setAttribute(name, text);
}

/** Have something at the end of an element, or not. */
export function place(parent, child, isThere) {
  if (isThere && !child.isConnected) parent.append(child);
  else if (!isThere) child.remove();
}

/** Show a status as a chip: its word, in its tone. */
export function chip(word, tone) {
  return element("span", { class: "chip", "data-tone": tone }, word);
}

/** A link to an address of the web; anything else is shown as the text that it is. */
export function link(address, words = address) {
  const url = address && URL.canParse(address) ? new URL(address) : null;
  if (url?.protocol !== "https:" && url?.protocol !== "http:") return element("span", {}, words ?? "");
  return element("a", { href: url.href, target: "_blank", rel: "noreferrer noopener" }, words);
}

/** The way back to the view that something is of. */
export function crumb(view, words) {
  return element("a", { class: "crumb", href: `#/${view}` }, words);
}

/** What a view of one thing begins with. */
export function headingOf(view, words, ...parts) {
  return element("header", { class: "heading" }, crumb(view, words), element("span", { class: "crumb-mark" }, "/"), ...parts);
}

/** What is said where there is nothing to show; code is to be copied. */
export function emptiness(title, ...lines) {
  return element("div", { class: "empty" }, element("p", { class: "empty-title" }, title), ...lines.map((line) => element("p", {}, ...line)));
}

/** What is said until the hub has told something. */
export function awaiting() {
  return emptiness("Waiting for the hub…");
}

/** Let these be the children, in this order; those that stay where they are keep their place, focus and scroll. */
export function arrange(parent, nodes) {
  let place = parent.firstElementChild;
  for (const node of nodes) {
    if (node === place) place = place.nextElementSibling;
    else parent.insertBefore(node, place);
  }
  while (place) {
    const next = place.nextElementSibling;
    place.remove();
    place = next;
  }
}

export function code(text) {
  return element("code", {}, text);
}

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else mark(made, name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}
