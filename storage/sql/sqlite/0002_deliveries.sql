-- What arrived, to be looked through: when what it tells of happened, what it is about, and what was refused.

-- The new columns are before the bodies: a list then never walks through these.
ALTER TABLE deliveries RENAME TO deliveries_1;
DROP INDEX deliveries_received;

CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    reason TEXT NOT NULL,
    provider_type TEXT NOT NULL,
    event_time INTEGER,
    copies INTEGER NOT NULL DEFAULT 0,
    last_copy_at INTEGER,
    subjects TEXT NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL
);

INSERT INTO deliveries (
    id, source, scope, key, received_at, verdict, reason, provider_type, copies, last_copy_at, subjects, headers, body
)
SELECT
    id, source, scope, key, received_at, verdict, reason, provider_type, copies, last_copy_at, '[]', headers, body
FROM deliveries_1;

DROP TABLE deliveries_1;

-- For trimming, and for lists: of everything, of a source, of what is dead.
CREATE INDEX deliveries_received ON deliveries (received_at);
CREATE INDEX deliveries_source ON deliveries (source, received_at);
CREATE INDEX deliveries_dead ON deliveries (received_at) WHERE verdict = 'dead';

-- Which deliveries have a topic among their subjects.
CREATE TABLE delivery_subjects (
    subject TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    delivery INTEGER NOT NULL,
    PRIMARY KEY (subject, received_at, delivery)
) WITHOUT ROWID;

-- Requests without a valid proof. Their ids are never given out again.
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    address TEXT NOT NULL,
    path_key TEXT NOT NULL,
    headers TEXT NOT NULL,
    size INTEGER NOT NULL,
    digest TEXT NOT NULL,
    body BLOB
);

-- For the bound of each source, and for lists and trimming.
CREATE INDEX quarantine_source ON quarantine (source);
CREATE INDEX quarantine_received ON quarantine (received_at);
