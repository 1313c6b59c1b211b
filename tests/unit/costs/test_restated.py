"""Late readings: what is booked in the end is what would have been with all readings known."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kel.costs import Late, restate
from kel.costs.lost import PUMPING, lost
from kel.costs.readings import Billed, Readings
from kel.model.city import City
from kel.model.device import Device, DeviceClass, Metric
from kel.model.incident import Incident, IncidentState
from kel.model.moment import MINUTE_US, to_us
from tests.builders import costs_city as build
from tests.builders.costs_city import HERE

STARTED = datetime(2026, 10, 20, 22, tzinfo=UTC)
STEP, STEPS = 5 * MINUTE_US, 24  # two hours of readings
CLOSED = STARTED + timedelta(microseconds=STEP * STEPS)
NOW = CLOSED + timedelta(days=1)
USUAL = {to_us(STARTED) - 24 * 60 * MINUTE_US + n * 60 * MINUTE_US: 20.0 for n in range(-1, 4)}

Known = Mapping[int, float]  # µs → value


class Stored(Readings):
    """What is known by now of the metrics of one device."""

    def __init__(self, **metrics: Known) -> None:
        self.metrics = metrics

    def series(self, device, metric, since, until):
        known = self.metrics[metric]
        times = [t for t in sorted(known) if to_us(since) <= t < to_us(until)]
        return np.array(times, np.int64), np.array([known[t] for t in times], np.float64)


def city(loss: str = "water", **changes) -> City:
    pump = tuple(Metric(m, "1", m) for m in PUMPING)
    burst = build.city().categories["main_burst"]
    return build.city(
        classes={
            "zone": DeviceClass("zone", "", (Metric("flow", "m³/h", ""),), timedelta(minutes=5)),
            "pump": DeviceClass("pump", "", pump, timedelta(minutes=1)),
        },
        devices={
            "zm-05": Device("zm-05", 1, "zone", "", "drosia", HERE, "kel", "zm-05", zone="z05"),
            "ps-01": Device("ps-01", 2, "pump", "", "drosia", HERE, "kel", "ps-01"),
        },
        categories={"main_burst": replace(burst, loss=loss)},
        **changes,
    )


def ended(**changes) -> Incident:
    values = {"started_at": STARTED, "closed_at": CLOSED, "zone": "z05"}
    return build.incident(state=IncidentState.CLOSED, **{**values, **changes})


def late(count: int = 3, device: str = "zm-05") -> Late:
    return Late(device, count, NOW - timedelta(hours=2), NOW - timedelta(hours=1))


def flow(*values: float | None) -> dict[int, float]:
    """Every 5 minutes from the start; None where the meter said nothing."""
    told = {to_us(STARTED) + n * STEP: v for n, v in enumerate(values) if v is not None}
    return {**USUAL, **told}


def without_usual(*values: float) -> dict[int, float]:
    return {t: v for t, v in flow(*values).items() if t >= to_us(STARTED)}


def zone(*values: float | None) -> Stored:
    return Stored(flow=flow(*values))


def booked(city_: City, readings: Readings):
    return lost(city_, ended(), readings, CLOSED)


GAP = [50.0, *[None] * 11, 50.0]  # an hour of 30 m³/h too much, of which nobody knows


def test_what_came_late_is_booked_as_the_difference():
    first = booked(city(), zone(50.0, 50.0, *[None] * 10, 50.0))
    changes = restate(city(), ended(), first, late(10), zone(*[50.0] * 13), NOW)
    (entry,) = changes.costs
    assert [e.amount for e in first] == [Decimal("1.50")]  # five minutes
    assert (entry.amount, entry.quantity) == (Decimal("16.50"), Decimal("27.5"))
    assert (entry.corrects, entry.at) == (first[0].id, NOW)
    assert {k: entry.basis[k] for k in ("was", "now", "late", "quantity", "device")} == {
        "was": "1.50",
        "now": "18.00",
        "late": 10,
        "quantity": "30.0000",
        "device": "zm-05",
    }
    assert entry.basis["late_since"] == (NOW - timedelta(hours=2)).isoformat()
    (event,) = changes.incident_events
    assert (event.what, event.who, event.at) == ("restated", "kel", NOW)
    assert event.why == "Χαμένο νερό: από 1,50 € σε 18,00 €, με 10 μετρήσεις που ήρθαν αργά"


def test_of_one_reading_is_told_in_the_singular():
    first = booked(city(), zone(50.0, 50.0, 50.0, None, 50.0))
    (event,) = restate(
        city(), ended(), first, late(1), zone(50.0, 50.0, 50.0, 20.0, 50.0), NOW
    ).incident_events
    assert event.why == "Χαμένο νερό: από 6,00 € σε 4,50 €, με 1 μέτρηση που ήρθε αργά"


def test_a_loss_that_nobody_had_measured_is_booked_when_its_readings_come():
    assert booked(city(), zone(*GAP)) == []
    changes = restate(city(), ended(), [], late(11), zone(*[50.0] * 13), NOW)
    (entry,) = changes.costs
    assert (entry.amount, entry.corrects, entry.basis["late"]) == (Decimal("18.00"), None, 11)
    assert changes.incident_events[0].why.startswith("Χαμένο νερό: από 0,00 € σε 18,00 €")


READINGS = st.lists(st.floats(0, 80), min_size=STEPS, max_size=STEPS)
ROUND = st.lists(st.integers(0, 3), min_size=STEPS, max_size=STEPS)  # 0: was there in time


def rounds(values, when):
    """What is known after each round."""
    for n in range(4):
        yield [v if w <= n else None for v, w in zip(values, when, strict=True)]


@given(READINGS, ROUND)
def test_the_sum_is_what_would_have_been_booked_with_all_readings_known(values, when):
    first, *later = (zone(*known) for known in rounds(values, when))
    entries = booked(city(), first)
    for readings in later:
        entries += restate(city(), ended(), entries, late(), readings, NOW).costs
        assert restate(city(), ended(), entries, late(), readings, NOW).costs == []
    wanted = booked(city(), zone(*values))
    assert sum(e.amount for e in entries) == sum(e.amount for e in wanted)
    assert len({e.id for e in entries}) == len(entries)
    assert all(e.corrects == entries[0].id for e in entries[1:])


def pump(known) -> Stored:
    power = flow(*known)
    return Stored(power=power, flow=dict.fromkeys(power, 100.0), head=dict.fromkeys(power, 6.0))


@given(READINGS, ROUND)
def test_and_so_it_is_of_energy(values, when):
    pumping, incident = city("energy"), ended(cause="ps-01", zone=None)
    first, *later = (pump(known) for known in rounds(values, when))
    entries = lost(pumping, incident, first, CLOSED)
    for readings in later:
        about = late(device="ps-01")
        entries += restate(pumping, incident, entries, about, readings, NOW).costs
    wanted = lost(pumping, incident, pump(values), CLOSED)
    assert sum(e.amount for e in entries) == sum(e.amount for e in wanted)


def test_what_was_left_out_for_another_incident_stays_so():
    """The first hour is another's; what came late of it changes nothing here."""
    other = Billed("2026-0001", STARTED, STARTED + timedelta(minutes=61))
    known = zone(*[50.0] * 25)
    known.billed = lambda *asked: [other]
    first = lost(city(), ended(), known, CLOSED)
    assert [e.quantity for e in first] == [Decimal("27.5")]
    assert not restate(city(), ended(), first, late(), zone(*[90.0] * 12, *[50.0] * 13), NOW)
    (entry,) = restate(city(), ended(), first, late(), zone(*[50.0] * 13, *[80.0] * 12), NOW).costs
    assert entry.basis["without"] == first[0].basis["without"]
    assert entry.quantity == Decimal("26.25")


