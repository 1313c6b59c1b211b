from datetime import UTC, datetime

import numpy as np
import pytest

from kel.model.moment import MINUTE_US, to_us
from kel.simulate.calendar import local_time
from kel.simulate.weather import Weather, weather


def day_of(month: int, seed: int = 3) -> Weather:
    start = to_us(datetime(2026, month, 10, tzinfo=UTC))
    times = start + np.arange(0, 7 * 1440, 10) * MINUTE_US
    return weather(seed, times, local_time(times, "Europe/Athens"))


@pytest.mark.parametrize("month", range(1, 13))
def test_every_month_is_possible(month: int) -> None:
    air = day_of(month)
    assert air.temperature.min() > -8 and air.temperature.max() < 45
    assert air.humidity.min() >= 12 and air.humidity.max() <= 99
    assert air.wind.min() >= 0
    assert air.cloud.min() >= 0 and air.cloud.max() <= 1
    assert np.abs(np.diff(air.temperature)).max() < 0.6  # in ten minutes


def test_summer_is_warmer_and_seeds_differ() -> None:
    assert day_of(7).temperature.mean() > day_of(1).temperature.mean() + 10
    assert not np.array_equal(day_of(7).temperature, day_of(7, seed=4).temperature)
