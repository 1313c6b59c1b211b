-- How KEL itself is: gauges, and what is judged of them.

-- name: put_gauges
WITH told AS (
    SELECT DISTINCT ON (name, part) name, part, at, value
    FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::float8[])
        WITH ORDINALITY AS t (name, part, at, value, n)
    ORDER BY name, part, at DESC, n DESC
), newest AS (
    INSERT INTO gauge SELECT name, part, at, value FROM told
    ON CONFLICT (name, part) DO UPDATE SET at = excluded.at, value = excluded.value
    WHERE gauge.at <= excluded.at
)
INSERT INTO gauge_minute SELECT name, date_trunc('minute', at), part, value FROM told
WHERE name NOT IN ('committed_offset', 'bridge_tick') -- of these only the newest says something
ON CONFLICT (name, minute, part) DO UPDATE SET value = excluded.value

-- name: gauges
SELECT name, part, at, value FROM gauge WHERE at > %s ORDER BY name, part

-- name: gauge_points
SELECT part, minute, value FROM gauge_minute WHERE name = %(name)s AND minute >= %(since)s
UNION ALL
SELECT g.part, b.minute, b.value
FROM gauge g CROSS JOIN LATERAL (
    SELECT minute, value FROM gauge_minute m
    WHERE m.name = g.name AND m.part = g.part AND m.minute < %(since)s
    ORDER BY minute DESC LIMIT 1
) b
WHERE g.name = %(name)s AND g.at >= %(since)s
ORDER BY part, minute

-- name: forget_gauge_minutes
DELETE FROM gauge_minute WHERE minute < %s

-- name: forget_gauges
DELETE FROM gauge WHERE at < %s

-- name: reach
SELECT partition, next, tick, at FROM progress WHERE topic = %s ORDER BY partition

-- name: desk_signs
SELECT now(), (SELECT clock FROM desk),
    (SELECT coalesce(sum(rejects), 0)::float8 FROM reject_count WHERE minute > now() - %s),
    (SELECT count(*) FROM outbox WHERE sent_at IS NULL AND expires_at > now()),
    (SELECT min(made_at) FROM outbox WHERE sent_at IS NULL AND expires_at > now()),
    (SELECT count(*) FROM draft WHERE last_at > now() - %s)

-- name: healths
SELECT name, level, since, text, hint, value, extract(epoch FROM now() - at)::float8
FROM health ORDER BY name

-- name: put_health
INSERT INTO health VALUES (%s, %s, %s, %s, %s, %s, now())
ON CONFLICT (name) DO UPDATE SET level = excluded.level, since = excluded.since,
    text = excluded.text, hint = excluded.hint, value = excluded.value, at = excluded.at

-- name: forget_healths
DELETE FROM health WHERE NOT name = ANY(%s)

-- name: add_health_event
INSERT INTO health_event (at, name, level, text, value) VALUES (%s, %s, %s, %s, %s)

