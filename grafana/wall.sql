-- What the wall asks, by panel. Each runs as kel_reader.
-- Laws: "now" is kel_now(), never the browser's time range, so no Grafana macro stands here; every
-- statement returns at least one row, so that an empty city is told in words; money never mixes
-- cash with management cost. A list has one text column and one number, which colours the row.

-- name: severities
SELECT
    count(*) FILTER (WHERE severity = 4)::float8 AS "Κρίσιμα",
    count(*) FILTER (WHERE severity = 3)::float8 AS "Υψηλά",
    count(*) FILTER (WHERE severity = 2)::float8 AS "Μεσαία",
    count(*) FILTER (WHERE severity < 2)::float8 AS "Χαμηλά"
FROM wall_incident WHERE NOT repaired

-- name: unacknowledged
SELECT count(*)::float8 AS "Χωρίς αναγνώριση" FROM wall_incident WHERE state = 'open'

-- name: crews_out
SELECT
    count(*) FILTER (WHERE order_state IN ('accepted', 'arrived'))::float8 AS "Έξω",
    count(*) FILTER (WHERE order_state IS NULL)::float8 AS "Χωρίς εντολή"
FROM wall_crew

-- name: water_lost
WITH burst AS (
    SELECT DISTINCT zone FROM wall_incident
    WHERE family = 'water' AND NOT repaired AND zone IS NOT NULL
), usual AS (
    SELECT d.zone, percentile_cont(0.5) WITHIN GROUP (ORDER BY r.flow) AS flow
    FROM device d JOIN reading_zone r ON r.device = d.number
    WHERE d.zone IN (SELECT zone FROM burst)
        AND r.time >= kel_now() - interval '14 days' AND r.time < kel_now() - interval '12 hours'
        AND extract(hour FROM r.time AT TIME ZONE 'Europe/Athens')
            = extract(hour FROM kel_now() AT TIME ZONE 'Europe/Athens')
    GROUP BY d.zone
)
SELECT coalesce(sum(greatest((l.metrics ->> 'flow')::float8 - u.flow, 0)), 0)::float8
    AS "m³/h που χάνονται"
FROM usual u
JOIN device d ON d.zone = u.zone AND d.cls = 'zone'
JOIN device_latest l ON l.device = d.number AND l.time > kel_now() - interval '30 minutes'

-- name: cost_today
SELECT
    coalesce(sum(amount) FILTER (WHERE nature = 'cash'), 0)::float8 AS "Ταμειακά",
    coalesce(sum(amount) FILTER (WHERE nature = 'management'), 0)::float8 AS "Διαχειριστικά"
FROM cost_entry
WHERE at >= date_trunc('day', kel_now() AT TIME ZONE 'Europe/Athens') AT TIME ZONE 'Europe/Athens'
    AND at <= kel_now()

-- name: clock
SELECT to_char(kel_now() AT TIME ZONE 'Europe/Athens', 'DD/MM HH24:MI') AS "Ώρα δεδομένων"

-- name: incidents
WITH listed AS (
    SELECT *, kel_short(title) AS what, row_number() OVER (
        ORDER BY repaired, severity DESC, state = 'open' DESC, opened_at, number
    ) AS place
    FROM wall_incident
)
SELECT text, value FROM (
    SELECT place,
        concat_ws(
            ' · ',
            number,
            kel_span(age),
            what,
            CASE WHEN strpos(what, community) = 0 THEN community END,
            -- where a crew is at it, its own state says more
            CASE WHEN crew IS NULL OR repaired OR state IN ('open', 'handed_on')
                THEN state_label END,
            CASE WHEN NOT repaired THEN crew_name || ' ' || order_label END
        ) AS text,
        CASE WHEN repaired THEN -1 ELSE severity END::float8 AS value
    FROM listed WHERE place <= 9
    UNION ALL
    SELECT 10, '… και άλλα ' || count(*) || ' ενεργά συμβάντα', -2 FROM listed WHERE place > 9
    HAVING count(*) > 0
    UNION ALL
    SELECT 11, 'Κανένα ενεργό συμβάν', -3 WHERE NOT EXISTS (SELECT FROM listed)
) AS lines ORDER BY place

