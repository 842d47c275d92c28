-- place: Where the log begins and ends, and its name.
SELECT
    (SELECT value FROM meta WHERE key = 'epoch') AS epoch,
    (SELECT value FROM meta WHERE key = 'floor') AS floor,
    -- An empty log still remembers how far it had got.
    max((SELECT value FROM meta WHERE key = 'floor'), (SELECT coalesce(max(sequence), 0) FROM events)) AS head;

-- name_log: Give a new log its name.
INSERT INTO meta (key, value) VALUES ('epoch', :epoch);

-- new_epoch: Give the log another name.
UPDATE meta SET value = :epoch WHERE key = 'epoch' AND :instead_of IN ('', value);

-- last_delivery: The highest id that a delivery ever got.
SELECT max((SELECT value FROM meta WHERE key = 'trimmed'), (SELECT coalesce(max(id), 0) FROM deliveries)) AS id;

-- known: The delivery that had this key last, and how often it has come again.
SELECT delivery, dedupe.received_at, coalesce(copies, 0) AS copies
FROM dedupe LEFT JOIN deliveries ON deliveries.id = dedupe.delivery
WHERE dedupe.scope = :scope AND dedupe.key = :key;

-- is_dead: A delivery that may be read once more.
SELECT id FROM deliveries WHERE id = :id AND verdict = 'dead';

-- parts: The state of an entity, without its items and segments (their names begin with ~).
SELECT part, body FROM states WHERE subject = :subject AND part < '~'
UNION ALL
SELECT part, body FROM states WHERE subject = :subject AND part >= char(127);

-- part: One part of an entity's state.
SELECT body FROM states WHERE subject = :subject AND part = :part;

-- sessions: Every session of a durable room, or the bot that a launch became.
SELECT topic FROM documents WHERE durable = :durable AND durable <> '' AND collection IN ('rooms', 'bots');

-- home: The durable room of a session, and when that began.
SELECT durable, began_at FROM documents WHERE topic = :topic;

-- owner: Whose part a document is.
SELECT parent FROM documents WHERE topic = :topic AND parent LIKE 'rooms/%';

-- siblings: What is kept beside the sessions of a durable room.
SELECT topic, hidden FROM documents
WHERE durable = :durable AND durable <> '' AND collection = 'rooms' AND topic <> :durable;

-- begun_before: The session of a durable room that began last before a time, leaving some aside.
SELECT topic FROM documents
WHERE durable = :durable AND durable <> '' AND collection = 'rooms' AND topic <> :durable
    AND began_at <= :time AND topic NOT IN (SELECT value FROM json_each(:named))
ORDER BY began_at DESC, topic DESC LIMIT 1;

-- current_here: What goes on of a durable room, and what of it began last.
SELECT topic FROM documents
WHERE durable = :durable AND durable <> '' AND collection = 'rooms' AND over = 0
UNION
SELECT topic FROM (
    SELECT topic FROM documents
    WHERE durable = :durable AND durable <> '' AND collection = 'rooms'
    ORDER BY began_at DESC, topic DESC LIMIT 1
);

-- generations: How many segments each generation of a bot's transcript has.
SELECT substr(part, 10, 16) AS generation, count(*) AS segments
FROM states
WHERE subject = :subject AND part >= '~segment/' AND part < '~segment0'
GROUP BY generation;

