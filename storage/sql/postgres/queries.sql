-- schema: Which steps of the schema were taken, and the oldest hub that each of them still serves.
SELECT number, oldest FROM migrations ORDER BY number;

-- note_step: Note a step of the schema.
INSERT INTO migrations (number, oldest) VALUES (:number, :oldest);

-- unknown_tables: Tables of which PostgreSQL has looked at no column yet although there is something in them.
SELECT relname AS name
FROM unnest(
        '{deliveries, delivery_subjects, dedupe, events, event_topics, states, documents}'::regclass[]
    ) AS ours (oid) JOIN pg_class USING (oid)
-- Of ours alone: to ask it of every table that PostgreSQL has takes longer than all else of a start.
WHERE pg_relation_size(ours.oid) > 0
    AND NOT EXISTS (
        SELECT FROM pg_stats WHERE schemaname = relnamespace::regnamespace::text AND tablename = relname
    );

-- place: Where the log begins and ends, and its name.
SELECT
    (SELECT value FROM meta WHERE key = 'epoch') AS epoch,
    floor.value::bigint AS floor,
    -- An empty log still remembers how far it had got.
    greatest(floor.value::bigint, (SELECT coalesce(max(sequence), 0) FROM events)) AS head
FROM meta AS floor WHERE floor.key = 'floor';

-- name_log: Give the log its name, and note where and by which transaction that was done: in this cluster, on its timeline,
-- in this database, and in nothing that is restored from it.
INSERT INTO meta (key, value)
SELECT 'epoch', :epoch::text
UNION ALL
SELECT 'identity', concat_ws(
    '.', cluster.system_identifier, substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8), base.oid,
    pg_current_xact_id()::xid
)
FROM pg_control_system() AS cluster, pg_database AS base
WHERE base.datname = current_database()
ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- load: All that a batch has to see, in one answer. The first column says what a row is.
WITH wanted_keys AS (
    SELECT * FROM unnest(:scopes::text[], :keys::text[]) AS one (scope, key)
),
homed AS (
    SELECT * FROM unnest(:homed::text[], :told::text[]) AS one (topic, durable)
),
homes AS (
    SELECT topic, durable, began_at FROM documents WHERE topic = ANY (:homed::text[])
),
subjects AS (
    SELECT unnest(:subjects::text[]) AS subject
    UNION
    SELECT parent FROM documents WHERE topic = ANY (:captures::text[]) AND parent LIKE 'rooms/%'
    UNION
    SELECT durable FROM homes WHERE durable <> ''
),
named AS MATERIALIZED (
    SELECT states.subject, states.part, states.body
    FROM subjects JOIN states ON states.subject = subjects.subject
    -- Items and segments begin with ~.
    WHERE states.part < '~' OR states.part >= E'\x7f'
),
asked AS (
    SELECT topic, max(depth) AS depth
    FROM (
        SELECT durable AS topic, 0 AS depth FROM homes WHERE durable <> ''
        UNION ALL
        SELECT * FROM unnest(:durables::text[], :depths::int[]) AS one (topic, depth)
    ) AS said
    GROUP BY topic
),
-- Durable rooms of which more is wanted than that they were told: with state of their own, or asked for.
shared AS MATERIALIZED (
    SELECT topic, depth
    FROM (
        SELECT asked.topic, greatest(asked.depth, max(CASE WHEN named.part = 'own' THEN 2 WHEN named.part IS NULL THEN 0 ELSE 1 END))
            AS depth
        FROM asked LEFT JOIN named ON named.subject = asked.topic
        GROUP BY asked.topic, asked.depth
    ) AS deep
    WHERE depth >= 1
),
-- The sessions of the batch with each durable room that they are of, and when something happened in these.
rooms AS (
    SELECT topic, durable FROM homed WHERE durable <> ''
    UNION
    SELECT topic, durable FROM homes WHERE durable <> ''
),
times AS (
    SELECT * FROM unnest(:timed::text[], :times::bigint[]) AS one (topic, moment)
),
moments AS (
    SELECT topic AS durable, moment FROM times
    UNION
    SELECT rooms.durable, times.moment FROM times JOIN rooms ON rooms.topic = times.topic
    UNION
    SELECT rooms.durable, homes.began_at FROM rooms JOIN homes ON homes.topic = rooms.topic
),
sessions AS (
    SELECT documents.topic
    FROM shared JOIN documents
        ON documents.durable = shared.topic AND documents.durable <> '' AND documents.collection = 'rooms'
    WHERE shared.depth = 3 OR (shared.depth = 2 AND NOT documents.over)
    UNION
    SELECT latest.topic
    FROM shared CROSS JOIN LATERAL (
        SELECT topic FROM documents
        WHERE durable = shared.topic AND durable <> '' AND collection = 'rooms'
        ORDER BY began_at DESC, topic DESC LIMIT 1
    ) AS latest
    WHERE shared.depth = 2
    UNION
    SELECT earlier.topic
    FROM shared JOIN moments ON moments.durable = shared.topic CROSS JOIN LATERAL (
        SELECT topic FROM documents
        WHERE durable = shared.topic AND durable <> '' AND collection = 'rooms' AND topic <> shared.topic
            AND began_at <= moments.moment AND topic <> ALL (:homed::text[])
        ORDER BY began_at DESC, topic DESC LIMIT 1
    ) AS earlier
    WHERE shared.depth < 3
)
SELECT 'place' AS what, epoch AS a, identity AS b, here AS c, head AS n, last AS m, NULL::bigint AS k, NULL::bytea AS body
FROM (
    SELECT
        (SELECT value FROM meta WHERE key = 'epoch') AS epoch,
        (SELECT value FROM meta WHERE key = 'identity') AS identity,
        (
            SELECT concat_ws(
                '.', cluster.system_identifier, substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8), base.oid,
                (SELECT xmin::text FROM meta WHERE key = 'epoch')
            )
            FROM pg_control_system() AS cluster, pg_database AS base
            WHERE base.datname = current_database()
        ) AS here,
        greatest(
            (SELECT value::bigint FROM meta WHERE key = 'floor'), (SELECT coalesce(max(sequence), 0) FROM events)
        ) AS head,
        greatest(
            (SELECT value::bigint FROM meta WHERE key = 'trimmed'), (SELECT coalesce(max(id), 0) FROM deliveries)
        ) AS last
) AS log
UNION ALL
SELECT 'known', dedupe.scope, dedupe.key, NULL, dedupe.delivery, dedupe.received_at, coalesce(deliveries.copies, 0), NULL
FROM wanted_keys
    JOIN dedupe ON dedupe.scope = wanted_keys.scope AND dedupe.key = wanted_keys.key
    LEFT JOIN deliveries ON deliveries.id = dedupe.delivery
