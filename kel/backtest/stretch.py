"""A stretch of history: the rows of all classes up to a moment, to which the rules' time comes.

Law: whatever the length of stretches, the rules tell the same; long ones are faster.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from kel.model.frame import Frame
from kel.model.moment import HOUR_US

DAY_US = 24 * HOUR_US


@dataclass(frozen=True, slots=True)
class Stretch:
    """`first` … `last` (µs): no row lies outside; `frames`: one a class, in order of the class."""

    first: int
    last: int
    frames: tuple[Frame, ...]

    def __len__(self) -> int:
        """How many rows."""
        return sum(map(len, self.frames))


def stretches(frames: Mapping[str, Frame]) -> Iterator[Stretch]:
    """Days (UTC) of frames in order of (day, device, time), as `in_days` leaves them.

    The first begins with the first row, the last ends with the last one.
    """
    if not any(map(len, frames.values())):
        return
    days = {cls: frame.time // DAY_US for cls, frame in frames.items() if len(frame)}
    first = min(int(frames[cls].time.min()) for cls in days)
    last = max(int(frames[cls].time.max()) for cls in days)
    for day in np.unique(np.concatenate([np.unique(d) for d in days.values()])).tolist():
        found = []
        for cls in sorted(days):
            lo, hi = np.searchsorted(days[cls], [day, day + 1]).tolist()
            if hi > lo:
                found.append(part(frames[cls], slice(lo, hi)))
        begins, ends = day * DAY_US, (day + 1) * DAY_US - 1
        yield Stretch(max(begins, first), min(ends, last), tuple(found))


def part(frame: Frame, rows: slice) -> Frame:
    """Consecutive rows of a frame, without copying them."""
    columns = {name: column[rows] for name, column in frame.metrics.items()}
    time, arrival, device = frame.time[rows], frame.arrival[rows], frame.device[rows]
    return Frame(frame.cls, time, arrival, device, columns)


def in_days(frame: Frame) -> Frame:
    """The frame in order of (day, device, time): a day's rows together, a device's within it."""
    return frame.take(np.lexsort((frame.time, frame.device, frame.time // DAY_US)))