def test_prices_of_today_restate_nothing():
    first = booked(city(), zone(*[50.0] * 13))
    dearer = city(rates=replace(build.rates(), water_eur_m3=Decimal(2), efficiency=0.5))
    assert not restate(dearer, ended(), first, late(), zone(*[50.0] * 13), NOW)
    entry = restate(dearer, ended(), first, late(), zone(*[50.0] * 14), NOW).costs[0]
    assert (entry.price, entry.amount) == (Decimal("0.60"), Decimal("1.50"))


def test_nor_does_what_is_called_a_good_pump_today():
    pumping, incident = city("energy"), ended(cause="ps-01", zone=None)
    first = lost(pumping, incident, pump([50.0] * 13), CLOSED)
    better = replace(pumping, rates=replace(build.rates(), efficiency=0.8))
    about = late(device="ps-01")
    assert not restate(better, incident, first, about, pump([50.0] * 13), NOW)
    entry = restate(better, incident, first, about, pump([50.0] * 14), NOW).costs[0]
    assert entry.basis["efficiency"] == build.rates().efficiency


@pytest.mark.parametrize(
    ("what", "readings", "device", "changes"),
    [
        ("nothing changed", zone(*[50.0] * 13), "zm-05", {}),
        ("less than a cent", zone(*[50.0] * 12, 50.1), "zm-05", {}),
        ("the readings are gone", zone(*[50.0] * 6), "zm-05", {}),
        ("what was usual is gone", Stored(flow=without_usual(*[90.0] * 13)), "zm-05", {}),
        ("the meter is in no file any more", zone(*[90.0] * 13), "zm-05", {"devices": {}}),
    ],
)
def test_a_loss_stays_as_it_was_booked_where(what, readings, device, changes):
    first = booked(city(), zone(*[50.0] * 13))
    now = replace(city(), **changes)
    assert not restate(now, ended(), first, late(device=device), readings, NOW), what


@pytest.mark.parametrize(
    ("what", "device", "incident"),
    [
        ("another device of the zone", "ps-01", ended()),
        ("an incident that loses nothing", "zm-05", ended(category="tree")),
        ("nothing above what is usual", "zm-05", ended(closed_at=STARTED)),
    ],
)
def test_nothing_is_booked_late_for(what, device, incident):
    assert not restate(city(), incident, [], late(device=device), zone(*[50.0] * 13), NOW), what
