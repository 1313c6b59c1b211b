"""Between rows and the words of the model: one function a word and a direction."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from kel.model.alert import Alert, Evidence, Severity
from kel.model.cost import CostEntry, CostKind, CostNature
from kel.model.incident import Incident, IncidentState, Material
from kel.model.order import Action, OrderItem, OrderState, Reply, WorkOrder
from kel.model.place import Point
from kel.model.request import Request

Row = Sequence[Any]


def evidence_json(evidence: Evidence) -> dict[str, object]:
    return {
        "cls": evidence.cls,
        "device": evidence.device,
        "metric": evidence.metric,
        "since": evidence.since.isoformat(),
        "until": evidence.until.isoformat(),
        "facts": dict(evidence.facts),
    }


def evidence_of(data: dict[str, Any]) -> Evidence:
    return Evidence(
        data["cls"],
        data["device"],
        data["metric"],
        datetime.fromisoformat(data["since"]),
        datetime.fromisoformat(data["until"]),
        data["facts"],
    )


def alert_of(row: Row) -> Alert:
    """Of the columns of query `alerts`."""
    return Alert(
        id=row[0],
        rule=row[1],
        rulebook=row[2],
        kind=row[3],
        device=row[4],
        category=row[5],
        severity=Severity(row[6]),
        started_at=row[7],
        detected_at=row[8],
        cleared_at=row[9],
        cleared_why=row[10],
        community=row[11],
        zone=row[12],
        feeder=row[13],
        evidence=evidence_of(row[14]),
    )


def request_of(row: Row) -> Request:
    place = None if row[6] is None else Point(row[6], row[7])
    return Request(row[0], row[1], row[2], row[3], row[4], row[5], place)


def reply_of(row: Row) -> Reply:
    used = tuple(Material(item, Decimal(quantity)) for item, quantity in row[6])
    return Reply(row[0], row[1], row[2], Action(row[3]), row[4], row[5], used, row[7], row[8])


def incident_row(i: Incident) -> tuple[object, ...]:
    """In the order of the table's columns."""
    return (
        (i.id, i.number, i.category, int(i.severity), i.state, i.cause, i.community, i.zone)
        + (i.feeder, i.place.lat, i.place.lon, i.title, i.opened_at, i.started_at)
        + (i.acknowledged_at, i.resolved_at, i.closed_at, list(i.alerts), list(i.requests))
    )


def incident_of(row: Row) -> Incident:
    """Of the columns of query `active_incidents`, which are the table's."""
    return Incident(
        id=row[0],
        number=row[1],
        category=row[2],
        severity=Severity(row[3]),
        state=IncidentState(row[4]),
        cause=row[5],
        community=row[6],
        zone=row[7],
        feeder=row[8],
        place=Point(row[9], row[10]),
        title=row[11],
        opened_at=row[12],
        started_at=row[13],
        acknowledged_at=row[14],
        resolved_at=row[15],
        closed_at=row[16],
        alerts=tuple(row[17]),
        requests=tuple(row[18]),
    )


def order_row(o: WorkOrder) -> tuple[object, ...]:
    """In the order of the table's columns."""
    return (
        (o.id, o.number, o.incident, o.category, o.crew, list(o.people), list(o.vehicles), o.state)
        + (o.place.lat, o.place.lon, o.made_at, o.expires_at, o.depart_at, o.arrive_at)
        + (o.finish_at, o.km, o.attempt, o.accepted_at, o.arrived_at, o.completed_at, o.note)
    )


def order_of(row: Row, items: tuple[OrderItem, ...]) -> WorkOrder:
    """Of the columns of query `current_orders`."""
    return WorkOrder(
        id=row[0],
        number=row[1],
        incident=row[2],
        category=row[3],
        crew=row[4],
        people=tuple(row[5]),
        vehicles=tuple(row[6]),
        items=items,
        state=OrderState(row[7]),
        place=Point(row[8], row[9]),
        made_at=row[10],
        expires_at=row[11],
        depart_at=row[12],
        arrive_at=row[13],
        finish_at=row[14],
        km=row[15],
        attempt=row[16],
        accepted_at=row[17],
        arrived_at=row[18],
        completed_at=row[19],
        note=row[20],
    )


def cost_of(row: Row) -> CostEntry:
    """Of the columns of query `cost`."""
    return CostEntry(row[0], row[1], CostKind(row[2]), CostNature(row[3]), *row[4:])