UNION ALL
SELECT 'state', subject, part, NULL, NULL, NULL, NULL, body FROM named
UNION ALL
SELECT 'state', states.subject, states.part, NULL, NULL, NULL, NULL, states.body
FROM sessions JOIN states ON states.subject = sessions.topic
WHERE (states.part < '~' OR states.part >= E'\x7f') AND sessions.topic NOT IN (SELECT subject FROM subjects)
UNION ALL
SELECT 'shared', topic, NULL, NULL, NULL, NULL, NULL, NULL FROM shared
UNION ALL
SELECT 'sibling', shared.topic, documents.topic, NULL, NULL, NULL, NULL, documents.hidden
FROM shared JOIN documents
    ON documents.durable = shared.topic AND documents.durable <> '' AND documents.collection = 'rooms'
WHERE documents.topic <> shared.topic
UNION ALL
SELECT 'item', states.subject, states.part, NULL, NULL, NULL, NULL, states.body
FROM unnest(:item_subjects::text[], :item_parts::text[]) AS one (subject, part)
    JOIN states ON states.subject = one.subject AND states.part = one.part
UNION ALL
SELECT 'segments', states.subject, substr(states.part, 10, 16), NULL, count(*), NULL, NULL, NULL
FROM unnest(:counted::text[]) AS one (subject)
    JOIN states ON states.subject = one.subject AND states.part >= '~segment/' AND states.part < '~segment0'
GROUP BY states.subject, substr(states.part, 10, 16)
UNION ALL
SELECT 'dead', NULL, NULL, NULL, id, NULL, NULL, NULL
FROM deliveries WHERE id = ANY (:redriven::bigint[]) AND verdict = 'dead';

