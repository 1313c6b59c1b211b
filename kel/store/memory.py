"""The store's twin in memory: for the history that is computed offline, and for unit tests.

It passes the same contract suite as the real one, but for locks and failures, which are tested on
the real database.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np

from kel.costs.lost import Bill, bills, overlapping
from kel.costs.readings import Billed, Readings
from kel.model.city import City
from kel.model.frame import Float64, Frame, Int64
from kel.model.moment import to_us
from kel.model.situation import Changes


class MemoryReadings(Readings):
    """Frames as they came, and series out of them."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._frames: dict[str, list[tuple[int, int, Frame]]] = {}  # first and last time
        self._bills: list[Bill] = []

    def put(self, frames: Iterable[Frame]) -> None:
        for frame in frames:
            if len(frame):
                span = int(frame.time.min()), int(frame.time.max())
                self._frames.setdefault(frame.cls, []).append((*span, frame))

    def book(self, changes: Changes) -> None:
        """Keep what was billed for losses of incidents that ended."""
        numbers = {i.id: i.number for i in changes.incidents.values()}
        self._bills += bills(changes.costs, numbers)

    def billed(self, device: str, since: datetime, until: datetime) -> Sequence[Billed]:
        return overlapping(self._bills, device, since, until)

    def frames(self) -> Iterable[Frame]:
        for frames in self._frames.values():
            yield from (frame for _, _, frame in frames)

    def series(
        self, device: str, metric: str, since: datetime, until: datetime
    ) -> tuple[Int64, Float64]:
        known = self._city.devices[device]
        first, last = to_us(since), to_us(until)
        times, values = [np.empty(0, np.int64)], [np.empty(0)]
        for begins, ends, frame in self._frames.get(known.cls, []):
            if ends < first or begins >= last:
                continue
            column = frame.metrics[metric]
            mine = frame.device == known.number
            mine &= (frame.time >= first) & (frame.time < last) & ~np.isnan(column)
            times.append(frame.time[mine])
            values.append(column[mine])
        time, value = np.concatenate(times), np.concatenate(values)
        time, firsts = np.unique(time, return_index=True)  # delivered twice counts once
        return time, value[firsts]
