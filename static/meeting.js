/** What is known of one room: what was read of it when its page was opened, and what has been told since. */

import { trendingScore } from "./rooms.js";
import { span } from "./words.js";

const MINUTE = 60_000;
const EARLIER = 20;

/** One room. It is read once, and again when something may have been missed; events carry it on. */
export class Meeting {
  #page;
  #asked;
  // What was told while it was being read, before it was known which room is meant.
  #early = [];
  #reading = 0;
  #readAt = 0;
  #totals = null;
  /** The latest document, null until it was read. */
  room = null;
  /** By id. */
  people = new Map();
  recordings = new Map();
  /** Other sessions of the durable room, the newest first. */
  sessions = [];

  /** @param {string} asked  A session's id, or that of a durable room. */
  constructor(page, asked) {
    this.#page = page;
    this.#asked = asked;
  }

  get id() {
    return this.room?.id ?? this.#asked;
  }

  get isOver() {
    return this.room?.status === "ended";
  }

  /** Read it; what is told meanwhile is newer, and stays. Fails with the hub's problem. */
  async read() {
    this.#reading += 1;
    try {
      const { get } = this.#page;
      const found = await get(`/api/rooms/${this.#asked}`);
      const [people, recordings, sessions] = await Promise.all([
        this.#everything(`/api/rooms/${found.id}/participants?stays=1&limit=1000`),
        this.#everything(`/api/recordings?room=${found.id}&limit=100`),
        found.durable_room ? get(`/api/rooms?${sessionsOf(found)}&limit=${EARLIER}`) : { items: [] },
      ]);
      this.#take(found, people, recordings);
      this.sessions = sessions.items.filter((one) => one.durable_room === found.durable_room && one.id !== found.id);
    } finally {
      this.#reading -= 1;
      const early = this.#early.splice(0);
      if (this.room) for (const event of early) this.hear(event);
    }
  }

  /** Take in an event; return whether it is about this room. */
  hear(event) {
    const { time, data } = event;
    if (this.#reading && !this.room) this.#early.push(event);
    const about = [data.room?.id, data.participant?.room, data.recording?.room, data.transcript?.room];
    if (!this.room || !about.includes(this.id)) return false;
    if (data.room?.id === this.id && data.room.sequence > this.room.sequence) this.room = data.room;
    for (const one of [data.participant, ...(data.participants ?? [])]) {
      if (one?.room === this.id) keep(this.people, goingOn(this.people.get(one.id), one, time));
    }
    for (const one of [data.recording, data.transcript]) if (one?.room === this.id) keep(this.recordings, one);
    return true;
  }

  /** From the first that is known of it to its end, or to now. */
  stretch(now) {
    const { started_at: started, ended_at: ended, last_active_at: active } = this.room;
    const joins = [...this.people.values()].map((one) => Date.parse(one.joined_at)).filter(Boolean);
    const from = Math.min(...joins, Date.parse(started) || now);
    return { from, to: Math.max(this.isOver ? Date.parse(ended ?? active) : now, from + 1000) };
  }

  /** What a participant's minute costs, null as long as there are none. */
  get price() {
    const { participant_minutes: minutes, cost } = this.#totals ?? {};
    return minutes > 0 ? cost / minutes : null;
  }

  /** What was counted when it was read, and what has come since, by those who are there. */
  numbers(now) {
    const { room, isOver } = this;
    const totals = this.#totals;
    const since = isOver ? 0 : Math.max(0, now - this.#readAt);
    const minutes = totals.participant_minutes + (since / MINUTE) * room.participant_count;
    const cost = this.price === null ? null : minutes * this.price;
    return {
      people: String(isOver ? 0 : room.participant_count),
      speakers: String(isOver ? 0 : room.speaker_count),
      listeners: String(isOver ? 0 : room.listener_count),
      peak: String(Math.max(totals.peak_participants, room.participant_count)),
      duration: span(isOver || !room.started_at ? totals.duration * 1000 : now - Date.parse(room.started_at)),
      minutes: minutes.toLocaleString([], { maximumFractionDigits: minutes < 100 ? 1 : 0 }),
      cost: cost === null ? "–" : cost.toLocaleString([], { minimumFractionDigits: 2, maximumFractionDigits: cost < 1 ? 3 : 2 }),
      score: isOver ? "–" : trendingScore(room, now).toFixed(1),
    };
  }

  #take(found, people, recordings) {
    const { hub } = this.#page;
    // Of a durable room another session may go on by now.
    if (this.room && this.room.id !== found.id) for (const held of [this.people, this.recordings]) held.clear();
    const told = hub.rooms.get(found.id);
    this.room = told && told.sequence > found.sequence ? told : found;
    this.#totals = found;
    this.#readAt = hub.now();
    for (const one of people) keep(this.people, one);
    for (const one of recordings) keep(this.recordings, one);
  }

  /** Every page of a list. */
  async #everything(path) {
    const items = [];
    for (let next = ""; next !== null; ) {
      const found = await this.#page.get(next ? `${path}&cursor=${encodeURIComponent(next)}` : path);
      items.push(...found.items);
      next = found.next;
    }
    return items;
  }
}

function sessionsOf({ room_id: roomId, name }) {
  return new URLSearchParams(roomId ? { room_id: roomId } : { name: name ?? "" });
}

function keep(held, told) {
  const known = held.get(told.id);
  if (!known || known.sequence <= told.sequence) held.set(told.id, told);
}

/** An event tells when somebody came first and left last; what was between is known from before. */
function goingOn(known, told, time) {
  const stays = known?.stays ?? (known?.joined_at ? [stayOf(known)] : []);
  if (!stays.length) return told;
  const last = stays.at(-1);
  if (told.active && last.left_at) return { ...told, stays: [...stays, { joined_at: time, left_at: null, leave_reason: null }] };
  if (told.active) return { ...told, stays };
  if (stays.length === 1) return { ...told, stays: [stayOf(told)] };
  return { ...told, stays: [...stays.slice(0, -1), { ...last, left_at: told.left_at, leave_reason: told.leave_reason }] };
}

function stayOf({ joined_at, left_at, leave_reason }) {
  return { joined_at, left_at, leave_reason };
}
