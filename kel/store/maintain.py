"""Upkeep: hours rolled up, old readings dropped.

Laws:
- nothing is dropped that is not rolled up: `roll_up` runs first, and does whole hours only;
- rolling up again changes only hours whose readings changed (late data);
- works without TimescaleDB's Community features.
"""

from collections.abc import Iterator

from psycopg import Connection, sql

from kel.store.connect import query

AGAIN = "3 days"  # late readings restate so much of the past

ROLL_UP = """
INSERT INTO reading_hour
SELECT time_bucket('1 hour', time) AS hour, device, {name},
    count({metric}), avg({metric}), min({metric}), max({metric})
FROM {table}
WHERE {metric} IS NOT NULL
    AND time < time_bucket('1 hour', (SELECT max(time) FROM {table}))
    AND time >= coalesce(
        (SELECT max(hour) FROM reading_hour WHERE metric = {name}
            AND device IN (SELECT number FROM device WHERE cls = {cls})) - {again}::interval,
        '-infinity')
GROUP BY 1, 2
ON CONFLICT (device, metric, hour) DO UPDATE SET count = excluded.count, mean = excluded.mean,
    lowest = excluded.lowest, highest = excluded.highest
WHERE (reading_hour.count, reading_hour.mean) IS DISTINCT FROM (excluded.count, excluded.mean)"""


def roll_up(connection: Connection) -> int:
    """Bring `reading_hour` up to the last whole hour; returns how many rows changed."""
    changed = 0
    for table, metric in _columns(connection):
        statement = sql.SQL(ROLL_UP).format(
            table=sql.Identifier(table),
            metric=sql.Identifier(metric),
            name=sql.Literal(metric),
            cls=sql.Literal(table.removeprefix("reading_")),
            again=sql.Literal(AGAIN),
        )
        changed += connection.execute(statement).rowcount
    return changed


def drop_old(connection: Connection, keep_days: int) -> int:
    """Drop chunks of readings that end before the retention; returns how many.

    Raises ValueError for a retention that would drop what costing still compares with.
    """
    if keep_days < 30:
        raise ValueError("readings are kept for 30 days at least: costing compares with them")
    tables = sorted({table for table, _ in _columns(connection)} | {"reading_other"})
    dropped = 0
    for table in tables:
        found = connection.execute(
            "SELECT drop_chunks(%s::regclass, older_than => make_interval(days => %s))",
            [table, keep_days],
        ).fetchall()
        dropped += len(found)
    return dropped


def _columns(connection: Connection) -> Iterator[tuple[str, str]]:
    yield from connection.execute(query("hourly_metrics")).fetchall()
