-- The registry and what was refused.

-- name: put_device_class
INSERT INTO device_class VALUES (%s, %s, %s)
ON CONFLICT (id) DO UPDATE SET label = excluded.label, every = excluded.every

-- name: put_city_version
INSERT INTO city_version (version, at) VALUES (%s, now())
ON CONFLICT (one) DO UPDATE SET version = excluded.version, at = excluded.at

-- name: city_version
SELECT version FROM city_version

-- name: adopt_drafts
-- Who is a device of the city now is no stranger any more.
DELETE FROM draft f USING device d
WHERE d.source = f.source AND d.state <> 'retired'
    AND (d.address = f.address OR d.source = 'kel' AND d.id = f.address)

-- name: returning_rejects
SELECT id FROM reject WHERE retried_at IS NOT NULL AND id = ANY(%s)

-- name: put_rejects
INSERT INTO reject (id, arrival, topic, payload, size, reason, detail, device, source, address,
    partly, strangers)
SELECT id, arrival, topic, payload, size, reason, detail, device, source, address, partly,
    CASE WHEN strangers IS NOT NULL
        THEN ARRAY(SELECT jsonb_array_elements_text(strangers::jsonb)) END
FROM unnest(%b::uuid[], %b::timestamptz[], %b::text[], %b::bytea[], %b::integer[], %b::text[],
    %b::text[], %b::text[], %b::text[], %b::text[], %b::boolean[], %b::text[])
    n (id, arrival, topic, payload, size, reason, detail, device, source, address, partly, strangers)
ON CONFLICT (id) DO UPDATE SET reason = excluded.reason, detail = excluded.detail,
    device = excluded.device, source = excluded.source, address = excluded.address,
    partly = excluded.partly, strangers = excluded.strangers, retried_at = NULL
WHERE reject.retried_at IS NOT NULL

-- name: count_rejects
INSERT INTO reject_tally AS t (minute, reason, device, writer, count)
SELECT minute, reason, device, pg_backend_pid(), count
FROM unnest(%s::timestamptz[], %s::text[], %s::text[], %s::bigint[]) n (minute, reason, device, count)
ON CONFLICT (minute, reason, device, writer) DO UPDATE SET count = t.count + excluded.count

-- name: drafts_kept
SELECT f.source, f.address, f.kept, f.bytes
FROM unnest(%s::text[], %s::text[]) s (source, address) JOIN draft f USING (source, address)
ORDER BY 1, 2 FOR UPDATE OF f

-- name: count_drafts
SELECT count(*) FROM draft

-- name: put_drafts
INSERT INTO draft AS f
SELECT * FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::bigint[],
    %s::integer[], %s::bigint[], %s::text[])
ON CONFLICT (source, address) DO UPDATE SET first_at = least(f.first_at, excluded.first_at),
    last_at = greatest(f.last_at, excluded.last_at), count = f.count + excluded.count,
    kept = f.kept + excluded.kept, bytes = f.bytes + excluded.bytes

-- name: stream_now
SELECT kel_stream_now(), kel_is_live()

-- name: presence
-- Battery and radio: of the class's own metrics, else what the device last said beside them.
WITH beside AS (
    SELECT device, jsonb_object_agg(metric, value) AS metrics
    FROM (
        SELECT DISTINCT ON (device, metric) device, metric, value FROM reading_other
        WHERE metric = ANY(%(signs)s) AND time > kel_stream_now() - interval '2 days'
        ORDER BY device, metric, time DESC
    ) newest GROUP BY device
)
SELECT p.id, p.name, p.cls, p.class_label, p.community, p.zone, p.feeder, p.state, p.presence,
    p.source, p.address, p.heard_at, coalesce(b.metrics, '{}') || p.metrics
FROM device_presence p LEFT JOIN beside b ON b.device = p.number
WHERE (%(state)s::text IS NULL OR p.state = %(state)s)
    AND (%(presence)s::text IS NULL OR p.presence = %(presence)s)
    AND (%(cls)s::text IS NULL OR p.cls = %(cls)s)
    AND (%(zone)s::text IS NULL OR p.zone = %(zone)s)
    AND (%(search)s::text IS NULL
        OR strpos(lower(concat_ws(' ', p.id, p.name, p.address)), lower(%(search)s)) > 0)
ORDER BY p.cls, p.id

-- name: drafts
SELECT source, address, first_at, last_at, count, kept, topic FROM draft f
WHERE (%(search)s::text IS NULL OR strpos(lower(address || ' ' || topic), lower(%(search)s)) > 0)
    AND NOT EXISTS (SELECT FROM device d WHERE d.source = f.source AND d.state <> 'retired'
        AND (d.address = f.address OR d.source = 'kel' AND d.id = f.address))
ORDER BY source = '', last_at DESC, source, address

-- name: samples
-- Some of what each stranger sent, whole.
SELECT s.source, s.address, r.payload
FROM unnest(%s::text[], %s::text[]) s (source, address)
CROSS JOIN LATERAL (
    SELECT payload FROM reject r
    WHERE r.source = s.source AND (r.address = s.address OR r.strangers @> ARRAY[s.address])
        AND r.size = octet_length(r.payload)
    ORDER BY arrival LIMIT 5
) r

-- name: forget_taken
-- What was given to the stream again and did not come back.
DELETE FROM reject r USING progress p
WHERE r.retried_at IS NOT NULL AND p.topic = %s AND p.partition = r.retried_partition
    AND p.topic_id = r.retried_topic_id AND p.next > r.retried_offset

