/** What is said at an address that leads to nothing. */

import { code, element, emptiness } from "./elements.js";

/** @param {HTMLElement} root */
export function open(root) {
  const words = emptiness("There is nothing at this address.", [code(location.hash)], [element("a", { href: "#/" }, "To what happens now")]);
  root.append(element("div", { class: "sheet" }, words));
  return { render() {} };
}
