-- place: Where the log begins and ends, and its name.
SELECT
    (SELECT value FROM meta WHERE key = 'epoch') AS epoch,
    (SELECT value FROM meta WHERE key = 'floor') AS floor,
    -- An empty log still remembers how far it had got.
    max((SELECT value FROM meta WHERE key = 'floor'), (SELECT coalesce(max(sequence), 0) FROM events)) AS head;

-- name_log: Give a new log its name.
INSERT INTO meta (key, value) VALUES ('epoch', :epoch);

-- new_epoch: Give the log another name.
UPDATE meta SET value = :epoch WHERE key = 'epoch';

-- last_delivery: The highest id that a delivery ever got.
SELECT max((SELECT value FROM meta WHERE key = 'trimmed'), (SELECT coalesce(max(id), 0) FROM deliveries)) AS id;

-- known: The delivery that had this key last.
SELECT delivery, received_at FROM dedupe WHERE scope = :scope AND key = :key;

-- parts: The state of an entity, without its items and segments (their names begin with ~).
SELECT part, body FROM states WHERE subject = :subject AND part < '~'
UNION ALL
SELECT part, body FROM states WHERE subject = :subject AND part >= char(127);

-- part: One part of an entity's state.
SELECT body FROM states WHERE subject = :subject AND part = :part;

-- sessions: Every session of a durable room.
SELECT topic FROM documents WHERE durable = :durable AND durable <> '' AND collection = 'rooms';

-- home: The durable room of a session.
SELECT durable FROM documents WHERE topic = :topic;

-- generations: How many segments each generation of a bot's transcript has.
SELECT substr(part, 10, 16) AS generation, count(*) AS segments
FROM states
WHERE subject = :subject AND part >= '~segment/' AND part < '~segment0'
GROUP BY generation;

-- insert_delivery: Keep a delivery.
INSERT INTO deliveries (id, source, scope, key, received_at, verdict, reason, provider_type, headers, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- remember_key: Let the next delivery with this key be compared with this one.
INSERT INTO dedupe (scope, key, delivery, received_at) VALUES (?, ?, ?, ?)
ON CONFLICT (scope, key) DO UPDATE SET delivery = excluded.delivery, received_at = excluded.received_at;

-- count_copy: Note that a delivery came again.
UPDATE deliveries SET copies = copies + 1, last_copy_at = ? WHERE id = ?;

-- insert_event: Append to the log.
INSERT INTO events (sequence, delivery, topics, body) VALUES (?, ?, ?, ?);

-- insert_topic: Let an event be found by one of its topics.
INSERT INTO event_topics (topic, sequence) VALUES (?, ?);

-- put_state: Write a part of an entity's state.
INSERT INTO states (subject, part, body) VALUES (?, ?, ?)
ON CONFLICT (subject, part) DO UPDATE SET body = excluded.body;

-- put_document: Write a document; what is indexed and rarely changes is left to `move_document`.
INSERT INTO documents (
    topic, collection, parent, provider, status, durable, name, room_id,
    began_at, active_at, ended_at, over, sequence, body, hidden
)
VALUES (
    :topic, :collection, :parent, :provider, :status, :durable, :name, :room_id,
    :began_at, :active_at, :ended_at, :over, :sequence, :body, :hidden
)
ON CONFLICT (topic) DO UPDATE SET
    provider = excluded.provider, active_at = excluded.active_at,
    sequence = excluded.sequence, body = excluded.body, hidden = excluded.hidden;

-- move_document: Change what a document is found by, where it did change.
UPDATE documents SET
    collection = :collection, parent = :parent, status = :status, durable = :durable, name = :name,
    room_id = :room_id, began_at = :began_at, ended_at = :ended_at, over = :over
WHERE topic = :topic
    AND (collection, parent, status, durable, name, room_id, began_at, ended_at, over)
        IS NOT (:collection, :parent, :status, :durable, :name, :room_id, :began_at, :ended_at, :over);

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

-- document: One document.
SELECT * FROM documents WHERE topic = :topic;

-- list_by_began: Documents of a collection, newest first.
SELECT * FROM documents
WHERE collection = :collection
    AND began_at <= :value AND (began_at < :value OR topic > :topic)
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
    SELECT *, CASE :sort WHEN 'active' THEN active_at ELSE began_at END AS value
    FROM documents WHERE topic IN candidates
)
SELECT * FROM sorted
WHERE value <= :value AND (value < :value OR topic > :topic)
    AND (:status = '' OR status = :status)
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

-- current: What of a collection is not over, or ended lately.
SELECT * FROM documents WHERE collection = :collection AND over = 0
UNION ALL
SELECT * FROM documents WHERE collection = :collection AND over = 1 AND ended_at >= :ended_after;

-- current_sessions: What of a durable room is not over, ended lately, or is its latest session.
SELECT topic FROM documents
WHERE durable = :durable AND durable <> '' AND collection = 'rooms' AND (over = 0 OR ended_at >= :ended_after)
UNION
SELECT topic FROM (
    SELECT topic FROM documents
    WHERE durable = :durable AND durable <> '' AND collection = 'rooms'
    ORDER BY began_at DESC, topic LIMIT 1
);

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

-- last_received: The last delivery that was received before a time; the plus keeps SQLite on the index of times.
SELECT coalesce(max(+id), 0) AS id FROM deliveries WHERE received_at < :before;

-- raise_floor: Say that the log begins after the last event of a delivery; ids and sequences rise together.
UPDATE meta SET value = max(value, coalesce((
    SELECT sequence FROM events WHERE delivery <= :delivery ORDER BY delivery DESC, sequence DESC LIMIT 1
), 0))
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
