/**
 * A stream that is kept open: when to come back, with which credential, and when to stop asking.
 *
 * Whatever happens is told as words, `hear(name, said, id)`: those of the hub, without the secrets in them, and of our own
 * `opening`, `lost` (with the hub's words in `problem`, if it said any) and `refused`.
 */

import { isLongAgo, SILENT_BEATS, USUAL_HEARTBEAT_MS } from "./beats.js";
import { open } from "./transports.js";

const OPENING_MS = 20_000;
// An attempt that has just begun is as good as another.
const SETTLING_MS = 2000;
// Who greets and drops us at once must not be asked again and again without pauses.
const HEALTHY_MS = 10_000;
const ANSWERS = ["subscribed", "unsubscribed", "authenticated", "error"];
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
// So that not all come back at once to a hub that restarts and does not say when.
const LATER_MS = [1000, 5000];
// What was asked will not become right by asking again.
const FINAL = [400, 401, 403];
const NO_TOKEN = "getToken brought no token";

/** A connection that comes back, from `open()` to `close()`. Whoever hears of something may close it there and then. */
export class Connection {
  #url;
  #transport;
  #topics;
  #credential;
  #position;
  #hear;
  #reconnectToken = "";
  /** @type {ReturnType<typeof open> | null} */
  #line = null;
  // Over a line that goes both ways: the topics that the hub knows of, what it knows when it has answered what we said
  // last (null: it has), and whether to show it a new token.
  #followed = [];
  #expected = null;
  #mustAuthenticate = false;
  // What is shown lacks topics: only a snapshot of all helps, should this line end before they have come.
  #lacks = false;
  // Whatever waits goes on only if nothing was begun since.
  #attempt = new AbortController();
  #failures = 0;
  #isClosed = false;
  // How long the hub wants us to stay away, if it said so; the browser alone knows it exactly.
  #leastMs = 0;
  #heartbeatMs = USUAL_HEARTBEAT_MS;
  // When the line was last begun or lost, greeted, and heard.
  #triedAt = 0;
  // When what is under way was begun; 0: nothing is.
  #begunAt = 0;
  #greetedAt = 0;
  #heardAt = 0;

  constructor({ url, transport, topics, credential }, { position, hear }) {
    this.#url = url;
    this.#transport = transport;
    this.#topics = topics;
    this.#credential = credential;
    this.#position = position;
    this.#hear = hear;
  }

  /** Begin. */
  open() {
    this.#open();
  }

