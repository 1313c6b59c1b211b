"""From a euro back to what caused it: entry, order, incident, alerts, the very readings."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection, Cursor, sql

from kel.model.alert import Alert
from kel.model.cost import CostKind, CostNature
from kel.model.incident import IncidentEvent
from kel.model.order import OrderItem, WorkOrder
from kel.reports.traced import AlertTrace, CostLine, Measured, Series, Trace
from kel.store import rows
from kel.store.classes import table_of
from kel.store.connect import query
from kel.store.rulebook import labels

LARGEST = "largest"
INCIDENT = re.compile(r"\d{4}-\d+")
ID = re.compile(r"[0-9a-f-]{1,36}")
CONTEXT = timedelta(minutes=30), timedelta(hours=2)  # readings before the span: at least, at most

READINGS = """
SELECT r.time, r.{metric}, d.id FROM {table} r JOIN device d ON d.number = r.device
WHERE d.id = ANY(%s) AND r.time >= %s AND r.time <= %s AND r.{metric} IS NOT NULL
ORDER BY r.time, d.id"""


def largest(connection: Connection, most: int = 10) -> list[CostLine]:
    """The largest entries of the last day that has any, the largest first."""
    return _lines(connection, "largest_costs", most)


def of_incident(connection: Connection, number: str) -> list[CostLine]:
    """All entries of an incident; LookupError where there is none of it."""
    found = _lines(connection, "incident_costs", number)
    if not found:
        raise LookupError(f"incident {number} has no cost entry (yet)")
    return found


def find_entry(connection: Connection, name: str) -> UUID:
    """The entry whose id begins with `name`; `largest` is the last day's largest.

    Raises LookupError where there is none, or more than one.
    """
    if name == LARGEST:
        lines = largest(connection, 1)
        if not lines:
            raise LookupError("there is no cost entry yet")
        return lines[0].id
    name = name.lower()
    known = bool(ID.fullmatch(name))
    found = connection.execute(query("find_costs"), [name]).fetchall() if known else []
    if not found:
        raise LookupError(f"no cost entry's id begins with {name!r}: `kel trace` alone lists some")
    if len(found) > 1:
        raise LookupError(f"more than one cost entry's id begins with {name!r}: type more of it")
    entry: UUID = found[0][0]
    return entry


def trace_entry(connection: Connection, entry: UUID) -> Trace:
    """Follow the entry back. Raises LookupError where there is no such entry."""
    with connection.transaction(), connection.cursor() as cursor:
        row = cursor.execute(query("cost"), [entry]).fetchone()
        if row is None:
            raise LookupError(f"there is no cost entry {entry}")
        cost = rows.cost_of(row)
        corrections = cursor.execute(query("corrections"), [entry]).fetchall()
        found = cursor.execute(query("incident"), [cost.incident]).fetchone()
        assert found is not None, "an entry refers to its incident"
        incident = rows.incident_of(found)
        history = cursor.execute(query("incident_history"), [incident.id]).fetchall()
        requests = cursor.execute(query("requests"), [list(incident.requests)]).fetchall()
        return Trace(
            entry=cost,
            incident=incident,
            history=[IncidentEvent(*event) for event in history],
            order=_order(cursor, cost.order) if cost.order else None,
            alerts=_alerts(cursor, incident.alerts),
            requests=[rows.request_of(request) for request in requests],
            lost=_lost(cursor, cost.basis),
            corrections=[rows.cost_of(correction) for correction in corrections],
        )


def _lines(connection: Connection, name: str, about: object) -> list[CostLine]:
    return [
        CostLine(id_, at, CostKind(kind), CostNature(nature), *rest)
        for id_, at, kind, nature, *rest in connection.execute(query(name), [about]).fetchall()
    ]


def _order(cursor: Cursor, order: UUID) -> WorkOrder:
    row = cursor.execute(query("order"), [order]).fetchone()
    assert row is not None, "an entry refers to its order"
    items = cursor.execute(query("order_items"), [[order]]).fetchall()
    return rows.order_of(row, tuple(OrderItem(*item) for _, *item in items))


def _alerts(cursor: Cursor, ids: Sequence[UUID]) -> list[AlertTrace]:
    alerts = map(rows.alert_of, cursor.execute(query("alerts"), [list(ids)]).fetchall())
    ordered = sorted(alerts, key=lambda a: (a.detected_at, a.id))
    names = labels(cursor.connection, {alert.rulebook for alert in ordered})
    return [AlertTrace(a, _evidence(cursor, a), names.get(a.rule, "")) for a in ordered]


def _evidence(cursor: Cursor, alert: Alert) -> Series:
    """The readings of the evidence, and those shortly before; of a share, its children's."""
    about = alert.evidence
    least, most = CONTEXT
    before = min(max(about.until - about.since, least), most)
    children = str(about.facts.get("children", "")).split(", ")
    devices = children if children != [""] else [about.device]
    readings = _readings(
        cursor, about.cls, devices, about.metric, about.since - before, about.until
    )
    return Series(about.cls, about.device, about.metric, about.since, about.until, readings)


def _lost(cursor: Cursor, basis: Mapping[str, Any]) -> Series | None:
    """The readings that a loss was measured on."""
    if not {"device", "metric", "since", "until"} <= basis.keys():
        return None
    device, metric = str(basis["device"]), str(basis["metric"])
    cls = cursor.execute("SELECT cls FROM device WHERE id = %s", [device]).fetchone()
    if cls is None:
        return None
    since, until = (datetime.fromisoformat(str(basis[key])) for key in ("since", "until"))
    readings = _readings(cursor, cls[0], [device], metric, since, until)
    return Series(cls[0], device, metric, since, until, readings)


def _readings(
    cursor: Cursor,
    cls: str,
    devices: Sequence[str],
    metric: str,
    since: datetime,
    until: datetime,
) -> list[Measured]:
    table = table_of(cls)
    known = cursor.execute(
        "SELECT FROM information_schema.columns WHERE table_name = %s AND column_name = %s",
        [table, metric],
    ).fetchone()
    if known is None:
        return []
    statement = sql.SQL(READINGS).format(metric=sql.Identifier(metric), table=sql.Identifier(table))
    found = cursor.execute(statement, [list(devices), since, until]).fetchall()
    return [Measured(*row) for row in found]