-- insert_delivery: Keep a delivery.
INSERT INTO deliveries (
    id, source, scope, key, received_at, verdict, reason, provider_type, event_time, subjects, headers, body
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- insert_subject: Let a delivery be found by one of the topics that it is about.
INSERT OR IGNORE INTO delivery_subjects (subject, received_at, delivery) VALUES (?, ?, ?);

-- redrive_delivery: Note what a delivery became now that it was read once more.
UPDATE deliveries
SET verdict = :verdict, reason = :reason, provider_type = :provider_type, event_time = :event_time, subjects = :subjects
WHERE id = :id;

-- remember_key: Let the next delivery with this key be compared with this one.
INSERT INTO dedupe (scope, key, delivery, received_at) VALUES (?, ?, ?, ?)
ON CONFLICT (scope, key) DO UPDATE SET delivery = excluded.delivery, received_at = excluded.received_at;

-- count_copy: Note that a delivery came again.
UPDATE deliveries SET copies = copies + 1, last_copy_at = ? WHERE id = ?;

-- insert_event: Append to the log.
INSERT INTO events (sequence, delivery, topics, body) VALUES (?, ?, ?, ?);

-- insert_topic: Let an event be found by one of its topics.
INSERT INTO event_topics (topic, sequence) VALUES (?, ?);

-- drop_part: Drop a part that is now kept elsewhere.
DELETE FROM states WHERE subject = ? AND part = ?;

-- put_state: Write a part of an entity's state.
INSERT INTO states (subject, part, body) VALUES (?, ?, ?)
ON CONFLICT (subject, part) DO UPDATE SET body = excluded.body;

-- put_document: Write a document; what is indexed and rarely changes is left to `move_document`.
INSERT INTO documents (
    topic, collection, parent, provider, status, durable, name, room_id,
    began_at, active_at, ended_at, over, trending, sequence, body, hidden
)
VALUES (
    :topic, :collection, :parent, :provider, :status, :durable, :name, :room_id,
    :began_at, :active_at, :ended_at, :over, :trending, :sequence, :body, :hidden
)
ON CONFLICT (topic) DO UPDATE SET
    provider = excluded.provider, active_at = excluded.active_at, trending = excluded.trending,
    sequence = excluded.sequence, body = excluded.body, hidden = excluded.hidden;

-- move_document: Change what a document is found by, where it did change.
UPDATE documents SET
    collection = :collection, parent = :parent, status = :status, durable = :durable, name = :name,
    room_id = :room_id, began_at = :began_at, ended_at = :ended_at, over = :over
WHERE topic = :topic
    AND (collection, parent, status, durable, name, room_id, began_at, ended_at, over)
        IS NOT (:collection, :parent, :status, :durable, :name, :room_id, :began_at, :ended_at, :over);

-- refresh_document: Keep something else of a document as it was told: the beginning of its body, and what is beside it.
UPDATE documents SET body = CAST(CAST(? AS TEXT) || sequence || '}' AS BLOB), hidden = ? WHERE topic = ?;

-- delete_document: Drop a document that no longer follows from any fact.
DELETE FROM documents WHERE topic = ?;

-- page_of_all: Events after a sequence.
SELECT sequence, topics, body FROM events WHERE sequence > :after ORDER BY sequence LIMIT :limit;

-- page: Events of some topics after a sequence; of each topic no more is read than can be needed.
SELECT sequence, topics, body
FROM events
WHERE sequence IN (
    SELECT DISTINCT found.value
    FROM json_each(:topics) AS wanted, json_each((
        SELECT json_group_array(sequence) FROM (
            SELECT sequence FROM event_topics
            WHERE topic = wanted.value AND sequence > :after
            ORDER BY sequence LIMIT :limit
        )
    )) AS found
    ORDER BY found.value LIMIT :limit
)
ORDER BY sequence;

-- document: One document; a bot's also by the topic of its launch.
SELECT * FROM (
    SELECT *, 0 AS remoteness FROM documents WHERE topic = :topic
    UNION ALL
    SELECT *, 1 AS remoteness FROM documents WHERE durable = :topic AND durable <> '' AND collection = 'bots'
) AS found
ORDER BY remoteness, began_at DESC, topic LIMIT 1;

-- list_by_began: Documents of a collection, newest first.
SELECT * FROM documents
WHERE collection = :collection
    AND began_at <= :value AND (began_at < :value OR topic > :topic)
    AND (:since IS NULL OR began_at >= :since) AND (:until IS NULL OR began_at < :until)
    AND (:provider = '' OR provider = :provider)
    AND (
        substr(parent, 1, instr(parent, '/') - 1) IN (SELECT value FROM json_each(:owners))
        OR parent IN (SELECT value FROM json_each(:entities))
    )
ORDER BY began_at DESC, topic LIMIT :limit;

-- list_by_active: Documents of a collection, by latest sign of life.
SELECT * FROM documents
WHERE collection = :collection
    AND active_at <= :value AND (active_at < :value OR topic > :topic)
    AND (:provider = '' OR provider = :provider)
    AND (
        substr(parent, 1, instr(parent, '/') - 1) IN (SELECT value FROM json_each(:owners))
        OR parent IN (SELECT value FROM json_each(:entities))
    )
ORDER BY active_at DESC, topic LIMIT :limit;

-- list_status_by_began: Documents of one status, newest first.
SELECT * FROM documents
WHERE collection = :collection AND status = :status
    AND began_at <= :value AND (began_at < :value OR topic > :topic)
    AND (:since IS NULL OR began_at >= :since) AND (:until IS NULL OR began_at < :until)
    AND (:provider = '' OR provider = :provider)
    AND (
        substr(parent, 1, instr(parent, '/') - 1) IN (SELECT value FROM json_each(:owners))
        OR parent IN (SELECT value FROM json_each(:entities))
    )
ORDER BY began_at DESC, topic LIMIT :limit;

-- list_status_by_active: Documents of one status, by latest sign of life; sorted here, for those that live now are few.
SELECT * FROM documents
WHERE collection = :collection AND status = :status
    AND +active_at <= :value AND (+active_at < :value OR topic > :topic)
    AND (:provider = '' OR provider = :provider)
    AND (
        substr(parent, 1, instr(parent, '/') - 1) IN (SELECT value FROM json_each(:owners))
        OR parent IN (SELECT value FROM json_each(:entities))
    )
ORDER BY +active_at DESC, topic LIMIT :limit;

-- list_by_trending: Rooms, by how much is going on in them.
SELECT * FROM documents
WHERE collection = :collection AND collection = 'rooms'
    AND trending <= :value AND (trending < :value OR topic > :topic)
    AND (:provider = '' OR provider = :provider)
    AND (
        substr(parent, 1, instr(parent, '/') - 1) IN (SELECT value FROM json_each(:owners))
        OR parent IN (SELECT value FROM json_each(:entities))
    )
ORDER BY trending DESC, topic LIMIT :limit;

-- list_status_by_trending: Rooms of one status, by how much is going on in them.
SELECT * FROM documents
WHERE collection = :collection AND collection = 'rooms' AND status = :status
    AND trending <= :value AND (trending < :value OR topic > :topic)
    AND (:provider = '' OR provider = :provider)
    AND (
        substr(parent, 1, instr(parent, '/') - 1) IN (SELECT value FROM json_each(:owners))
        OR parent IN (SELECT value FROM json_each(:entities))
    )
ORDER BY trending DESC, topic LIMIT :limit;

-- list_found: Documents of which few can be meant: those of a name, of a room id, or of single entities.
WITH candidates (topic) AS (
    SELECT topic FROM documents WHERE name = :name AND name <> '' AND collection = :collection
    UNION
    SELECT topic FROM documents WHERE room_id = :room_id AND room_id <> '' AND collection = :collection
    UNION
    SELECT topic FROM documents
    WHERE parent IN (SELECT value FROM json_each(:entities)) AND collection = :collection
),
sorted AS (
    SELECT *, CASE :sort WHEN 'active' THEN active_at WHEN 'trending' THEN trending ELSE began_at END AS value
    FROM documents WHERE topic IN candidates
)
SELECT * FROM sorted
WHERE value <= :value AND (value < :value OR topic > :topic)
    AND (:status = '' OR status = :status)
    AND (:since IS NULL OR began_at >= :since) AND (:until IS NULL OR began_at < :until)
    AND (:provider = '' OR provider = :provider)
    AND (:name = '' OR name = :name)
    AND (:room_id = '' OR room_id = :room_id)
    AND (
        substr(parent, 1, instr(parent, '/') - 1) IN (SELECT value FROM json_each(:owners))
        OR parent IN (SELECT value FROM json_each(:entities))
    )
ORDER BY value DESC, topic LIMIT :limit;

-- list_parts: Documents of one entity, in the order in which they began.
SELECT * FROM documents
WHERE parent = :parent AND collection = :collection
    AND began_at >= :value AND (began_at > :value OR topic > :topic)
    AND (:status = '' OR status = :status)
    AND (:provider = '' OR provider = :provider)
    AND (:name = '' OR name = :name)
    AND (:room_id = '' OR room_id = :room_id)
    AND (
        substr(parent, 1, instr(parent, '/') - 1) IN (SELECT value FROM json_each(:owners))
        OR parent IN (SELECT value FROM json_each(:entities))
    )
ORDER BY began_at, topic LIMIT :limit;

-- list_of_people: Every participant of some rooms.
SELECT * FROM documents
WHERE parent IN (SELECT value FROM json_each(:parents)) AND collection = 'participants'
ORDER BY parent, began_at, topic;

-- list_overlapping: Rooms that were going on at some time of a period.
SELECT * FROM documents
WHERE collection = 'rooms' AND over = 0 AND began_at < :until AND topic > :topic
UNION ALL
SELECT * FROM documents
WHERE collection = 'rooms' AND over = 1 AND ended_at >= :since AND began_at < :until AND topic > :topic
ORDER BY topic LIMIT :limit;

-- current: What of a collection is not over, or ended lately.
SELECT * FROM documents WHERE collection = :collection AND over = 0
UNION ALL
SELECT * FROM documents WHERE collection = :collection AND over = 1 AND ended_at >= :ended_after;

-- current_sessions: What of a durable room is not over, ended lately, or is its latest session; the bot of a launch.
SELECT topic FROM documents
WHERE durable = :durable AND durable <> '' AND collection IN ('rooms', 'bots') AND (over = 0 OR ended_at >= :ended_after)
UNION
SELECT topic FROM (
    SELECT topic FROM documents
    WHERE durable = :durable AND durable <> '' AND collection IN ('rooms', 'bots')
    ORDER BY began_at DESC, topic LIMIT 1
);

-- meetings: The sessions that turned out to be a schedule's.
SELECT 'rooms/' || session.value AS topic
FROM documents, json_each(CAST(documents.body AS TEXT), '$.sessions') AS session
WHERE topic = :topic AND collection = 'schedules';

-- entity: A bot or a room with its participants and recordings.
SELECT * FROM documents WHERE parent = :topic;

-- segments: The latest generation of a bot's transcript.
SELECT body FROM (
    SELECT part, body FROM states
    WHERE subject = :bot
        AND part >= (
            SELECT substr(max(part), 1, 25) FROM states
            WHERE subject = :bot AND part >= '~segment/' AND part < '~segment0'
        )
        AND part < '~segment0'
    ORDER BY part DESC LIMIT 5000
)
ORDER BY part;

-- transcript: Every segment of the latest generation of a bot's transcript.
SELECT body FROM states
WHERE subject = :bot
    AND part >= (
        SELECT substr(max(part), 1, 25) FROM states
        WHERE subject = :bot AND part >= '~segment/' AND part < '~segment0'
    )
    AND part < '~segment0';

-- last_received: The last delivery that was received before a time; the plus keeps SQLite on the index of times.
SELECT coalesce(max(+id), 0) AS id FROM deliveries WHERE received_at < :before;

-- raise_floor: Say that the log begins with the first event of a later delivery. What was dead for long and then
-- read once more has its events far up in the log, where they stay as long as those around them.
UPDATE meta SET value = coalesce(
    (
        SELECT sequence - 1 FROM events
        WHERE sequence > value AND +delivery > :delivery
        ORDER BY sequence LIMIT 1
    ),
    (SELECT max(sequence) FROM events WHERE sequence > value),
    value
)
WHERE key = 'floor';

-- raise_trimmed: Say that ids up to this one have been given out.
UPDATE meta SET value = max(value, :delivery) WHERE key = 'trimmed';

-- last_trimmed: The end of the next stretch of events to go.
SELECT max(sequence) AS sequence FROM (
    SELECT sequence FROM events
    WHERE sequence <= (SELECT value FROM meta WHERE key = 'floor')
    ORDER BY sequence LIMIT :limit
);

-- trim_topics: Forget by which topics old events were found.
DELETE FROM event_topics WHERE (topic, sequence) IN (
    SELECT topic.value, events.sequence FROM events, json_each(events.topics) AS topic
    WHERE events.sequence <= :sequence
);

-- trim_events: Delete old events.
DELETE FROM events WHERE sequence <= :sequence;

-- trim_keys: Forget the keys of old deliveries, where no later delivery has the same.
DELETE FROM dedupe WHERE (scope, key, delivery) IN (
    SELECT scope, key, id FROM deliveries WHERE received_at < :before ORDER BY received_at, id LIMIT :limit
);

-- trim_deliveries: Delete old deliveries.
DELETE FROM deliveries WHERE id IN (
    SELECT id FROM deliveries WHERE received_at < :before ORDER BY received_at, id LIMIT :limit
);

-- trim_subjects: Forget what old deliveries were about.
DELETE FROM delivery_subjects WHERE (subject, received_at, delivery) IN (
    SELECT topic.value, old.received_at, old.id
    FROM (
        SELECT id, received_at, subjects FROM deliveries
        WHERE received_at < :before ORDER BY received_at, id LIMIT :limit
    ) AS old, json_each(old.subjects) AS topic
);

-- trim_quarantine: Delete old requests without a valid proof.
DELETE FROM quarantine WHERE received_at < :before;

-- arrivals: Deliveries, newest first.
SELECT
    id, source, verdict, reason, received_at, provider_type, event_time, copies, last_copy_at, length(body) AS size,
    (SELECT count(*) FROM events WHERE delivery = deliveries.id) AS events
FROM deliveries
WHERE received_at >= :since AND received_at < :until AND (received_at, id) < (:value, :id)
    AND (:verdict = '' OR verdict = :verdict)
ORDER BY received_at DESC, id DESC LIMIT :limit;

-- arrivals_of_source: Deliveries of a source, newest first.
SELECT
    id, source, verdict, reason, received_at, provider_type, event_time, copies, last_copy_at, length(body) AS size,
    (SELECT count(*) FROM events WHERE delivery = deliveries.id) AS events
FROM deliveries
WHERE source = :source
    AND received_at >= :since AND received_at < :until AND (received_at, id) < (:value, :id)
    AND (:verdict = '' OR verdict = :verdict)
ORDER BY received_at DESC, id DESC LIMIT :limit;

-- arrivals_dead: Deliveries that are dead, newest first; there are few, of whichever source.
SELECT
    id, source, verdict, reason, received_at, provider_type, event_time, copies, last_copy_at, length(body) AS size,
    (SELECT count(*) FROM events WHERE delivery = deliveries.id) AS events
FROM deliveries INDEXED BY deliveries_dead
WHERE verdict = 'dead'
    AND received_at >= :since AND received_at < :until AND (received_at, id) < (:value, :id)
    AND (:source = '' OR source = :source)
ORDER BY received_at DESC, id DESC LIMIT :limit;

-- arrivals_of_subject: Deliveries about a topic, newest first.
SELECT
    id, source, verdict, reason, deliveries.received_at, provider_type, event_time, copies, last_copy_at,
    length(body) AS size,
    (SELECT count(*) FROM events WHERE delivery = deliveries.id) AS events
FROM delivery_subjects JOIN deliveries ON deliveries.id = delivery_subjects.delivery
WHERE delivery_subjects.subject = :subject
    AND delivery_subjects.received_at >= :since AND delivery_subjects.received_at < :until
    AND (delivery_subjects.received_at, delivery_subjects.delivery) < (:value, :id)
    AND (:verdict = '' OR verdict = :verdict)
    AND (:source = '' OR source = :source)
ORDER BY delivery_subjects.received_at DESC, delivery_subjects.delivery DESC LIMIT :limit;

-- arrivals_refused: Requests without a valid proof, newest first; there are at most a thousand of a source.
SELECT
    id, source, 'refused' AS verdict, reason, received_at, '' AS provider_type, NULL AS event_time, 0 AS copies,
    NULL AS last_copy_at, size, 0 AS events
FROM quarantine
WHERE received_at >= :since AND received_at < :until AND (received_at, id) < (:value, :id)
    AND (:source = '' OR source = :source)
ORDER BY received_at DESC, id DESC LIMIT :limit;

-- arrival: One delivery, whole.
SELECT *, length(body) AS size, (SELECT count(*) FROM events WHERE delivery = deliveries.id) AS events
FROM deliveries WHERE id = :id;

-- arrival_events: The events that a delivery became.
SELECT sequence, topics, body FROM events WHERE delivery = :id ORDER BY sequence;

-- refusal: One request without a valid proof, whole.
SELECT
    *, 'refused' AS verdict, '' AS provider_type, NULL AS event_time, 0 AS copies, NULL AS last_copy_at, 0 AS events
FROM quarantine WHERE id = :id;

-- traffic: How much arrived by each source, minute by minute, of what was received last. The index has all of it.
WITH latest AS (
    SELECT source, received_at, verdict, copies FROM deliveries
    WHERE received_at >= :since AND received_at <= :until
    ORDER BY received_at DESC LIMIT :most
)
SELECT
    source, CASE WHEN received_at < :first_minute THEN -1 ELSE (received_at - :first_minute) / 60000 END AS minute,
    count(*) AS received, sum(copies) AS duplicates, sum(CASE verdict WHEN 'dead' THEN 1 ELSE 0 END) AS dead,
    min(received_at) AS oldest
FROM latest GROUP BY source, minute;

-- last_seen: When each source last told something new.
SELECT wanted.value AS source, (SELECT max(received_at) FROM deliveries WHERE source = wanted.value) AS received_at
FROM json_each(:sources) AS wanted;

-- reasons_dead: Why deliveries were dead lately.
WITH latest AS (
    SELECT id, source, reason FROM deliveries INDEXED BY deliveries_dead
    WHERE verdict = 'dead' AND received_at >= :since AND received_at <= :until
    ORDER BY received_at DESC, id DESC LIMIT :most_dead
)
SELECT source, 'dead' AS verdict, reason, count(*) AS count, max(id) AS latest FROM latest GROUP BY source, reason;

-- reasons_refused: Why requests were refused lately; there are at most a thousand of a source.
SELECT source, 'refused' AS verdict, reason, count(*) AS count, max(id) AS latest
FROM quarantine WHERE received_at >= :since AND received_at <= :until
GROUP BY source, reason;

-- unhandled: How many nobody has redriven, and since when; what was erased never can be.
SELECT count(*) AS count, min(received_at) AS oldest
FROM (
    SELECT received_at FROM deliveries INDEXED BY deliveries_dead
    WHERE verdict = 'dead' AND received_at >= :first AND reason <> 'erased'
    ORDER BY received_at, id LIMIT :most_dead
)
UNION ALL
SELECT count(*), min(received_at) FROM quarantine WHERE received_at >= :first;

-- insert_refusal: Keep a request without a valid proof.
INSERT INTO quarantine (source, received_at, reason, address, path_key, headers, size, digest, body)
VALUES (:source, :received_at, :reason, :address, :path_key, :headers, :size, :digest, :body)
RETURNING id;

-- bound_quarantine: Of each source, let go of all but the latest.
DELETE FROM quarantine WHERE source = :source AND id <= (
    SELECT id FROM quarantine WHERE source = :source ORDER BY id DESC LIMIT 1 OFFSET :limit
);

-- release: Let a request go that did prove itself in the end.
DELETE FROM quarantine WHERE id = :id;

-- erase_deliveries: Take the content out of everything that told of a topic.
UPDATE deliveries SET body = x'', headers = '[]', reason = 'erased'
WHERE id IN (
    SELECT delivery FROM delivery_subjects WHERE subject = :topic
    UNION
    SELECT delivery FROM events
    WHERE sequence IN (SELECT sequence FROM event_topics WHERE topic = :topic)
);

-- erase_events: Leave of a topic's events their place in the log, and that they were.
UPDATE events SET body = CAST(
    json_set(
        json_remove(CAST(body AS TEXT), '$.providertype'),
        '$.type', CASE substr(json_extract(CAST(body AS TEXT), '$.subject'), 1, 4)
            WHEN 'bots' THEN 'bot.erased' WHEN 'sche' THEN 'schedule.erased' ELSE 'room.erased'
        END,
        '$.data', json('{"erased":true}')
    ) AS BLOB
)
WHERE sequence IN (SELECT sequence FROM event_topics WHERE topic = :topic);

-- erase_state: Drop what is known of a bot or a room, transcript included.
DELETE FROM states WHERE subject = :topic;

-- erase_part: Drop one part of what is known.
DELETE FROM states WHERE subject = ? AND part = ?;

-- erase_documents: Drop a document with its parts.
DELETE FROM documents WHERE topic = :topic OR parent = :topic;

-- lease: Take a lease that is free or has run out, or make one's own last longer.
INSERT INTO leases (name, holder, until)
VALUES (:name, :holder, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) + :duration)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE leases.holder = excluded.holder OR leases.until <= excluded.until - :duration;