-- write: Everything that a batch writes, in one statement. No two of its parts touch the same row.
WITH copied AS (
    SELECT * FROM unnest(:copied::bigint[], :copies::bigint[], :copied_at::bigint[]) AS one (id, copies, last_copy_at)
),
kept AS (
    INSERT INTO deliveries (
        id, source, scope, key, received_at, verdict, reason, provider_type, event_time, subjects, headers, body,
        copies, last_copy_at
    )
    SELECT one.*, coalesce(copied.copies, 0), copied.last_copy_at
    FROM unnest(
        :ids::bigint[], :sources::text[], :scopes::text[], :keys::text[], :received::bigint[], :verdicts::text[],
        :reasons::text[], :types::text[], :event_times::bigint[], :about::text[], :headers::text[], :bodies::bytea[]
    ) AS one (
        id, source, scope, key, received_at, verdict, reason, provider_type, event_time, subjects, headers, body
    ) LEFT JOIN copied ON copied.id = one.id
),
redriven AS (
    SELECT * FROM unnest(
        :redriven::bigint[], :new_verdicts::text[], :new_reasons::text[], :new_types::text[], :new_times::bigint[],
        :new_about::text[]
    ) AS one (id, verdict, reason, provider_type, event_time, subjects)
),
read_again AS (
    UPDATE deliveries
    SET verdict = one.verdict, reason = one.reason, provider_type = one.provider_type, event_time = one.event_time,
        subjects = one.subjects, copies = deliveries.copies + coalesce(copied.copies, 0),
        last_copy_at = coalesce(copied.last_copy_at, deliveries.last_copy_at)
    FROM redriven AS one LEFT JOIN copied ON copied.id = one.id
    WHERE deliveries.id = one.id
),
counted AS (
    UPDATE deliveries SET copies = deliveries.copies + copied.copies, last_copy_at = copied.last_copy_at
    FROM copied WHERE deliveries.id = copied.id AND copied.id <> ALL (:redriven::bigint[])
),
remembered AS (
    INSERT INTO dedupe (scope, key, delivery, received_at)
    SELECT * FROM unnest(:known_scopes::text[], :known_keys::text[], :known_ids::bigint[], :known_at::bigint[])
    ON CONFLICT (scope, key) DO UPDATE SET delivery = excluded.delivery, received_at = excluded.received_at
),
found_by AS (
    INSERT INTO delivery_subjects (subject, received_at, delivery)
    SELECT * FROM unnest(:subjects::text[], :subjects_at::bigint[], :subjects_of::bigint[])
    ON CONFLICT DO NOTHING
),
appended AS (
    INSERT INTO events (sequence, delivery, topics, body)
    SELECT * FROM unnest(:sequences::bigint[], :event_of::bigint[], :event_topics::text[], :event_bodies::bytea[])
),
addressed AS (
    INSERT INTO event_topics (topic, sequence) SELECT * FROM unnest(:topics::text[], :topic_sequences::bigint[])
),
dropped AS (
    DELETE FROM states USING unnest(:dropped::text[], :dropped_parts::text[]) AS one (subject, part)
    WHERE states.subject = one.subject AND states.part = one.part
),
stated AS (
    INSERT INTO states (subject, part, body)
    SELECT * FROM unnest(:state_subjects::text[], :state_parts::text[], :state_bodies::bytea[])
    ON CONFLICT (subject, part) DO UPDATE SET body = excluded.body
),
gone AS (
    DELETE FROM documents WHERE topic = ANY (:gone::text[])
),
refreshed AS (
    UPDATE documents SET body = one.begun || convert_to(documents.sequence || '}', 'UTF8'), hidden = one.hidden
    FROM unnest(:refreshed::text[], :begun::bytea[], :beside::bytea[]) AS one (topic, begun, hidden)
    WHERE documents.topic = one.topic
)
INSERT INTO documents (
    topic, collection, parent, provider, status, durable, name, room_id,
    began_at, active_at, ended_at, trending, sequence, body, hidden, over
)
SELECT * FROM unnest(
    :d_topic::text[], :d_collection::text[], :d_parent::text[], :d_provider::text[], :d_status::text[],
    :d_durable::text[], :d_name::text[], :d_room_id::text[], :d_began_at::bigint[], :d_active_at::bigint[],
    :d_ended_at::bigint[], :d_trending::double precision[], :d_sequence::bigint[], :d_body::bytea[],
    :d_hidden::bytea[], :d_over::boolean[]
)
ON CONFLICT (topic) DO UPDATE SET
    collection = excluded.collection, parent = excluded.parent, provider = excluded.provider,
    status = excluded.status, durable = excluded.durable, name = excluded.name, room_id = excluded.room_id,
    began_at = excluded.began_at, active_at = excluded.active_at, ended_at = excluded.ended_at,
    trending = excluded.trending, sequence = excluded.sequence, body = excluded.body, hidden = excluded.hidden,
    over = excluded.over;

