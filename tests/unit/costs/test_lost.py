"""Losses that one meter measures for several incidents: what is lost is lost once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kel.costs.lost import bills, left_out, losses, lost, overlapping
from kel.costs.readings import Billed, Readings
from kel.model.city import City
from kel.model.device import Device, DeviceClass, Metric
from kel.model.ids import make_id
from kel.model.incident import Incident, IncidentState
from kel.model.moment import HOUR_US, MINUTE_US, to_us
from tests.builders import costs_city as build
from tests.builders.costs_city import HERE

START = datetime(2026, 10, 20, 22, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
STEP = 10  # minutes between readings
NOW = START + timedelta(days=1)


class Meter(Readings):
    """60 m³/h too much, all the time; and what is booked."""

    def __init__(self) -> None:
        self.bills: list[tuple[str, Billed]] = []

    def series(self, device, metric, since, until):
        first = -(-to_us(since) // (STEP * MINUTE_US)) * STEP * MINUTE_US
        times = np.arange(first, to_us(until), STEP * MINUTE_US, dtype=np.int64)
        return times, np.full(len(times), 70.0)

    def typical(self, *asked):
        return np.array([0], np.int64), np.array([10.0])

    def billed(self, device, since, until):
        return overlapping(self.bills, device, since, until)


def city(**devices: Device) -> City:
    meter = Device("zm-05", 1, "zone", "", "drosia", HERE, "kel", "zm-05", zone="z05")
    other = Device("zm-06", 2, "zone", "", "drosia", HERE, "kel", "zm-06", zone="z06")
    zone = DeviceClass("zone", "", (Metric("flow", "m³/h", ""),), timedelta(minutes=5))
    burst = build.city().categories["main_burst"]
    return build.city(
        classes={"zone": zone},
        devices={"zm-05": meter, "zm-06": other, **devices},
        categories={"main_burst": replace(burst, loss="water")},
    )


def ended(number: int, begins: int, ends: int, zone: str = "z05") -> Incident:
    """From minute `begins` to minute `ends`."""
    return build.incident(
        id=make_id("incident", number),
        number=f"2026-{number:04d}",
        state=IncidentState.CLOSED,
        started_at=START + begins * MINUTE,
        closed_at=START + ends * MINUTE,
        zone=zone,
    )


def booked(meter: Meter, *incidents: Incident) -> list[Decimal]:
    """Each one's m³, each decided by itself."""
    found = []
    for incident in incidents:
        entries = lost(city(), incident, meter, NOW)
        meter.bills += bills(entries, {incident.id: incident.number})
        found.append(sum((e.quantity for e in entries), Decimal(0)))
    return found


@pytest.mark.parametrize(
    ("what", "second", "m3"),
    [
        ("the same time", ended(2, 0, 121), 0),
        ("within it", ended(2, 30, 90), 0),
        ("goes on after it", ended(2, 60, 181), 60),
        ("began before it", ended(2, -60, 61), 60),
        ("around it", ended(2, -60, 181), 120),
        ("after it", ended(2, 120, 181), 60),
        ("another zone", ended(2, 0, 121, "z06"), 120),
    ],
)
def test_the_second_one_leaves_out_what_the_first_was_billed_for(what, second, m3):
    assert booked(Meter(), ended(1, 0, 121), second) == [120, m3], what


def test_and_says_so():
    meter, first, second = Meter(), ended(1, 0, 121), ended(2, 60, 181)
    booked(meter, first)
    (entry,) = lost(city(), second, meter, NOW)
    assert left_out(entry.basis) == [Billed("2026-0001", first.started_at, first.closed_at)]
    assert (entry.basis["begins"], entry.basis["ends"]) == (
        second.started_at.isoformat(),
        second.closed_at.isoformat(),
    )
    assert entry.basis["gap_hours"] == 0.0


SPANS = st.lists(
    st.tuples(st.integers(-300, 300), st.integers(1, 300)), min_size=1, max_size=5
).map(lambda spans: [ended(n + 1, a, a + length) for n, (a, length) in enumerate(spans)])


@given(SPANS)
def test_together_they_cost_what_the_meter_lost_while_any_of_them_lasted(incidents):
    steps = {
        moment
        for i in incidents
        for moment in Meter().series("zm-05", "flow", i.started_at, i.closed_at)[0][:-1].tolist()
    }
    wanted = Decimal(60 * len(steps) * STEP * MINUTE_US) / HOUR_US
    assert abs(sum(booked(Meter(), *incidents)) - wanted) < Decimal("0.001")


@given(SPANS)
def test_in_one_decision_as_one_after_the_other(incidents):
    together = losses(city(), incidents, Meter(), NOW)
    in_turn = sorted(incidents, key=lambda i: (i.closed_at, i.number))
    apart = [m3 for m3 in booked(Meter(), *in_turn) if m3]
    assert [e.quantity for e in together] == apart
