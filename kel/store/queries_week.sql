-- What the mayor's page asks about a week.
--
-- Common parameters: tz is the city's time zone; since, until bound the weeks that are asked for
-- (until is the end of the page's own week), week is that week's beginning, last the beginning of
-- the one before. "at AT TIME ZONE tz" is the clock on the wall, summer time included, so
-- date_trunc('week', …) is the Monday of a week of 167, 168 or 169 hours.
-- `entry` is the largest cost entry of a sum: the way back for `kel trace`.
-- An incident that was merged into another has neither alerts nor requests left: it is not counted.

-- name: week_began
SELECT least(
    (SELECT min(at) FROM movement),
    (SELECT min(opened_at) FROM incident),
    (SELECT min(at) FROM cost_entry)
)

-- name: week_costs
SELECT date_trunc('week', at AT TIME ZONE %(tz)s)::date AS monday,
    coalesce(sum(amount) FILTER (WHERE nature = 'cash'), 0) AS cash,
    coalesce(sum(amount) FILTER (WHERE nature = 'management'), 0) AS management,
    (array_agg(id ORDER BY amount DESC, id))[1] AS entry,
    coalesce(sum(quantity) FILTER (WHERE kind = 'water'), 0) AS m3,
    coalesce(sum(quantity) FILTER (WHERE kind = 'energy'), 0) AS kwh,
    coalesce(sum(quantity) FILTER (WHERE kind = 'labour'), 0) AS hours,
    coalesce(
        sum(quantity) FILTER (WHERE kind = 'labour' AND starts_with(basis ->> 'band', 'overtime')), 0
    ) AS overtime
FROM cost_entry WHERE at >= %(since)s AND at < %(until)s
GROUP BY monday

-- name: week_days
SELECT (at AT TIME ZONE %(tz)s)::date AS day, kind, sum(amount) AS amount,
    (array_agg(id ORDER BY amount DESC, id))[1] AS entry, max(amount) AS largest
FROM cost_entry WHERE at >= %(week)s AND at < %(until)s
GROUP BY day, kind ORDER BY day, largest DESC, entry

-- name: week_kinds
SELECT kind,
    coalesce(sum(amount) FILTER (WHERE nature = 'cash'), 0) AS cash,
    coalesce(sum(amount) FILTER (WHERE nature = 'management'), 0) AS management,
    (array_agg(id ORDER BY amount DESC, id))[1] AS entry
FROM cost_entry WHERE at >= %(week)s AND at < %(until)s
GROUP BY kind

-- name: week_communities
WITH cost AS (
    SELECT community AS id,
        coalesce(sum(amount) FILTER (WHERE at >= %(week)s AND nature = 'cash'), 0) AS cash,
        coalesce(sum(amount) FILTER (WHERE at >= %(week)s AND nature = 'management'), 0)
            AS management,
        (array_agg(id ORDER BY amount DESC, id) FILTER (WHERE at >= %(week)s))[1] AS entry,
        coalesce(sum(amount) FILTER (WHERE at < %(week)s), 0) AS last
    FROM cost_entry WHERE at >= %(last)s AND at < %(until)s
    GROUP BY community
), opened AS (
    SELECT community AS id, count(*) AS incidents
    FROM incident WHERE opened_at >= %(week)s AND opened_at < %(until)s
        AND cardinality(alerts) + cardinality(requests) > 0
    GROUP BY community
)
SELECT coalesce(m.name, id), coalesce(o.incidents, 0), coalesce(c.cash, 0),
    coalesce(c.management, 0), c.entry, coalesce(c.last, 0)
FROM cost c FULL JOIN opened o USING (id) FULL JOIN community m USING (id)
ORDER BY id

-- name: week_categories
WITH cost AS (
    SELECT category AS id,
        coalesce(sum(amount) FILTER (WHERE nature = 'cash'), 0) AS cash,
        coalesce(sum(amount) FILTER (WHERE nature = 'management'), 0) AS management,
        (array_agg(id ORDER BY amount DESC, id))[1] AS entry
    FROM cost_entry WHERE at >= %(week)s AND at < %(until)s
    GROUP BY category
), counted AS (
    SELECT category AS id,
        count(*) FILTER (WHERE opened_at >= %(week)s) AS opened,
        count(*) FILTER (WHERE opened_at >= %(last)s AND opened_at < %(week)s) AS last,
        count(*) FILTER (WHERE closed_at IS NULL OR closed_at >= %(until)s) AS active
    FROM incident WHERE opened_at < %(until)s
        AND (opened_at >= %(last)s OR closed_at IS NULL OR closed_at >= %(until)s)
        AND cardinality(alerts) + cardinality(requests) > 0
    GROUP BY category
)
SELECT id, coalesce(k.label, id), coalesce(n.opened, 0), coalesce(n.last, 0),
    coalesce(n.active, 0), coalesce(c.cash, 0), coalesce(c.management, 0), c.entry
FROM cost c FULL JOIN counted n USING (id) LEFT JOIN category k USING (id)
ORDER BY id

-- name: week_incidents
SELECT date_trunc('week', opened_at AT TIME ZONE %(tz)s)::date AS monday, count(*)
FROM incident WHERE opened_at >= %(since)s AND opened_at < %(until)s
    AND cardinality(alerts) + cardinality(requests) > 0
GROUP BY monday

-- name: week_states
SELECT state, count(*) FROM incident
WHERE opened_at >= %(week)s AND opened_at < %(until)s
    AND cardinality(alerts) + cardinality(requests) > 0
GROUP BY state

-- name: week_times
-- Minutes from opened to acknowledged and to restored, median and 90th percentile, of the incidents
-- opened in [week, until). One that was opened again is not restored.
WITH opened AS (
    SELECT extract(epoch FROM acknowledged_at - opened_at) / 60 AS acknowledge,
        CASE WHEN state IN ('resolved', 'verified', 'closed')
            THEN extract(epoch FROM resolved_at - opened_at) / 60 END AS restore
    FROM incident WHERE opened_at >= %(week)s AND opened_at < %(until)s
        AND cardinality(alerts) + cardinality(requests) > 0
)
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY acknowledge),
    percentile_cont(0.9) WITHIN GROUP (ORDER BY acknowledge),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY restore),
    percentile_cont(0.9) WITHIN GROUP (ORDER BY restore)
