from datetime import UTC, datetime

import numpy as np
import pytest

from kel.model.moment import MINUTE_US, to_us
from kel.model.place import Point
from kel.simulate.sun import elevation, is_night

ATHENS = Point(38.0, 23.73)

# Sunrise and sunset at Athens, UTC, as almanacs give them (to 3 minutes).
DAYS = [
    (datetime(2026, 3, 20, tzinfo=UTC), (4, 28), (16, 36)),
    (datetime(2026, 6, 21, tzinfo=UTC), (3, 3), (17, 51)),
    (datetime(2026, 10, 20, tzinfo=UTC), (4, 37), (15, 42)),
    (datetime(2026, 12, 21, tzinfo=UTC), (5, 37), (15, 9)),
]


@pytest.mark.parametrize(("day", "sunrise", "sunset"), DAYS)
def test_night_ends_and_begins_as_in_the_almanac(
    day: datetime, sunrise: tuple[int, int], sunset: tuple[int, int]
) -> None:
    times = to_us(day) + np.arange(1440) * MINUTE_US
    light = np.flatnonzero(~is_night(times, ATHENS))
    assert light[0] == pytest.approx(sunrise[0] * 60 + sunrise[1], abs=4)
    assert light[-1] == pytest.approx(sunset[0] * 60 + sunset[1], abs=4)


def test_noon_in_summer_is_high() -> None:
    noon = np.array([to_us(datetime(2026, 6, 21, 10, 27, tzinfo=UTC))])
    assert elevation(noon, ATHENS)[0] == pytest.approx(90 - 38 + 23.44, abs=0.3)
