-- Silences, what they hide, answers to operators; and what a terminal shows of one incident.

-- name: put_silence
INSERT INTO silence VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET ended_at = excluded.ended_at, ended_by = excluded.ended_by,
    ended_why = excluded.ended_why

-- name: put_hidden
INSERT INTO hidden VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (alert, by) DO UPDATE SET at = excluded.at, over_at = excluded.over_at,
    spoke = excluded.spoke

-- name: add_answer
INSERT INTO answer VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING

-- name: answer
SELECT done, told FROM answer WHERE command = %s

-- name: current_silences
SELECT id, number, who, why, made_at, starts_at, ends_at, picks, days, since, until, ended_at,
    ended_by, ended_why
FROM silence WHERE ended_at IS NULL

-- name: currently_hidden
SELECT alert, by, at, dismissed, over_at, spoke FROM hidden WHERE over_at IS NULL

-- name: told_overdue
SELECT e.order_id, e.at FROM order_event e JOIN work_order o ON o.id = e.order_id
WHERE e.what = 'overdue' AND o.state IN ('sent', 'accepted', 'arrived')

-- name: list_silences
SELECT s.id, s.number, s.who, s.why, s.made_at, s.starts_at, s.ends_at, s.picks, s.days, s.since,
    s.until, s.ended_at, s.ended_by, s.ended_why,
    (SELECT count(*) FROM hidden h WHERE h.by = s.id),
    (SELECT count(*) FROM hidden h WHERE h.by = s.id AND h.over_at IS NULL)
FROM silence s WHERE %s OR s.ended_at IS NULL
ORDER BY s.ended_at IS NOT NULL, s.made_at DESC, s.number LIMIT %s

-- name: names
SELECT 'device', id, name FROM device UNION ALL SELECT 'zone', id, name FROM zone
UNION ALL SELECT 'feeder', id, name FROM feeder UNION ALL SELECT 'community', id, name FROM community
UNION ALL SELECT 'category', id, label FROM category
UNION ALL SELECT 'class', id, label FROM device_class

-- name: silence_by_number
SELECT s.id, s.number, s.who, s.why, s.made_at, s.starts_at, s.ends_at, s.picks, s.days, s.since,
    s.until, s.ended_at, s.ended_by, s.ended_why
FROM silence s WHERE s.number = %s

-- name: silence_hid
SELECT h.alert, a.rule, a.rulebook, a.device, coalesce(d.name, a.device), a.severity, a.detected_at,
    a.cleared_at, h.over_at, h.spoke,
    (SELECT i.number FROM incident i WHERE h.alert = ANY(i.alerts) LIMIT 1)
FROM hidden h JOIN silence s ON s.id = h.by JOIN alert a ON a.id = h.alert
LEFT JOIN device d ON d.id = a.device
WHERE s.number = %s ORDER BY h.at, h.alert

-- name: incident_by_number
SELECT id, number, category, severity, state, cause, community, zone, feeder, lat, lon, title,
    opened_at, started_at, acknowledged_at, resolved_at, closed_at, alerts, requests, verified_at,
    reopened_at, handed, assigned, flapping_at, crew, called, seen_at
FROM incident WHERE number = %s

-- name: incident_devices
SELECT d.id, d.name, l.time, coalesce(l.metrics, '{}')
FROM device d LEFT JOIN device_latest l ON l.device = d.number WHERE d.id = ANY(%s)

-- name: incident_orders
SELECT number, crew, state, made_at, arrive_at, finish_at, accepted_at, arrived_at, completed_at,
    expires_at, note, continues, remaining, over.at, coalesce(over.why, '')
FROM work_order o LEFT JOIN LATERAL (
    SELECT e.at, e.why FROM order_event e
    WHERE e.order_id = o.id AND e.what = o.state AND o.state IN ('declined', 'expired', 'withdrawn')
    ORDER BY e.seq DESC LIMIT 1
) over ON true
WHERE incident = %s ORDER BY made_at, attempt

-- name: incident_last_words
SELECT DISTINCT ON (what) what, at, who, why FROM incident_event
WHERE incident = %s
    AND what IN (
        'acknowledged', 'planned', 'unplanned', 'still_active', 'reopened', 'ask_again', 'closed'
    )
ORDER BY what, at DESC, seq DESC

-- name: incident_dismissed
SELECT alert FROM hidden WHERE by = %s AND dismissed

-- name: hidden_beside
SELECT s.number, s.ends_at, count(*)
FROM hidden h JOIN silence s ON s.id = h.by JOIN alert a ON a.id = h.alert
WHERE h.over_at IS NULL
    AND (a.zone = %(zone)s OR a.feeder = %(feeder)s OR a.device = ANY(%(devices)s))
GROUP BY s.number, s.ends_at ORDER BY s.number
