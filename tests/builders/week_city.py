"""A small city and one week of it, by hand, with round numbers: the week when summer time ends.

Monday 19 October 2026 begins at 18 Oct 21:00 UTC, its Sunday ends at 25 Oct 22:00 UTC: 169 hours.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np

from kel.model.alert import Alert, Evidence, Severity
from kel.model.cost import BudgetLine, CostEntry, CostKind, CostNature, euros
from kel.model.device import Device, DeviceClass, Metric
from kel.model.frame import Frame
from kel.model.ids import make_id
from kel.model.incident import IncidentEvent, IncidentState
from kel.model.moment import to_us
from kel.model.order import OrderItem
from kel.model.place import Feeder, Zone
from kel.model.reading import Output
from kel.model.request import Request
from kel.model.situation import Changes
from kel.model.stock import WAREHOUSE, Movement, MovementKind, Stock
from kel.store.connect import connect
from kel.store.desk import write_changes
from kel.store.load import numbered
from kel.store.stream import copy_readings, put_effects
from tests.builders import costs_city
from tests.builders.costs_city import HERE

MONDAY = date(2026, 10, 19)
LAMPS = 10
CASH, MANAGEMENT = CostNature.CASH, CostNature.MANAGEMENT
LABOUR, MATERIAL, WATER = (make_id("cost", word) for word in ("overtime", "clamp", "water"))


def utc(day, hour, minute=0, month=10):
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


OPENED = utc(6, 21, month=9)  # Monday 7 September begins in Athens
MADE = utc(26, 5)


def _category(id_, label):
    base = costs_city.city().categories["main_burst"]
    values = {name: getattr(base, name) for name in base.__slots__}
    return type(base)(**{**values, "id": id_, "label": label, "family": "light"})


def _class(id_, *metrics):
    return DeviceClass(id_, id_, tuple(Metric(*m) for m in metrics), timedelta(minutes=5))


def _device(number, id_, cls, **more):
    return Device(id_, number, cls, id_, "drosia", HERE, "kel", id_, **more)


def _line(account, amount, nature=CASH):
    return BudgetLine(2026, account, f"Γραμμή {account}", "drosia", Decimal(amount), nature)


def city():
    base = costs_city.city()
    lamps = (_device(10 + n, f"la-{n}", "lamp", feeder="f01", parent="fc-01") for n in range(LAMPS))
    devices = [
        _device(1, "zm-1", "zone", zone="z1"),
        _device(2, "fc-01", "feeder", feeder="f01"),
        *lamps,
    ]
    return costs_city.city(
        classes={
            "zone": _class("zone", ("flow", "m³/h", "Παροχή"), ("pressure", "bar", "Πίεση")),
            "lamp": _class("lamp", ("failure", "0/1", "Βλάβη")),
            "feeder": _class("feeder", ("voltage", "V", "Τάση")),
        },
        zones={"z1": Zone("z1", "Δροσιά Κέντρο", "drosia", HERE, 1000, 2500, 10.0, 300.0, "ps-1")},
        feeders={"f01": Feeder("f01", "Γραμμή 1", "drosia", HERE)},
        devices={d.id: d for d in devices},
        categories={
            **base.categories,
            "lamp": _category("lamp", "Βλάβη φωτιστικού"),
            "feeder": _category("feeder", "Διακοπή γραμμής"),
        },
        budget=(
            _line("2420201", 800),
            _line("2420299", 200),
            _line("2420201", 9000, MANAGEMENT),
        ),
    )


BURST, LAMP, FEEDER, MERGED, BEFORE = (
    make_id("incident", word) for word in ("burst", "lamp", "feeder", "merged", "before")
)
SIGN = {"alerts": (make_id("alert", "some"),)}
NIGHT_ALERT = make_id("alert", "night")


def incidents():
    new = costs_city.incident
    closed, burst = IncidentState.CLOSED, utc(21, 2, 10)
    return [
        new(
            id=BURST,
            number="2026-0002",
            state=closed,
            zone="z1",
            cause="zm-1",
            opened_at=burst,
            started_at=burst - timedelta(minutes=20),
            acknowledged_at=burst + timedelta(minutes=10),
            resolved_at=burst + timedelta(minutes=240),
            closed_at=utc(25, 21, 30),
            alerts=(NIGHT_ALERT,),
            requests=(make_id("request", 1),),
        ),
        new(
            id=LAMP,
            number="2026-0003",
            category="lamp",
            severity=Severity.LOW,
            state=IncidentState.OPEN,
            cause="la-1",
            feeder="f01",
            opened_at=utc(20, 12, 30),
            started_at=utc(20, 12),
            title="Βλάβη φωτιστικού",
            alerts=(make_id("alert", "lamp"),),
        ),
        new(
            id=FEEDER,
            number="2026-0001",
            category="feeder",
            state=closed,
            cause="fc-01",
            feeder="f01",
            opened_at=utc(19, 18),
            started_at=utc(19, 18),
            acknowledged_at=utc(19, 18, 30),
            resolved_at=utc(19, 19),
            closed_at=utc(19, 20),
            **SIGN,
        ),
        new(id=MERGED, number="2026-0004", state=closed, opened_at=utc(21, 2, 12)),
        new(
            id=BEFORE,
            number="2026-0000",
            state=closed,
            opened_at=utc(15, 9),
            started_at=utc(15, 9),
            resolved_at=utc(15, 10),
            closed_at=utc(15, 11),
            **SIGN,
        ),
    ]


def order():
    return costs_city.order(
        id=make_id("order", "burst"),
        incident=BURST,
        items=(OrderItem("clamp-63", "water-1", Decimal(1), Decimal(1)),),
    )


def cost(name, at, kind, nature, quantity, price, incident=BURST, **more):
    quantity, price = Decimal(str(quantity)), Decimal(str(price))
    values = {
        "account": "2420201",
        "community": "drosia",
        "category": next(i.category for i in incidents() if i.id == incident),
        "unit": {"water": "m³", "energy": "kWh", "material": "τεμ."}.get(kind, "h"),
        "amount": euros(quantity * price),
    } | more
    id_ = make_id("cost", name)
    return CostEntry(
        id_, at, kind, nature, quantity=quantity, price=price, incident=incident, **values
    )


def costs():
    done, own = utc(21, 9), {"order": order().id}
    out = {"since": utc(21, 5).isoformat(), "until": utc(21, 9, 30).isoformat()}
    person = {"grade": "ΔΕ", "way_back_min": 30.0, **out}
    lost = {
        "device": "zm-1",
        "metric": "flow",
        "since": utc(21, 1, 50).isoformat(),
        "until": utc(21, 3, 50).isoformat(),
        "usual": 10.0,
        "highest": 60.0,
        "readings": 9.0,
        "gap_hours": 0.0,
    }
    water = CostKind.WATER
    return [
        cost(
            *("shift", done, CostKind.LABOUR, MANAGEMENT, 2, 10),
            basis={"person": "p1", "band": "shift", **person},
            **own,
        ),
        cost(
            *("overtime", done, CostKind.LABOUR, CASH, 3, 12),
            basis={"person": "p2", "band": "overtime-night", **person},
            **own,
        ),
        cost(
            *("km", done, CostKind.VEHICLE, CASH, 12.4, 0.25),
            basis={"vehicle": "van-1", **out},
            unit="km",
            account="9999",
            **own,
        ),
        cost(
            *("clamp", done, CostKind.MATERIAL, MANAGEMENT, 1, 38.50),
            basis={"from": "water-1"},
            item="clamp-63",
            **own,
        ),
        cost(
            *("clamp again", utc(22, 9), CostKind.MATERIAL, MANAGEMENT, 0, 0),
            amount=Decimal("-8.50"),
            item="clamp-63",
            corrects=MATERIAL,
            **own,
        ),
        # the week's edges: its first instant, its last half hour, the first instant after it
        cost("first", utc(18, 21), CostKind.ENERGY, MANAGEMENT, 5, 0.2, incident=FEEDER),
        cost("water", utc(25, 21, 30), water, MANAGEMENT, 100, 0.6, basis=lost),
        cost("after", utc(25, 22), water, MANAGEMENT, 1000, 1),
        # the weeks before
        cost("last", utc(18, 20, 59), CostKind.LABOUR, CASH, 1, 10, incident=BEFORE),
        cost("earlier", utc(7, 9), water, MANAGEMENT, 100, 0.5, incident=BEFORE),
    ]


def changes():
    def event(incident, at, what, why):
        return IncidentEvent(make_id("event", incident, what), incident, at, what, "kel", why)

    use = Movement(
        make_id("movement", "use"),
        *(utc(21, 9), WAREHOUSE, "clamp-63", Decimal(-7), MovementKind.USE),
    )
    return Changes(
        incidents={i.id: i for i in incidents()},
        orders={order().id: order()},
        stock={(WAREHOUSE, "clamp-63"): Stock(WAREHOUSE, "clamp-63", Decimal(3))},
        movements=[use],
        costs=costs(),
        incident_events=[
            event(BURST, utc(21, 2, 10), "opened", "κανόνας zone-night-flow"),
            event(BURST, utc(21, 4), "planned", "Ε-2026-0100: Ύδρευση 1"),
            event(LAMP, utc(20, 12, 30), "opened", "κανόνας lamp-failure"),
            event(LAMP, utc(20, 13), "unplanned", "λείπει υλικό: φωτιστικό"),
        ],
    )


def alerts():
    def alert(id_, rule, kind, device, cls, metric, since, until, facts):
        about = Evidence(cls, device, metric, since, until, facts)
        return Alert(
            *(id_, rule, "0123456789ab", kind, device, "main_burst", Severity.CRITICAL),
            *(since, until, about, "drosia"),
        )

    night = {"value": 60.0, "expected": 10.0, "excess": 50.0, "limit": 6.0, "for_s": 1200.0}
    return [
        alert(
            *(NIGHT_ALERT, "zone-night-flow", "night_flow", "zm-1", "zone", "flow"),
            *(utc(21, 1, 50), utc(21, 2, 20), {**night, "unit": "m³/h"}),
        ),
        alert(
            *(make_id("alert", "lamp"), "lamp-failure", "threshold", "la-1", "lamp", "failure"),
            *(utc(20, 12), utc(20, 12, 30), {"value": 1.0, "limit": 0.5, "side": "above"}),
        ),
    ]


def flows():
    """Night flow: 8 m³/h every night, 6 two weeks before; on the 25th the clock goes back at 04:00
    (01:00 UTC), so that 03:30 comes twice. 60 m³/h from 01:50 to 03:50 UTC on the 21st, by day."""
    rows = [(utc(day, 23, 30), 6.0 if day < 11 else 8.0) for day in range(5, 25)]  # 02:30
    rows += [(utc(25, 0, 30), 20.0), (utc(25, 1, 30), 20.0), (utc(25, 2, 30), 99.0)]
    rows += [(utc(21, 1, 50) + timedelta(minutes=15 * n), 60.0) for n in range(9)]
    rows += [(utc(21, 1, 20), 10.0), (utc(21, 1, 35), 10.0)]
    return sorted(rows)


def fill(settings):
    """Write the week through the stores' own doors."""
    with connect(settings) as connection, connection.cursor() as cursor:
        known = numbered(connection, city())
        with connection.transaction():
            write_changes(cursor, changes())
            asked = Request(
                make_id("request", 1), utc(21, 2), utc(21, 2), "drosia", "main_burst", "Τρέχει νερό"
            )
            put_effects(cursor, Output(0, 0, 1, alerts=alerts(), requests=[asked]))
            rows = flows()
            time = np.array([to_us(at) for at, _ in rows], dtype=np.int64)
            number = np.full(len(rows), known.devices["zm-1"].number, np.int32)
            flow = np.array([value for _, value in rows])
            metrics = {"flow": flow, "pressure": np.full(len(rows), np.nan)}
            copy_readings(cursor, Frame("zone", time, time, number, metrics))
