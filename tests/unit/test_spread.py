"""How long things took, by limits: nothing uncounted, and quantiles that numpy agrees with."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kel.spread import LIMITS, Spread

seconds = st.lists(st.floats(0, 5000), min_size=1, max_size=200)


@given(seconds)
def test_everything_is_counted_once_below_its_limit(times: list[float]) -> None:
    spread = Spread()
    for time in times:
        spread.add(time, 0.0)
    assert spread.count == len(times)
    assert spread.sum == pytest.approx(sum(times))
    for n, limit in enumerate(LIMITS):
        assert sum(spread.counts[: n + 1]) == sum(t <= limit for t in times)


@given(seconds, st.sampled_from([0.5, 0.99, 1.0]))
def test_a_quantile_lies_between_the_limits_of_the_true_one(times: list[float], q: float) -> None:
    spread = Spread()
    for time in times:
        spread.add(time, 0.0)
    true = float(np.quantile(times, q, method="inverted_cdf"))
    found = spread.quantile(q, 0.0)
    assert found is not None
    above = next((x for x in LIMITS if x >= true), LIMITS[-1])
    below = max((x for x in LIMITS if x < true), default=0.0)
    assert min(below, LIMITS[-1]) <= found <= above


def test_the_last_minute_alone_and_nothing_when_it_was_silent() -> None:
    spread = Spread()
    spread.add(50.0, now=0.0, count=1000)
    spread.add(0.2, now=30.0)
    assert spread.quantile(0.99, 30.0) == pytest.approx(60, rel=0.1)
    spread.add(0.2, now=65.0)
    assert spread.quantile(0.99, 65.0) == pytest.approx(0.2, abs=0.01)
    assert spread.quantile(0.5, 200.0) is None
    assert spread.count == 1002


def test_many_at_once_a_clock_set_back_and_a_long_day_cost_no_memory() -> None:
    spread = Spread()
    spread.add(-3.0, 0.0, count=10**6)
    assert (spread.counts[0], spread.sum) == (10**6, 0.0)
    for n in range(100_000):
        spread.add(0.1, n / 10)
    assert len(spread._recent) <= 7
