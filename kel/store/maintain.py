"""Upkeep: hours rolled up, old readings dropped, refused messages and citizens' contacts forgotten.

Laws:
- "now" is the data's time (`kel_now()`), so that a story's database keeps its story;
- hours are rolled up once they are whole; rolling up again changes only hours whose readings
  changed: what came since, up to LATE old, restates its hour, and what is in `late` does, however
  old; an hour is never replaced by one of fewer readings, whose others are gone;
- nothing is dropped that is not rolled up: readings about to go are rolled up once more, whole,
  in the transaction that drops them;
- what may name a person goes after a while: a refused message's bytes after its retention, a
  citizen's name and phone when the incident has been closed for so long; the request itself, the
  incident and all ledgers stay;
- works without TimescaleDB's Community features.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import groupby

from psycopg import Connection, sql

from kel.store.connect import query
from kel.store.rejects import forget

LOCK = 0x6B656C04
LEAST_DAYS = 30
# What is committed later than this after its arrival has gone from Kafka before.
AGAIN = timedelta(days=8)
# A reading that says it is older than this restates its hour only when that is dropped.
LATE = timedelta(days=60)

# One pass over a class's table, all its metrics together.
ROLL_UP = """
INSERT INTO reading_hour
SELECT time_bucket('1 hour', t.time) AS hour, t.device, m.metric,
    count(*), avg(m.value), min(m.value), max(m.value)
FROM {source} t CROSS JOIN LATERAL (VALUES {metrics}) AS m (metric, value)
WHERE m.value IS NOT NULL AND {these}
GROUP BY 1, 2, 3
ON CONFLICT (device, metric, hour) DO UPDATE SET count = excluded.count, mean = excluded.mean,
    lowest = excluded.lowest, highest = excluded.highest
WHERE reading_hour.count <= excluded.count
    AND (reading_hour.count, reading_hour.mean, reading_hour.lowest, reading_hour.highest)
    IS DISTINCT FROM (excluded.count, excluded.mean, excluded.lowest, excluded.highest)"""

# Everything since the last run, and the older hours in which something has arrived since.
NEW = """
t.time < {until} AND t.time >= {late} AND (t.time >= {since} OR
    (t.device, time_bucket('1 hour', t.time)) IN (
        SELECT device, time_bucket('1 hour', time) FROM {table}
        WHERE arrival >= {since} AND time >= {late} AND time < {since}))"""

# Hours that have got late readings since they were made, and their readings.
LATE_HOURS = """
CREATE TEMP TABLE late_hour ON COMMIT DROP AS
WITH late AS (
    UPDATE late SET rolled_at = now()
    WHERE rolled_at IS NULL AND fate = 'late' AND time < %s
        AND device IN (SELECT number FROM device WHERE cls = %s)
    RETURNING device, time
)
SELECT DISTINCT device, time_bucket('1 hour', time) AS hour FROM late"""
OF_LATE_HOURS = """
(SELECT r.* FROM late_hour h, LATERAL (
    SELECT * FROM {table} WHERE device = h.device AND time >= h.hour
        AND time < h.hour + interval '1 hour' OFFSET 0
) r)"""

NEWEST = """
SELECT hour FROM reading_hour
WHERE device IN (SELECT number FROM device WHERE cls = %s) ORDER BY hour DESC LIMIT 1"""

FORGET_CONTACTS = """
DELETE FROM contact USING request r
WHERE r.id = contact.request AND r.arrival < %(before)s AND r.id NOT IN (
    SELECT unnest(requests) FROM incident WHERE closed_at IS NULL OR closed_at >= %(before)s)"""


class BusyError(LookupError):
    """Another `kel maintain` is at it."""


@contextmanager
def alone(connection: Connection) -> Iterator[None]:
    """Hold the lock of upkeep; raises BusyError where another has it."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
    if not row or not row[0]:
        raise BusyError("another `kel maintain` is running on this database")
    try:
        yield
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def roll_up(connection: Connection) -> int:
    """Bring `reading_hour` up to the last whole hour; returns how many rows changed."""
    until = _now(connection).replace(minute=0, second=0, microsecond=0)
    changed = 0
    for table, metrics in _tables(connection).items():
        cls = table.removeprefix("reading_")
        row = connection.execute(NEWEST, [cls]).fetchone()
        since = row[0] - AGAIN if row else None
        these = sql.SQL("t.time < {}").format(until)
        if since is not None:
            these = sql.SQL(NEW).format(
                until=until, since=since, late=since - LATE, table=sql.Identifier(table)
            )
        changed += _roll_up(connection, table, metrics, these)
        with connection.transaction():
            if connection.execute(LATE_HOURS, [until, cls]).rowcount:
                source = sql.SQL(OF_LATE_HOURS).format(table=sql.Identifier(table))
                changed += _roll_up(connection, table, metrics, sql.SQL("true"), source)
            connection.execute("DROP TABLE late_hour")
    return changed


def drop_old(connection: Connection, keep_days: int) -> int:
    """Drop chunks of readings that end before the retention, and what is told of late ones.

    Returns how many chunks.

    Raises ValueError for a retention that would drop what costing still compares with.
    """
    if keep_days < LEAST_DAYS:
        raise ValueError(
            f"readings are kept for {LEAST_DAYS} days at least: costing compares with them"
        )
    before = _now(connection) - timedelta(days=keep_days)
    connection.execute("DELETE FROM late WHERE arrival < %s", [before])
    tables = _tables(connection)
    return sum(
        _drop(connection, table, metrics, before)
        for table, metrics in {**tables, "reading_other": []}.items()
    )


def _drop(connection: Connection, table: str, metrics: list[str], before: datetime) -> int:
    with connection.transaction():
        going = connection.execute(
            "SELECT show_chunks(%s::regclass, older_than => %s)", [table, before]
        ).fetchall()
        if not going:
            return 0
        if metrics:  # numbers that no class declares have no hours
            _roll_up(connection, table, metrics, sql.SQL("t.time < {}").format(before))
        dropped = connection.execute(
            "SELECT drop_chunks(%s::regclass, older_than => %s)", [table, before]
        ).fetchall()
        return len(dropped)


def forget_rejects(connection: Connection, keep_days: int) -> int:
    """Delete refused messages that arrived before the retention, and drafts last heard before it;
    returns how many messages."""
    now = _now(connection)
    return forget(connection, now - timedelta(days=keep_days), now)


def forget_contacts(connection: Connection, keep_days: int) -> int:
    """Delete names and phones of requests whose incident was closed before the retention.

    A request that belongs to no incident counts from its arrival. Returns how many.
    """
    before = _now(connection) - timedelta(days=keep_days)
    return connection.execute(FORGET_CONTACTS, {"before": before}).rowcount


def _roll_up(
    connection: Connection,
    table: str,
    metrics: list[str],
    these: sql.Composable,
    source: sql.Composable | None = None,
) -> int:
    columns = sql.SQL(", ").join(
        sql.SQL("({}, t.{})").format(sql.Literal(m), sql.Identifier(m)) for m in metrics
    )
    statement = sql.SQL(ROLL_UP).format(
        source=source or sql.Identifier(table), metrics=columns, these=these
    )
    return connection.execute(statement).rowcount


def _now(connection: Connection) -> datetime:
    row = connection.execute("SELECT kel_now()").fetchone()
    assert row is not None
    now: datetime = row[0]
    return now


def _tables(connection: Connection) -> dict[str, list[str]]:
    """Each class's table with its metrics."""
    rows = connection.execute(query("hourly_metrics")).fetchall()
    return {
        table: [metric for _, metric in found] for table, found in groupby(rows, key=lambda r: r[0])
    }
