/** Types of hub.js, the hub's browser client. Times are RFC 3339 in UTC. */

/** `behind`: connected, but events are missing. `signed-out`: the hub refuses the credential; see `problem`. */
export type Status = "connecting" | "live" | "behind" | "reconnecting" | "signed-out";

/** `stale`: what is shown may be outdated, since nobody tells us news; `status` says why. */
export type Freshness = "live" | "behind" | "stale";

export interface Options {
  /** The stream's address; usually that of the hub which this module came from. */
  url?: string | URL;
  /** Such as `bots`, `rooms`, `rooms/<id>`; without any, all that the credential allows. */
  topics?: readonly string[];
  /** An access token; without this and `getToken` the page's cookie counts. */
  token?: string;
  /**
   * Brings another token: before the first one if there is none, when one is about to expire, and when one is refused.
   * When it brings nothing the status is `signed-out`, until `renew()` or until somebody comes back to the page. When it
   * fails, or does not answer for 20 s, it is called again after a pause; `problem` has the error's message meanwhile.
   */
  getToken?: () => string | null | undefined | Promise<string | null | undefined>;
  /** Server-sent events unless you say otherwise. */
  transport?: "sse" | "websocket";
  /**
   * Whether tabs of one browser that follow the same share one connection. With the cookie they do, unless this is false.
   * With tokens they do only under a name given here, which must differ wherever what the tokens permit may differ.
   */
  share?: boolean | string;
}

export interface Reason {
  code: string;
  group: string;
  message: string;
}

/** What all documents have. `sequence` is that of the event which last changed it. */
export interface Document {
  id: string;
  sequence: number;
}

export interface Bot extends Document {
  launch_id: string | null;
  provider: string;
  name: string | null;
  meeting_url: string | null;
  status:
    | "requested"
    | "queued"
    | "joining"
    | "waiting"
    | "in_call"
    | "recording"
    | "paused"
    | "left"
    | "processing"
    | "completed"
    | "failed"
    | "unknown";
  status_since: string | null;
  attempt: number;
  reason: Reason | null;
  created_at: string | null;
  joined_at: string | null;
  ended_at: string | null;
  recording: Pick<Recording, "id" | "status" | "started_at" | "ended_at" | "duration" | "error"> | null;
  transcript: { status: "started" | "live" | "failed" | "completed"; segments_count: number } | null;
  participants: { name: string; speaker: boolean }[];
}

/** One session of a room. What depends on the clock is only in snapshots. */
export interface Room extends Document {
  durable_room: string | null;
  provider: string;
  session_id: string | null;
  room_id: string | null;
  name: string | null;
  project: string | null;
  status: "live" | "ended";
  started_at: string | null;
  ended_at: string | null;
  end_reason: string | null;
  participant_count: number;
  speaker_count: number;
  listener_count: number;
  featured: boolean;
  last_active_at: string | null;
  stale: boolean;
  duration?: number;
  peak_participants?: number;
  participant_minutes?: number;
  cost?: number;
  trending_score?: number;
  /** What follows from the visits, where the provider's own totals say something else. */
  derived?: Pick<Room, "duration" | "peak_participants" | "participant_minutes"> | null;
}

/** A planned meeting. */
export interface Schedule extends Document {
  title: string | null;
  provider: string;
  room_id: string;
  durable_room: string;
  starts_at: string;
  status: "SCHEDULED" | "LIVE" | "COMPLETED" | "CANCELLED";
  started_at: string | null;
  ended_at: string | null;
  /** Ids of the rooms (sessions) that turned out to be this meeting. */
  sessions: string[];
  expected_count: number;
}

/** One visit of somebody in a room. */
export interface Participant extends Document {
  room: string;
  identity: string | null;
  name: string | null;
  role: string | null;
  kind: "human" | "recorder" | "agent" | "sip" | "ingress";
  active: boolean;
  joined_at: string | null;
  left_at: string | null;
  leave_reason: string | null;
  /** Seconds that its user was there by any device. */
  watch_duration?: number;
  /** Seconds of this visit. */
  duration?: number;
}

/** A recording, or the transcript of a room (`scope` is "transcript"). */
export interface Recording extends Document {
  room?: string;
  bot?: string;
  source?: string;
  /** What else the provider calls it. */
  alias: string | null;
  scope: string | null;
  status: "starting" | "recording" | "paused" | "processing" | "stopped" | "failed" | "completed" | "unknown";
  started_at: string | null;
  ended_at: string | null;
  duration: number | null;
  size: number | null;
  truncated: boolean;
  /** The hub's own link to the file. */
  url: string | null;
  expires_at: string | null;
  /** Why it stopped. */
  reason: string | null;
  error: string | null;
  /** In snapshots: the files, each with the hub's own link. */
  artifacts?: { name: string; url: string }[];
}

/** What an event led to, and what it says besides (`reason`, `previous_role`, …). */
export interface EventData {
  bot?: Bot;
  room?: Room;
  participant?: Participant;
  participants?: Participant[];
  recording?: Recording;
  recordings?: Recording[];
  transcript?: Recording;
  schedule?: Schedule;
  more?: boolean;
  [said: string]: unknown;
}

