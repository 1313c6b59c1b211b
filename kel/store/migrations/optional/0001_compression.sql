-- Where the Community edition of TimescaleDB runs: old chunks are compressed.
-- Behind the replay horizon (30 days), since writing into compressed chunks is slow.
ALTER TABLE reading_hour SET (
    timescaledb.compress, timescaledb.compress_segmentby = 'device, metric'
);
SELECT add_compression_policy('reading_hour', interval '180 days');
ALTER TABLE reading_other SET (
    timescaledb.compress, timescaledb.compress_segmentby = 'device, metric'
);
SELECT add_compression_policy('reading_other', interval '30 days');
