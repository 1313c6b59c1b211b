"""A small city for incidents and dispatch: two zones behind one station, two feeders, two cameras.

Everything lies on one meridian, so that distances are easy to see: 0.01° of latitude is 1,112 m.
"""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from kel.model.alert import Alert, Evidence, Severity
from kel.model.city import City
from kel.model.crew import Crew, Person, Rates, Shift, Vehicle
from kel.model.device import Device, DeviceClass, Metric
from kel.model.ids import make_id
from kel.model.incident import Category, Material
from kel.model.order import Action, Reply
from kel.model.orders_by_incident import OrdersByIncident
from kel.model.place import Community, Feeder, Point, Zone
from kel.model.request import Request
from kel.model.situation import Situation
from kel.model.stock import WAREHOUSE, Item, Stock

LON = 23.86
BASE = Point(38.10, LON)
STORE = Point(38.11, LON)
LAMPS = 12

WEEK = frozenset(range(7))
WORKDAYS = frozenset(range(5))
WEEKEND = frozenset({5, 6})


def at(clock: str, day: int = 4) -> datetime:
    """A moment of March 2026 by the clock in Athens (UTC+2 until the 29th); 4th: Wednesday."""
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC) - timedelta(hours=2)


def north(lat: float) -> Point:
    return Point(lat, LON)


def _device(number: int, name: str, cls: str, lat: float, **values: Any) -> Device:
    community = values.pop("community", "drosia")
    label = values.pop("label", name)
    return Device(name, number, cls, label, community, north(lat), "kel", name, **values)


def _devices() -> dict[str, Device]:
    found = [
        _device(1, "ps-01", "pump", 38.120, label="Αντλιοστάσιο Δροσιάς"),
        _device(2, "zm-01", "zone", 38.130, zone="z01", parent="ps-01"),
        _device(3, "zm-02", "zone", 38.160, zone="z02", parent="ps-01", community="stamata"),
        _device(4, "ls-01", "leak", 38.131, zone="z01", parent="zm-01"),
        _device(5, "ls-02", "leak", 38.133, zone="z01", parent="zm-01"),
        _device(6, "ls-03", "leak", 38.162, zone="z02", parent="zm-02", community="stamata"),
        _device(7, "fc-01", "feeder", 38.115, feeder="f01"),
        _device(8, "fc-02", "feeder", 38.150, feeder="f02", community="stamata"),
        _device(9, "cam-01", "camera", 38.200, community="stamata", label="Κάμερα Προφήτη Ηλία"),
        _device(10, "cam-02", "camera", 38.240, community="stamata", label="Κάμερα Λόφου"),
        _device(11, "fs-01", "fire", 38.208, community="stamata", label="Πυρανίχνευση Βορρά"),
    ]
    for n in range(1, LAMPS + 1):
        lamp = f"la-01-{n:03d}"
        found.append(
            _device(
                100 + n,
                lamp,
                "lamp",
                38.115 + n / 2000,
                feeder="f01",
                parent="fc-01",
                label=f"Φωτιστικό {n}",
            )
        )
    return {d.id: d for d in found}


def _category(name: str, family: str, rank: int, severity: Severity, **values: Any) -> Category:
    given: dict[str, Any] = {
        "label": values.pop("label", name),
        "skills": frozenset(values.pop("skills", ())),
        "people": 2,
        "hours": 2.0,
        "vehicles": ("van",),
        "materials": (),
        "waiting": Decimal(1),
    }
    return Category(id=name, family=family, rank=rank, severity=severity, **{**given, **values})