  /** Begin anew without a pause: the browser knows that the network is back, or somebody looks. */
  wake() {
    // All tabs may ask for it at once.
    if (!this.#line?.isOpen && Date.now() - this.#begunAt < SETTLING_MS) return;
    this.#failures = 0;
    this.#credential.settle();
    this.#open();
  }

  get wasHeardLately() {
    return this.#line?.isOpen && Date.now() - this.#heardAt <= this.#heartbeatMs;
  }

  /** Notice silence: a connection that was cut without a word raises no error. */
  tick() {
    if (!this.#line) return;
    const patience = this.#line.isOpen ? SILENT_BEATS * this.#heartbeatMs : OPENING_MS;
    if (isLongAgo(Math.max(this.#heardAt, this.#triedAt), patience)) this.#comeBack();
  }

  /** Go on with the credential as it is now. */
  renew() {
    this.#failures = 0;
    this.#present();
  }

  /** Follow other topics on the line as it is, if that can be done; return whether it can. */
  follow(topics) {
    // Without any the hub decides, and nobody knows what would have to be added.
    if (!this.#line?.isTwoWay || !this.#line.isOpen || !this.#topics.length) return false;
    this.#topics = topics;
    this.#reconnectToken = "";
    this.#lacks = true;
    this.#say();
    return true;
  }

  /** Stop for good. */
  close() {
    this.#isClosed = true;
    this.#drop();
  }

  async #open() {
    if (this.#isClosed) return;
    const attempt = this.#drop();
    this.#triedAt = this.#begunAt = Date.now();
    this.#hear("opening", {}, "");
    if (attempt.aborted) return;
    if (this.#credential.mustAsk && !this.#reconnectToken) {
      const token = await this.#ask(attempt);
      if (attempt.aborted) return;
      if (!token) return this.#giveUp(NO_TOKEN);
      this.#triedAt = Date.now();
    }
    this.#followed = this.#topics;
    const heard = (name, said, id) => this.#heard(name, said, id);
    const ended = (how, why) => this.#ended(how, why);
    try {
      this.#line = open(this.#transport, this.#address(), { heard, ended });
    } catch (error) {
      // An address that is none, or one that the page may not ask: it would be the same again.
      this.#giveUp(messageOf(error));
    }
  }

  /** Ask for a token. Who fails to bring one is like a network that fails: then we have begun anew, later. */
  async #ask(attempt) {
    try {
      return await this.#credential.ask();
    } catch (error) {
      if (!attempt.aborted) this.#comeBack({ problem: messageOf(error) });
      return "";
    }
  }

  #drop() {
    this.#line?.close();
    this.#line = null;
    this.#heardAt = 0;
    this.#begunAt = 0;
    this.#leastMs = 0;
    this.#expected = null;
    this.#mustAuthenticate = false;
    this.#attempt.abort();
    this.#attempt = new AbortController();
    return this.#attempt.signal;
  }

  #address() {
    const address = new URL(this.#url);
    if (this.#reconnectToken) {
      address.searchParams.set("reconnect", this.#reconnectToken);
    } else {
      for (const topic of this.#topics) address.searchParams.append("topic", topic);
      if (this.#credential.token) address.searchParams.set("token", this.#credential.token);
    }
    const position = this.#lacks ? "" : this.#position();
    if (position) address.searchParams.set("last_event_id", position);
    return address;
  }

  #heard(name, said, id) {
    const { reconnect_token: reconnectToken, ...rest } = said;
    this.#heardAt = Date.now();
    if (name === "hello") this.#greet(said);
    if (ANSWERS.includes(name) && this.#expected) this.#takeAnswer(name);
    // One that stands for other topics is of no use.
    if (reconnectToken && !this.#lacks) this.#reconnectToken = reconnectToken;
    const attempt = this.#attempt.signal;
    this.#hear(name, rest, id);
    if (attempt.aborted) return;
    if (name === "auth.expiring") this.#renewAhead();
    if (name === "bye" && said.reconnect) this.#leastMs = between(...LATER_MS);
    if (name === "bye" && !said.reconnect) this.#ended("expired");
  }

  #greet({ heartbeat }) {
    this.#greetedAt = this.#heardAt;
    this.#heartbeatMs = heartbeat * 1000;
    this.#lacks = false;
    this.#credential.settle();
  }

  /** Say what there is to say, one thing at a time: refusals do not tell what they are about. */
  #say() {
    if (this.#expected) return;
    const added = without(this.#topics, this.#followed);
    const left = without(this.#followed, this.#topics);
    if (this.#mustAuthenticate) this.#send({ action: "authenticate", token: this.#credential.token }, this.#followed);
    else if (added.length) this.#send({ action: "subscribe", topics: added }, [...this.#followed, ...added]);
    else if (left.length) this.#send({ action: "unsubscribe", topics: left }, without(this.#followed, left));
    else this.#lacks = false;
  }

  #send(action, expected) {
    this.#expected = expected;
    this.#mustAuthenticate = false;
    this.#line.say(action);
  }

  #takeAnswer(name) {
    // Asked as if for the first time, the hub says why it refuses, and we know what to do.
    if (name === "error") return this.#open();
    this.#followed = this.#expected;
    this.#expected = null;
    this.#say();
  }

  /** @param {import("./transports.js").Ending} how */
  #ended(how, { reason = "", retryMs = between(...LATER_MS) } = {}) {
    this.#count();
    this.#triedAt = Date.now();
    this.#begunAt = 0;
    if (how === "again") return this.#letBrowserTry();
    if (how === "later") return this.#openIn(retryMs);
    if (how === "expired") return this.#signInAgain();
    if (how === "forbidden") return this.#giveUp(reason);
    if (how === "refused") return this.#examine();
    this.#openIn(this.#pause());
  }

  #count() {
    const wasHealthy = this.#greetedAt && Date.now() - this.#greetedAt >= HEALTHY_MS;
    this.#failures = wasHealthy ? 1 : this.#failures + 1;
    this.#greetedAt = 0;
  }

  /** The first attempt is the browser's own, since only it knows the `retry:` that the hub asked for. */
  #letBrowserTry() {
    if (this.#failures > 1) return this.#openIn(Math.max(this.#pause(), this.#leastMs));
    this.#hear("lost", {}, "");
  }

  #comeBack(said = {}) {
    this.#count();
    this.#openIn(this.#pause(), said);
  }

  /** Any time up to one that doubles with each failure. */
  #pause() {
    return between(0, Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#failures - 1)));
  }

  #openIn(ms, said = {}) {
    const attempt = this.#drop();
    this.#hear("lost", said, "");
    if (attempt.aborted) return;
    const timer = setTimeout(() => this.#open(), ms);
    attempt.addEventListener("abort", () => clearTimeout(timer));
  }

  #giveUp(problem) {
    this.#drop();
    this.#hear("refused", { problem }, "");
  }

  /** Bring another token while this one is good. Without one the connection ends in its time, and we ask again. */
  async #renewAhead() {
    const line = this.#line;
    if (!this.#credential.mayAskAhead) return;
    const token = await this.#credential.ask().catch(() => "");
    if (token) this.#reconnectToken = "";
    if (token && line && line === this.#line) this.#present();
  }

  /** Show the credential on the line, if one can speak on it, else open it anew: it goes on where it is. */
  #present() {
    this.#reconnectToken = "";
    if (!this.#credential.token || !this.#line?.isTwoWay || !this.#line.isOpen) return this.#open();
    this.#mustAuthenticate = true;
    this.#say();
  }

  /** The permission is over. @param {string} [problem] */
  async #signInAgain(problem = "") {
    if (!this.#credential.mayAsk) return this.#examine();
    const attempt = this.#drop();
    this.#reconnectToken = "";
    this.#hear("lost", {}, "");
    if (attempt.aborted) return;
    // It is of no use any more, also when there is no other for now.
    this.#credential.token = "";
    const token = await this.#ask(attempt);
    if (attempt.aborted) return;
    if (!token) return this.#giveUp(problem || NO_TOKEN);
    if (this.#failures > 1) return this.#openIn(this.#pause());
    this.#open();
  }

  /** Find out what browsers do not tell: whether we were refused, or the network failed. */
  async #examine() {
    const attempt = this.#drop();
    this.#hear("lost", {}, "");
    if (attempt.aborted) return;
    const { status, problem } = await answerOf(this.#address(), attempt);
    if (attempt.aborted) return;
    if (status >= 400 && status < 500 && this.#reconnectToken) {
      // Perhaps only this token is no longer good: ask again with what we were given at first.
      this.#reconnectToken = "";
      return this.#examine();
    }
    if (status === 401 && this.#credential.mayAsk) return this.#signInAgain(problem);
    if (FINAL.includes(status)) return this.#giveUp(problem);
    this.#openIn(this.#pause(), { problem });
  }
}

/** What somebody threw, who may throw whatever they like. */
function messageOf(error) {
  return String(error?.message || error);
}

function without(topics, others) {
  return topics.filter((topic) => !others.includes(topic));
}

function between(least, most) {
  return least + Math.random() * (most - least);
}

/** Return the status of the answer, 0 when there was none, and what it says is wrong. */
async function answerOf(address, attempt) {
  const probe = new AbortController();
  const stop = () => probe.abort();
  const timer = setTimeout(stop, OPENING_MS);
  attempt.addEventListener("abort", stop);
  try {
    const headers = { Accept: "text/event-stream" };
    const answer = await fetch(address.href, { signal: probe.signal, cache: "no-store", headers });
    const isProblem = answer.headers.get("Content-Type")?.startsWith("application/problem+json");
    const said = isProblem ? await answer.json() : {};
    return { status: answer.status, problem: said.detail ?? said.title ?? "" };
  } catch {
    return { status: 0, problem: "" };
  } finally {
    clearTimeout(timer);
    // What was answered may be a stream that never ends.
    stop();
  }
}
