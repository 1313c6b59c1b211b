"""Stored readings, as costing needs them: a small port with what is usual built upon it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np

from kel.model.frame import Float64, Int64
from kel.model.moment import HOUR_US, from_us, to_us

USUAL = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Billed:
    """A device's readings from `begins` until before `ends` were counted for that incident."""

    incident: str  # its number
    begins: datetime
    ends: datetime


class Readings(Protocol):
    """Stored readings, as costing needs them."""

    def series(
        self, device: str, metric: str, since: datetime, until: datetime
    ) -> tuple[Int64, Float64]:
        """Times (µs) and values of one metric in [since, until), in order of time, no NaN."""
        ...

    def billed(self, device: str, since: datetime, until: datetime) -> Sequence[Billed]:
        """What losses are booked of the device that overlap [since, until), the earliest first."""
        del device, since, until
        return ()

    def typical(
        self, device: str, metric: str, since: datetime, until: datetime, zone: ZoneInfo
    ) -> tuple[Int64, Float64]:
        """What is usual on that span: at the middle of each hour the median of the same hour of
        the day (by the clock of `zone`) over the 14 days before `since`.

        Hours for which nothing was stored then are left out; it may be empty.
        """
        times, values = self.series(device, metric, since - USUAL, since)
        if not len(times):
            return times, values
        hours = local_hour(times, zone)
        medians = {int(h): float(np.median(values[hours == h])) for h in np.unique(hours)}
        first = to_us(since) // HOUR_US * HOUR_US + HOUR_US // 2
        middles = np.arange(first, to_us(until) + HOUR_US, HOUR_US, dtype=np.int64)
        known = [(m, h) for m, h in zip(middles, local_hour(middles, zone), strict=True)]
        kept = [(m, medians[int(h)]) for m, h in known if int(h) in medians]
        return (
            np.array([m for m, _ in kept], dtype=np.int64),
            np.array([v for _, v in kept], dtype=np.float64),
        )


def local_hour(times: Int64, zone: ZoneInfo) -> Int64:
    """The hour of the day (0–23) by that zone's clock, summer time included."""
    whole = times // HOUR_US
    distinct, where = np.unique(whole, return_inverse=True)
    hours = [from_us(int(h) * HOUR_US).astimezone(zone).hour for h in distinct]
    return np.array(hours, dtype=np.int64)[where]
