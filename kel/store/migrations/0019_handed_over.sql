-- A part that is over without a word of its crew, which may still say what it used.
ALTER TABLE work_order ADD COLUMN unsaid boolean NOT NULL DEFAULT false;
UPDATE work_order SET unsaid = true
WHERE state = 'completed' AND remaining > '0' AND note = 'χωρίς δήλωση';
CREATE INDEX ON work_order (completed_at) WHERE unsaid;

-- The same as before; of a part that its crew left to others the wall says so, as terminals do.
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
        WHEN 'completed' THEN CASE WHEN o.remaining > '0' THEN 'παρέδωσε' ELSE 'τελείωσε' END
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
    SELECT w.crew, kel_short(coalesce(k.name, w.crew)) AS crew_name, w.number, w.state, w.remaining
    FROM work_order w LEFT JOIN crew k ON k.id = w.crew
    WHERE w.incident = i.id
    ORDER BY w.state IN ('sent', 'accepted', 'arrived') DESC, w.made_at DESC, w.id
    LIMIT 1
) o ON true
WHERE i.state <> 'closed';
