-- Who is responsible for an incident and which crew it is to get are two things; calls are counted
-- by contact; an operator may have seen more than the first acknowledgement.

ALTER TABLE incident
    ADD COLUMN crew    text,                        -- the one crew that it is to get
    ADD COLUMN called  jsonb NOT NULL DEFAULT '{}', -- contact: when it was last called about it
    ADD COLUMN seen_at timestamptz;                 -- when an operator last took it up

UPDATE incident SET crew = assigned, assigned = NULL WHERE assigned IN (SELECT id FROM crew);

-- Of what still goes on, so that nobody is called again too early.
UPDATE incident i SET called = c.called FROM (
    SELECT number, jsonb_object_agg(who, at) AS called FROM (
        SELECT payload ->> 'incident' AS number, payload ->> 'who' AS who, max(made_at) AS at
        FROM outbox WHERE payload ? 'call' AND payload ? 'who' GROUP BY 1, 2
    ) each GROUP BY number
) c WHERE c.number = i.number AND i.state <> 'closed';

UPDATE incident i SET seen_at = (
    SELECT max(at) FROM incident_event
    WHERE incident = i.id AND what IN ('acknowledged', 'handed_on', 'assigned')
) WHERE state <> 'closed';

ALTER TABLE incident DROP COLUMN called_at;
