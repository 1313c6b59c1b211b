-- What the rulebook asked of the operators.

-- name: load_calls
SELECT e.at, i.severity FROM incident_event e JOIN incident i ON i.id = e.incident
WHERE e.what = ANY(%(words)s) AND e.at >= %(since)s AND e.at < %(until)s

-- name: load_alerts
SELECT rule || ' ' || device, detected_at, cleared_at FROM alert
WHERE detected_at < %(until)s AND (cleared_at IS NULL OR cleared_at > %(since)s)

-- name: load_period
SELECT min(opened_at), max(coalesce(closed_at, opened_at)) FROM incident
