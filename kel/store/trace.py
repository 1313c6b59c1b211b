"""From a euro back to what caused it: entry, order, incident, alerts, the very readings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import Connection, Cursor, sql
from psycopg.rows import dict_row

from kel.model.alert import Alert
from kel.model.request import Request
from kel.store import rows
from kel.store.classes import table_of
from kel.store.connect import query

MOST_READINGS = 12

READINGS = """
SELECT time, {metric} AS value FROM {table}
WHERE device = (SELECT number FROM device WHERE id = %s)
    AND time >= %s AND time <= %s AND {metric} IS NOT NULL
ORDER BY time"""


@dataclass(frozen=True, slots=True)
class AlertTrace:
    """An alert and the readings that fired it, oldest first."""

    alert: Alert
    readings: Sequence[tuple[datetime, float]]
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """All that lies behind one cost entry. Mappings are rows by column name."""

    entry: Mapping[str, Any]
    incident: Mapping[str, Any]
    history: Sequence[tuple[datetime, str, str, str]]
    order: Mapping[str, Any] | None = None
    items: Sequence[tuple[str, str, Decimal, Decimal | None, str]] = ()
    alerts: Sequence[AlertTrace] = ()
    requests: Sequence[Request] = ()
    lost: Sequence[tuple[datetime, float]] = field(default=())  # what a loss was measured on


def find_entry(connection: Connection, name: str) -> UUID:
    """The entry whose id begins with `name`; `largest` is the last day's largest.

    Raises LookupError where there is none, or more than one.
    """
    if name == "largest":
        found = connection.execute(query("largest_cost")).fetchall()
    else:
        found = connection.execute(query("find_cost"), [name.lower()]).fetchall()
    if not found:
        raise LookupError(f"no cost entry begins with {name!r}")
    if len(found) > 1:
        raise LookupError(f"more than one cost entry begins with {name!r}: type more of it")
    entry: UUID = found[0][0]
    return entry


def trace_entry(connection: Connection, entry: UUID) -> Trace:
    """Follow the entry back."""
    with connection.cursor() as cursor, connection.cursor(row_factory=dict_row) as named:
        cost = named.execute(query("cost"), [entry]).fetchone()
        assert cost is not None
        incident = named.execute(query("cost_incident"), [cost["incident"]]).fetchone()
        assert incident is not None
        order = named.execute(query("cost_order"), [cost["order_id"]]).fetchone()
        items = cursor.execute(query("cost_order_items"), [cost["order_id"]]).fetchall()
        history = cursor.execute(query("incident_history"), [cost["incident"]]).fetchall()
        requests = cursor.execute(query("requests"), [incident["requests"]]).fetchall()
        return Trace(
            entry=cost,
            incident=incident,
            history=history,
            order=order,
            items=items,
            alerts=_alerts(cursor, incident["alerts"]),
            requests=[rows.request_of(row) for row in requests],
            lost=_lost(cursor, cost["basis"]),
        )


def _alerts(cursor: Cursor, ids: Sequence[UUID]) -> list[AlertTrace]:
    alerts = map(rows.alert_of, cursor.execute(query("alerts"), [list(ids)]).fetchall())
    return [
        AlertTrace(
            alert,
            _readings(
                cursor,
                alert.evidence.cls,
                alert.evidence.device,
                alert.evidence.metric,
                alert.evidence.since,
                alert.evidence.until,
            ),
            str(alert.evidence.facts.get("unit", "")),
        )
        for alert in sorted(alerts, key=lambda a: (a.detected_at, a.id))
    ]


def _lost(cursor: Cursor, basis: Mapping[str, Any]) -> list[tuple[datetime, float]]:
    """The readings that a loss was measured on."""
    if not {"device", "metric", "since", "until"} <= basis.keys():
        return []
    cls = cursor.execute("SELECT cls FROM device WHERE id = %s", [basis["device"]]).fetchone()
    if cls is None:
        return []
    since, until = (datetime.fromisoformat(basis[key]) for key in ("since", "until"))
    return _readings(cursor, cls[0], basis["device"], basis["metric"], since, until)


def _readings(
    cursor: Cursor, cls: str, device: str, metric: str, since: datetime, until: datetime
) -> list[tuple[datetime, float]]:
    table = table_of(cls)
    known = cursor.execute(
        "SELECT FROM information_schema.columns WHERE table_name = %s AND column_name = %s",
        [table, metric],
    ).fetchone()
    if known is None:
        return []
    statement = sql.SQL(READINGS).format(
        metric=sql.Identifier(metric), table=sql.Identifier(table)
    )
    return cursor.execute(statement, [device, since, until]).fetchall()
