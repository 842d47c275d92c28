/** What lets us in, and when to ask for something newer. */

// Tokens that end so soon after they were given are not renewed ahead: that would never end.
const SOON_MS = 10_000;

/** A token, and whom to ask for another; it outlives connections. Without both the page's cookie counts. */
export class Credential {
  #getToken;
  #asking = null;
  // When we were last given one.
  #givenAt = -Infinity;
  #isUntried = false;

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
    return Boolean(this.#getToken) && !this.#isUntried;
  }

  /** Whether to ask for another before this one ends; not again and again for such as end soon anyway. */
  get mayAskAhead() {
    return Boolean(this.#getToken) && Date.now() - this.#givenAt > SOON_MS;
  }

  replace(token) {
    this.token = token;
    this.#isUntried = false;
  }

  /** The hub has taken it; or it is worth asking once more. */
  settle() {
    this.#isUntried = false;
  }

  /** Ask for another token; return it, or nothing. All who ask meanwhile get the same. */
  ask() {
    this.#asking ??= this.#fetch().finally(() => (this.#asking = null));
    return this.#asking;
  }

  async #fetch() {
    // Whoever is asked may throw whatever it likes: we then have no token.
    const token = await Promise.resolve().then(this.#getToken).catch(() => "");
    if (typeof token !== "string" || !token) return "";
    Object.assign(this, { token });
    this.#isUntried = true;
    this.#givenAt = Date.now();
    return token;
  }
}
