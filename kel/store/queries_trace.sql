-- From a cost entry back to what caused it. Columns of whole rows stand in the order in which
-- kel.store.rows reads them.

-- name: find_costs
SELECT id FROM cost_entry WHERE starts_with(id::text, %s) ORDER BY amount DESC, id LIMIT 2

-- name: largest_costs
SELECT e.id, e.at, e.kind, e.nature, e.amount, i.number, i.title
FROM cost_entry e JOIN incident i ON i.id = e.incident
WHERE e.corrects IS NULL
    AND e.at > (SELECT max(at) FROM cost_entry WHERE corrects IS NULL) - interval '1 day'
ORDER BY e.amount DESC, e.id LIMIT %s

-- name: incident_costs
SELECT e.id, e.at, e.kind, e.nature, e.amount, i.number, i.title
FROM cost_entry e JOIN incident i ON i.id = e.incident
WHERE i.number = %s ORDER BY e.amount DESC, e.id

-- name: cost
SELECT id, at, kind, nature, amount, quantity, unit, price, incident, community, category, account,
    order_id, item, basis, corrects
FROM cost_entry WHERE id = %s

-- name: corrections
SELECT id, at, kind, nature, amount, quantity, unit, price, incident, community, category, account,
    order_id, item, basis, corrects
FROM cost_entry WHERE corrects = %s ORDER BY at, id

-- name: incident
SELECT id, number, category, severity, state, cause, community, zone, feeder, lat, lon, title,
    opened_at, started_at, acknowledged_at, resolved_at, closed_at, alerts, requests,
    verified_at, reopened_at, handed, assigned, flapping_at, crew, called, seen_at
FROM incident WHERE id = %s

-- name: incident_history
SELECT id, incident, at, what, who, why FROM incident_event WHERE incident = %s ORDER BY at, seq

-- name: order
SELECT o.id, o.number, o.incident, o.category, o.crew, o.people, o.vehicles, o.state, o.lat, o.lon,
    o.made_at, o.expires_at, o.depart_at, o.arrive_at, o.finish_at, o.km, o.attempt, o.accepted_at,
    o.arrived_at, o.completed_at, o.note, o.remaining, o.continues, o.unsaid
FROM work_order o WHERE o.id = %s
