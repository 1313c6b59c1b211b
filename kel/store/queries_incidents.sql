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

-- name: silence_hid
SELECT h.alert, a.rule, a.device, coalesce(d.name, a.device), a.severity, a.detected_at,
    a.cleared_at, h.over_at, h.spoke,
    (SELECT i.number FROM incident i WHERE h.alert = ANY(i.alerts) LIMIT 1)
FROM hidden h JOIN silence s ON s.id = h.by JOIN alert a ON a.id = h.alert
LEFT JOIN device d ON d.id = a.device
WHERE s.number = %s ORDER BY h.at, h.alert

-- name: incident_by_number
SELECT id, number, category, severity, state, cause, community, zone, feeder, lat, lon, title,
    opened_at, started_at, acknowledged_at, resolved_at, closed_at, alerts, requests, verified_at,
    reopened_at, handed, assigned, called_at, flapping_at
FROM incident WHERE number = %s

-- name: incident_alerts
SELECT a.id, a.rule, a.device, coalesce(d.name, a.device), a.severity, a.detected_at, a.cleared_at
FROM alert a LEFT JOIN device d ON d.id = a.device
WHERE a.id = ANY(%s) ORDER BY a.detected_at, a.id

-- name: incident_requests
SELECT id, category, at FROM request WHERE id = ANY(%s) ORDER BY arrival, id

-- name: incident_orders
SELECT number, crew, state, made_at, arrive_at, finish_at FROM work_order WHERE incident = %s
ORDER BY made_at, attempt
