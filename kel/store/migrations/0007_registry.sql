-- The registry: kinds of device, who is heard of them, strangers, and what was refused, counted.

CREATE TABLE device_class (
    id    text PRIMARY KEY,
    label text NOT NULL,
    every interval NOT NULL -- how often such a device reports
);

-- Which state of the city's folder was loaded last; whoever waits for another one hears kel_city.
CREATE TABLE city_version (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    version text NOT NULL, -- a fingerprint of the folder's files
    at      timestamptz NOT NULL DEFAULT now()
);

-- A sender that no device of the city is. The row with neither source nor address stands for all
-- that came when there were too many drafts already: who speaks under ever new names fills nothing.
CREATE TABLE draft (
    source   text NOT NULL,
    address  text NOT NULL,
    first_at timestamptz NOT NULL,
    last_at  timestamptz NOT NULL,
    count    bigint NOT NULL,  -- of its messages
    kept     integer NOT NULL, -- of these, in `reject` with their bytes: the first ones
    bytes    bigint NOT NULL,  -- of these
    topic    text NOT NULL,    -- of its first message
    PRIMARY KEY (source, address)
);

-- Every refused message, counted, also those whose bytes were not kept. `writer` is the database
-- session that counts, so that workers never wait for one another here.
CREATE TABLE reject_tally (
    minute timestamptz NOT NULL,
    reason text NOT NULL,
    device text NOT NULL, -- '' where nobody knows the sender
    writer integer NOT NULL,
    count  bigint NOT NULL,
    PRIMARY KEY (minute, reason, device, writer)
);
INSERT INTO reject_tally
    SELECT date_trunc('minute', arrival), reason, coalesce(device, ''), 0, count(*)
    FROM reject GROUP BY 1, 2, 3;
CREATE OR REPLACE VIEW reject_count AS
    SELECT minute, reason, nullif(device, '') AS device, sum(count)::bigint AS rejects
    FROM reject_tally GROUP BY 1, 2, 3;

-- Where a reject was given to the stream again. It is taken once a worker is past that record and
-- the mark still stands: what is refused again loses its mark in the transaction that moves past it.
ALTER TABLE reject
    ADD COLUMN source text,
    ADD COLUMN address text,
    ADD COLUMN retried_at timestamptz,
    ADD COLUMN retried_topic_id text,
    ADD COLUMN retried_partition integer,
    ADD COLUMN retried_offset bigint; -- unknown until Kafka has it
CREATE INDEX reject_sender ON reject (source, address) WHERE source IS NOT NULL;
CREATE INDEX reject_retried ON reject (retried_partition) WHERE retried_at IS NOT NULL;

-- A partition that is begun anew may pass over records: nothing retried there counts as taken.
CREATE FUNCTION forget_retries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE reject SET retried_at = NULL WHERE retried_partition = OLD.partition;
    RETURN NULL;
END $$;
CREATE TRIGGER forget_retries AFTER DELETE ON progress
    FOR EACH ROW EXECUTE FUNCTION forget_retries();

-- The time that the stream has come to everywhere; live that is this second, in a story the story's.
CREATE FUNCTION kel_stream_now() RETURNS timestamptz LANGUAGE sql STABLE AS
    $$ SELECT coalesce((SELECT min(tick) FROM progress), now()) $$;

-- Each device of the city, and what is known of its being there. `heard_at` is when it last gave a
-- sign. presence: 'offline' by its last will or death, unless readings came later; 'silent' where
-- nothing came for three times its class's pace; 'unheard' where nothing ever came; else 'online'.
CREATE VIEW device_presence AS
SELECT d.id, d.number, d.name, d.cls, coalesce(c.label, d.cls) AS class_label, d.community, d.zone,
    d.feeder, d.parent, d.lat, d.lon, d.source, d.address, d.state, h.heard_at,
    CASE
        WHEN d.state <> 'active' THEN NULL
        WHEN d.online IS FALSE AND coalesce(d.online_at >= l.arrival, true) THEN 'offline'
        WHEN h.heard_at IS NULL THEN 'unheard'
        WHEN h.heard_at < kel_stream_now() - 3 * c.every THEN 'silent'
        ELSE 'online'
    END AS presence,
    d.online_at, l.time AS reading_at, coalesce(l.metrics, '{}') AS metrics
FROM device d
LEFT JOIN device_class c ON c.id = d.cls
LEFT JOIN device_latest l ON l.device = d.number
CROSS JOIN LATERAL (
    SELECT greatest(l.arrival, CASE WHEN d.online THEN d.online_at END) AS heard_at
) h;

-- An address is no person's name, and a tally holds no text that anybody sent.
GRANT SELECT ON device_class, city_version, draft, reject_tally, device_presence TO kel_reader;
