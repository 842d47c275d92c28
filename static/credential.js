/** What lets us in, and when to ask for something newer. */

// Tokens that end so soon after they were given are not renewed ahead: that would never end.
const SOON_MS = 10_000;
// One that was brought so long ago and never tried may have ended meanwhile.
const FRESH_MS = 5000;
// Whoever is asked and says nothing for so long will not say anything.
const ANSWER_MS = 20_000;

/** A token, and whom to ask for another; it outlives connections. Without both the page's cookie counts. */
export class Credential {
  #getToken;
  #asking = null;
  // When we were last given one.
  #givenAt = -Infinity;
  #isUntried = false;
  // How often we were given one without having asked.
  #replaced = 0;

  constructor(token = "", getToken = undefined) {
    this.token = token;
    this.#getToken = getToken;
  }

  /** Whether the page's cookie is all there is. */
  get isCookie() {
    return !this.token && !this.#getToken;
  }

  get mustAsk() {
    return !this.token && Boolean(this.#getToken);
  }

  /** Whether to ask for another when this one is refused; not when it is the one that we asked for. */
  get mayAsk() {
    return Boolean(this.#getToken) && !(this.#isUntried && Date.now() - this.#givenAt <= FRESH_MS);
  }

  /** Whether to ask for another before this one ends; not again and again for such as end soon anyway. */
  get mayAskAhead() {
    return Boolean(this.#getToken) && Date.now() - this.#givenAt > SOON_MS;
  }

  replace(token) {
    this.token = token;
    this.#isUntried = false;
    // What was asked for before comes too late.
    this.#replaced += 1;
    this.#asking = null;
  }

  /** The hub has taken it; or it is worth asking once more. */
  settle() {
    this.#isUntried = false;
  }

  /** Ask for another token; return it, or nothing, or fail like who is asked. All who ask meanwhile get the same. */
  ask() {
    this.#asking ??= this.#fetch();
    return this.#asking;
  }

  async #fetch() {
    const began = this.#replaced;
    try {
      const token = await inTime(Promise.resolve().then(this.#getToken));
      // What was given meanwhile is newer than what was asked for before.
      if (this.#replaced !== began) return this.token;
      return typeof token === "string" && token ? this.#take(token) : "";
    } finally {
      if (this.#replaced === began) this.#asking = null;
    }
  }

  #take(token) {
    this.token = token;
    this.#isUntried = true;
    this.#givenAt = Date.now();
    return token;
  }
}

/** Wait for an answer, but not for ever. */
function inTime(answer) {
  let timer;
  const giveUp = (_, reject) => (timer = setTimeout(() => reject(new Error("getToken does not answer")), ANSWER_MS));
  return Promise.race([answer, new Promise(giveUp)]).finally(() => clearTimeout(timer));
}