FROM opened

-- name: week_orders
SELECT date_trunc('week', completed_at AT TIME ZONE %(tz)s)::date AS monday,
    count(*) AS orders, coalesce(sum(km), 0) AS km
FROM work_order WHERE state = 'completed' AND completed_at >= %(since)s AND completed_at < %(until)s
GROUP BY monday

-- name: week_costly
WITH cost AS (
    SELECT incident AS id,
        coalesce(sum(amount) FILTER (WHERE nature = 'cash'), 0) AS cash,
        coalesce(sum(amount) FILTER (WHERE nature = 'management'), 0) AS management,
        (array_agg(id ORDER BY amount DESC, id))[1] AS entry,
        coalesce(sum(quantity) FILTER (WHERE kind = 'water'), 0) AS m3,
        coalesce(sum(quantity) FILTER (WHERE kind = 'energy'), 0) AS kwh
    FROM cost_entry WHERE at >= %(week)s AND at < %(until)s
    GROUP BY incident
    ORDER BY sum(amount) DESC, incident LIMIT 10
)
SELECT i.number, i.category, coalesce(k.label, i.category), i.title, coalesce(m.name, i.community),
    i.opened_at, i.state, c.cash, c.management, c.entry,
    (extract(epoch FROM i.acknowledged_at - i.opened_at) / 60)::float8,
    CASE WHEN i.state IN ('resolved', 'verified', 'closed')
        THEN (extract(epoch FROM i.resolved_at - i.opened_at) / 60)::float8 END,
    c.m3::float8, c.kwh::float8
FROM cost c JOIN incident i USING (id)
LEFT JOIN category k ON k.id = i.category LEFT JOIN community m ON m.id = i.community
ORDER BY c.cash + c.management DESC, i.number

-- name: week_nights
-- A zone's mean flow in each night's hours from 02:00 to 04:00 on the wall.
SELECT d.zone, (r.time AT TIME ZONE %(tz)s)::date AS night, avg(r.flow)
FROM reading_zone r JOIN device d ON d.number = r.device
WHERE r.time >= %(since)s AND r.time < %(until)s AND r.flow IS NOT NULL AND d.zone IS NOT NULL
    AND extract(hour FROM r.time AT TIME ZONE %(tz)s) IN (2, 3)
GROUP BY d.zone, night

-- name: week_lamps
SELECT count(*) FROM device WHERE cls = 'lamp' AND state = 'active'

