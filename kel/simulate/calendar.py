"""Local time as arrays: what the city's people and switches live by.

Summer time is taken from the zone's own rules; its changes fall on whole hours of UTC.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from kel.model.frame import Float64, Int64
from kel.model.moment import HOUR_US

DAY_US = 24 * HOUR_US


@dataclass(frozen=True, slots=True)
class LocalTime:
    """Columns of the same length: local `day` since 1970, `hour` of the day 0–24, `weekday`
    (0 = Monday), `month` 1–12 and the share of the year that is past."""

    day: Int64
    hour: Float64
    weekday: Int64
    month: Int64
    year_share: Float64


@lru_cache(maxsize=4096)
def _offset_us(hour: int, zone: str) -> int:
    moment = datetime.fromtimestamp(hour * 3600, UTC).astimezone(ZoneInfo(zone))
    offset = moment.utcoffset()
    assert offset is not None
    return int(offset.total_seconds()) * 1_000_000


def local_time(times: Int64, zone: str) -> LocalTime:
    """The local time of each of `times` (µs UTC)."""
    hours, place = np.unique(times // HOUR_US, return_inverse=True)
    offsets = np.array([_offset_us(int(h), zone) for h in hours], dtype=np.int64)
    local = times + offsets[place]
    day = local // DAY_US
    date = day.astype("datetime64[D]")
    months = date.astype("datetime64[M]").astype(np.int64)
    year = date.astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
    return LocalTime(
        day,
        (local - day * DAY_US) / HOUR_US,
        (day + 3) % 7,  # 1 January 1970 was a Thursday
        months % 12 + 1,
        (day - year) / 365.25,
    )
