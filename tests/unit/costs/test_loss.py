"""Lost water and wasted energy: integrals over the readings there are."""

from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kel.costs import energy_wasted, loss_costs, water_lost
from kel.model.cost import CostKind, CostNature
from kel.model.moment import HOUR_US, MINUTE_US, to_us
from tests.builders import costs_city as build

START = to_us(datetime(2026, 10, 20, 23, 40, tzinfo=UTC))
AT = datetime(2026, 10, 21, 9, tzinfo=UTC)


def every(minutes, n):
    return START + np.arange(n, dtype=np.int64) * minutes * MINUTE_US


def usual(value):
    return np.array([START], np.int64), np.array([value])


@pytest.mark.parametrize(
    ("what", "flow", "expected", "m3"),
    [
        ("10 m³/h too much for an hour", [30.0] * 13, 20.0, 10.0),
        ("below what is usual is no gain", [5.0] * 13, 20.0, 0.0),
        ("a ramp from 0 to 12 above", [20.0 + i for i in range(13)], 20.0, 6.0),
        ("one reading is no time", [90.0], 20.0, 0.0),
        ("no reading", [], 20.0, 0.0),
    ],
)
def test_water(what, flow, expected, m3):
    loss = water_lost(every(5, len(flow)), np.array(flow), *usual(expected))
    assert loss.quantity == pytest.approx(m3), what
    assert (loss.kind, loss.unit) == (CostKind.WATER, "m³")


def test_a_gap_is_not_guessed():
    """Two hours of 10 m³/h too much, an hour of them not measured: 1 hour counts."""
    times = every(5, 25)
    keep = (times <= START + HOUR_US // 2) | (times >= START + HOUR_US * 3 // 2)
    loss = water_lost(times[keep], np.full(keep.sum(), 30.0), *usual(20.0))
    assert loss.quantity == pytest.approx(10.0)
    assert loss.facts["gap_hours"] == 1.0


def test_a_reading_that_is_missing_makes_a_gap_too():
    flow = np.full(13, 30.0)
    flow[1:12] = np.nan
    assert water_lost(every(5, 13), flow, *usual(20.0)).quantity == 0
    flow[6] = 30.0  # two spans of 30 minutes are no gaps
    assert water_lost(every(5, 13), flow, *usual(20.0)).quantity == pytest.approx(10.0)


def test_what_is_usual_lies_on_the_line_between_the_hours():
    hours = START + np.array([0, 1], np.int64) * HOUR_US
    loss = water_lost(every(5, 13), np.full(13, 20.0), hours, np.array([20.0, 10.0]))
    assert loss.quantity == pytest.approx(5.0)


def test_without_anything_usual_nothing_is_claimed():
    none = np.array([], np.int64), np.array([])
    loss = water_lost(every(5, 13), np.full(13, 30.0), *none)
    assert loss.quantity == 0
    assert loss.facts["note"] == "no usual"
    assert water_lost(every(5, 13), np.full(13, 30.0), *usual(np.nan)) == loss


def test_energy_above_a_good_pump():
    """100 m³/h by 60 m at 0.65 take 25.15 kW: at 30 kW, 4.85 kWh an hour are wasted."""
    n = 61
    loss = energy_wasted(every(1, n), np.full(n, 30.0), np.full(n, 100.0), np.full(n, 60.0), 0.65)
    assert loss.quantity == pytest.approx(30.0 - 0.002725 * 100 * 60 / 0.65)
    assert (loss.kind, loss.unit) == (CostKind.ENERGY, "kWh")


def test_a_row_that_lacks_a_metric_is_no_reading():
    n = 61
    head = np.full(n, 60.0)
    head[1:] = np.nan
    loss = energy_wasted(every(1, n), np.full(n, 30.0), np.full(n, 100.0), head, 0.65)
    assert loss.quantity == 0
    assert loss.facts["readings"] == 1


@pytest.mark.parametrize("efficiency", [0.0, -0.1, 1.01, float("nan")])
def test_an_impossible_efficiency_is_refused(efficiency):
    with pytest.raises(ValueError, match="efficiency"):
        energy_wasted(every(1, 0), *[np.array([])] * 3, efficiency)


def test_a_loss_becomes_one_management_entry():
    loss = water_lost(every(5, 13), np.full(13, 30.0), *usual(20.0), device="zm-05")
    (entry,) = loss_costs(build.city(), build.incident(), loss, AT)
    assert (entry.kind, entry.nature, entry.unit) == (
        CostKind.WATER,
        CostNature.MANAGEMENT,
        "m³",
    )
    assert (entry.quantity, entry.price, entry.amount) == (10, Decimal("0.60"), Decimal("6.00"))
    assert entry.basis["device"] == "zm-05"
    assert entry.basis["since"] == "2026-10-20T23:40:00+00:00"
    assert loss_costs(build.city(), build.incident(), loss, AT) == [entry]


def test_nothing_lost_makes_no_entry():
    loss = water_lost(every(5, 13), np.full(13, 20.0), *usual(20.0))
    assert loss_costs(build.city(), build.incident(), loss, AT) == []


series = st.lists(st.floats(0, 500), min_size=2, max_size=60)


@given(series, st.floats(0, 100), st.data())
def test_splitting_at_a_reading_changes_no_sum(flow, expected, data):
    times, flow = every(5, len(flow)), np.array(flow)
    cut = data.draw(st.integers(0, len(flow) - 1))
    whole = water_lost(times, flow, *usual(expected)).quantity
    first = water_lost(times[: cut + 1], flow[: cut + 1], *usual(expected)).quantity
    second = water_lost(times[cut:], flow[cut:], *usual(expected)).quantity
    assert first >= 0
    assert second >= 0
    assert first + second == pytest.approx(whole)
