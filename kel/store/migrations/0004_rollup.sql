-- Hours of readings, kept when the readings themselves are gone (`kel maintain`).
CREATE TABLE reading_hour (
    hour    timestamptz NOT NULL,
    device  integer NOT NULL,
    metric  text NOT NULL,
    count   integer NOT NULL,
    mean    double precision NOT NULL,
    lowest  double precision NOT NULL,
    highest double precision NOT NULL,
    UNIQUE (device, metric, hour)
);
SELECT create_hypertable('reading_hour', 'hour', chunk_time_interval => interval '90 days');
