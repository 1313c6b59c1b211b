"""A small city at half past four of an October night, as a wall should show it.

Zone Κέντρο has a burst (22 m³/h instead of 8) with a crew on the spot; a lighting feeder is dark
and its order waits unanswered; one pump has lost efficiency, one stands, one is silent.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np

from kel.model.alert import Alert, Evidence, Severity
from kel.model.city import City
from kel.model.cost import CostEntry, CostKind, CostNature
from kel.model.device import Device, DeviceClass, Metric
from kel.model.frame import Frame
from kel.model.ids import make_id
from kel.model.incident import Category, Incident, IncidentState
from kel.model.moment import to_us
from kel.model.order import OrderState, WorkOrder
from kel.model.place import Community, Feeder, Point, Zone
from kel.model.reading import Output, Status
from kel.model.request import Contact, Reject, Request
from kel.model.situation import Changes
from tests.builders import costs_city

NOW = datetime(2026, 10, 21, 1, 30, tzinfo=UTC)  # 04:30 in Athens
HERE = costs_city.HERE


def _class(cls, every_min, *names):
    metrics = tuple(Metric(n, "1", n) for n in names)
    return DeviceClass(cls, cls, metrics, timedelta(minutes=every_min))


CLASSES = {
    c.id: c
    for c in (
        _class("pump", 1, "flow", "head", "power", "running"),
        _class("zone", 5, "flow", "pressure"),
        _class("lamp", 30, "failure", "gear_failure"),
        _class("feeder", 5, "voltage", "power"),
    )
}


def _device(id_, cls, **more):
    values = {"name": id_, "zone": None, "feeder": None} | more
    return Device(id_, 0, cls, values.pop("name"), "drosia", HERE, "kel", id_, **values)


def _category(id_, label, family):
    base = costs_city.city().categories["main_burst"]
    values = {s: getattr(base, s) for s in base.__slots__}
    return Category(**{**values, "id": id_, "label": label, "family": family})


def city() -> City:
    devices = [
        *(_device(f"ps-0{n}", "pump", name=f"Αντλιοστάσιο {n} (Δροσιά)") for n in range(1, 5)),
        _device("zm-01", "zone", zone="z01"),
        _device("zm-02", "zone", zone="z02"),
        _device("fc-01", "feeder", feeder="f01"),
        *(_device(f"la-01-00{n}", "lamp", feeder="f01") for n in range(1, 5)),
    ]
    crews = costs_city.city().crews
    electric = costs_city.Crew("electric", "Ηλεκτρολόγοι (πρωινό)", HERE, (), (), ())
    works = costs_city.Crew("works", "Τεχνικά", HERE, (), (), ())
    return costs_city.city(
        classes=CLASSES,
        communities={
            "drosia": Community("drosia", "Δροσιά", HERE, 7000),
            "anoixi": Community("anoixi", "Άνοιξη", Point(38.14, 23.88), 6500),
        },
        zones={
            "z01": Zone("z01", "Κέντρο", "drosia", HERE, 500, 1200, 9.0, 300.0, "ps-01"),
            "z02": Zone("z02", "Βορράς", "drosia", HERE, 400, 900, 7.0, 310.0, "ps-02"),
        },
        feeders={"f01": Feeder("f01", "Πεύκων", "drosia", HERE)},
        devices={d.id: d for d in devices},
        crews={**crews, "electric": electric, "works": works},
        categories={
            "main_burst": _category("main_burst", "Θραύση αγωγού", "water"),
            "feeder": _category("feeder", "Γραμμή χωρίς ρεύμα", "light"),
            "lamp": _category("lamp", "Βλάβη φωτιστικού", "lamp"),
        },
    )


def frame(city: City, cls: str, rows) -> Frame:
    """rows: (device, minutes before NOW, {metric: value}); a metric left out is not reported."""
    names = [m.name for m in CLASSES[cls].metrics]
    times = np.array([to_us(NOW - timedelta(minutes=m)) for _, m, _ in rows], dtype=np.int64)
    numbers = np.array([city.devices[d].number for d, _, _ in rows], dtype=np.int32)
    values = {n: np.array([v.get(n, np.nan) for _, _, v in rows], dtype=float) for n in names}
    return Frame(cls, times, times, numbers, values)


def readings(city: City) -> list[Frame]:
    day = 24 * 60
    zone = [
        (meter, day * d + m, {"flow": flow, "pressure": 4.0})
        for meter, flow in (("zm-01", 8.0), ("zm-02", 5.0))
        for d in range(1, 11)
        for m in range(120, -1, -15)
    ]
    zone += [("zm-01", m, {"flow": 22.0, "pressure": 2.4}) for m in range(60, -1, -5)]
    zone += [("zm-02", m, {"flow": 5.0, "pressure": 4.1}) for m in range(60, -1, -5)]
    good = {"flow": 40.0, "head": 60.0, "power": 10.0, "running": 1.0}
    pump = [
        ("ps-01", 1, good),  # η = 65.4 %
        ("ps-02", 1, good | {"head": 40.0}),  # η = 43.6 %
        ("ps-03", 1, good | {"running": 0.0, "power": 0.0, "flow": 0.0}),
        ("ps-04", 40, good),  # silent since
    ]
    lamp = [(f"la-01-00{n}", 20, {"failure": 0.0, "gear_failure": 0.0}) for n in (1, 2, 3)]
    lamp.append(("la-01-004", 20, {"failure": 1.0}))
    cabinet = [("fc-01", 3, {"voltage": 0.0, "power": 0.0})]
    rows = {"zone": zone, "pump": pump, "lamp": lamp, "feeder": cabinet}
    return [frame(city, cls, r) for cls, r in rows.items()]


def outputs(city: City) -> list[Output]:
    """What workers commit: partition 1 is half a minute behind partition 0."""
    ahead = Output(0, 0, 7, tick=to_us(NOW + timedelta(seconds=30)), frames=readings(city))
    ahead.alerts = [
        alert("night-flow", "zm-01", "main_burst", Severity.CRITICAL, 95),
        alert("voltage-lost", "fc-01", "feeder", Severity.HIGH, 20),
    ]
    ahead.statuses = [Status("ps-04", to_us(NOW - timedelta(minutes=30)), online=False)]
    behind = Output(1, 0, 3, tick=to_us(NOW))
    citizen = make_id("request", "citizen")
    behind.requests = [Request(citizen, NOW, NOW, "drosia", "main_burst", "Τρέχουν νερά", HERE)]
    behind.contacts = [Contact(citizen, "Μαρία Π.", "6900000000")]
    behind.rejects = [
        Reject(make_id("reject", n), NOW - timedelta(minutes=n), "x/y", b"{", 1, "bad_json", "…")
        for n in (5, 10, 90)
    ]
    return [ahead, behind]


def alert(rule, device, category, severity, minutes) -> Alert:
    at = NOW - timedelta(minutes=minutes)
    seen = Evidence("zone", device, "flow", at, at)
    return Alert(
        make_id("alert", rule, device, at),
        rule,
        "v1",
        "threshold",
        device,
        category,
        severity,
        at,
        at,
        seen,
        "drosia",
    )


def incident(number, category, severity, state, minutes, title, **more) -> Incident:
    at = NOW - timedelta(minutes=minutes)
    return Incident(
        make_id("incident", number),
        number,
        category,
        severity,
        state,
        None,
        more.pop("community", "drosia"),
        HERE,
        at,
        at,
        title,
        **more,
    )


def order(number, of, crew, state, **moments) -> WorkOrder:
    """moments: minutes from NOW for expires, arrive, finish."""

    def at(name, default):
        return NOW + timedelta(minutes=moments.get(name, default))

    return WorkOrder(
        make_id("order", number),
        number,
        make_id("incident", of),
        "main_burst",
        crew,
        (),
        (),
        (),
        state,
        HERE,
        at("made", -60),
        at("expires", 10),
        at("depart", -50),
        at("arrive", -40),
        at("finish", 90),
        5.0,
    )


def cost(name, of, nature, amount, minutes) -> CostEntry:
    return CostEntry(
        make_id("cost", name),
        NOW - timedelta(minutes=minutes),
        CostKind.LABOUR,
        nature,
        Decimal(amount),
        Decimal(1),
        "h",
        Decimal(amount),
        make_id("incident", of),
        "drosia",
        "main_burst",
        "1",
    )


def changes() -> Changes:
    """What the desk commits with NOW."""
    state = IncidentState
    found = [
        incident(
            "2026-0001",
            "main_burst",
            Severity.CRITICAL,
            state.IN_PROGRESS,
            95,
            "Θραύση αγωγού — ζώνη Κέντρο",
            zone="z01",
        ),
        incident(
            "2026-0002",
            "feeder",
            Severity.HIGH,
            state.OPEN,
            20,
            "Γραμμή χωρίς ρεύμα — Πεύκων",
            feeder="f01",
        ),
        incident("2026-0003", "lamp", Severity.LOW, state.RESOLVED, 600, "Βλάβη — Δροσιά"),
        incident("2026-0004", "lamp", Severity.LOW, state.CLOSED, 900, "Βλάβη — παλιά"),
    ]
    orders = [
        order("Ε-2026-0001", "2026-0001", "water-1", OrderState.ARRIVED),
        order("Ε-2026-0002", "2026-0002", "electric", OrderState.SENT, expires=-5, arrive=20),
    ]
    cash, management = CostNature.CASH, CostNature.MANAGEMENT
    return Changes(
        incidents={i.id: i for i in found},
        orders={o.id: o for o in orders},
        costs=[
            cost("a", "2026-0001", cash, "120.00", 30),
            cost("b", "2026-0001", management, "75.50", 60),
            cost("yesterday", "2026-0001", cash, "999.00", 300),  # 23:30 in Athens
        ],
    )


def many_incidents(count: int) -> Changes:
    """More open incidents than a list has room for."""
    found = [
        incident(f"2026-1{n:03}", "lamp", Severity.LOW, IncidentState.OPEN, n, f"Βλάβη {n}")
        for n in range(count)
    ]
    return Changes(incidents={i.id: i for i in found})
