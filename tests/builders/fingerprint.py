"""What two databases must agree on, as a count and a checksum a table."""

from psycopg import Connection, sql

from kel.store.classes import table_of
from tests.builders.running import example

STREAM = {
    "alert": "id, rule, device, category, severity, started_at, detected_at, cleared_at,"
    " cleared_why",
    "request": "id, at, arrival, category, text",
    "reply": "id, order_id, crew, action, at, arrival, used",
    "reject": "id, arrival, topic, payload, size, reason, detail, device",
    "reading_other": "time, device, metric, value",
    "device_latest": "device, time, arrival, metrics",
    "device": "id, number, online, online_at",
    "inbox": "word, ref, at",
}
DESK = {
    "incident": "id, number, category, severity, state, opened_at, started_at, acknowledged_at,"
    " resolved_at, closed_at, alerts, requests",
    "incident_event": "id, incident, at, what, who, why",
    "work_order": "id, number, incident, crew, state, made_at, accepted_at, arrived_at,"
    " completed_at",
    "order_item": "order_id, item, place, planned, used, line",
    "stock": "place, item, on_hand, reserved",
    "reservation": "id, order_id, place, item, quantity, open",
    "movement": "id, at, place, item, quantity, kind",
    "cost_entry": "id, at, kind, nature, amount, quantity, incident",
    "outbox": "id, topic, payload, made_at",
}

Fingerprint = dict[str, tuple[int, str]]


def stream_of(connection: Connection) -> Fingerprint:
    """What workers wrote: readings, alerts, rejects and the like."""
    readings = {table_of(cls): "*" for cls in example().city.classes}
    return _of(connection, {**readings, **STREAM})


def settled(connection: Connection) -> bool:
    """Whether the newest values of all devices are written: a second after them, at the most."""
    behind = sql.SQL(
        "SELECT FROM {table} r LEFT JOIN device_latest l ON l.device = r.device "
        "WHERE l.time IS NULL OR r.time > l.time LIMIT 1"
    )
    tables = [sql.Identifier(table_of(cls)) for cls in example().city.classes]
    return all(connection.execute(behind.format(table=t)).fetchone() is None for t in tables)


def desk_of(connection: Connection) -> Fingerprint:
    """What the desk wrote."""
    return _of(connection, DESK)


def _of(connection: Connection, tables: dict[str, str]) -> Fingerprint:
    found = {}
    for table, columns in tables.items():
        statement = sql.SQL(
            "SELECT count(*), "
            "coalesce(md5(string_agg(md5(row_::text), '' ORDER BY row_::text)), '') "
            "FROM (SELECT {columns} FROM {table}) row_"
        ).format(columns=sql.SQL(columns), table=sql.Identifier(table))
        row = connection.execute(statement).fetchone()
        assert row is not None
        found[table] = row
    return found