/** A CloudEvent, as it was sent. */
export interface HubEvent {
  specversion: "1.0";
  id: string;
  source: string;
  type: string;
  subject: string;
  time: string;
  sequence: string;
  receivedat: string;
  providertype: string;
  data: EventData;
}

export interface SnapshotPage {
  bots?: Bot[];
  rooms?: Room[];
  schedules?: Schedule[];
  participants?: Participant[];
  recordings?: Recording[];
  complete: boolean;
  time: string;
  /** For how many seconds what has ended is part of a snapshot. */
  recent?: number;
}

export interface State {
  status: Status;
  freshness: Freshness;
  /** How many events are missing; null when that is not known. */
  behind: number | null;
  /** Whether the hub itself is in trouble. */
  degraded: boolean;
  /** What is: `storage` (webhooks are refused), `spool` (they are kept on its disk meanwhile), `bus` (news may be late). */
  reasons: readonly ("storage" | "spool" | "bus")[];
  /** Why the hub refused us, in its own words; or why there is no token, or no connection. */
  problem: string;
}

/** What arrived, as it is told while it arrives. */
export interface DeliveryNotice {
  id: string;
  source: string;
  type: "delivery.accepted" | "delivery.duplicate" | "delivery.dead" | "delivery.refused";
  subject: string;
  time: string;
  data: {
    delivery: {
      id: string;
      verdict: "accepted" | "duplicate" | "dead" | "refused";
      source: string;
      provider_type: string | null;
      reason: string | null;
      received_at: string;
      event_time: string | null;
      /** Seconds between what happened and its arrival. */
      late: number | null;
      copies: number;
      events: number;
    };
  };
}

/** What `get` and `send` fail with: the hub's own words, or that there was no answer (`status` 0). */
export interface Problem extends Error {
  status: number;
  title: string;
  detail: string;
  /** Seconds after which to try again, if the hub said so. */
  retryAfter: number | null;
  /** All that the hub answered. */
  said: Record<string, unknown>;
}

export interface HubEventMap {
  /** Something was told. `event` is null when more than one event may be in it: a snapshot, or another tab's state. */
  change: CustomEvent<{ event: HubEvent | null; position: string }>;
  /** Something arrived at a webhook path. Only with the topic `deliveries`, which is live only: some may be missed. */
  delivery: CustomEvent<DeliveryNotice>;
  status: CustomEvent<State>;
  /** The credential is about to expire: `renew()`. */
  expiring: CustomEvent<{ expires_at: string }>;
}

/** A connection to the hub with what it has told so far. The maps stay the same objects. */
export declare class Hub extends EventTarget {
  constructor(options?: Options);
  addEventListener<Name extends keyof HubEventMap>(
    name: Name,
    listener: (event: HubEventMap[Name]) => void,
    options?: AddEventListenerOptions | boolean,
  ): void;
  addEventListener(
    name: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: AddEventListenerOptions | boolean,
  ): void;
  removeEventListener<Name extends keyof HubEventMap>(
    name: Name,
    listener: (event: HubEventMap[Name]) => void,
    options?: EventListenerOptions | boolean,
  ): void;
  removeEventListener(
    name: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: EventListenerOptions | boolean,
  ): void;
  readonly bots: ReadonlyMap<string, Bot>;
  readonly rooms: ReadonlyMap<string, Room>;
  readonly schedules: ReadonlyMap<string, Schedule>;
  /**
   * By room, then by id. Complete for the rooms that are topics themselves; under the topic `rooms`, who was
   * told of since the last snapshot.
   */
  readonly participants: ReadonlyMap<string, ReadonlyMap<string, Participant>>;
  /** Complete for the bots and rooms that are topics themselves, like `participants`. */
  readonly recordings: ReadonlyMap<string, Recording>;
  readonly status: Status;
  readonly freshness: Freshness;
  readonly behind: number | null;
  readonly degraded: boolean;
  readonly reasons: State["reasons"];
  readonly problem: string;
  /** `<epoch>.<sequence>`: everything up to here is shown. Empty until the first snapshot is complete. */
  readonly position: string;
  /** When the hub was last heard, in milliseconds since 1970 by this machine's clock; 0: never. */
  readonly heardAt: number;
  /** The hub's time in milliseconds since 1970, whatever this machine's clock says. */
  now(): number;
  /** Go on with another token (none: the cookie), before the old one expires or when signed out. */
  renew(token?: string): void;
  /** Read something of the API with the same credential: `get("/api/bots")`. Rejects with a `Problem`. */
  get(path: string): Promise<any>;
  /** Change something by the API, with the same credential. Resolves to null where there is nothing to say. */
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<any>;
  /** Follow more topics. What is shown stays until what they hold has come. Of all that is allowed this makes these alone. */
  subscribe(...topics: string[]): void;
  /** Follow fewer topics. Throws a RangeError when none would be left, since none means all: then `close()`. */
  unsubscribe(...topics: string[]): void;
  /** Stop for good. What was told stays in the maps. */
  close(): void;
}

/** Open the stream and keep it open until `close()`. */
export declare function connect(options?: Options): Hub;
