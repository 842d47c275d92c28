/** Words that are searched for, marked where they stand; browsers that cannot do that show what was found without. */

/** The marks of one search. A page has one at a time. */
export class Sought {
  #all = globalThis.Highlight ? new Highlight() : null;
  /** By the element that they are in. @type {Map<Element, Range[]>} */
  #marks = new Map();

  constructor() {
    globalThis.CSS?.highlights?.set("sought", this.#all);
  }

  /** Mark nothing any more. */
  clear() {
    this.#all?.clear();
    this.#marks.clear();
  }

  /** Mark some words in the text of an element, and nothing else in it. @param {Element} node @param {string} words  In small letters. */
  mark(node, words) {
    for (const one of this.#marks.get(node) ?? []) this.#all?.delete(one);
    this.#marks.delete(node);
    if (!words || !node.firstChild) return;
    const found = rangesIn(node.firstChild, words);
    this.#marks.set(node, found);
    for (const one of found) this.#all?.add(one);
  }
}

function rangesIn(text, words) {
  const found = [];
  const lower = text.data.toLowerCase();
  // Of some letters the small ones are two.
  if (lower.length !== text.length) return found;
  for (let at = lower.indexOf(words); at >= 0; at = lower.indexOf(words, at + words.length)) {
    const range = new Range();
    range.setStart(text, at);
    range.setEnd(text, at + words.length);
    found.push(range);
  }
  return found;
}
