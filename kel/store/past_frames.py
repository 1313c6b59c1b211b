"""Stored readings as frames, a day at a time, by binary COPY; and how much of them is kept."""

from collections.abc import Iterable
from datetime import datetime
from itertools import chain

import numpy as np
from psycopg import Connection, sql

from kel.backtest.storage import StoredDay
from kel.model.device import DeviceClass
from kel.model.frame import Frame
from kel.store.classes import table_of
from kel.store.columns import unpack

# a value that is not there comes as NaN, so that all rows are equally long
READ = """
COPY (SELECT time, arrival, device{metrics} FROM {table}
    WHERE time >= {since} AND time < {until}{these})
TO STDOUT (FORMAT BINARY)"""
# the lower median of what lies between two readings of a device, as `spacing_of` has it
DAYS = """
SELECT day, count(*), percentile_disc(0.5) WITHIN GROUP (ORDER BY gap) FROM (
    SELECT day, time - lag(time) OVER (PARTITION BY device, day ORDER BY time) AS gap FROM (
        SELECT device, time, date_trunc('day', time, 'UTC') AS day FROM {table}
        WHERE time >= %s AND time < %s) r) g
GROUP BY day ORDER BY day"""
ENDS = "SELECT min(time), max(time) FROM {table}"
COLUMNS = "SELECT column_name FROM information_schema.columns WHERE table_name = %s"


def read_frame(
    connection: Connection,
    cls: DeviceClass,
    since: datetime,
    until: datetime,
    metrics: Iterable[str],
    devices: Iterable[int] | None = None,
) -> Frame:
    """The readings of a class in [since, until), in order of (device, time).

    `devices`: the numbers of those wanted, where it is not all.
    """
    names = tuple(metrics)
    these: sql.Composable = sql.SQL("")
    if devices is not None:
        these = sql.SQL(" AND device = ANY({})").format(list(devices))
    columns = chain.from_iterable(
        (sql.SQL(", coalesce("), sql.Identifier(name), sql.SQL(", 'NaN')")) for name in names
    )
    statement = sql.SQL(READ).format(
        metrics=sql.Composed(list(columns)),
        table=sql.Identifier(table_of(cls.id)),
        since=since,
        until=until,
        these=these,
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        rows = unpack(cls.id, b"".join(bytes(part) for part in copy), names)
    return rows.take(np.lexsort((rows.time, rows.device)))


def stored_metrics(connection: Connection, cls: DeviceClass) -> list[str]:
    """The metrics of the class that its table has; none where there is no table."""
    found = {name for (name,) in connection.execute(COLUMNS, [table_of(cls.id)]).fetchall()}
    return [metric.name for metric in cls.metrics if metric.name in found]


def stored_days(
    connection: Connection, cls: DeviceClass, since: datetime, until: datetime
) -> list[StoredDay]:
    """Each day (UTC) of the span on which readings of the class are stored."""
    statement = sql.SQL(DAYS).format(table=sql.Identifier(table_of(cls.id)))
    return [StoredDay(*row) for row in connection.execute(statement, [since, until]).fetchall()]


def stored_span(connection: Connection, cls: DeviceClass) -> tuple[datetime, datetime] | None:
    """The first and the last moment of the class that is stored."""
    statement = sql.SQL(ENDS).format(table=sql.Identifier(table_of(cls.id)))
    row = connection.execute(statement).fetchone()
    return (row[0], row[1]) if row and row[0] else None
