/** Recordings and transcripts as rows: how far they are, and the hub's own links to the files. */

import { chip, element, write } from "./elements.js";
import { leaveWords } from "./leaving.js";
import { ago, capital, clockTime, fullTime, roughly, sizeWords, span } from "./words.js";

const TONES = { recording: "live", completed: "good", failed: "bad", starting: "calm", processing: "calm", paused: "wait" };

/** A list that is made anew when something in it has changed. */
export class Captures {
  root = element("ul", { class: "rows sheet" });
  #told = "";
  #expiries = [];

  /** @param {Iterable<any>} recordings */
  show(recordings) {
    const all = [...recordings];
    const told = JSON.stringify(all);
    if (told === this.#told) return;
    this.#told = told;
    this.#expiries = [];
    this.root.replaceChildren(...all.map((one) => this.#row(one)));
  }

  /** Links are good for a while. */
  tick(now) {
    for (const { note, links, expires } of this.#expiries) {
      const left = Date.parse(expires) - now;
      write(note, left > 0 ? `good for ${roughly(left)}` : `expired ${ago(-left)}`);
      for (const link of links) link.hidden = left <= 0;
    }
  }

  #row({ id, status, scope, started_at: start, duration, size, url, artifacts, expires_at: expires, error, reason }) {
    const files = artifacts?.length ? artifacts : url ? [{ name: "file", url }] : [];
    const links = files.map((file) => element("a", { href: file.url.replace(/^\//, ""), target: "_blank", rel: "noreferrer noopener" }, capital(file.name)));
    const note = element("span", { class: "sub", title: fullTime(expires) });
    if (expires) this.#expiries.push({ note, links, expires });
    const about = [start && clockTime(start), duration !== null && span(duration * 1000), size !== null && sizeWords(size)];
    return element(
      "li",
      { "data-id": id },
      chip(capital(status), TONES[status] ?? "done"),
      element("span", {}, element("span", { class: "main" }, scope ? capital(scope.replaceAll("_", " ")) : "Recording"), element("span", { class: "sub" }, about.filter(Boolean).join(" · "))),
      element("span", { class: "file-trouble" }, error ?? leaveWords(reason)),
      element("span", { class: "file-links" }, ...links, note),
    );
  }
}