def _categories() -> dict[str, Category]:
    found = [
        _category(
            "main_burst",
            "water",
            90,
            Severity.CRITICAL,
            label="Θραύση αγωγού",
            skills=("plumber", "digger"),
            people=3,
            hours=5.0,
            vehicles=("van", "digger"),
            materials=(Material("clamp", Decimal(1)), Material("sand", Decimal(4))),
            waiting=Decimal(60),
            loss="water",
            radius_m=600.0,
        ),
        _category(
            "service_leak",
            "water",
            60,
            Severity.MEDIUM,
            label="Διαρροή παροχής",
            skills=("plumber",),
            hours=3.0,
            materials=(Material("saddle", Decimal(1)),),
            waiting=Decimal(6),
            radius_m=250.0,
        ),
        _category(
            "low_pressure",
            "water",
            40,
            Severity.MEDIUM,
            label="Χαμηλή πίεση",
            skills=("plumber",),
            hours=1.5,
            waiting=Decimal(15),
            radius_m=600.0,
        ),
        _category(
            "pump",
            "pump",
            70,
            Severity.HIGH,
            label="Βλάβη αντλιοστασίου",
            skills=("electromechanic",),
            hours=4.0,
            waiting=Decimal(20),
        ),
        _category(
            "feeder",
            "light",
            70,
            Severity.HIGH,
            label="Διακοπή γραμμής φωτισμού",
            skills=("electrician",),
            materials=(Material("breaker", Decimal(1)),),
            waiting=Decimal(25),
            radius_m=400.0,
        ),
        _category(
            "lamp",
            "light",
            20,
            Severity.LOW,
            label="Βλάβη φωτιστικού",
            skills=("electrician", "bucket_truck"),
            hours=0.75,
            vehicles=("bucket_truck",),
            materials=(Material("fuse", Decimal(1)),),
            waiting=Decimal("0.5"),
            radius_m=60.0,
        ),
        _category(
            "fire",
            "fire",
            100,
            Severity.CRITICAL,
            label="Πυρκαγιά",
            skills=("tanker",),
            hours=3.0,
            vehicles=("tanker",),
            materials=(Material("foam", Decimal(20)),),
            waiting=Decimal(1000),
            radius_m=1500.0,
        ),
        _category("sensor", "sensor", 10, Severity.LOW, label="Αισθητήρας", people=0),
        _category("tree", "tree", 60, Severity.HIGH, label="Δέντρο", skills=("chainsaw",)),
        _category(
            "other", "other", 0, Severity.LOW, label="Λοιπά", people=1, hours=1.0, vehicles=()
        ),
    ]
    return {c.id: c for c in found}


def _people(crew: str, *skills: str) -> tuple[Person, ...]:
    return tuple(
        Person(f"{crew}-{n}", f"{crew} {n}", crew, frozenset(s.split()), "de")
        for n, s in enumerate(skills, 1)
    )


def _crews() -> dict[str, Crew]:
    def shift(days: frozenset[int], start: int, end: int, on_call: bool = False) -> Shift:
        return Shift(days, time(start), time(end), on_call)

    day, late = shift(WORKDAYS, 7, 15), shift(WORKDAYS, 15, 23)
    night, weekend = shift(WEEK, 23, 7, True), shift(WEEKEND, 7, 23, True)
    fire = (shift(WEEK, 6, 14), shift(WEEK, 14, 22), shift(WEEK, 22, 6, True))
    plumbers = ("plumber", "plumber", "digger", "plumber")
    found = [
        Crew("water-1", "Ύδρευση 1", BASE, _people("water-1", *plumbers), (day,), ("v1", "d1")),
        Crew(
            "water-2",
            "Ύδρευση 2",
            BASE,
            _people("water-2", *plumbers),
            (late, night, weekend),
            ("v2", "d2"),
        ),
        Crew(
            "electric",
            "Ηλεκτροφωτισμός",
            BASE,
            _people("electric", "electrician", "electrician bucket_truck", "electrician"),
            (day, late, night, weekend),
            ("v3", "b1"),
        ),
        Crew(
            "pumps",
            "Αντλιοστάσια",
            BASE,
            _people("pumps", "electromechanic", "electromechanic"),
            (day, replace(late, on_call=True), night, weekend),
            ("v4",),
        ),
        Crew(
            "green-fire",
            "Πυροπροστασία",
            BASE,
            _people("green-fire", "tanker", "tanker", "driver"),
            fire,
            ("t1",),
        ),
    ]
    return {c.id: c for c in found}


def _vehicles() -> dict[str, Vehicle]:
    kinds = {
        "v1": "van",
        "v2": "van",
        "v3": "van",
        "v4": "van",
        "d1": "digger",
        "d2": "digger",
        "b1": "bucket_truck",
        "t1": "tanker",
    }
    return {
        v: Vehicle(v, f"{kind} {v}", kind, Decimal("0.30"), Decimal(3), 30.0)
        for v, kind in kinds.items()
    }


