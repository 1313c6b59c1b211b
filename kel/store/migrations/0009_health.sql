-- How KEL itself is: what its parts say of themselves, and what is judged of that.

-- The newest value of each gauge. `part`: of which one (a partition, a worker, a bridge), or ''.
CREATE TABLE gauge (
    name  text NOT NULL,
    part  text NOT NULL,
    at    timestamptz NOT NULL,
    value double precision NOT NULL,
    PRIMARY KEY (name, part)
);

-- Its last value of each minute, where a past one says something; `kel maintain` forgets them.
CREATE TABLE gauge_minute (
    name   text NOT NULL,
    minute timestamptz NOT NULL,
    part   text NOT NULL,
    value  double precision NOT NULL,
    PRIMARY KEY (name, minute, part)
);
CREATE INDEX ON gauge_minute (minute);

-- The last judgement of each thing that is judged. Levels: 0 well, 1 a warning, 2 an alarm.
CREATE TABLE health (
    name  text PRIMARY KEY,
    level smallint NOT NULL CHECK (level BETWEEN 0 AND 2),
    since timestamptz NOT NULL, -- from when on that level has stood
    text  text NOT NULL,        -- Greek, for screens
    hint  text NOT NULL,        -- English, for logs and `kel doctor`
    value double precision NOT NULL,
    at    timestamptz NOT NULL  -- when it was judged
);

-- Every change of a level; only appended.
CREATE TABLE health_event (
    seq   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at    timestamptz NOT NULL,
    name  text NOT NULL,
    level smallint NOT NULL CHECK (level BETWEEN 0 AND 2),
    text  text NOT NULL,
    value double precision NOT NULL
);
CREATE INDEX ON health_event (at);
CREATE TRIGGER ledger BEFORE UPDATE OR DELETE OR TRUNCATE ON health_event
    FOR EACH STATEMENT EXECUTE FUNCTION only_append();

-- What a wall shows of it: a line for each thing that is not well, the worst first; a line, too,
-- where nobody judges. `at` is real time. Empty where all is well, and in a story.
CREATE VIEW wall_alarm AS
SELECT name, level, since, text FROM health WHERE level > 0 AND kel_is_live()
UNION ALL
SELECT 'health', 2, max(at), 'Κανείς δεν ελέγχει το ΚΕΛ' FROM health
HAVING kel_is_live() AND max(at) < now() - interval '2 minutes';

-- From arrival at the bridge to the store, in seconds: the longest-waiting message of each commit of
-- the last minute, at the slowest worker; null where none has told it within two minutes.
CREATE VIEW wall_latency AS
SELECT
    max(value) FILTER (WHERE name = 'latency_p50') AS p50,
    max(value) FILTER (WHERE name = 'latency_p99') AS p99
FROM gauge WHERE name IN ('latency_p50', 'latency_p99') AND at > now() - interval '2 minutes';

GRANT SELECT ON gauge, gauge_minute, health, health_event, wall_alarm, wall_latency TO kel_reader;
