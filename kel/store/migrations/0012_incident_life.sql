-- The whole life of an incident: handed on, verified, open again, assigned, called about; what
-- operators ask and hear; silences and what they hide.

ALTER TABLE incident DROP CONSTRAINT incident_state_check;
ALTER TABLE incident
    ADD CONSTRAINT incident_state_check CHECK (state IN ('open', 'acknowledged', 'handed_on',
        'in_progress', 'resolved', 'verified', 'closed')),
    ADD COLUMN verified_at timestamptz,
    ADD COLUMN reopened_at timestamptz, -- when it last came back to attention
    ADD COLUMN handed      jsonb,       -- to, protocol, at, ask_at
    ADD COLUMN assigned    text,        -- the crew or the person that is responsible
    ADD COLUMN called_at   timestamptz, -- when somebody was last called about it
    ADD COLUMN flapping_at timestamptz; -- since when an alert of it comes and goes

-- How long an alert has to clear after a repair, by its rule.
ALTER TABLE alert ADD COLUMN verify interval;

ALTER TABLE command ADD COLUMN detail jsonb NOT NULL DEFAULT '{}';

-- What became of each command: done, or refused with the reason.
CREATE TABLE answer (
    command uuid PRIMARY KEY,
    at      timestamptz NOT NULL,
    done    boolean NOT NULL,
    told    text NOT NULL
);

CREATE TABLE silence (
    id        uuid PRIMARY KEY,
    number    text NOT NULL UNIQUE,
    who       text NOT NULL CHECK (who <> ''),
    why       text NOT NULL CHECK (why <> ''),
    made_at   timestamptz NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at   timestamptz NOT NULL CHECK (ends_at > starts_at),
    picks     jsonb NOT NULL CHECK (picks <> '{}'), -- device, zone, rule, …: lists of ids
    days      smallint[] NOT NULL,                  -- 0 is Monday; empty: once
    since     time,
    until     time,
    ended_at  timestamptz,
    ended_by  text NOT NULL,
    ended_why text NOT NULL
);
CREATE INDEX ON silence (made_at) WHERE ended_at IS NULL;

-- Active alerts that belong to no incident: a silence hides them, or an operator closed theirs.
CREATE TABLE hidden (
    alert     uuid NOT NULL,
    by        uuid NOT NULL, -- the silence, or the incident that was closed (`dismissed`)
    at        timestamptz NOT NULL,
    dismissed boolean NOT NULL,
    over_at   timestamptz,   -- when it cleared, or spoke after the silence (`spoke`)
    spoke     boolean NOT NULL,
    PRIMARY KEY (alert, by)
);
CREATE INDEX ON hidden (by);
CREATE INDEX ON hidden (alert) WHERE over_at IS NULL;
GRANT SELECT ON hidden TO kel_reader;
GRANT SELECT (id, number, made_at, starts_at, ends_at, picks, days, since, until, ended_at)
    ON silence TO kel_reader;

-- The same as before with the new states' names; whoever waits again is told so.
CREATE OR REPLACE VIEW wall_incident AS
SELECT i.id, i.number, i.title, i.category, c.family, i.severity, i.state, i.zone, i.feeder,
    i.lat, i.lon, i.opened_at, i.acknowledged_at,
    coalesce(m.name, i.community) AS community,
    kel_now() - i.opened_at AS age,
    CASE i.state
        WHEN 'open' THEN CASE WHEN i.reopened_at IS NULL THEN 'ανοικτό' ELSE 'άνοιξε ξανά' END
        WHEN 'acknowledged' THEN 'αναγνωρισμένο'
        WHEN 'handed_on' THEN 'διαβιβάστηκε'
        WHEN 'in_progress' THEN 'σε εξέλιξη'
        WHEN 'verified' THEN 'επαληθεύτηκε'
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
    END AS order_label,
    i.state IN ('resolved', 'verified') AS repaired,
    i.handed ->> 'to' AS handed_to
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
