"""The local window on common nights and on the two nights on which the clocks change."""

from datetime import time

import numpy as np
import pytest

from rules.core.window import Window, month
from tests.builders.rules_city import MINUTE, at

NIGHT = Window(time(2), time(4), "Europe/Athens")
OVER = Window(time(23, 30), time(4), "Europe/Athens")


def inside(window: Window, moment: int) -> bool:
    return bool(window.inside(window.local(np.array([moment])))[0])


# Window, and when it begins and ends in UTC.
NIGHTS = [
    (NIGHT, "2026-07-01T23:00", "2026-07-02T01:00"),  # summer: two hours
    (NIGHT, "2026-12-01T00:00", "2026-12-01T02:00"),  # winter: two hours
    (NIGHT, "2026-10-24T23:00", "2026-10-25T02:00"),  # 04:00 is 03:00 again: three hours
    (NIGHT, "2026-03-29T00:00", "2026-03-29T01:00"),  # 03:00 is 04:00 already: one hour
    (OVER, "2026-07-01T20:30", "2026-07-02T01:00"),
    (OVER, "2026-10-24T20:30", "2026-10-25T02:00"),
    (OVER, "2026-03-28T21:30", "2026-03-29T01:00"),
    (Window(time(2, 10), time(2, 20), "UTC"), "2026-07-01T02:10", "2026-07-01T02:20"),
]


@pytest.mark.parametrize(("window", "begin", "end"), NIGHTS)
def test_a_window_holds_its_beginning_and_not_its_end(window: Window, begin: str, end: str) -> None:
    first, over = at(begin), at(end)
    assert not inside(window, first - 1)
    assert inside(window, first)
    assert inside(window, over - 1)
    assert not inside(window, over)


@pytest.mark.parametrize(("window", "begin", "end"), NIGHTS)
def test_every_moment_of_a_window_knows_its_end(window: Window, begin: str, end: str) -> None:
    for moment in range(at(begin), at(end), 5 * MINUTE):
        assert window.end_after(moment) == at(end)
    assert window.end_after(at(end) - 1) == at(end)


def test_the_month_is_the_local_one() -> None:
    local = NIGHT.local(
        np.array([at("2026-06-30T20:59"), at("2026-06-30T21:00"), at("2026-12-31")])
    )
    assert month(local).tolist() == [6, 7, 12]
