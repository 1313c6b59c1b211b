"""Nights: where they end, their quarters, and the season between the middles of months."""

from datetime import time

import numpy as np
import pytest

from kel.model.moment import HOUR_US
from rules.core.spans import Closed
from rules.parts.nights import Nights, lowest, seasonal
from tests.builders.rules_city import at

NIGHTS = Nights(time(2), time(4), "Europe/Athens", HOUR_US)
# A moment, its quarter of the local clock and when its night ends; on 25 October 2026 it is three
# o'clock twice, on 28 March 2027 never.
MOMENTS = [
    ("2026-01-10T02:00+02:00", 0, "2026-01-10T04:00+02:00"),
    ("2026-01-10T03:59+02:00", 7, "2026-01-10T04:00+02:00"),
    ("2026-10-25T03:20+03:00", 5, "2026-10-25T04:00+02:00"),
    ("2026-10-25T03:20+02:00", 5, "2026-10-25T04:00+02:00"),
    ("2027-03-28T02:50+02:00", 3, "2027-03-28T04:00+03:00"),
]


@pytest.mark.parametrize(("moment", "quarter", "end"), MOMENTS)
def test_quarters_and_ends(moment: str, quarter: int, end: str) -> None:
    times = np.array([at(moment)])
    table = NIGHTS.quarters(times, np.array([7.0]))
    assert table.shape == (1, 8) and np.flatnonzero(~np.isnan(table)).tolist() == [quarter]
    assert NIGHTS.ends(times).tolist() == [at(end)]


def test_the_lowest_hour_is_four_quarters_in_a_row() -> None:
    quarters = np.array([[9.0, 1.0, 9.0, 3.0, 3.0, 3.0, 3.0, 9.0], [1.0] * 3 + [np.nan] * 5])
    found = lowest(Closed(np.arange(2), np.zeros(2, np.int64), quarters, np.ones((2, 8))))
    assert found[0] == 3.0 and np.isnan(found[1])


FACTORS = np.array([1.0, 1.0, 1.0, 1.0, 1.3, 1.6, 1.9, 1.9, 1.5, 1.0, 1.0, 2.0])
SEASON = [
    ("2026-06-16T00:00", 1.6),
    ("2026-07-01T00:00", 1.75),
    ("2026-07-16T12:00", 1.9),
    ("2027-01-01T00:00", 1.5),  # from December's 2 to January's 1
]


@pytest.mark.parametrize(("moment", "factor"), SEASON)
def test_a_season_comes_and_goes_by_straight_lines(moment: str, factor: float) -> None:
    months = NIGHTS.months(np.array([at(moment)]))
    assert seasonal(months, FACTORS)[0] == pytest.approx(factor, abs=0.006)
