"""Metering: flows that hold and counters that are spread, window by window."""

import numpy as np
import pytest

from kel.model.frame import Frame
from kel.model.moment import HOUR_US, MINUTE_US
from rules.core.rows import Roster, sort_rows
from rules.parts.metering import Metering
from tests.builders.rules_city import device

FLOW, COUNTER = 1, 2
DEVICES = [device(FLOW, "a", "m"), device(COUNTER, "b", "m")]


def metering(counter: bool) -> Metering:
    numbers = np.array([FLOW, COUNTER], np.int64)
    return Metering(numbers, np.array([False, counter]), HOUR_US, 20 * MINUTE_US)


def read(one: Metering, *rows: tuple[float, int, float]) -> None:
    """Readings at (minutes, meter, value)."""
    time = np.array([int(r[0] * MINUTE_US) for r in rows], np.int64)
    value = np.array([r[2] for r in rows], np.float64)
    numbers = np.array([r[1] for r in rows], np.int32)
    taken, _ = sort_rows(Frame("m", time, time, numbers, {"v": value}), Roster("m", DEVICES))
    one.read(taken, taken.slot, taken.column("v"))


def test_a_flow_holds_for_so_long() -> None:
    """10 m³/h for 20 min, then 20 min unknown, then 40 m³/h for 20 min."""
    one = metering(counter=False)
    read(one, (0, FLOW, 10.0), (40, FLOW, 40.0), (70, FLOW, 1.0))
    (window,) = one.tick(HOUR_US)
    assert window.end == HOUR_US
    assert window.flow[0] == pytest.approx(25.0)
    assert window.covered.tolist() == [pytest.approx(40 / 60), 0.0]
    assert np.isnan(window.flow[1])
    # the twenty minutes from 40 end with the window, those from 70 with the next hour's half
    (window,) = one.tick(2 * HOUR_US)
    assert window.flow[0] == pytest.approx(1.0)
    assert window.covered[0] == pytest.approx(20 / 60)


def test_a_counters_difference_is_spread_over_its_time() -> None:
    """2 m³ from minute 50 to 70: half of it in each hour, at 6 m³/h."""
    one = metering(counter=True)
    read(one, (50, COUNTER, 100.0), (70, COUNTER, 102.0))
    assert one.tick(HOUR_US + 19 * MINUTE_US) == []  # a reading at minute 79 could still count
    (window,) = one.tick(HOUR_US + 20 * MINUTE_US)
    assert window.flow[1] == pytest.approx(6.0)
    assert window.covered[1] == pytest.approx(10 / 60)


@pytest.mark.parametrize("after", [(71, 102.0), (70, 99.0)])
def test_a_counter_that_was_silent_or_went_back_says_nothing(after: tuple[float, float]) -> None:
    one = metering(counter=True)
    read(one, (50, COUNTER, 100.0), (after[0], COUNTER, after[1]))
    assert [w.covered[1] for w in one.tick(3 * HOUR_US)] == [0.0, 0.0]


def test_what_is_told_of_a_settled_time_is_left_out() -> None:
    one = metering(counter=False)
    read(one, (30, FLOW, 12.0))
    (window,) = one.tick(HOUR_US)
    assert window.covered[0] == pytest.approx(20 / 60)
    read(one, (45, FLOW, 99.0), (65, FLOW, 3.0), (120, FLOW, 3.0))
    (window,) = one.tick(2 * HOUR_US)
    assert window.flow[0] == pytest.approx((99.0 * 5 + 3.0 * 20) / 25)  # from minute 60 on


def test_it_goes_on_from_its_state() -> None:
    one, two = metering(counter=False), metering(counter=False)
    read(one, (0, FLOW, 10.0), (20, FLOW, 30.0), (70, FLOW, 5.0))
    two.load(one.state())
    ((mine,), (other,)) = one.tick(HOUR_US), two.tick(HOUR_US)
    assert mine.end == other.end
    assert np.array_equal(mine.flow, other.flow, equal_nan=True)
    assert np.array_equal(mine.covered, other.covered)
