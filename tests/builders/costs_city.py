"""A small city for costs: one crew of two, a van and a digger, three items, round prices."""

from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

from kel.model.alert import Severity
from kel.model.city import City
from kel.model.crew import Crew, Person, Rates, Shift, Vehicle
from kel.model.ids import make_id
from kel.model.incident import Category, Incident, IncidentState
from kel.model.order import OrderItem, OrderState, WorkOrder
from kel.model.place import Community, Point
from kel.model.stock import Item

HERE = Point(38.13, 23.87)
WORKDAYS = frozenset(range(5))
DAY_SHIFT = Shift(WORKDAYS, time(7), time(15))
ON_CALL = Shift(frozenset(range(7)), time(15), time(7), on_call=True)


def rates() -> Rates:
    return Rates(
        hourly={"ΔΕ": Decimal("10"), "ΥΕ": Decimal("8")},
        night=Decimal("0.15"),
        sunday=Decimal("0.25"),
        overtime=Decimal("0.50"),
        water_eur_m3=Decimal("0.60"),
        energy_eur_kwh=Decimal("0.20"),
        efficiency=0.65,
    )


def city(**changes: Any) -> City:
    people = (
        Person("p1", "Νίκος", "water-1", frozenset({"plumber"}), "ΔΕ"),
        Person("p2", "Μαρία", "water-1", frozenset({"digger"}), "ΥΕ"),
    )
    values: dict[str, Any] = {
        "id": "small",
        "name": "Μικρή Πόλη",
        "timezone": "Europe/Athens",
        "classes": {},
        "communities": {"drosia": Community("drosia", "Δροσιά", HERE, 7000)},
        "zones": {},
        "feeders": {},
        "devices": {},
        "crews": {
            "water-1": Crew(
                "water-1", "Ύδρευση 1", HERE, people, (DAY_SHIFT, ON_CALL), ("van-1", "dig-1")
            )
        },
        "vehicles": {
            "van-1": Vehicle("van-1", "Φορτηγάκι", "van", Decimal("0.25"), Decimal("3"), 35.0),
            "dig-1": Vehicle("dig-1", "Εκσκαφέας", "digger", Decimal("0.90"), Decimal("18"), 25.0),
        },
        "items": {
            "clamp-63": Item(
                "clamp-63", "Σέλα Φ63", "τεμ.", Decimal("38.50"), Decimal(5), 7, "", Decimal(10)
            ),
            "sand": Item("sand", "Άμμος", "m³", Decimal("17.35"), Decimal(2), 2, "", Decimal(20)),
        },
        "van_stock": (),
        "categories": {
            "main_burst": Category(
                id="main_burst",
                label="Θραύση αγωγού",
                family="water",
                rank=9,
                severity=Severity.HIGH,
                skills=frozenset({"plumber", "digger"}),
                people=2,
                hours=5.0,
                vehicles=("van", "digger"),
                materials=(),
                waiting=Decimal(20),
                loss="water",
                account="2420201",
            )
        },
        "rates": rates(),
        "budget": (),
        "warehouse": HERE,
    }
    return City(**{**values, **changes})


def incident(**changes: Any) -> Incident:
    values: dict[str, Any] = {
        "id": make_id("incident", "burst"),
        "number": "2026-0412",
        "category": "main_burst",
        "severity": Severity.HIGH,
        "state": IncidentState.RESOLVED,
        "cause": "zm-05",
        "community": "drosia",
        "place": HERE,
        "opened_at": datetime(2026, 10, 21, 0, 10, tzinfo=UTC),
        "started_at": datetime(2026, 10, 20, 23, 40, tzinfo=UTC),
        "title": "Θραύση αγωγού στη ζώνη 5",
    }
    return Incident(**{**values, **changes})


def order(**changes: Any) -> WorkOrder:
    """Wednesday 21 October 2026, 08:00–12:30 in Athens (UTC+3), half an hour each way."""

    def at(hour: int, minute: int = 0) -> datetime:
        return datetime(2026, 10, 21, hour, minute, tzinfo=UTC)

    values: dict[str, Any] = {
        "id": make_id("order", "burst"),
        "number": "Ε-2026-0100",
        "incident": make_id("incident", "burst"),
        "category": "main_burst",
        "crew": "water-1",
        "people": ("p1", "p2"),
        "vehicles": ("van-1", "dig-1"),
        "items": (
            OrderItem("clamp-63", "water-1", Decimal(1), Decimal(1)),
            OrderItem("sand", "warehouse", Decimal(2), Decimal("1.5")),
        ),
        "state": OrderState.COMPLETED,
        "place": HERE,
        "made_at": at(4),
        "expires_at": at(5),
        "depart_at": at(5),
        "arrive_at": at(5, 30),
        "finish_at": at(9),
        "km": 12.4,
        "accepted_at": at(4, 5),
        "arrived_at": at(5, 35),
        "completed_at": at(9),
    }
    return WorkOrder(**{**values, **changes})