-- page_of_all: Events after a sequence, with where the log begins and ends at the same moment.
SELECT place.*, one.sequence, one.topics, one.body
FROM (
    SELECT
        (SELECT value FROM meta WHERE key = 'epoch') AS epoch,
        floor.value::bigint AS floor,
        greatest(floor.value::bigint, (SELECT coalesce(max(sequence), 0) FROM events)) AS head
    FROM meta AS floor WHERE floor.key = 'floor'
) AS place
LEFT JOIN LATERAL (
    SELECT sequence, topics, body FROM events WHERE sequence > :after ORDER BY sequence LIMIT :limit
) AS one ON true
ORDER BY one.sequence;

-- page: The same of some topics; of each topic no more is read than can be needed.
SELECT place.*, one.sequence, one.topics, one.body
FROM (
    SELECT
        (SELECT value FROM meta WHERE key = 'epoch') AS epoch,
        floor.value::bigint AS floor,
        greatest(floor.value::bigint, (SELECT coalesce(max(sequence), 0) FROM events)) AS head
    FROM meta AS floor WHERE floor.key = 'floor'
) AS place
LEFT JOIN (
    SELECT events.sequence, events.topics, events.body
    FROM (
        SELECT DISTINCT found.sequence
        FROM unnest(:topics::text[]) AS wanted (topic)
        CROSS JOIN LATERAL (
            SELECT sequence FROM event_topics
            WHERE topic = wanted.topic AND sequence > :after
            ORDER BY sequence LIMIT :limit
        ) AS found
        ORDER BY found.sequence LIMIT :limit
    ) AS few JOIN events ON events.sequence = few.sequence
) AS one ON true
ORDER BY one.sequence;

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
    AND (:since::bigint IS NULL OR began_at >= :since) AND (:until::bigint IS NULL OR began_at < :until)
    AND (:provider = '' OR provider = :provider)
    AND (split_part(parent, '/', 1) = ANY (:owners::text[]) OR parent = ANY (:entities::text[]))
ORDER BY began_at DESC, topic LIMIT :limit;

-- list_by_active: Documents of a collection, by latest sign of life.
SELECT * FROM documents
WHERE collection = :collection
    AND active_at <= :value AND (active_at < :value OR topic > :topic)
    AND (:provider = '' OR provider = :provider)
    AND (split_part(parent, '/', 1) = ANY (:owners::text[]) OR parent = ANY (:entities::text[]))
ORDER BY active_at DESC, topic LIMIT :limit;

-- list_status_by_began: Documents of one status, newest first.
SELECT * FROM documents
WHERE collection = :collection AND status = :status
    AND began_at <= :value AND (began_at < :value OR topic > :topic)
    AND (:since::bigint IS NULL OR began_at >= :since) AND (:until::bigint IS NULL OR began_at < :until)
    AND (:provider = '' OR provider = :provider)
    AND (split_part(parent, '/', 1) = ANY (:owners::text[]) OR parent = ANY (:entities::text[]))
ORDER BY began_at DESC, topic LIMIT :limit;

-- list_status_by_active: Documents of one status, by latest sign of life.
SELECT * FROM documents
WHERE collection = :collection AND status = :status
    AND active_at <= :value AND (active_at < :value OR topic > :topic)
    AND (:provider = '' OR provider = :provider)
    AND (split_part(parent, '/', 1) = ANY (:owners::text[]) OR parent = ANY (:entities::text[]))
ORDER BY active_at DESC, topic LIMIT :limit;

