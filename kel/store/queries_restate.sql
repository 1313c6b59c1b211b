-- Losses that late readings change. Columns of whole rows stand in the order in which
-- kel.store.rows reads them.

-- name: late_waits
SELECT EXISTS (SELECT FROM late WHERE fate = 'late' AND restated_at IS NULL)

-- name: gather_late
-- Late readings that nothing was restated for yet; `zone` where their device is a zone's meter.
CREATE TEMP TABLE unrestated ON COMMIT DROP AS
SELECT l.id, l.time, l.arrival, d.id AS device, CASE WHEN d.cls = 'zone' THEN d.zone END AS zone
FROM late l JOIN device d ON d.number = l.device
WHERE l.fate = 'late' AND l.restated_at IS NULL

-- name: late_losses
-- Ended incidents on whose loss's span late readings lie, of the device that measured it or would:
-- the incident, with `resolved_at` only where the repair held until it closed, and by device how
-- many, and when the first and the last of them came. Before %(kept)s there may be no readings left
-- to compare with.
WITH met AS (
    SELECT i.id, u.device, u.time, u.arrival FROM unrestated u JOIN incident i ON i.cause = u.device
    WHERE u.time >= i.started_at AND u.time < i.closed_at
    UNION
    SELECT i.id, u.device, u.time, u.arrival FROM unrestated u JOIN incident i ON i.zone = u.zone
    WHERE u.time >= i.started_at AND u.time < i.closed_at
    UNION
    SELECT i.id, u.device, u.time, u.arrival
    FROM unrestated u JOIN cost_entry e ON e.basis ->> 'device' = u.device
    JOIN incident i ON i.id = e.incident
    WHERE e.kind IN ('water', 'energy') AND e.corrects IS NULL
        AND u.time >= i.started_at AND u.time < i.closed_at
), ended AS (
    SELECT i.*, CASE WHEN (
        SELECT what FROM incident_event
        WHERE incident = i.id AND what IN ('resolved', 'part_done', 'reopened', 'still_active')
        ORDER BY at DESC, seq DESC LIMIT 1
    ) = 'resolved' THEN i.resolved_at END AS held_at
    FROM incident i
    WHERE i.id IN (SELECT id FROM met) AND i.state = 'closed' AND i.started_at >= %(kept)s
        AND cardinality(i.alerts) + cardinality(i.requests) > 0
), late_on AS (
    SELECT e.id, m.device, count(DISTINCT m.time) AS readings,
        min(m.arrival) AS first, max(m.arrival) AS last
    FROM ended e JOIN met m USING (id)
    WHERE m.time < coalesce(e.held_at, e.closed_at)
    GROUP BY e.id, m.device
)
SELECT id, e.number, e.category, e.severity, e.state, e.cause, e.community, e.zone, e.feeder,
    e.lat, e.lon, e.title, e.opened_at, e.started_at, e.acknowledged_at, e.held_at, e.closed_at,
    e.alerts, e.requests, e.verified_at, e.reopened_at, e.handed, e.assigned, e.flapping_at,
    e.crew, e.called, e.seen_at, l.device, l.readings, l.first, l.last
FROM ended e JOIN late_on l USING (id) ORDER BY e.closed_at, id, l.device

-- name: booked_loss
-- The entry of what a device measured of an incident's loss, then its corrections.
SELECT c.id, c.at, c.kind, c.nature, c.amount, c.quantity, c.unit, c.price, c.incident,
    c.community, c.category, c.account, c.order_id, c.item, c.basis, c.corrects
FROM cost_entry e JOIN cost_entry c ON c.id = e.id OR c.corrects = e.id
WHERE e.incident = %(incident)s AND c.incident = e.incident AND e.kind IN ('water', 'energy')
    AND e.corrects IS NULL AND e.basis ->> 'device' = %(device)s
ORDER BY c.corrects IS NOT NULL, c.at, c.id

-- name: mark_restated
-- All but those that an incident under way may yet count, or be counting at this moment.
UPDATE late SET restated_at = now() FROM unrestated u
WHERE late.id = u.id
    AND NOT EXISTS (SELECT FROM incident i
        WHERE i.state <> 'closed' AND i.cause = u.device AND i.started_at <= u.time)
    AND NOT EXISTS (SELECT FROM incident i
        WHERE i.state <> 'closed' AND i.zone = u.zone AND i.started_at <= u.time)

-- name: unjudged_late
SELECT l.id, d.id, d.cls, l.time, l.arrival FROM late l JOIN device d ON d.number = l.device
WHERE l.judged_at IS NULL AND l.fate = 'late' AND l.time <= %s
ORDER BY l.time

-- name: mark_judged
UPDATE late SET judged_at = now() WHERE id = ANY(%s)

-- name: told_alert
-- The alert of a rule and device that was active in a span, and the incident that it belongs to.
SELECT a.id, i.id FROM alert a LEFT JOIN incident i ON i.alerts @> ARRAY[a.id]
WHERE a.rule = %(rule)s AND a.device = %(device)s AND a.started_at <= %(until)s
    AND coalesce(a.cleared_at, 'infinity') >= %(since)s
ORDER BY a.detected_at LIMIT 1

-- name: incident_around
-- The incident that an alert which was never told would have joined, as far as its place says.
SELECT id FROM incident
WHERE (cause = %(device)s OR zone = %(zone)s OR feeder = %(feeder)s)
    AND opened_at <= %(at)s AND coalesce(closed_at, 'infinity') >= %(at)s
ORDER BY opened_at LIMIT 1

-- name: add_restated
INSERT INTO alert_restated VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING

-- name: list_restated
SELECT r.at, i.number, r.rule, r.device, r.was, r.became, r.readings, r.why
FROM alert_restated r LEFT JOIN incident i ON i.id = r.incident
ORDER BY r.at DESC, r.rule, r.device LIMIT %s
