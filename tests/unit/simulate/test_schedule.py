from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kel.model.city import City
from kel.model.moment import MINUTE_US
from kel.simulate.schedule import Due, Schedule, merge

PERIOD = 30 * MINUTE_US


@pytest.fixture(scope="module")
def lamps(city: City) -> Schedule:
    return Schedule([d for d in city.devices.values() if d.cls == "lamp"], PERIOD)


def test_everybody_reports_once_a_period_evenly(lamps: Schedule) -> None:
    due = lamps.due(7 * PERIOD + 123, 8 * PERIOD + 123)
    assert sorted(due.position.tolist()) == list(range(2400))
    assert np.all(np.diff(due.time) >= 0)
    minutes = np.bincount((due.time // (5 * MINUTE_US)) % 6)
    assert minutes.min() > 380 and minutes.max() < 420


def test_a_feeders_lamps_are_spread(lamps: Schedule) -> None:
    due = lamps.due(0, PERIOD)
    times = np.sort(due.time[due.position < 50])
    assert np.diff(times).max() < 2 * PERIOD / 50


@given(st.integers(0, 10**12), st.lists(st.integers(1, 3 * PERIOD), min_size=1, max_size=4))
def test_cuts_lose_and_repeat_nothing(city: City, since: int, lengths: list[int]) -> None:
    schedule = Schedule([d for d in city.devices.values() if d.cls == "zone"], PERIOD, 100_000)
    whole = schedule.due(since, since + sum(lengths))
    edges = np.cumsum([since, *lengths]).tolist()
    parts = [schedule.due(a, b) for a, b in pairwise(edges)]
    assert np.array_equal(whole.time, np.concatenate([p.time for p in parts]))
    assert np.array_equal(whole.position, np.concatenate([p.position for p in parts]))


def test_merged_reports_come_once() -> None:
    one = Due(np.array([1, 5, 9]), np.array([0, 1, 0]))
    other = Due(np.array([5, 5]), np.array([1, 0]))
    both = merge(one, other)
    assert both.time.tolist() == [1, 5, 5, 9]
    assert both.position.tolist() == [0, 0, 1, 0]