-- list_by_trending: Rooms, by how much is going on in them.
SELECT * FROM documents
WHERE collection = :collection AND collection = 'rooms'
    AND trending <= :value AND (trending < :value OR topic > :topic)
    AND (:provider = '' OR provider = :provider)
    AND (split_part(parent, '/', 1) = ANY (:owners::text[]) OR parent = ANY (:entities::text[]))
ORDER BY trending DESC, topic LIMIT :limit;

-- list_status_by_trending: Rooms of one status, by how much is going on in them.
SELECT * FROM documents
WHERE collection = :collection AND collection = 'rooms' AND status = :status
    AND trending <= :value AND (trending < :value OR topic > :topic)
    AND (:provider = '' OR provider = :provider)
    AND (split_part(parent, '/', 1) = ANY (:owners::text[]) OR parent = ANY (:entities::text[]))
ORDER BY trending DESC, topic LIMIT :limit;

-- list_found: Documents of which few can be meant: those of a name, of a room id, or of single entities.
WITH candidates AS (
    SELECT topic FROM documents WHERE name = :name AND name <> '' AND collection = :collection
    UNION
    SELECT topic FROM documents WHERE room_id = :room_id AND room_id <> '' AND collection = :collection
    UNION
    SELECT topic FROM documents WHERE parent = ANY (:entities::text[]) AND collection = :collection
),
sorted AS (
    SELECT
        documents.*,
        CASE :sort WHEN 'active' THEN active_at WHEN 'trending' THEN trending ELSE began_at END::double precision AS value
    FROM candidates JOIN documents ON documents.topic = candidates.topic
)
SELECT * FROM sorted
WHERE value <= :value AND (value < :value OR topic > :topic)
    AND (:status = '' OR status = :status)
    AND (:since::bigint IS NULL OR began_at >= :since) AND (:until::bigint IS NULL OR began_at < :until)
    AND (:provider = '' OR provider = :provider)
    AND (:name = '' OR name = :name)
    AND (:room_id = '' OR room_id = :room_id)
    AND (split_part(parent, '/', 1) = ANY (:owners::text[]) OR parent = ANY (:entities::text[]))
ORDER BY value DESC, topic LIMIT :limit;

-- list_parts: Documents of one entity, in the order in which they began.
SELECT * FROM documents
WHERE parent = :parent AND collection = :collection
    AND began_at >= :value AND (began_at > :value OR topic > :topic)
    AND (:status = '' OR status = :status)
    AND (:provider = '' OR provider = :provider)
    AND (:name = '' OR name = :name)
    AND (:room_id = '' OR room_id = :room_id)
    AND (split_part(parent, '/', 1) = ANY (:owners::text[]) OR parent = ANY (:entities::text[]))
ORDER BY began_at, topic LIMIT :limit;

-- list_of_people: Every participant of some rooms.
SELECT * FROM documents
WHERE parent = ANY (:parents::text[]) AND collection = 'participants'
ORDER BY parent, began_at, topic;

-- list_overlapping: Rooms that were going on at some time of a period.
SELECT * FROM documents
WHERE collection = 'rooms' AND NOT over AND began_at < :until AND topic > :topic
UNION ALL
SELECT * FROM documents
WHERE collection = 'rooms' AND over AND ended_at >= :since AND began_at < :until AND topic > :topic
ORDER BY topic LIMIT :limit;

-- current: What of some collections is not over, or ended lately.
SELECT * FROM documents WHERE collection = ANY (:collections::text[]) AND NOT over
UNION ALL
SELECT * FROM documents WHERE collection = ANY (:collections::text[]) AND over AND ended_at >= :ended_after;

-- entities: Bots, rooms or schedules with their participants and recordings: single ones, of a durable room what is not
-- over, ended lately or is its latest session, of a launch its bot, and of a schedule the sessions that turned out to be its.
WITH wanted AS (
    SELECT unnest(:topics::text[]) AS topic
),
shown AS (
    SELECT topic FROM wanted
    UNION
    SELECT documents.topic
    FROM wanted JOIN documents
        ON documents.durable = wanted.topic AND documents.durable <> '' AND documents.collection IN ('rooms', 'bots')
    WHERE NOT documents.over OR documents.ended_at >= :ended_after
    UNION
    SELECT latest.topic
    FROM wanted CROSS JOIN LATERAL (
        SELECT topic FROM documents
        WHERE durable = wanted.topic AND durable <> '' AND collection IN ('rooms', 'bots')
        ORDER BY began_at DESC, topic LIMIT 1
    ) AS latest
    UNION
    SELECT 'rooms/' || session.id
    FROM wanted JOIN documents ON documents.topic = wanted.topic AND documents.collection = 'schedules'
        CROSS JOIN LATERAL json_array_elements_text(convert_from(documents.body, 'UTF8')::json -> 'sessions') AS session (id)
)
SELECT documents.* FROM shown JOIN documents ON documents.parent = shown.topic;

