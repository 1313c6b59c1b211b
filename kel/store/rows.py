"""Between rows and the words of the model: one function a word and a direction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb

from kel.model.alert import Alert, Evidence, Severity
from kel.model.cost import CostEntry, CostKind, CostNature
from kel.model.incident import Handover, Incident, IncidentState, Material
from kel.model.order import Action, OrderItem, OrderState, Reply, WorkOrder
from kel.model.place import Point
from kel.model.request import Request
from kel.model.silence import Silence

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
        verify=row[15],
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
        + (i.verified_at, i.reopened_at, _handed_json(i.handed), i.assigned)
        + (i.flapping_at, i.crew, _moments_json(i.called), i.seen_at)
    )


def _moments_json(moments: Mapping[str, datetime]) -> Jsonb:
    return Jsonb({who: at.isoformat() for who, at in moments.items()})


def _handed_json(handed: Handover | None) -> Jsonb | None:
    if handed is None:
        return None
    ask_at = handed.ask_at.isoformat() if handed.ask_at else None
    return Jsonb(
        {
            "to": handed.to,
            "protocol": handed.protocol,
            "at": handed.at.isoformat(),
            "ask_at": ask_at,
        }
    )


def handed_of(data: dict[str, Any] | None) -> Handover | None:
    if data is None:
        return None
    ask_at = datetime.fromisoformat(data["ask_at"]) if data["ask_at"] else None
    return Handover(data["to"], data["protocol"], datetime.fromisoformat(data["at"]), ask_at)


def incident_of(row: Row) -> Incident:
    """Of the columns of query `current_incidents`, which are the table's."""
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
        verified_at=row[19],
        reopened_at=row[20],
        handed=handed_of(row[21]),
        assigned=row[22],
        flapping_at=row[23],
        crew=row[24],
        called={who: datetime.fromisoformat(at) for who, at in row[25].items()},
        seen_at=row[26],
    )


def silence_row(s: Silence) -> tuple[object, ...]:
    """In the order of the table's columns."""
    picks = Jsonb({pick: list(values) for pick, values in s.picks.items()})
    return (
        s.id,
        s.number,
        s.who,
        s.why,
        s.made_at,
        s.starts_at,
        s.ends_at,
        picks,
        sorted(s.days),
    ) + (s.since, s.until, s.ended_at, s.ended_by, s.ended_why)


def silence_of(row: Row) -> Silence:
    """Of the columns of query `current_silences`."""
    picks = {pick: tuple(values) for pick, values in row[7].items()}
    return Silence(
        id=row[0],
        number=row[1],
        who=row[2],
        why=row[3],
        made_at=row[4],
        starts_at=row[5],
        ends_at=row[6],
        picks=picks,
        days=frozenset(row[8]),
        since=row[9],
        until=row[10],
        ended_at=row[11],
        ended_by=row[12],
        ended_why=row[13],
    )


def order_row(o: WorkOrder) -> tuple[object, ...]:
    """In the order of the table's columns."""
    return (
        (o.id, o.number, o.incident, o.category, o.crew, list(o.people), list(o.vehicles), o.state)
        + (o.place.lat, o.place.lon, o.made_at, o.expires_at, o.depart_at, o.arrive_at)
        + (o.finish_at, o.km, o.attempt, o.accepted_at, o.arrived_at, o.completed_at, o.note)
        + (o.remaining, o.continues, o.unsaid)
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
        remaining=row[21],
        continues=row[22],
        unsaid=row[23],
    )


def cost_of(row: Row) -> CostEntry:
    """Of the columns of query `cost`."""
    return CostEntry(row[0], row[1], CostKind(row[2]), CostNature(row[3]), *row[4:])
