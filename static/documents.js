/**
 * What the hub told, as documents in maps. Knows nothing of networks and clocks.
 *
 * @typedef {import("./hub.d.ts").SnapshotPage} SnapshotPage
 * @typedef {import("./hub.d.ts").EventData} EventData
 */

/** @type {readonly string[]} */
const COLLECTIONS = ["bots", "rooms", "schedules", "recordings", "participants"];
const OVER = ["completed", "failed", "ended", "COMPLETED"];
// Of what is over at most so many are kept, however much ends in an hour.
const MOST_OVER = 5000;

/** The documents of a hub. The maps stay the same objects. */
export class Documents {
  bots = new Map();
  rooms = new Map();
  schedules = new Map();
  recordings = new Map();
  /** By room, then by id. */
  participants = new Map();

  /** For how long what has ended belongs to what is shown. */
  recentMs = Infinity;

  /** A snapshot that is not complete yet. */
  #coming = null;
  /** The topics that the next snapshot is of, when it is not of all that are followed. @type {string[] | null} */
  #scope = null;

  /** Whether a part of a snapshot is there, and a part is not. */
  get isComing() {
    return this.#coming !== null;
  }

  /** The rest of a snapshot will not come. */
  abandon() {
    this.#coming = null;
  }

  /** The next snapshot is of everything that is followed, and of nothing else. */
  expectAll() {
    this.#coming = null;
    this.#scope = null;
  }

