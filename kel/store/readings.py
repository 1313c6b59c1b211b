"""Stored readings, for costing."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from psycopg import Connection, sql

from kel.costs.readings import Billed, Readings
from kel.model.city import City
from kel.model.frame import Float64, Int64
from kel.store.classes import table_of

SERIES = """
SELECT (extract(epoch FROM time) * 1000000)::bigint, {metric} FROM {table}
WHERE device = %s AND time >= %s AND time < %s AND {metric} IS NOT NULL ORDER BY time"""

# an entry of before spans were written down says of which readings it was
BILLED = """
SELECT i.number, b.begins, b.ends
FROM cost_entry e JOIN incident i ON i.id = e.incident, LATERAL (SELECT
    coalesce(e.basis ->> 'begins', e.basis ->> 'since')::timestamptz AS begins,
    coalesce(e.basis ->> 'ends', e.basis ->> 'until')::timestamptz AS ends) b
WHERE e.kind IN ('water', 'energy') AND e.corrects IS NULL AND e.basis ->> 'device' = %s
    AND b.begins < %s AND b.ends > %s
ORDER BY b.begins, i.number"""


class StoredReadings(Readings):
    """The port over the reading tables. The city must carry the database's device numbers."""

    def __init__(self, connection: Connection, city: City) -> None:
        self._connection = connection
        self._city = city

    def series(
        self, device: str, metric: str, since: datetime, until: datetime
    ) -> tuple[Int64, Float64]:
        known = self._city.devices[device]
        statement = sql.SQL(SERIES).format(
            metric=sql.Identifier(metric), table=sql.Identifier(table_of(known.cls))
        )
        with self._connection.transaction():
            rows = self._connection.execute(statement, [known.number, since, until]).fetchall()
        return (
            np.array([t for t, _ in rows], dtype=np.int64),
            np.array([v for _, v in rows], dtype=np.float64),
        )

    def billed(self, device: str, since: datetime, until: datetime) -> Sequence[Billed]:
        with self._connection.transaction():
            rows = self._connection.execute(BILLED, [device, until, since]).fetchall()
        return [Billed(*row) for row in rows]