-- name: reject_groups
SELECT r.reason, r.device, r.source, r.address,
    CASE WHEN r.device IS NULL AND r.address IS NULL THEN r.topic END AS topic,
    count(*), min(r.arrival), max(r.arrival), count(r.retried_at),
    (array_agg(r.id ORDER BY r.arrival DESC, r.id))[1] AS example, max(f.count)
FROM reject r LEFT JOIN draft f
    ON f.source = r.source AND f.address = r.address AND r.reason = 'unknown_device'
WHERE (%(reason)s::text IS NULL OR r.reason = %(reason)s)
    AND (%(device)s::text IS NULL OR r.device = %(device)s)
    AND (%(source)s::text IS NULL OR r.source = %(source)s)
    AND (%(address)s::text IS NULL OR r.address = %(address)s
        OR r.strangers @> ARRAY[%(address)s::text])
    AND (%(since)s::timestamptz IS NULL OR r.arrival >= %(since)s)
GROUP BY 1, 2, 3, 4, 5
ORDER BY count(*) DESC, max(r.arrival) DESC LIMIT %(most)s

-- name: reject_totals
SELECT (SELECT coalesce(sum(count), 0)::bigint FROM reject_tally), (SELECT count(*) FROM reject),
    (SELECT count FROM draft WHERE source = '' AND address = '')

-- name: rejects_like
SELECT r.id, r.arrival, r.topic, r.payload, r.size, r.reason, r.detail, r.device, r.source,
    r.address, r.retried_at
FROM reject r
WHERE (%(id)s::text IS NULL OR starts_with(r.id::text, %(id)s))
    AND (%(reason)s::text IS NULL OR r.reason = %(reason)s)
    AND (%(device)s::text IS NULL OR r.device = %(device)s)
    AND (%(source)s::text IS NULL OR r.source = %(source)s)
    AND (%(address)s::text IS NULL OR r.address = %(address)s
        OR r.strangers @> ARRAY[%(address)s::text])
    AND (%(since)s::timestamptz IS NULL OR r.arrival >= %(since)s)
ORDER BY r.arrival DESC, r.id LIMIT %(most)s

-- name: rejects_after
-- The next ones, in the order of their arrival, that could be given to the stream again.
SELECT r.id, r.arrival, r.topic, r.payload, r.size, r.reason, r.detail, r.device, r.source,
    r.address, r.retried_at
FROM reject r
WHERE (r.arrival, r.id) > (%(arrival)s, %(after)s)
    AND (%(reason)s::text IS NULL OR r.reason = %(reason)s)
    AND (%(device)s::text IS NULL OR r.device = %(device)s)
    AND (%(source)s::text IS NULL OR r.source = %(source)s)
    AND (%(address)s::text IS NULL OR r.address = %(address)s
        OR r.strangers @> ARRAY[%(address)s::text])
    AND (%(since)s::timestamptz IS NULL OR r.arrival >= %(since)s)
    AND (%(id)s::text IS NULL OR starts_with(r.id::text, %(id)s))
    AND (r.retried_at IS NULL
        OR r.retried_offset IS NULL AND r.retried_at < now() - interval '1 minute')
ORDER BY r.arrival, r.id LIMIT %(most)s

-- name: mark_retried
UPDATE reject SET retried_at = %s, retried_topic_id = NULL, retried_partition = NULL,
    retried_offset = NULL
WHERE id = ANY(%s) AND (retried_at IS NULL
    OR retried_offset IS NULL AND retried_at < now() - interval '1 minute')
RETURNING id

-- name: mark_written
UPDATE reject r SET retried_topic_id = %s, retried_partition = w.partition, retried_offset = w.place
FROM unnest(%s::uuid[], %s::integer[], %s::bigint[]) w (id, partition, place)
WHERE r.id = w.id AND r.retried_at = %s

-- name: retries_open
SELECT count(*) FROM reject WHERE retried_at = %s

-- name: rejects_standing
SELECT count(*) FILTER (WHERE NOT partly), count(*) FILTER (WHERE partly) FROM reject
WHERE retried_at IS NULL AND id = ANY(%s)

-- name: forget_rejects
DELETE FROM reject WHERE arrival < %s

-- name: forget_drafts
DELETE FROM draft WHERE last_at < %s

-- name: recount_drafts
UPDATE draft f SET kept = n.kept, bytes = n.bytes
FROM (
    SELECT f.source, f.address, count(r.id) AS kept,
        coalesce(sum(octet_length(r.payload)), 0) AS bytes
    FROM draft f LEFT JOIN reject r ON r.source = f.source AND r.reason = 'unknown_device'
        AND (r.address = f.address OR r.strangers @> ARRAY[f.address])
    WHERE f.first_at < %s AND f.source <> '' GROUP BY 1, 2
) n WHERE n.source = f.source AND n.address = f.address AND n.kept < f.kept

-- name: forget_tally
DELETE FROM reject_tally WHERE minute < %s

-- name: roll_up_tally
WITH gone AS (
    DELETE FROM reject_tally WHERE minute < date_trunc('day', %s::timestamptz) - interval '2 days'
        AND (writer <> 0 OR minute <> date_trunc('day', minute))
    RETURNING date_trunc('day', minute) AS day, reason, device, count
)
INSERT INTO reject_tally AS t (minute, reason, device, writer, count)
SELECT day, reason, device, 0, sum(count) FROM gone GROUP BY 1, 2, 3
ON CONFLICT (minute, reason, device, writer) DO UPDATE SET count = t.count + excluded.count