-- name: map
SELECT lat, lon, severity::float8 AS severity, number, title FROM wall_incident
WHERE NOT repaired

-- name: places
SELECT lat, lon, name FROM community ORDER BY name

-- name: crews
SELECT
    concat_ws(
        ' · ',
        CASE WHEN char_length(name) > 21 THEN left(name, 20) || '…' ELSE name END,
        incident,
        CASE
            WHEN late THEN 'θα έπρεπε ' || to_char(
                CASE order_state
                    WHEN 'sent' THEN expires_at WHEN 'accepted' THEN arrive_at ELSE finish_at
                END AT TIME ZONE 'Europe/Athens', 'HH24:MI'
            )
            WHEN order_state = 'arrived' THEN 'έως ' || to_char(
                finish_at AT TIME ZONE 'Europe/Athens', 'HH24:MI'
            )
            WHEN order_state IS NOT NULL THEN 'άφιξη ' || to_char(
                arrive_at AT TIME ZONE 'Europe/Athens', 'HH24:MI'
            )
        END,
        '+' || nullif(waiting, 0)
    ) AS text,
    CASE
        WHEN late THEN 4
        ELSE coalesce(array_position(ARRAY['sent', 'accepted', 'arrived'], order_state), 0)
    END::float8 AS value
FROM wall_crew ORDER BY order_state IS NULL, late DESC, id

-- name: pumps
SELECT
    replace(kel_short(d.name), 'Αντλιοστάσιο', 'Α/Σ')
        || coalesce(' ' || round((l.metrics ->> 'head')::numeric) || 'm', '') AS text,
    CASE
        WHEN l.time IS NULL OR l.time < kel_now() - interval '15 minutes' THEN -2
        WHEN coalesce((l.metrics ->> 'running')::float8, 1) < 0.5 THEN -1
        ELSE coalesce(
            100 * 0.002725 * (l.metrics ->> 'flow')::float8 * (l.metrics ->> 'head')::float8
                / nullif((l.metrics ->> 'power')::float8, 0),
            -2
        )
    END::float8 AS value
FROM device d LEFT JOIN device_latest l ON l.device = d.number
WHERE d.cls = 'pump' AND d.state = 'active'
ORDER BY d.id

-- name: zones
WITH usual AS (
    SELECT device, percentile_cont(0.5) WITHIN GROUP (ORDER BY flow) AS flow
    FROM reading_zone
    WHERE time >= kel_now() - interval '14 days' AND time < kel_now() - interval '12 hours'
        AND extract(hour FROM time AT TIME ZONE 'Europe/Athens')
            = extract(hour FROM kel_now() AT TIME ZONE 'Europe/Athens')
    GROUP BY device
), now AS (
    SELECT z.name || ' · ' || round((l.metrics ->> 'flow')::numeric) || ' m³/h' AS text,
        100 * (l.metrics ->> 'flow')::float8 / u.flow AS value
    FROM device d
    JOIN zone z ON z.id = d.zone
    JOIN usual u ON u.device = d.number AND u.flow > 0.5
    JOIN device_latest l ON l.device = d.number AND l.time > kel_now() - interval '30 minutes'
    WHERE d.cls = 'zone' AND l.metrics ? 'flow'
)
(SELECT text, value FROM now ORDER BY value DESC, text LIMIT 7)
UNION ALL SELECT 'Χωρίς συνήθη τιμή ακόμη', 0 WHERE NOT EXISTS (SELECT FROM now)

