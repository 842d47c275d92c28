/** What the page's sign-in permits, as long as it is that one: in another tab somebody may sign in as another. */

const PROBING_MS = 2000;
// With a plan come its rooms. A topic of a source has no snapshot, so it shows neither.
const SHOWING = { bots: ["*", "bots"], rooms: ["*", "rooms", "schedules"] };

/** A sign-in. Who is refused is shown the page too, which then says what to do. */
export class Access {
  #told;
  #isAsking = false;
  /** Whether nobody is signed in any more, as far as is known. */
  isRefused;

  /** Ask the hub. */
  static async ask() {
    return new Access(await told());
  }

  constructor(answer) {
    this.#told = answer;
    this.isRefused = Boolean(answer.isRefused);
  }

  get topics() {
    return this.#told.topics;
  }

  /** What to follow, so as to see all that may be seen. */
  get followed() {
    if (!this.topics.includes("*")) return this.topics;
    const all = ["bots", "rooms", "schedules", "sources"];
    return this.may("admin") ? [...all, "deliveries"] : all;
  }

  /** Whether it has a scope; `admin` has all. */
  may(scope) {
    return this.#told.scopes.includes("admin") || this.#told.scopes.includes(scope);
  }

  /** Whether it shows all or some of a collection. */
  sees(collection) {
    return this.topics.some((topic) => SHOWING[collection].includes(topic.split("/")[0]));
  }

  /** Ask anew, and begin anew as who is signed in now. Who is signed out keeps what is shown. */
  async review() {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const answer = await told();
    this.#isAsking = false;
    if (answer.isRefused) return;
    this.isRefused = false;
    if (permitted(answer) !== permitted(this.#told)) location.reload();
  }
}

function permitted({ topics, scopes }) {
  return JSON.stringify([topics, scopes]);
}

async function told() {
  for (;;) {
    const answer = await fetch("api/access", { cache: "no-store" }).catch(() => null);
    if (answer?.ok) return answer.json();
    if (answer && answer.status < 500) return { topics: ["*"], scopes: ["read"], isRefused: true };
    await new Promise((resolve) => setTimeout(resolve, PROBING_MS));
  }
}
