-- What workers write. Reading tables themselves (reading_<class>) follow the city's class file:
-- kel.store.classes creates them and adds their columns.

-- How far a worker has brought each partition of a Kafka topic: everything below `next` has its
-- effects here, in the same transaction that moved `next`. `tick` is the time it has come to.
CREATE TABLE progress (
    topic     text NOT NULL,
    partition integer NOT NULL,
    topic_id  text NOT NULL, -- the id of the Kafka cluster: a recreated one is noticed
    next      bigint NOT NULL,
    tick      timestamptz,
    at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition)
);

-- The state of rules and decoders as it stood before the record at `next`.
CREATE TABLE snapshot (
    topic     text NOT NULL,
    partition integer NOT NULL,
    next      bigint NOT NULL,
    state     bytea NOT NULL,
    PRIMARY KEY (topic, partition)
);

-- What was left out on purpose (a label that privacy forbids, an older death of a node), counted.
CREATE TABLE dropped (
    day    date NOT NULL,
    reason text NOT NULL,
    count  bigint NOT NULL,
    PRIMARY KEY (day, reason)
);

CREATE TABLE rulebook (
    version text PRIMARY KEY,
    source  text NOT NULL,
    at      timestamptz NOT NULL DEFAULT now()
);

-- Numbers that a device sent and its class does not declare.
CREATE TABLE reading_other (
    time   timestamptz NOT NULL,
    device integer NOT NULL,
    metric text NOT NULL,
    value  double precision NOT NULL,
    UNIQUE (device, metric, time)
);
SELECT create_hypertable('reading_other', 'time', chunk_time_interval => interval '7 days');

-- The newest values of each device, so that a screen needs no search.
CREATE TABLE device_latest (
    device  integer PRIMARY KEY,
    time    timestamptz NOT NULL,
    arrival timestamptz NOT NULL,
    metrics jsonb NOT NULL
);

CREATE TABLE reject (
    id      uuid PRIMARY KEY,
    arrival timestamptz NOT NULL,
    topic   text NOT NULL, -- escaped where it was not UTF-8
    payload bytea NOT NULL, -- at most 64 KiB of it
    size    integer NOT NULL,
    reason  text NOT NULL,
    detail  text NOT NULL,
    device  text
);
CREATE INDEX ON reject (arrival);
CREATE INDEX ON reject (reason, device);

CREATE TABLE alert (
    id          uuid PRIMARY KEY,
    rule        text NOT NULL,
    rulebook    text NOT NULL,
    kind        text NOT NULL,
    device      text NOT NULL,
    category    text NOT NULL,
    severity    smallint NOT NULL,
    started_at  timestamptz NOT NULL,
    detected_at timestamptz NOT NULL,
    cleared_at  timestamptz,
    cleared_why text,
    community   text NOT NULL,
    zone        text,
    feeder      text,
    evidence    jsonb NOT NULL
);
CREATE INDEX ON alert (detected_at);
CREATE INDEX ON alert (device, detected_at);
CREATE INDEX ON alert (detected_at) WHERE cleared_at IS NULL;

CREATE TABLE request (
    id        uuid PRIMARY KEY,
    at        timestamptz NOT NULL,
    arrival   timestamptz NOT NULL,
    community text NOT NULL,
    category  text NOT NULL,
    text      text NOT NULL,
    lat       double precision,
    lon       double precision
);
CREATE INDEX ON request (at);

-- Personal data, apart from all history, so that it can be erased.
CREATE TABLE contact (
    request uuid PRIMARY KEY REFERENCES request,
    name    text NOT NULL,
    phone   text NOT NULL
);

CREATE TABLE reply (
    id       uuid PRIMARY KEY,
    order_id uuid NOT NULL,
    crew     text NOT NULL,
    action   text NOT NULL,
    at       timestamptz NOT NULL,
    arrival  timestamptz NOT NULL,
    used     jsonb NOT NULL,
    km       double precision,
    note     text NOT NULL
);

CREATE TABLE command (
    id       uuid PRIMARY KEY,
    at       timestamptz NOT NULL,
    who      text NOT NULL,
    what     text NOT NULL,
    incident text NOT NULL,
    why      text NOT NULL
);

-- What waits for the desk: a row for every alert fired or cleared, request, reply and command.
CREATE TABLE inbox (
    word  text NOT NULL CHECK (word IN ('fired', 'cleared', 'request', 'reply', 'command')),
    ref   uuid NOT NULL,
    at    timestamptz NOT NULL,
    taken boolean NOT NULL DEFAULT false,
    PRIMARY KEY (word, ref)
);
CREATE INDEX inbox_waiting ON inbox (at, ref) WHERE NOT taken;
