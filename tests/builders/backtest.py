"""What tests of backtests are built of: alerts, formed incidents, settled ones."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from kel.backtest.incidents import Formed
from kel.backtest.prices import Settled
from kel.model.alert import Alert, Evidence, Severity
from kel.model.city import City
from kel.model.cost import CostKind
from kel.model.ids import make_id
from kel.model.incident import Category, Incident, IncidentState
from kel.model.place import Point
from tests.builders import rules_city

DAY = datetime(2026, 9, 7, tzinfo=UTC)
END = DAY + timedelta(days=7)
HERE = Point(38.1, 23.8)


def hours(number: float) -> datetime:
    """The moment so many hours into the week."""
    return DAY + timedelta(hours=number)


def alert(rule: str, device: str, begin: float, end: float | None = None, **more: Any) -> Alert:
    """Active from hour to hour, detected half an hour after its begin if nothing else is said."""
    started = hours(begin)
    detected = hours(more.pop("detected", begin + 0.5))
    known = city().devices.get(device)
    fields: dict[str, Any] = {
        "category": "pump",
        "severity": Severity.MEDIUM,
        "community": "drosia",
        "zone": known.zone if known else None,
        "feeder": known.feeder if known else None,
        "evidence": Evidence("pump", device, "head", started, detected, {"value": 1.0}),
    }
    fields |= more
    return Alert(
        id=make_id("alert", rule, device, started),
        rule=rule,
        rulebook="v1",
        kind="threshold",
        device=device,
        started_at=started,
        detected_at=detected,
        cleared_at=None if end is None else hours(end),
        cleared_why=None if end is None else "η μέτρηση επανήλθε",
        **fields,
    )


def formed(
    name: str,
    opened: float,
    closed: float | None = None,
    signs: Iterable[tuple[str, str]] = (),
    **more: Any,
) -> Formed:
    """An incident of the week, its trouble begun half an hour before it was opened."""
    fields = {"category": "pump", "cause": None, "zone": None, "feeder": None, "requests": ()}
    fields |= {"title": f"Συμβάν {name}"}
    incident = Incident(
        id=make_id("incident", name),
        number=name,
        severity=Severity.MEDIUM,
        state=IncidentState.OPEN if closed is None else IncidentState.CLOSED,
        community="drosia",
        place=HERE,
        opened_at=hours(opened),
        started_at=hours(opened - 0.5),
        closed_at=None if closed is None else hours(closed),
        alerts=tuple(make_id("alert", *sign) for sign in signs),
        **{**fields, **more},
    )
    return Formed(incident, "κανόνας r", frozenset(signs))


def settled(category: str, lasted: float = 4.0, took: float | None = 3.0, **sums: Any) -> Settled:
    """`labour=(h, €)`, `water=(m³, €)`, `energy=(kWh, €)`, `vehicle=(0, €)`, `material=(0, €)`."""
    return Settled(
        category,
        timedelta(hours=lasted),
        None if took is None else timedelta(hours=took),
        {CostKind(kind): Decimal(str(euros)) for kind, (_, euros) in sums.items()},
        {CostKind(kind): Decimal(str(quantity)) for kind, (quantity, _) in sums.items()},
    )


def city() -> City:
    """The rules' small city, whose bursts lose water and whose pumps lose energy."""
    plain = rules_city.city()
    loss = {"main_burst": ("water", "water"), "pump": ("pump", "energy")}
    categories: dict[str, Category] = {
        c.id: replace(c, family=loss[c.id][0], loss=loss[c.id][1]) if c.id in loss else c
        for c in plain.categories.values()
    }
    return replace(plain, categories=categories)
