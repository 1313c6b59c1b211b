"""Reading tables: one wide hypertable a device class, one column a metric, as the city declares.

A metric that is taken out of the city's class file keeps its column: history is not thrown away.
"""

from collections.abc import Iterable

from psycopg import Connection, sql

from kel.model.device import DeviceClass

CREATE = """
CREATE TABLE IF NOT EXISTS {table} (
    time    timestamptz NOT NULL,
    arrival timestamptz NOT NULL,
    device  integer NOT NULL,
    UNIQUE (device, time)
)"""
HYPERTABLE = (
    "SELECT create_hypertable(%s, 'time', chunk_time_interval => interval '7 days', "
    "if_not_exists => true)"
)


def table_of(cls: str) -> str:
    return f"reading_{cls}"


def declare(connection: Connection, classes: Iterable[DeviceClass]) -> None:
    """Make the tables and columns that are missing. Safe to repeat."""
    for cls in classes:
        table = sql.Identifier(table_of(cls.id))
        with connection.transaction():
            connection.execute(sql.SQL(CREATE).format(table=table))
            connection.execute(HYPERTABLE, [table_of(cls.id)])
            for metric in cls.metrics:
                connection.execute(
                    sql.SQL("ALTER TABLE {} ADD COLUMN IF NOT EXISTS {} double precision").format(
                        table, sql.Identifier(metric.name)
                    )
                )
            connection.execute(sql.SQL("GRANT SELECT ON {} TO kel_reader").format(table))