-- sessions: Every session of some durable rooms, and the bots that launches became.
SELECT topic FROM documents
WHERE durable = ANY (:durables::text[]) AND durable <> '' AND collection IN ('rooms', 'bots');

-- segments: The latest generation of the transcripts of some bots.
SELECT spoken.body
FROM unnest(:bots::text[]) AS one (bot) CROSS JOIN LATERAL (
    SELECT part, body FROM states
    WHERE subject = one.bot
        AND part >= (
            SELECT substr(max(part), 1, 25) FROM states
            WHERE subject = one.bot AND part >= '~segment/' AND part < '~segment0'
        )
        AND part < '~segment0'
    ORDER BY part DESC LIMIT 5000
) AS spoken
ORDER BY one.bot, spoken.part;

-- transcript: Every segment of the latest generation of a bot's transcript.
SELECT body FROM states
WHERE subject = :bot
    AND part >= (
        SELECT substr(max(part), 1, 25) FROM states
        WHERE subject = :bot AND part >= '~segment/' AND part < '~segment0'
    )
    AND part < '~segment0';

-- raise_floor: Say that the log begins with the first event of a delivery that was received later. What was dead for long
-- and then read once more has its events far up in the log, where they stay as long as those around them.
WITH old AS (
    -- The sum keeps it on the index of times: by that of ids it would walk through all that is still kept.
    SELECT coalesce(max(id + 0), 0) AS id FROM deliveries WHERE received_at < :before
),
trimmed AS (
    UPDATE meta SET value = greatest(value::bigint, (SELECT id FROM old))::text WHERE key = 'trimmed'
)
UPDATE meta SET value = coalesce(
    (
        SELECT sequence - 1 FROM events
        WHERE sequence > meta.value::bigint AND delivery > (SELECT id FROM old)
        ORDER BY sequence LIMIT 1
    ),
    (SELECT max(sequence) FROM events WHERE sequence > meta.value::bigint),
    meta.value::bigint
)::text
WHERE key = 'floor';

-- trim_events: Delete some events below the floor, and by which topics they were found.
WITH old AS MATERIALIZED (
    SELECT sequence, topics FROM events
    WHERE sequence <= (SELECT value::bigint FROM meta WHERE key = 'floor')
    ORDER BY sequence LIMIT :limit
),
forgotten AS (
    DELETE FROM event_topics
    USING old CROSS JOIN LATERAL json_array_elements_text(old.topics::json) AS topic (name)
    WHERE event_topics.topic = topic.name AND event_topics.sequence = old.sequence
)
DELETE FROM events USING old WHERE events.sequence = old.sequence;

-- trim_deliveries: Delete some old deliveries, what they were about, and their keys where no later one has the same.
WITH old AS MATERIALIZED (
    SELECT id, scope, key, received_at, subjects FROM deliveries
    WHERE received_at < :before ORDER BY received_at, id LIMIT :limit
),
keys AS (
    DELETE FROM dedupe USING old
    WHERE dedupe.scope = old.scope AND dedupe.key = old.key AND dedupe.delivery = old.id
),
subjects AS (
    DELETE FROM delivery_subjects
    USING old CROSS JOIN LATERAL json_array_elements_text(old.subjects::json) AS topic (name)
    WHERE delivery_subjects.subject = topic.name AND delivery_subjects.received_at = old.received_at
        AND delivery_subjects.delivery = old.id
)
DELETE FROM deliveries USING old WHERE deliveries.id = old.id;

-- trim_quarantine: Delete old requests without a valid proof.
DELETE FROM quarantine WHERE received_at < :before;

-- arrivals: Deliveries, newest first.
SELECT
    id, source, verdict, reason, received_at, provider_type, event_time, copies, last_copy_at, length(body) AS size,
    (SELECT count(*) FROM events WHERE delivery = deliveries.id) AS events