-- name: nights
WITH night AS (
    SELECT (
        (kel_now() AT TIME ZONE 'Europe/Athens' - interval '2 hours')::date + time '02:00'
    ) AT TIME ZONE 'Europe/Athens' AS since
), flows AS (
    SELECT r.device,
        avg(r.flow) FILTER (WHERE r.time >= n.since) AS last,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY r.flow)
            FILTER (WHERE r.time < n.since) AS usual
    FROM night n, reading_zone r
    WHERE r.time >= n.since - interval '14 days' AND r.time < n.since + interval '2 hours'
        AND extract(hour FROM r.time AT TIME ZONE 'Europe/Athens') IN (2, 3)
    GROUP BY r.device
), lines AS (
    SELECT z.name || coalesce(
            ' · συνήθως ' || round((1000 * f.usual / z.connections)::numeric), ''
        ) AS text,
        1000 * f.last / z.connections AS value
    FROM flows f
    JOIN device d ON d.number = f.device
    JOIN zone z ON z.id = d.zone AND z.connections > 0
    WHERE f.last IS NOT NULL
)
(SELECT text, value FROM lines ORDER BY value DESC, text LIMIT 7)
UNION ALL SELECT 'Χωρίς νυχτερινές μετρήσεις ακόμη', 0 WHERE NOT EXISTS (SELECT FROM lines)

-- name: lamps
SELECT
    (
        SELECT floor(100.0 * count(*) FILTER (
            WHERE l.time > kel_now() - interval '70 minutes'
                AND coalesce((l.metrics ->> 'failure')::float8, 0) < 0.5
                AND coalesce((l.metrics ->> 'gear_failure')::float8, 0) < 0.5
        ) / nullif(count(*), 0)) -- 100 only where every lamp works
        FROM device d LEFT JOIN device_latest l ON l.device = d.number
        WHERE d.cls = 'lamp' AND d.state = 'active'
    )::float8 AS "Φωτιστικά",
    (
        SELECT count(*) FROM (
            SELECT d.feeder FROM device d JOIN device_latest l ON l.device = d.number
            WHERE d.cls = 'feeder' AND (l.metrics ->> 'voltage')::float8 < 100
            UNION
            SELECT feeder FROM wall_incident WHERE category = 'feeder' AND NOT repaired
        ) AS dark
    )::float8 AS "Γραμμές εκτός"

-- name: alerts
SELECT to_char(h AT TIME ZONE 'Europe/Athens', 'HH24') AS "Ώρα",
    (
        SELECT count(*) FROM alert
        WHERE detected_at >= h AND detected_at < h + interval '1 hour' AND detected_at <= kel_now()
    )::float8 AS "Ειδοποιήσεις",
    (
        SELECT count(*) FROM incident
        WHERE opened_at >= h AND opened_at < h + interval '1 hour' AND opened_at <= kel_now()
    )::float8 AS "Συμβάντα"
FROM generate_series(
    date_trunc('hour', kel_now()) - interval '11 hours', date_trunc('hour', kel_now()),
    interval '1 hour'
) AS h ORDER BY h

-- name: health
SELECT
    silence AS "Σιωπή ροής",
    lag AS "Υστέρηση",
    (SELECT p99 FROM wall_latency) AS "Καθυστέρηση p99",
    reading_age AS "Ηλικία μέτρησης",
    rejects AS "Απορρίψεις/ώρα",
    unsent AS "Εντολές προς αποστολή",
    offline AS "Συσκευές εκτός"
FROM wall_health

-- name: kel_health
WITH listed AS (
    SELECT text, level, row_number() OVER (ORDER BY level DESC, since, name) AS place
    FROM wall_alarm
)
SELECT text, value FROM (
    SELECT place, text, level::float8 AS value FROM listed WHERE place <= 2
    UNION ALL
    SELECT 3, '… και άλλα ' || count(*), -2 FROM listed WHERE place > 2 HAVING count(*) > 0
    UNION ALL
    SELECT 4, CASE
            WHEN NOT kel_is_live() THEN 'Προσομοίωση'
            WHEN NOT EXISTS (SELECT FROM health) THEN 'Δεν ελέγχθηκε ακόμη'
            ELSE 'Όλα λειτουργούν'
        END,
        CASE WHEN kel_is_live() AND EXISTS (SELECT FROM health) THEN 0 ELSE -1 END
    WHERE NOT EXISTS (SELECT FROM listed)
) AS lines ORDER BY place
