"""How densely history is stored, whatever keeps it: a database, an export, a file. Pure.

Laws:
- what counts is the usual span from a device's reading to its next one, so that a device which was
  silent for a while is not taken for one that is stored coarser;
- the same readings are as dense wherever they stand.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from statistics import median

import numpy as np

from kel.backtest.stretch import DAY_US, Stretch
from kel.model.city import City
from kel.model.frame import Frame
from kel.model.moment import MICROSECOND, from_us

DAY = timedelta(days=1)
COARSER = 1.5  # times what a class says how often its devices report
FEWEST = 8  # readings: fewer are no sign of how they are stored


@dataclass(frozen=True, slots=True)
class StoredDay:
    """What is stored of a class on one day (UTC): rows, and the usual (lower median) span from one
    reading of a device to its next on that day; None where no device spoke twice."""

    day: datetime
    rows: int
    spacing: timedelta | None


Days = Mapping[str, Sequence[StoredDay]]  # by class, in their order


@dataclass(frozen=True, slots=True)
class Thin:
    """From `since` to `until` one reading in `spacing` is stored of devices that say `every`."""

    cls: str
    since: datetime
    until: datetime
    spacing: timedelta
    every: timedelta


def spacing_of(day: Frame) -> timedelta | None:
    """The usual span of a day's rows, in order of (device, time)."""
    gaps = np.diff(day.time)[day.device[1:] == day.device[:-1]]
    if not len(gaps):
        return None
    middle = (len(gaps) - 1) // 2
    return int(np.partition(gaps, middle)[middle]) * MICROSECOND


def days_of(stretches: Iterable[Stretch]) -> dict[str, list[StoredDay]]:
    """What stretches of a day each hold."""
    found: dict[str, list[StoredDay]] = {}
    for stretch in stretches:
        day = from_us(stretch.first // DAY_US * DAY_US)
        for frame in stretch.frames:
            found.setdefault(frame.cls, []).append(StoredDay(day, len(frame), spacing_of(frame)))
    return found


def thin_spans(city: City, stored: Days) -> list[Thin]:
    """The spans of days on which a class is stored coarser than its devices report.

    A day on which no device spoke twice has one reading a day; the first and the last may be parts
    of a day, and tell nothing then.
    """
    found = []
    for cls, days in sorted(stored.items()):
        every = city.classes[cls].every
        telling = [d for n, d in enumerate(days) if d.spacing or 0 < n < len(days) - 1]
        for coarse, group in groupby(telling, key=lambda d: (d.spacing or DAY) > every * COARSER):
            run = list(group)
            if coarse and sum(day.rows for day in run) >= FEWEST:
                spacing = median((day.spacing or DAY).total_seconds() for day in run)
                until = run[-1].day + DAY
                found.append(Thin(cls, run[0].day, until, timedelta(seconds=spacing), every))
    return found
