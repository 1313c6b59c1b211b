-- Readings that came late or twice, and messages that workers send.

-- Rows that came after the rules had passed their moment (`late`; the reading itself is stored), and
-- rows whose value differs from the one that is stored for their moment (`contradiction`; what was
-- stored first has stayed, what came is in `metrics`).
CREATE TABLE late (
    id          uuid PRIMARY KEY, -- made from all that it says: the same row twice is one
    device      integer NOT NULL,
    time        timestamptz NOT NULL,
    arrival     timestamptz NOT NULL,
    fate        text NOT NULL CHECK (fate IN ('late', 'contradiction')),
    metrics     jsonb CHECK ((metrics IS NOT NULL) = (fate = 'contradiction')),
    rolled_at   timestamptz, -- when its hour in reading_hour was made anew
    restated_at timestamptz  -- when what was decided without it was looked at again
);
CREATE INDEX ON late (device, time);
CREATE INDEX ON late (arrival);
CREATE INDEX late_unrolled ON late (time) WHERE rolled_at IS NULL AND fate = 'late';
CREATE INDEX late_unrestated ON late (arrival) WHERE restated_at IS NULL;
GRANT SELECT ON late TO kel_reader;

-- A message in another format than JSON, such as a command to a Sparkplug edge node.
ALTER TABLE outbox ALTER payload DROP NOT NULL, ADD raw bytea,
    ADD CHECK (num_nonnulls(payload, raw) = 1);
