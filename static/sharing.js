/**
 * One connection for all tabs that want the same: one tab leads, and posts each word that it hears to the others.
 *
 * Who holds the lock leads. When a leader goes, browsers give the lock to the next; one that is asked and does not answer
 * is robbed of it. Two numbers keep what is posted in order: a leader's term, which is higher than all terms before, and the
 * count of its words. Whoever finds a gap, or joins, asks for the state, which says after which word it was taken.
 *
 * @typedef {object} Member
 * @property {() => string} position  Everything up to here is shown.
 * @property {() => void} lead  We are to have the connection.
 * @property {() => void} follow  We are no longer to have it.
 * @property {() => void} standAlone  There is nobody to share with.
 * @property {(...word: [string, any, string]) => void} hear
 * @property {(isAnxious: boolean) => object} copy  What another tab has to know.
 * @property {(copied: any) => void} adopt
 */

// A tab that is asked may be busy for a while; one that says nothing for so long is frozen or gone.
const ANSWER_MS = 2000;
const ANSWER_SPREAD_MS = 500;

/**
 * Name those that want the same with the same credential; return nothing for who shares with nobody.
 *
 * Of tokens nobody can tell whether they are somebody else's: only a name given by the page puts them together.
 */
export function groupName({ url, topics, transport, share, isCookie }) {
  // Browsers have locks only for pages that nobody could have changed on their way (https, localhost).
  const canShare = navigator.locks && globalThis.BroadcastChannel;
  const own = typeof share === "string" ? share : "";
  if (!canShare || !(own || (share && isCookie && !url.searchParams.has("token")))) return "";
  const address = new URL(url);
  address.searchParams.delete("token");
  return `hub ${JSON.stringify([address.href, transport, [...topics].sort(), own])}`;
}

/** A tab's place among those that share. */
export class Group {
  #name;
  #member;
  #channel;
  #id = crypto.randomUUID();
  #isLeader = false;
  #isInStep = false;
  #term = 0;
  #count = 0;
  // When we asked without having been answered, and when a leader was last heard.
  #askedAt = 0;
  #heardAt = Date.now();
  #patience = ANSWER_MS + Math.random() * ANSWER_SPREAD_MS;
  // Our latest request for the lock; what becomes of those before is of no interest.
  #request = new AbortController();
  /** @type {(value?: any) => void} */
  #release = () => {};

  /** @param {string} name @param {Member} member */
  constructor(name, member) {
    this.#name = name;
    this.#member = member;
    this.#channel = new BroadcastChannel(name);
    this.#channel.onmessage = ({ data }) => this.#receive(data);
    this.#queue();
    this.ask();
  }

  /** Let the others hear what the leader hears. */
  post(...word) {
    if (!this.#isLeader) return;
    this.#count += 1;
    this.#tell("word", { word });
  }

  /** Ask the leader for its state; who is anxious makes it open its connection anew, unless that is surely good. */
  ask(isAnxious = false) {
    this.#isInStep = false;
    this.#askedAt ||= Date.now();
    this.#channel.postMessage({ kind: "ask", from: this.#id, isAnxious });
  }

  /** Replace a leader that says nothing for too long. */
  tick(silenceMs) {
    if (this.#isLeader) return;
    if (this.#askedAt && Date.now() - this.#askedAt > this.#patience) return this.take();
    if (!this.#askedAt && Date.now() - this.#heardAt > silenceMs) this.ask();
  }

  /** Lead, whoever leads now. */
  take() {
    this.#askedAt = 0;
    this.#request.abort();
    this.#queue({ steal: true });
  }

  /** Let the others go on without us. */
  leave() {
    if (this.#isLeader) this.#tell("gone", {});
    this.#isLeader = false;
    this.#request.abort();
    this.#release();
    this.#channel.close();
  }

  #queue(options = {}) {
    const request = (this.#request = new AbortController());
    const { signal } = request;
    // A robber cannot be told to stop.
    const wanted = options.steal ? options : { signal };
    navigator.locks.request(this.#name, wanted, () => (signal.aborted ? undefined : this.#hold())).catch(() => {
      if (!signal.aborted) this.#lose();
    });
  }

  /** We lead until the returned promise is fulfilled, or until we are robbed. */
  #hold() {
    this.#isLeader = true;
    this.#askedAt = 0;
    this.#term = Math.max(Date.now(), this.#term + 1);
    this.#count = 0;
    const held = new Promise((resolve) => (this.#release = resolve));
    this.#tell("lead", { position: this.#member.position() });
    this.#member.lead();
    return held;
  }

  /** We were robbed; or there are no locks for pages like this one, and each is alone. */
  #lose() {
    if (!this.#isLeader) {
      this.leave();
      return this.#member.standAlone();
    }
    this.#isLeader = false;
    this.#member.follow();
    this.#queue();
    this.ask();
  }

  #tell(kind, said) {
    this.#channel.postMessage({ kind, term: this.#term, count: this.#count, ...said });
  }

  #receive(note) {
    if (note?.kind === "ask") return this.#answer(note);
    // A leader that was robbed may not have noticed yet.
    if (this.#isLeader || !isTold(note) || note.term < this.#term) return;
    this.#heardAt = Date.now();
    if (note.kind === "state" && note.to === this.#id) return this.#keepStep(note);
    if (note.kind === "lead") return this.#greet(note);
    if (note.kind === "gone") return this.#await();
    if (note.kind === "word" && this.#isInStep) this.#follow(note);
  }

  #answer({ from, isAnxious }) {
    if (!this.#isLeader) return;
    const copied = this.#member.copy(Boolean(isAnxious));
    this.#tell("state", { to: from, copied });
  }

  #keepStep({ term, count, copied }) {
    this.#isInStep = true;
    this.#askedAt = 0;
    this.#term = term;
    this.#count = count;
    this.#member.adopt(copied);
  }

  /** Who is as far as the new leader needs no state from it. */
  #greet({ term, count, position }) {
    const isAsFar = this.#isInStep && position === this.#member.position();
    this.#term = term;
    this.#count = count;
    this.#askedAt = 0;
    if (!isAsFar) this.ask();
  }

  /** Somebody will lead, and says so. */
  #await() {
    this.#askedAt = Date.now();
  }

  /** @param {{ term: number, count: number, word: [string, any, string] }} note */
  #follow({ term, count, word }) {
    if (term === this.#term && count === this.#count + 1 && Array.isArray(word)) {
      this.#count = count;
      this.#member.hear(...word);
    } else if (term > this.#term || count > this.#count) {
      this.ask();
    }
  }
}

/** Whether this is from a leader. Any script of our origin may post here. */
function isTold(note) {
  const isState = note?.kind !== "state" || Boolean(note.copied?.documents);
  return Number.isFinite(note?.term) && Number.isInteger(note.count) && isState;
}
