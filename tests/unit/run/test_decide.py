"""What an ended incident lost: from its start to its true end, where somebody measured it."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from kel.costs.lost import lost
from kel.costs.readings import Readings
from kel.model.alert import Severity
from kel.model.city import City
from kel.model.device import DeviceClass, Metric
from kel.model.frame import Float64, Int64
from kel.model.incident import Incident, IncidentState
from kel.model.moment import MINUTE_US, to_us
from kel.model.situation import Inputs, Situation
from kel.run.decide import decide
from tests.builders.city import BASE, alert, at, cleared, small_city


class Steady(Readings):
    """Every metric at 3, every 10 minutes; usual is 1. What was asked for is kept."""

    def __init__(self) -> None:
        self.until: list[datetime] = []

    def series(
        self, device: str, metric: str, since: datetime, until: datetime
    ) -> tuple[Int64, Float64]:
        self.until.append(until)
        times = np.arange(to_us(since), to_us(until), 10 * MINUTE_US, dtype=np.int64)
        return times, np.full(len(times), 3.0)

    def typical(self, *asked: Any) -> tuple[Int64, Float64]:
        return np.array([0], dtype=np.int64), np.array([1.0])


def losing(category: str, loss: str, **changes: Any) -> City:
    city = small_city(**changes)
    lossy = replace(city.categories[category], loss=loss)
    return replace(city, categories={**city.categories, category: lossy})


def pumping(*metrics: str) -> DeviceClass:
    return DeviceClass("pump", "", tuple(Metric(m, "1", m) for m in metrics), timedelta(minutes=1))


def closed(category: str, **values: Any) -> Incident:
    given = {
        "id": alert(small_city(), "zm-01", "tree", at("10:00")).id,
        "number": "2026-0001",
        "severity": Severity.MEDIUM,
        "state": IncidentState.CLOSED,
        "cause": "zm-01",
        "community": "drosia",
        "place": BASE,
        "opened_at": at("10:00"),
        "started_at": at("10:00"),
        "title": "",
        "closed_at": at("12:00"),
    }
    return Incident(category=category, **{**given, **values})


def test_water_of_a_zone_is_lost_by_its_meter() -> None:
    (entry,) = lost(
        losing("main_burst", "water"), closed("main_burst", zone="z01"), Steady(), at("13:00")
    )
    assert entry.quantity == Decimal("3.6667")  # 2 m³/h too much, to 11:50


def test_a_zone_without_a_meter_loses_nothing_that_anybody_knows() -> None:
    city = losing("main_burst", "water")
    devices = {d.id: d for d in city.devices.values() if d.cls != "zone"}
    city = replace(city, devices=devices)
    assert lost(city, closed("main_burst", zone="z01"), Steady(), at("13:00")) == []


@pytest.mark.parametrize(
    ("cause", "metrics", "counts"),
    [
        ("ps-01", ("power", "flow", "head"), True),
        ("ps-01", ("power", "flow"), False),
        ("zm-01", ("power", "flow", "head"), False),
        ("gone", ("power", "flow", "head"), False),
    ],
)
def test_energy_is_reckoned_where_all_of_it_is_measured(
    cause: str, metrics: tuple[str, ...], counts: bool
) -> None:
    city = losing("pump", "energy", classes={"pump": pumping(*metrics)})
    assert bool(lost(city, closed("pump", cause=cause), Steady(), at("13:00"))) is counts


@pytest.mark.parametrize(
    ("state", "until"),
    [
        (IncidentState.RESOLVED, at("12:00")),  # the repair held
        (IncidentState.OPEN, at("15:30")),  # it did not: open again, until it passed by itself
    ],
)
def test_a_loss_goes_on_after_a_repair_that_did_not_hold(
    state: IncidentState, until: datetime
) -> None:
    city, readings = losing("low_pressure", "water"), Steady()
    low = alert(city, "zm-01", "low_pressure", at("10:00"))
    situation = Situation()
    opened = decide(city, situation, Inputs(at("10:00"), (low,)), readings)
    situation.apply(opened)
    situation.take(Inputs(at("10:00"), (low,)))
    situation.orders.clear()
    (incident,) = situation.incidents.values()
    situation.incidents[incident.id] = replace(incident, state=state, resolved_at=at("12:00"))
    ended = Inputs(at("16:00"), (cleared(low, at("14:30")),))
    changes = decide(city, situation, ended, readings)
    assert changes.incidents[incident.id].state is IncidentState.CLOSED
    assert readings.until == [until]