FROM deliveries
WHERE received_at >= :since AND received_at < :until AND (received_at, id) < (:value::bigint, :id::bigint)
    AND (:verdict = '' OR verdict = :verdict)
ORDER BY received_at DESC, id DESC LIMIT :limit;

-- arrivals_of_source: Deliveries of a source, newest first.
SELECT
    id, source, verdict, reason, received_at, provider_type, event_time, copies, last_copy_at, length(body) AS size,
    (SELECT count(*) FROM events WHERE delivery = deliveries.id) AS events
FROM deliveries
WHERE source = :source
    AND received_at >= :since AND received_at < :until AND (received_at, id) < (:value::bigint, :id::bigint)
    AND (:verdict = '' OR verdict = :verdict)
ORDER BY received_at DESC, id DESC LIMIT :limit;

-- arrivals_dead: Deliveries that are dead, newest first; there are few, of whichever source.
SELECT
    id, source, verdict, reason, received_at, provider_type, event_time, copies, last_copy_at, length(body) AS size,
    (SELECT count(*) FROM events WHERE delivery = deliveries.id) AS events
FROM deliveries
WHERE verdict = 'dead'
    AND received_at >= :since AND received_at < :until AND (received_at, id) < (:value::bigint, :id::bigint)
    AND (:source = '' OR source = :source)
ORDER BY received_at DESC, id DESC LIMIT :limit;

-- arrivals_of_subject: Deliveries about a topic, newest first.
SELECT
    id, source, verdict, reason, deliveries.received_at, provider_type, event_time, copies, last_copy_at,
    length(body) AS size,
    (SELECT count(*) FROM events WHERE delivery = deliveries.id) AS events
FROM delivery_subjects AS about JOIN deliveries ON deliveries.id = about.delivery
WHERE about.subject = :subject
    AND about.received_at >= :since AND about.received_at < :until
    AND (about.received_at, about.delivery) < (:value::bigint, :id::bigint)
    AND (:verdict = '' OR verdict = :verdict)
    AND (:source = '' OR source = :source)
ORDER BY about.received_at DESC, about.delivery DESC LIMIT :limit;

-- arrivals_refused: Requests without a valid proof, newest first; there are at most a thousand of a source.
SELECT
    id, source, 'refused' AS verdict, reason, received_at, '' AS provider_type, NULL::bigint AS event_time,
    0 AS copies, NULL::bigint AS last_copy_at, size, 0 AS events
FROM quarantine
WHERE received_at >= :since AND received_at < :until AND (received_at, id) < (:value::bigint, :id::bigint)
    AND (:source = '' OR source = :source)
ORDER BY received_at DESC, id DESC LIMIT :limit;

-- arrival: One delivery, whole.
SELECT *, length(body) AS size, (SELECT count(*) FROM events WHERE delivery = deliveries.id) AS events
FROM deliveries WHERE id = :id;

-- arrival_events: The events that a delivery became.
SELECT sequence, topics, body FROM events WHERE delivery = :id ORDER BY sequence;

-- refusal: One request without a valid proof, whole.
SELECT
    *, 'refused' AS verdict, '' AS provider_type, NULL::bigint AS event_time, 0 AS copies,
    NULL::bigint AS last_copy_at, 0 AS events
FROM quarantine WHERE id = :id;

-- traffic: How much arrived by each source, minute by minute, of what was received last. The index has all of it.
WITH latest AS (
    SELECT source, received_at, verdict, copies FROM deliveries
    WHERE received_at >= :since AND received_at <= :until
    ORDER BY received_at DESC LIMIT :most
)
SELECT
    source, CASE WHEN received_at < :first_minute::bigint THEN -1 ELSE (received_at - :first_minute::bigint) / 60000 END AS minute,
    count(*) AS received, sum(copies)::bigint AS duplicates, sum(CASE verdict WHEN 'dead' THEN 1 ELSE 0 END) AS dead,
    min(received_at) AS oldest
FROM latest GROUP BY source, minute;

-- last_seen: When each source last told something new.
SELECT wanted.source, (SELECT max(received_at) FROM deliveries WHERE source = wanted.source) AS received_at
FROM unnest(:sources::text[]) AS wanted (source);

