from datetime import UTC, datetime

import numpy as np

from kel.model.moment import to_us
from kel.simulate.calendar import local_time

MOMENTS = [
    (datetime(2026, 10, 19, 21, tzinfo=UTC), 0.0, 1, 10),  # Tuesday, summer time
    (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), 3.5, 6, 10),  # before the change
    (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), 3.5, 6, 10),  # after it: the hour comes twice
    (datetime(2026, 1, 1, 0, 0, tzinfo=UTC), 2.0, 3, 1),
]


def test_hours_weekdays_and_months_are_the_citys() -> None:
    times = np.array([to_us(moment) for moment, *_ in MOMENTS])
    local = local_time(times, "Europe/Athens")
    assert local.hour.tolist() == [hour for _, hour, _, _ in MOMENTS]
    assert local.weekday.tolist() == [weekday for *_, weekday, _ in MOMENTS]
    assert local.month.tolist() == [month for *_, month in MOMENTS]
