-- What a backtest asks: how much history is kept, and what like incidents came to.

-- name: past_requests
SELECT id, at, arrival, community, category, text, lat, lon
FROM request WHERE arrival >= %s AND arrival < %s ORDER BY arrival, id

-- name: past_silences
SELECT id, number, who, why, made_at, starts_at, ends_at, picks, days, since, until, ended_at,
    ended_by, ended_why
FROM silence WHERE starts_at < %(until)s AND coalesce(ended_at, ends_at) > %(since)s

-- name: past_settled
SELECT i.id, i.category, coalesce(i.resolved_at, i.closed_at) - i.started_at,
    i.resolved_at - i.opened_at, c.kind, sum(c.amount),
    sum(c.quantity) FILTER (WHERE c.unit = CASE c.kind
        WHEN 'labour' THEN 'h' WHEN 'water' THEN 'm³' WHEN 'energy' THEN 'kWh' END)
FROM incident i JOIN cost_entry c ON c.incident = i.id
WHERE i.state = 'closed' AND i.id IN (SELECT incident FROM cost_entry WHERE order_id IS NOT NULL)
GROUP BY i.id, c.kind ORDER BY i.id

-- name: past_numbers
SELECT number, alerts, requests FROM incident
WHERE opened_at >= %s AND opened_at < %s AND (alerts <> '{}' OR requests <> '{}')
