-- The log, the state folded from it, and what is needed to find both.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value NOT NULL
) WITHOUT ROWID;

-- Everything up to `floor` is trimmed from the log; ids of deliveries up to `trimmed` are not given out again.
INSERT INTO meta (key, value) VALUES ('floor', 0), ('trimmed', 0);

CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    reason TEXT NOT NULL,
    provider_type TEXT NOT NULL,
    headers TEXT NOT NULL,
    copies INTEGER NOT NULL DEFAULT 0,
    last_copy_at INTEGER,
    body BLOB NOT NULL
);

-- For trimming.
CREATE INDEX deliveries_received ON deliveries (received_at);

CREATE TABLE dedupe (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    delivery INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) WITHOUT ROWID;

CREATE TABLE events (
    sequence INTEGER PRIMARY KEY,
    delivery INTEGER NOT NULL,
    topics TEXT NOT NULL,
    body BLOB NOT NULL
);

-- For trimming: where in the log a delivery is.
CREATE INDEX events_delivery ON events (delivery);

CREATE TABLE event_topics (
    topic TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (topic, sequence)
) WITHOUT ROWID;

CREATE TABLE states (
    subject TEXT NOT NULL,
    part TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (subject, part)
) WITHOUT ROWID;

CREATE TABLE documents (
    topic TEXT PRIMARY KEY,
    collection TEXT NOT NULL,
    parent TEXT NOT NULL,
    provider TEXT NOT NULL,
    status TEXT NOT NULL,
    durable TEXT NOT NULL,
    name TEXT NOT NULL,
    room_id TEXT NOT NULL,
    began_at INTEGER NOT NULL,
    active_at INTEGER NOT NULL,
    ended_at INTEGER,
    over INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    body BLOB NOT NULL,
    hidden BLOB NOT NULL
);

-- Lists, newest first, and by latest sign of life.
CREATE INDEX documents_began ON documents (collection, began_at DESC, topic);
CREATE INDEX documents_active ON documents (collection, active_at DESC, topic);
CREATE INDEX documents_status ON documents (collection, status, began_at DESC, topic);
-- An entity with its parts, and its parts in the order in which they came.
CREATE INDEX documents_parent ON documents (parent, collection, began_at, topic);
-- Sessions of a durable room.
CREATE INDEX documents_durable ON documents (durable, began_at DESC, topic) WHERE durable <> '';
-- Snapshots: what is not over, and what ended lately.
CREATE INDEX documents_open ON documents (collection) WHERE over = 0;
CREATE INDEX documents_ended ON documents (collection, ended_at) WHERE over = 1;
-- Lists of what has one name.
CREATE INDEX documents_name ON documents (name, collection) WHERE name <> '';
CREATE INDEX documents_room_id ON documents (room_id, collection) WHERE room_id <> '';
