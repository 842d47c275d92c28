-- oldest: 1
-- The log, the state folded from it, what is needed to find both, and what arrived.

-- Texts are compared byte by byte, as everywhere else in the hub.
CREATE TABLE meta (
    key text COLLATE "C" PRIMARY KEY,
    value text NOT NULL
);

-- Everything up to `floor` is trimmed from the log; ids of deliveries up to `trimmed` are not given out again.
INSERT INTO meta (key, value) VALUES ('floor', '0'), ('trimmed', '0');

CREATE TABLE deliveries (
    id bigint PRIMARY KEY,
    source text COLLATE "C" NOT NULL,
    scope text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    received_at bigint NOT NULL,
    verdict text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    provider_type text NOT NULL,
    event_time bigint,
    copies bigint NOT NULL DEFAULT 0,
    last_copy_at bigint,
    -- JSON, as are the headers.
    subjects text NOT NULL,
    headers text NOT NULL,
    body bytea NOT NULL
);

-- For trimming, and for lists: of everything, of a source, of what is dead.
CREATE INDEX deliveries_received ON deliveries (received_at, id);
CREATE INDEX deliveries_source ON deliveries (source, received_at, id);
CREATE INDEX deliveries_dead ON deliveries (received_at, id) WHERE verdict = 'dead';

-- Which deliveries have a topic among their subjects.
CREATE TABLE delivery_subjects (
    subject text COLLATE "C" NOT NULL,
    received_at bigint NOT NULL,
    delivery bigint NOT NULL,
    PRIMARY KEY (subject, received_at, delivery)
);

CREATE TABLE dedupe (
    scope text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    delivery bigint NOT NULL,
    received_at bigint NOT NULL,
    PRIMARY KEY (scope, key)
);

CREATE TABLE events (
    sequence bigint PRIMARY KEY,
    delivery bigint NOT NULL,
    topics text NOT NULL,
    body bytea NOT NULL
);

-- For trimming: where in the log a delivery is.
CREATE INDEX events_delivery ON events (delivery);

CREATE TABLE event_topics (
    topic text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (topic, sequence)
);

-- What is written again and again leaves room in its pages, and is cleaned up early.
CREATE TABLE states (
    subject text COLLATE "C" NOT NULL,
    part text COLLATE "C" NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (subject, part)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE documents (
    topic text COLLATE "C" PRIMARY KEY,
    collection text COLLATE "C" NOT NULL,
    parent text COLLATE "C" NOT NULL,
    provider text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    durable text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    room_id text COLLATE "C" NOT NULL,
    began_at bigint NOT NULL,
    active_at bigint NOT NULL,
    ended_at bigint,
    over boolean NOT NULL,
    trending double precision NOT NULL,
    sequence bigint NOT NULL,
    body bytea NOT NULL,
    hidden bytea NOT NULL
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

-- Lists, newest first, by latest sign of life, and of rooms by how much is going on in them.
CREATE INDEX documents_began ON documents (collection, began_at DESC, topic);
CREATE INDEX documents_active ON documents (collection, active_at DESC, topic);
CREATE INDEX documents_status ON documents (collection, status, began_at DESC, topic);
CREATE INDEX documents_trending ON documents (collection, trending DESC, topic) WHERE collection = 'rooms';
-- An entity with its parts, and its parts in the order in which they came.
CREATE INDEX documents_parent ON documents (parent, collection, began_at, topic);
-- Sessions of a durable room.
CREATE INDEX documents_durable ON documents (durable, began_at DESC, topic DESC) WHERE durable <> '';
-- Snapshots: what is not over, and what ended lately.
CREATE INDEX documents_open ON documents (collection) WHERE NOT over;
CREATE INDEX documents_ended ON documents (collection, ended_at) WHERE over;
-- Lists of what has one name.
CREATE INDEX documents_name ON documents (name, collection) WHERE name <> '';
CREATE INDEX documents_room_id ON documents (room_id, collection) WHERE room_id <> '';

-- Requests without a valid proof. Their ids are never given out again.
CREATE TABLE quarantine (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text COLLATE "C" NOT NULL,
    received_at bigint NOT NULL,
    reason text NOT NULL,
    address text NOT NULL,
    path_key text NOT NULL,
    headers text NOT NULL,
    size bigint NOT NULL,
    digest text NOT NULL,
    body bytea
);

-- For the bound of each source, and for lists and trimming.
CREATE INDEX quarantine_source ON quarantine (source, id);
CREATE INDEX quarantine_received ON quarantine (received_at, id);
