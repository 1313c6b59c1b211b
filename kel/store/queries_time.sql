-- What workers write beside plain readings: how far they are, the newest values, rebirths.

-- name: move_progress
UPDATE progress p SET next = m.next, tick = greatest(p.tick, m.tick), at = now()
FROM unnest(%s::integer[], %s::bigint[], %s::bigint[], %s::timestamptz[])
    m (partition, first, next, tick)
WHERE p.topic = %s AND p.topic_id = %s AND p.partition = m.partition AND p.next = m.first
RETURNING p.partition

-- name: put_latest
INSERT INTO device_latest
SELECT device, time, arrival, metrics
FROM jsonb_to_recordset(%s::text::jsonb)
    AS n (device integer, time timestamptz, arrival timestamptz, metrics jsonb)
ON CONFLICT (device) DO UPDATE SET time = excluded.time, arrival = excluded.arrival,
    metrics = device_latest.metrics || excluded.metrics
WHERE device_latest.time <= excluded.time

-- name: put_others
INSERT INTO reading_other
SELECT * FROM unnest(%s::timestamptz[], %s::integer[], %s::text[], %s::double precision[])
ON CONFLICT DO NOTHING

-- name: others_that_differ
SELECT count(*)
FROM unnest(%s::timestamptz[], %s::integer[], %s::text[], %s::double precision[])
    n (time, device, metric, value)
CROSS JOIN LATERAL (
    SELECT value FROM reading_other r
    WHERE r.device = n.device AND r.metric = n.metric AND r.time = n.time OFFSET 0
) stored
WHERE stored.value <> n.value

-- name: put_online
UPDATE device d SET online = n.online, online_at = n.at
FROM unnest(%s::text[], %s::boolean[], %s::timestamptz[]) n (id, online, at)
WHERE d.id = n.id AND (d.online_at IS NULL OR d.online_at <= n.at)

-- name: count_dropped
INSERT INTO dropped
SELECT coalesce(at, now())::date, reason, sum(count)
FROM unnest(%s::timestamptz[], %s::text[], %s::bigint[]) n (at, reason, count)
GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (day, reason) DO UPDATE SET count = dropped.count + excluded.count

-- name: put_rebirth
INSERT INTO outbox (id, topic, raw, made_at, expires_at) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING
