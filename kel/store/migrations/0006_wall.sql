-- What walls ask for that is more than a table's row. All of it only reads, and kel_reader may.

-- A wall's "now" is the time of the data: what the desk has decided up to. Live that is this second;
-- in a story, or on the database that one left behind, it is the story's time, so that the same
-- panels are right everywhere. Before the first decision it is the database's clock.
CREATE FUNCTION kel_now() RETURNS timestamptz LANGUAGE sql STABLE AS
    $$ SELECT coalesce((SELECT clock FROM desk), now()) $$;

-- Whether the data's time is the real one. Whoever plays a story may say so
-- (ALTER DATABASE … SET kel.clock = 'story'); else a time more than 7 days off is a story's, since
-- Kafka keeps 7 days and no living stream can lie further back.
CREATE FUNCTION kel_is_live() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        nullif(current_setting('kel.clock', true), '') = 'system',
        abs(extract(epoch FROM now() - (SELECT max(tick) FROM progress))) < 7 * 86400,
        true
    )
$$;

-- «Ύδρευση 1 (πρωινό)» is «Ύδρευση 1» where there is little room.
CREATE FUNCTION kel_short(name text) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT regexp_replace(name, '\s*\(.*\)\s*$', '') $$;

-- «7′», «3 ώ 05′», «2 ημ.»: how long something lasts, to be read from afar.
CREATE FUNCTION kel_span(span interval) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN minutes < 60 THEN minutes || '′'
        WHEN minutes < 48 * 60 THEN minutes / 60 || ' ώ ' || lpad((minutes % 60)::text, 2, '0') || '′'
        ELSE minutes / 1440 || ' ημ.'
    END
    FROM (SELECT greatest(floor(extract(epoch FROM span) / 60), 0)::integer AS minutes) AS m
$$;

-- Incidents that somebody still has to do with, each with the order that stands for it now.
CREATE VIEW wall_incident AS
SELECT i.id, i.number, i.title, i.category, c.family, i.severity, i.state, i.zone, i.feeder,
    i.lat, i.lon, i.opened_at, i.acknowledged_at,
    coalesce(m.name, i.community) AS community,
    kel_now() - i.opened_at AS age,
    CASE i.state
        WHEN 'open' THEN 'ανοικτό'
        WHEN 'acknowledged' THEN 'αναγνωρισμένο'
        WHEN 'in_progress' THEN 'σε εξέλιξη'
        ELSE 'αποκαταστάθηκε'
    END AS state_label,
    o.crew, o.crew_name, o.number AS order_number, o.state AS order_state,
    CASE o.state
        WHEN 'sent' THEN 'στάλθηκε'
        WHEN 'accepted' THEN 'καθ’ οδόν'
        WHEN 'arrived' THEN 'επί τόπου'
        WHEN 'completed' THEN 'τελείωσε'
        WHEN 'declined' THEN 'αρνήθηκε'
        WHEN 'expired' THEN 'δεν απάντησε'
        WHEN 'withdrawn' THEN 'αποσύρθηκε'
    END AS order_label
FROM incident i
LEFT JOIN community m ON m.id = i.community
LEFT JOIN category c ON c.id = i.category
LEFT JOIN LATERAL (
    SELECT w.crew, kel_short(coalesce(k.name, w.crew)) AS crew_name, w.number, w.state
    FROM work_order w LEFT JOIN crew k ON k.id = w.crew
    WHERE w.incident = i.id
    ORDER BY w.state IN ('sent', 'accepted', 'arrived') DESC, w.made_at DESC, w.id
    LIMIT 1
) o ON true
WHERE i.state <> 'closed';

-- Every crew, with the order that it is on: the one it has got furthest with.
CREATE VIEW wall_crew AS
SELECT k.id, kel_short(k.name) AS name,
    o.number AS order_number, o.state AS order_state, o.arrive_at, o.finish_at, o.expires_at,
    o.incident,
    -- a planned time that has passed: nobody answered, nobody arrived, nobody finished
    coalesce(
        kel_now() > CASE o.state
            WHEN 'sent' THEN o.expires_at
            WHEN 'accepted' THEN o.arrive_at + interval '15 minutes'
            WHEN 'arrived' THEN o.finish_at + interval '30 minutes'
        END,
        false
    ) AS late,
    coalesce(o.waiting, 0) AS waiting
FROM crew k
LEFT JOIN LATERAL (
    SELECT w.number, w.state, w.arrive_at, w.finish_at, w.expires_at, i.number AS incident,
        count(*) OVER () - 1 AS waiting -- further orders after this one
    FROM work_order w JOIN incident i ON i.id = w.incident
    WHERE w.crew = k.id AND w.state IN ('sent', 'accepted', 'arrived')
    ORDER BY array_position(ARRAY['arrived', 'accepted', 'sent'], w.state), w.depart_at, w.id
    LIMIT 1
) o ON true;

-- How the stream is, one row: what a person must see when everything else on a wall only seems calm.
-- Times in seconds. `silence` is real time since a worker last committed; `lag` is how far the
-- slowest partition and the desk are behind (behind the real clock, where the data's time is it).
CREATE VIEW wall_health AS
SELECT
    extract(epoch FROM now() - p.at)::float8 AS silence,
    greatest(
        extract(epoch FROM CASE WHEN kel_is_live() THEN now() ELSE p.newest END - p.oldest),
        extract(epoch FROM p.oldest - (SELECT clock FROM desk)),
        0
    )::float8 AS lag,
    extract(epoch FROM kel_now() - (SELECT max(time) FROM device_latest))::float8 AS reading_age,
    (
        SELECT coalesce(sum(rejects), 0) FROM reject_count
        WHERE minute > kel_now() - interval '1 hour' AND minute <= kel_now()
    )::float8 AS rejects,
    (SELECT count(*) FROM outbox WHERE sent_at IS NULL)::float8 AS unsent,
    (SELECT count(*) FROM device WHERE state = 'active' AND online IS FALSE)::float8 AS offline
FROM (
    SELECT max(at) AS at, min(tick) AS oldest, max(tick) AS newest FROM progress
) p;

GRANT SELECT ON wall_incident, wall_crew, wall_health TO kel_reader;
