-- Alerts that late readings would have changed: what was decided stays, and this says what would have
-- been, and why. Append-only.

ALTER TABLE late ADD COLUMN judged_at timestamptz; -- when the rules looked at it once more
UPDATE late SET judged_at = now(); -- decided under other rulebooks, and nobody waits for it
CREATE INDEX late_unjudged ON late (arrival) WHERE judged_at IS NULL AND fate = 'late';

CREATE TABLE alert_restated (
    id       uuid PRIMARY KEY,
    at       timestamptz NOT NULL, -- when it was looked at again
    rule     text NOT NULL,
    rulebook text NOT NULL,        -- the version that looked
    device   text NOT NULL,
    alert    uuid,                 -- the alert that was told; null where none was
    incident uuid REFERENCES incident,
    was      jsonb,                -- started, detected, cleared; null: it would have been told
    became   jsonb,                -- the same with the late readings; null: it would not
    readings integer NOT NULL,     -- that came late, of the devices concerned
    why      text NOT NULL,
    CHECK (num_nonnulls(was, became) > 0)
);
CREATE INDEX ON alert_restated (incident);
CREATE INDEX ON alert_restated (at);
GRANT SELECT ON alert_restated TO kel_reader;
