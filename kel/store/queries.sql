-- The statements of KEL, by name. A name says what is done: put_ inserts or replaces, add_ appends
-- to a ledger, and a bare noun reads.

-- name: put_community
INSERT INTO community VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, population = excluded.population,
    lat = excluded.lat, lon = excluded.lon

-- name: put_zone
INSERT INTO zone VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, community = excluded.community,
    connections = excluded.connections, people = excluded.people, mains_km = excluded.mains_km,
    lat = excluded.lat, lon = excluded.lon

-- name: put_feeder
INSERT INTO feeder VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, community = excluded.community,
    lat = excluded.lat, lon = excluded.lon

-- name: put_category
INSERT INTO category VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET label = excluded.label, family = excluded.family,
    account = excluded.account, waiting = excluded.waiting

-- name: put_crew
INSERT INTO crew VALUES (%s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, lat = excluded.lat, lon = excluded.lon

-- name: put_item
INSERT INTO item VALUES (%s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, unit = excluded.unit, price = excluded.price,
    reorder = excluded.reorder, lead_days = excluded.lead_days, grouping = excluded.grouping

-- name: put_budget_line
INSERT INTO budget_line VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (year, account, community, nature) DO UPDATE
SET label = excluded.label, amount = excluded.amount

-- name: put_device
INSERT INTO device
    (id, cls, name, community, zone, feeder, parent, lat, lon, source, address, state, attributes)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET cls = excluded.cls, name = excluded.name,
    community = excluded.community, zone = excluded.zone, feeder = excluded.feeder,
    parent = excluded.parent, lat = excluded.lat, lon = excluded.lon, source = excluded.source,
    address = excluded.address, state = excluded.state, attributes = excluded.attributes

-- name: retire_devices
UPDATE device SET state = 'retired' WHERE state = 'active' AND NOT id = ANY(%s)

-- name: open_stock
INSERT INTO stock VALUES (%s, %s, %s, 0) ON CONFLICT DO NOTHING

-- name: add_movement
INSERT INTO movement VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING

-- name: progress
SELECT partition, topic_id, next, tick FROM progress WHERE topic = %s

-- name: start_progress
INSERT INTO progress (topic, partition, topic_id, next) VALUES (%s, %s, %s, %s)
ON CONFLICT DO NOTHING

-- name: put_snapshot
INSERT INTO snapshot VALUES (%s, %s, %s, %s)
ON CONFLICT (topic, partition) DO UPDATE SET next = excluded.next, state = excluded.state
WHERE snapshot.next <= excluded.next

-- name: snapshot
SELECT next, state FROM snapshot WHERE topic = %s AND partition = %s

-- name: put_alert
INSERT INTO alert VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET cleared_at = coalesce(alert.cleared_at, excluded.cleared_at),
    cleared_why = coalesce(alert.cleared_why, excluded.cleared_why)

-- name: put_inbox
INSERT INTO inbox (word, ref, at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING

-- name: put_request
INSERT INTO request VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING

-- name: put_contact
INSERT INTO contact VALUES (%s, %s, %s) ON CONFLICT DO NOTHING

-- name: put_reply
INSERT INTO reply VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING

-- name: put_command
INSERT INTO command VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING

-- name: watermark
SELECT min(tick) FROM progress WHERE topic = %s HAVING count(tick) >= %s

-- name: waiting
SELECT word, ref FROM inbox WHERE NOT taken AND at <= %s ORDER BY at, ref, word DESC

-- name: take
UPDATE inbox SET taken = true WHERE NOT taken AND at <= %s

-- name: take_these
UPDATE inbox i SET taken = true FROM unnest(%s::text[], %s::uuid[]) t (word, ref)
WHERE i.word = t.word AND i.ref = t.ref AND NOT i.taken

-- name: desk_clock
SELECT clock FROM desk

-- name: move_desk
UPDATE desk SET clock = %s WHERE clock IS NULL OR clock <= %s

-- name: alerts
SELECT id, rule, rulebook, kind, device, category, severity, started_at, detected_at, cleared_at,
    cleared_why, community, zone, feeder, evidence, verify
FROM alert WHERE id = ANY(%s)

-- name: known_alerts
SELECT a.id, a.rule, a.rulebook, a.kind, a.device, a.category, a.severity, a.started_at,
    a.detected_at, CASE WHEN i.ref IS NULL THEN a.cleared_at END,
    CASE WHEN i.ref IS NULL THEN a.cleared_why END, a.community, a.zone, a.feeder, a.evidence,
    a.verify
FROM alert a LEFT JOIN inbox i ON i.word = 'cleared' AND i.ref = a.id AND NOT i.taken
WHERE a.id = ANY(%s)

-- name: requests
SELECT id, at, arrival, community, category, text, lat, lon FROM request WHERE id = ANY(%s)

-- name: replies
SELECT id, order_id, crew, action, at, arrival, used, km, note FROM reply WHERE id = ANY(%s)

-- name: commands
SELECT id, at, who, what, incident, why, detail FROM command WHERE id = ANY(%s)

-- name: current_incidents
SELECT id, number, category, severity, state, cause, community, zone, feeder, lat, lon, title,
    opened_at, started_at, acknowledged_at, resolved_at, closed_at, alerts, requests, verified_at,
    reopened_at, handed, assigned, flapping_at, crew, called, seen_at
FROM incident WHERE state <> 'closed'
    OR id IN (
        SELECT incident FROM work_order WHERE state IN ('sent', 'accepted', 'arrived')
            OR unsaid AND completed_at > (SELECT clock FROM desk) - %s
    )

-- name: current_orders
SELECT o.id, o.number, o.incident, o.category, o.crew, o.people, o.vehicles, o.state, o.lat, o.lon,
    o.made_at, o.expires_at, o.depart_at, o.arrive_at, o.finish_at, o.km, o.attempt, o.accepted_at,
    o.arrived_at, o.completed_at, o.note, o.remaining, o.continues, o.unsaid
FROM work_order o JOIN incident i ON i.id = o.incident
WHERE i.state <> 'closed' OR o.state IN ('sent', 'accepted', 'arrived')
    OR o.unsaid AND o.completed_at > (SELECT clock FROM desk) - %s

-- name: order_items
SELECT order_id, item, place, planned, used FROM order_item WHERE order_id = ANY(%s)
ORDER BY order_id, line

-- name: open_reservations
SELECT id, order_id, place, item, quantity, open FROM reservation WHERE open

-- name: stock
SELECT place, item, on_hand, reserved FROM stock

-- name: last_jobs
SELECT DISTINCT ON (crew) crew, lat, lon, completed_at FROM work_order
WHERE state = 'completed' ORDER BY crew, completed_at DESC

-- name: last_unplanned
SELECT DISTINCT ON (e.incident) e.incident, e.what, e.why
FROM incident_event e JOIN incident i ON i.id = e.incident
WHERE i.state <> 'closed' AND e.what IN ('unplanned', 'planned')
ORDER BY e.incident, e.at DESC, e.id

-- name: last_numbers
SELECT 'incident', split_part(number, '-', 1) || '-' || max(split_part(number, '-', 2)::integer)
FROM incident GROUP BY split_part(number, '-', 1)
UNION ALL
SELECT 'order', split_part(number, '-', 2) || '-' || max(split_part(number, '-', 3)::integer)
FROM work_order GROUP BY split_part(number, '-', 2)
UNION ALL
SELECT 'silence', split_part(number, '-', 2) || '-' || max(split_part(number, '-', 3)::integer)
FROM silence GROUP BY split_part(number, '-', 2)

-- name: lock_stock
SELECT place, item, on_hand, reserved FROM stock WHERE place = %s AND item = %s FOR UPDATE

-- name: put_stock
INSERT INTO stock VALUES (%s, %s, %s, %s)
ON CONFLICT (place, item) DO UPDATE SET on_hand = excluded.on_hand, reserved = excluded.reserved

-- name: put_incident
INSERT INTO incident VALUES
    (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,
    %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET category = excluded.category, severity = excluded.severity,
    state = excluded.state, cause = excluded.cause, community = excluded.community,
    zone = excluded.zone, feeder = excluded.feeder, lat = excluded.lat, lon = excluded.lon,
    title = excluded.title, started_at = excluded.started_at,
    acknowledged_at = excluded.acknowledged_at, resolved_at = excluded.resolved_at,
    closed_at = excluded.closed_at, alerts = excluded.alerts, requests = excluded.requests,
    verified_at = excluded.verified_at, reopened_at = excluded.reopened_at,
    handed = excluded.handed, assigned = excluded.assigned, flapping_at = excluded.flapping_at,
    crew = excluded.crew, called = excluded.called, seen_at = excluded.seen_at

-- name: put_order
INSERT INTO work_order VALUES
    (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET state = excluded.state, accepted_at = excluded.accepted_at,
    arrived_at = excluded.arrived_at, completed_at = excluded.completed_at, km = excluded.km,
    finish_at = excluded.finish_at, note = excluded.note, remaining = excluded.remaining,
    unsaid = excluded.unsaid

-- name: put_order_item
INSERT INTO order_item VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (order_id, item, place) DO UPDATE SET line = excluded.line, used = excluded.used

-- name: put_reservation
INSERT INTO reservation VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET open = excluded.open

-- name: add_incident_event
INSERT INTO incident_event VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING

-- name: add_order_event
INSERT INTO order_event VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING

-- name: add_cost
INSERT INTO cost_entry VALUES
    (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING

-- name: add_outbox
INSERT INTO outbox (id, topic, payload, made_at, expires_at) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING

-- name: unsent
SELECT id, topic, coalesce(payload, '{}'), made_at, expires_at, raw FROM outbox
WHERE sent_at IS NULL AND NOT id = ANY(%s::uuid[]) ORDER BY made_at, id LIMIT %s

-- name: mark_sent
UPDATE outbox SET sent_at = now() WHERE id = ANY(%s)

-- name: hourly_metrics
SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = 'public' AND table_name LIKE 'reading\_%%'
    AND table_name NOT IN ('reading_hour', 'reading_other')
    AND column_name NOT IN ('time', 'arrival', 'device')
ORDER BY table_name, column_name

-- name: list_incidents
SELECT count(*) OVER (), i.number, i.severity, i.state, coalesce(c.name, i.community), i.title,
    i.opened_at, i.acknowledged_at, cardinality(i.alerts), cardinality(i.requests),
    (SELECT jsonb_build_array(o.number, o.crew, o.state, o.remaining > '0') FROM work_order o
     WHERE o.incident = i.id ORDER BY o.made_at DESC, o.attempt DESC LIMIT 1),
    i.reopened_at, i.handed ->> 'to', i.assigned, i.crew, i.category,
    coalesce(g.label, i.category), i.zone, i.feeder, i.started_at, i.resolved_at, i.closed_at
FROM incident i LEFT JOIN community c ON c.id = i.community LEFT JOIN category g ON g.id = i.category
WHERE %s OR i.state <> 'closed'
ORDER BY array_position(
        '{open,acknowledged,in_progress,handed_on,resolved,verified,closed}', i.state
    ), i.closed_at DESC NULLS LAST, i.severity DESC, coalesce(i.reopened_at, i.opened_at), i.number
LIMIT %s

-- name: story_stand
SELECT (SELECT clock FROM desk),
    coalesce(
        array_agg(payload ->> 'order') FILTER (WHERE sent_at IS NOT NULL AND payload ? 'order'), '{}'
    ),
    count(*) FILTER (WHERE sent_at IS NULL)
FROM outbox WHERE made_at > %s AND payload IS NOT NULL

-- name: story_totals
SELECT
    (SELECT count(*) FROM reject WHERE arrival > %(since)s) AS rejected,
    (SELECT count(*) FROM alert WHERE detected_at > %(since)s) AS alerts,
    (SELECT count(*) FROM incident WHERE opened_at > %(since)s) AS incidents,
    (SELECT count(*) FROM work_order WHERE made_at > %(since)s) AS orders,
    (SELECT count(*) FROM work_order WHERE completed_at > %(since)s) AS completed,
    (SELECT coalesce(sum(quantity), 0) FROM cost_entry
        WHERE at > %(since)s AND kind = 'labour') AS hours,
    (SELECT coalesce(sum(km), 0) FROM work_order WHERE completed_at > %(since)s) AS km,
    (SELECT coalesce(sum(quantity), 0) FROM cost_entry
        WHERE at > %(since)s AND kind = 'water') AS m3,
    (SELECT coalesce(sum(amount), 0) FROM cost_entry WHERE at > %(since)s) AS cost

-- name: story_news
SELECT e.id, e.at, i.number, i.severity, i.title, e.what, e.why
FROM incident_event e JOIN incident i ON i.id = e.incident
WHERE e.at > %s AND e.at <= %s
    AND (e.what IN ('opened', 'planned', 'in_progress', 'resolved', 'verified', 'closed', 'reopened')
        OR e.what = 'joined' AND e.why LIKE 'αίτημα%%')
ORDER BY e.at, e.seq