  /** Put a page beside what is shown; return whether it was the last, and all of it is shown now. @param {SnapshotPage} page */
  gather(page) {
    this.#coming ??= {};
    for (const name of COLLECTIONS) (this.#coming[name] ??= []).push(...(page[name] ?? []));
    if (!page.complete) return false;
    if (this.#scope) this.#sweep(this.#scope, true);
    else this.#clear();
    this.apply(this.#coming);
    this.expectAll();
    return true;
  }

  /**
   * From now on these are all the topics: what falls under none of them would never change again.
   * Of those that were added a snapshot comes next.
   */
  follow(topics, added) {
    this.#scope = added.length ? added : null;
    // What belongs to a source does not say so.
    if (!topics.some((topic) => topic.startsWith("sources/"))) this.#sweep(topics, false);
  }

  /** Replace what is held by what is told; it may be told twice, in a snapshot and in an event. @param {EventData & Partial<SnapshotPage>} said */
  apply({ bot, room, schedule, recording, transcript, participant, ...several }) {
    const { bots = [], rooms = [], schedules = [], recordings = [], participants = [] } = several;
    for (const one of bot ? [bot] : bots) replace(this.bots, one);
    this.#letGrow(bot ? [bot] : bots);
    for (const one of room ? [room] : rooms) replace(this.rooms, one);
    for (const one of schedule ? [schedule] : schedules) replace(this.schedules, one);
    if (schedule?.status === "CANCELLED") this.schedules.delete(schedule.id);
    for (const one of [recording, transcript, ...recordings]) if (one) replace(this.recordings, one);
    for (const one of participant ? [participant] : participants) replace(this.#peopleOf(one.room), one);
    if (room?.status === "ended") this.#emptyOut(room);
    this.#letMove(room ? [room] : rooms, participant ? [participant] : participants);
  }

  /** What was erased is gone, with all that was part of it. @param {string} subject */
  forget(subject) {
    const [collection, id] = [subject.slice(0, subject.indexOf("/")), subject.slice(subject.indexOf("/") + 1)];
    if (COLLECTIONS.includes(collection)) this[collection].delete(id);
    this.participants.delete(id);
    for (const one of this.recordings.values()) {
      if ((collection === "bots" ? one.bot : one.room) === id) this.recordings.delete(one.id);
    }
  }

  /**
   * Drop what ended longer ago than a snapshot tells, but for topics of its own; return whether anything did.
   *
   * @param {number} now @param {string[]} topics
   */
  forgetOld(now, topics) {
    const isNamed = (topic) => topics.includes(topic);
    const planned = [...this.schedules.values()].filter(({ id }) => isNamed(`schedules/${id}`)).flatMap(({ sessions }) => sessions);
    const bots = this.#outdated(this.bots, now, (one) => isNamed(`bots/${one.id}`));
    const isWanted = ({ id, durable_room: durable }) => isNamed(`rooms/${id}`) || isNamed(`rooms/${durable}`) || planned.includes(id);
    const rooms = this.#outdated(this.rooms, now, isWanted);
    for (const id of bots) this.forget(`bots/${id}`);
    for (const id of rooms) this.forget(`rooms/${id}`);
    const plans = this.#outdated(this.schedules, now, (one) => isNamed(`schedules/${one.id}`));
    for (const id of plans) this.schedules.delete(id);
    return bots.length + rooms.length + plans.length > 0;
  }

  /** All that is held, for another tab. */
  copy() {
    const { bots, rooms, schedules, recordings, participants } = this;
    const people = [...participants.values()].flatMap((those) => [...those.values()]);
    const shown = { participants: people };
    for (const [name, held] of Object.entries({ bots, rooms, schedules, recordings })) shown[name] = [...held.values()];
    return { shown, scope: this.#scope, coming: this.#coming, recentMs: this.recentMs };
  }

  /** Hold what another tab holds, and nothing else. */
  replaceAll({ shown }) {
    this.#clear();
    this.apply(shown);
  }

  /** Take the next words like another tab, that may be in the midst of a snapshot. */
  goOnLike({ scope, coming, recentMs = Infinity }) {
    this.recentMs = recentMs;
    this.#scope = scope;
    this.#coming = coming;
  }

  #clear() {
    for (const name of COLLECTIONS) this[name].clear();
  }

  /** Drop what falls under some topics, or what does not. */
  #sweep(topics, under) {
    const isBot = (id) => covers(topics, `bots/${id}`);
    const isSchedule = (id) => covers(topics, `schedules/${id}`);
    const planned = new Set([...this.schedules.values()].flatMap(({ id, sessions }) => (isSchedule(id) ? sessions : [])));
    const durable = (id) => this.rooms.get(id)?.durable_room;
    const isRoom = (id) => covers(topics, `rooms/${id}`) || topics.includes(`rooms/${durable(id)}`) || planned.has(id);
    const isRecording = (id) => {
      const { bot, room } = this.recordings.get(id);
      return bot ? isBot(bot) : isRoom(room);
    };
    // Rooms come last of what depends on them, schedules after rooms.
    drop(this.recordings, (id) => isRecording(id) === under);
    drop(this.participants, (id) => isRoom(id) === under);
    drop(this.bots, (id) => isBot(id) === under);
    drop(this.rooms, (id) => isRoom(id) === under);
    drop(this.schedules, (id) => isSchedule(id) === under);
  }

  /** What is over for too long, and the oldest of what is too much. */
  #outdated(held, now, isWanted) {
    const end = ({ ended_at: at, status_since: since }) => Date.parse(at ?? since ?? "");
    const over = [...held.values()].filter((one) => OVER.includes(one.status) && end(one) >= 0 && !isWanted(one));
    const ended = over.map((one) => [one.id, end(one)]).sort(([, one], [, other]) => other - one);
    return ended.filter(([, at], place) => place >= MOST_OVER || now - at > this.recentMs).map(([id]) => id);
  }

  /** A launch became a bot: by the id of the launch it is gone. */
  #letGrow(bots) {
    for (const { id, provider, launch_id: launch } of bots) {
      const placeholder = `${provider}:${launch}`;
      if (launch && placeholder !== id) this.bots.delete(placeholder);
    }
  }

  /** What turned out to belong to another session is told anew by that one: by this name it is gone. */
  #letMove(rooms, participants) {
    for (const one of participants) {
      const people = this.#peopleOf(one.room);
      if (one.leave_reason === "moved" && people.get(one.id) === one) people.delete(one.id);
    }
    for (const one of rooms) {
      if (one.end_reason === "moved" && this.rooms.get(one.id) === one) this.forget(`rooms/${one.id}`);
    }
  }

  #peopleOf(room) {
    if (!this.participants.has(room)) this.participants.set(room, new Map());
    return this.participants.get(room);
  }

  /** In an ended room nobody is active, also when there were too many to name each. */
  #emptyOut(room) {
    const people = this.participants.get(room.id) ?? new Map();
    for (const one of people.values()) {
      if (one.active) replace(people, { ...one, active: false, left_at: room.ended_at, sequence: room.sequence });
    }
  }
}

/** Whether who follows some topics follows this one too. */
function covers(topics, topic) {
  return topics.includes("*") || topics.includes(topic) || topics.includes(topic.split("/", 1)[0]);
}

function drop(held, isGone) {
  for (const id of held.keys()) if (isGone(id)) held.delete(id);
}

function replace(held, told) {
  if (!(held.get(told.id)?.sequence > told.sequence)) held.set(told.id, told);
}