-- name: week_dark
-- Lamps out of order, incident by incident, and from when to when: all lamps of a feeder that has
-- failed, else the lamps that alerts name, else (a citizen saw it) one.
SELECT i.category, i.opened_at, i.started_at,
    CASE WHEN i.state IN ('resolved', 'verified', 'closed') THEN coalesce(i.resolved_at, i.closed_at) END,
    CASE WHEN i.category = 'feeder'
        THEN (SELECT count(*) FROM device d WHERE d.cls = 'lamp' AND d.feeder = i.feeder
            AND d.state = 'active')
        ELSE greatest(1, (SELECT count(DISTINCT a.device) FROM alert a JOIN device d ON d.id = a.device
            WHERE a.id = ANY(i.alerts) AND d.cls = 'lamp'))
    END AS lamps
FROM incident i
WHERE i.category IN ('lamp', 'feeder') AND i.started_at < %(until)s
    AND (i.state NOT IN ('resolved', 'verified', 'closed')
        OR coalesce(i.resolved_at, i.closed_at) >= %(since)s OR i.opened_at >= %(since)s)
    AND cardinality(i.alerts) + cardinality(i.requests) > 0

-- name: week_budget
-- Cash from 1 January against the year's credits, by account; what was charged to an account
-- without a credit shows too.
WITH spent AS (
    SELECT account, sum(amount) AS spent, (array_agg(id ORDER BY amount DESC, id))[1] AS entry
    FROM cost_entry WHERE nature = 'cash' AND at >= %(january)s AND at < %(until)s
    GROUP BY account
), credit AS (
    SELECT account, max(label) AS label, sum(amount) AS budgeted
    FROM budget_line WHERE year = %(year)s AND nature = 'cash'
    GROUP BY account
)
SELECT account, coalesce(c.label, nullif(account, ''), 'χωρίς λογαριασμό'),
    coalesce(c.budgeted, 0), coalesce(s.spent, 0), s.entry
FROM credit c FULL JOIN spent s USING (account)
ORDER BY account

-- name: week_unplanned
-- Active incidents that no crew has an order for, with the last reason told. Left out: what seems
-- to have passed (no citizen waits, all alerts cleared), and what has not waited long: lesser ones
-- wait for their crew's next shift by themselves.
SELECT i.number, coalesce(k.label, i.category), coalesce(m.name, i.community), i.opened_at, e.why
FROM incident i
JOIN LATERAL (
    SELECT what, why FROM incident_event
    WHERE incident = i.id AND what IN ('planned', 'unplanned') ORDER BY at DESC, id LIMIT 1
) e ON e.what = 'unplanned'
LEFT JOIN category k ON k.id = i.category LEFT JOIN community m ON m.id = i.community
WHERE i.state IN ('open', 'acknowledged') AND i.opened_at < %(until)s
    AND (i.severity >= 3 OR i.opened_at <= %(now)s - interval '24 hours')
    AND NOT EXISTS (SELECT FROM work_order o
        WHERE o.incident = i.id AND o.state IN ('sent', 'accepted', 'arrived'))
    AND (cardinality(i.requests) > 0 OR EXISTS (SELECT FROM alert a
        WHERE a.id = ANY(i.alerts) AND a.cleared_at IS NULL))
ORDER BY i.opened_at, i.number

-- name: week_low_items
-- Items at or under their reorder point now, with their mean use a week.
SELECT i.id, i.name, i.unit, s.free, i.reorder, i.lead_days, coalesce(u.used, 0) / %(weeks)s
FROM item i
JOIN (SELECT item, sum(on_hand - reserved) AS free FROM stock GROUP BY item) s ON s.item = i.id
LEFT JOIN (SELECT item, -sum(quantity) AS used FROM movement
    WHERE kind = 'use' AND at >= %(since)s AND at < %(until)s GROUP BY item) u ON u.item = i.id
WHERE i.reorder > 0 AND s.free <= i.reorder
ORDER BY i.id

-- name: week_overtime
-- Hours outside their shift of each crew's people, since the half-year began.
SELECT o.crew, coalesce(c.name, o.crew), sum(e.quantity)::float8
FROM cost_entry e JOIN work_order o ON o.id = e.order_id LEFT JOIN crew c ON c.id = o.crew
WHERE e.kind = 'labour' AND e.at >= %(half_year)s AND e.at < %(until)s
    AND starts_with(e.basis ->> 'band', 'overtime')
GROUP BY o.crew, c.name ORDER BY o.crew