-- reasons_dead: Why deliveries were dead lately.
WITH latest AS (
    SELECT id, source, reason FROM deliveries
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
    SELECT received_at FROM deliveries
    WHERE verdict = 'dead' AND received_at >= :first AND reason <> 'erased'
    ORDER BY received_at, id LIMIT :most_dead
) AS dead
UNION ALL
SELECT count(*), min(received_at) FROM quarantine WHERE received_at >= :first;

-- insert_refusals: Keep requests without a valid proof, in their order.
INSERT INTO quarantine (source, received_at, reason, address, path_key, headers, body, size, digest)
SELECT source, received_at, reason, address, path_key, headers, body, size, digest
FROM unnest(
    :source::text[], :received_at::bigint[], :reason::text[], :address::text[], :path_key::text[], :headers::text[],
    :body::bytea[], :size::bigint[], :digest::text[]
) WITH ORDINALITY AS one (source, received_at, reason, address, path_key, headers, body, size, digest, place)
ORDER BY place
RETURNING id;

-- bound_quarantine: Of each source, let go of all but the latest.
DELETE FROM quarantine USING unnest(:sources::text[]) AS one (source)
WHERE quarantine.source = one.source AND quarantine.id <= (
    SELECT id FROM quarantine AS later WHERE later.source = one.source ORDER BY id DESC LIMIT 1 OFFSET :limit
);

-- release: Let a request go that did prove itself in the end.
DELETE FROM quarantine WHERE id = :id;

-- erase_deliveries: Take the content out of everything that told of some topics.
UPDATE deliveries SET body = '', headers = '[]', reason = 'erased'
WHERE id IN (
    SELECT delivery FROM delivery_subjects WHERE subject = ANY (:topics::text[])
    UNION
    SELECT events.delivery FROM event_topics JOIN events ON events.sequence = event_topics.sequence
    WHERE event_topics.topic = ANY (:topics::text[])
);

-- erase_events: Leave of the topics' events their place in the log, and that they were.
UPDATE events SET body = convert_to(
    json_strip_nulls(json_build_object(
        'source', said.body -> 'source',
        'type', CASE left(said.body ->> 'subject', 4)
            WHEN 'bots' THEN 'bot.erased' WHEN 'sche' THEN 'schedule.erased' ELSE 'room.erased'
        END,
        'subject', said.body -> 'subject', 'time', said.body -> 'time', 'sequence', said.body -> 'sequence',
        'receivedat', said.body -> 'receivedat', 'data', json_build_object('erased', true)
    ))::text, 'UTF8'
)
FROM (
    SELECT DISTINCT ON (events.sequence) events.sequence, convert_from(events.body, 'UTF8')::json AS body
    FROM event_topics JOIN events ON events.sequence = event_topics.sequence
    WHERE event_topics.topic = ANY (:topics::text[])
) AS said
WHERE events.sequence = said.sequence;

-- erase_state: Drop what is known of bots or rooms, transcripts included.
DELETE FROM states WHERE subject = ANY (:topics::text[]);

-- erase_parts: Drop single parts of what is known.
DELETE FROM states USING unnest(:subjects::text[], :parts::text[]) AS one (subject, part)
WHERE states.subject = one.subject AND states.part = one.part;

-- erase_documents: Drop documents with their parts.
DELETE FROM documents WHERE topic = ANY (:topics::text[]) OR parent = ANY (:topics::text[]);

-- free_lock: End whoever has held the writer's lock for longer than any of its transactions can take.
SELECT pg_terminate_backend(locks.pid)
FROM pg_locks AS locks JOIN pg_stat_activity AS holders ON holders.pid = locks.pid
WHERE locks.locktype = 'advisory' AND locks.granted AND locks.objsubid = 1
    AND locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (locks.classid::bigint << 32 | locks.objid::bigint) = 'meta'::regclass::oid::bigint
    AND holders.xact_start < clock_timestamp() - make_interval(secs => :seconds);

-- lease: Take a lease that is free or has run out, or make one's own last longer.
INSERT INTO leases (name, holder, until)
VALUES (:name, :holder, (extract(epoch FROM clock_timestamp()) * 1000)::bigint + :duration::bigint)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE leases.holder = excluded.holder OR leases.until <= excluded.until - :duration::bigint;