def _items() -> dict[str, Item]:
    found = {
        "clamp": ("Σέλα DN150", "τεμ", "118.00", 5),
        "sand": ("Άμμος", "m³", "14.50", 2),
        "saddle": ("Σέλα παροχής", "τεμ", "9.80", 5),
        "breaker": ("Διακόπτης C32", "τεμ", "7.40", 4),
        "fuse": ("Ασφάλεια 6 A", "τεμ", "0.90", 4),
        "foam": ("Αφρός", "l", "4.10", 10),
    }
    return {
        i: Item(i, name, unit, Decimal(price), Decimal(1), days, "", Decimal(10))
        for i, (name, unit, price, days) in found.items()
    }


def small_city(**changes: Any) -> City:
    classes = {
        "camera": DeviceClass(
            "camera", "Κάμερα", (Metric("smoke", "1", "Καπνός"),), timedelta(days=1)
        ),
        "fire": DeviceClass(
            "fire", "Πυρανίχνευση", (Metric("smoke", "%", "Καπνός"),), timedelta(minutes=10)
        ),
    }
    values: dict[str, Any] = {
        "id": "small",
        "name": "Μικρή Πόλη",
        "timezone": "Europe/Athens",
        "classes": classes,
        "communities": {
            "drosia": Community("drosia", "Δροσιά", north(38.12), 7000),
            "stamata": Community("stamata", "Σταμάτα", north(38.17), 4000),
        },
        "zones": {
            "z01": Zone("z01", "Δροσιά 2", "drosia", north(38.13), 900, 2300, 11.0, 360.0, "ps-01"),
            "z02": Zone(
                "z02", "Σταμάτα 1", "stamata", north(38.16), 500, 1200, 8.0, 420.0, "ps-01"
            ),
        },
        "feeders": {
            "f01": Feeder("f01", "Δροσιά Α", "drosia", north(38.115)),
            "f02": Feeder("f02", "Σταμάτα Α", "stamata", north(38.15)),
        },
        "devices": _devices(),
        "crews": _crews(),
        "vehicles": _vehicles(),
        "items": _items(),
        "van_stock": (),
        "categories": _categories(),
        "rates": Rates(
            {"de": Decimal(10)},
            Decimal("0.15"),
            Decimal("0.25"),
            Decimal("0.50"),
            Decimal("0.60"),
            Decimal("0.20"),
            0.65,
        ),
        "budget": (),
        "warehouse": STORE,
    }
    return City(**{**values, **changes})


def full_stock() -> dict[tuple[str, str], Stock]:
    """Ten of everything in the warehouse, one clamp in the van of water-1, foam in the tanker's."""
    found = [Stock(WAREHOUSE, item, Decimal(10)) for item in _items()]
    found += [Stock("water-1", "clamp", Decimal(1)), Stock("green-fire", "foam", Decimal(40))]
    return {(s.place, s.item): s for s in found}


def situation(**changes: Any) -> Situation:
    orders = OrdersByIncident(changes.pop("orders", {}))
    return Situation(**{"stock": full_stock(), "orders": orders, **changes})


def alert(
    city: City,
    device: str,
    category: str,
    started: datetime,
    detected: datetime | None = None,
    **values: Any,
) -> Alert:
    """An alert as a worker makes one; `rule` defaults to the category's name."""
    known = city.devices[device]
    rule = values.pop("rule", category)
    given: dict[str, Any] = {
        "id": make_id("alert", rule, device, started.isoformat()),
        "rule": rule,
        "rulebook": "v1",
        "kind": "threshold",
        "device": device,
        "category": category,
        "severity": city.categories[category].severity,
        "started_at": started,
        "detected_at": detected or started,
        "evidence": Evidence(known.cls, device, values.pop("metric", "flow"), started, started),
        "community": known.community,
        "zone": known.zone,
        "feeder": known.feeder,
    }
    return Alert(**{**given, **values})


def cleared(of: Alert, moment: datetime) -> Alert:
    return replace(of, cleared_at=moment, cleared_why="επανήλθε")


def request(
    category: str, moment: datetime, lat: float | None = None, community: str = "drosia", n: int = 1
) -> Request:
    place = north(lat) if lat is not None else None
    name = make_id("request", category, moment.isoformat(), lat, n)
    return Request(name, moment, moment, community, category, "…", place)


def reply(order: Any, action: str, moment: datetime, **values: Any) -> Reply:
    given: dict[str, Any] = {
        "id": make_id("reply", order.id, action, moment.isoformat()),
        "order": order.id,
        "crew": order.crew,
        "action": Action(action),
        "at": moment,
        "arrival": moment,
    }
    return Reply(**{**given, **values})
