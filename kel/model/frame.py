"""A frame: readings of one device class as columns.

Laws:
- all columns have the same length n; row i is one device at one moment;
- rows are in order of time within each device; devices may be interleaved in any way;
- NaN means "not reported", never "zero".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
Int32 = NDArray[np.int32]
Float64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Frame:
    """Readings of the class `cls`.

    time, arrival: int64 (n,) microseconds since 1970 UTC; device: int32 (n,) device numbers;
    metrics: name → float64 (n,) in the unit that the class declares.
    """

    cls: str
    time: Int64
    arrival: Int64
    device: Int32
    metrics: Mapping[str, Float64]

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Frame":
        """The frame of the chosen rows (indices or a mask), in that order."""
        return Frame(
            self.cls,
            self.time[rows],
            self.arrival[rows],
            self.device[rows],
            {name: column[rows] for name, column in self.metrics.items()},
        )


def join(frames: Sequence[Frame]) -> Frame:
    """Frames of one class as one, in their order."""
    if len(frames) == 1:
        return frames[0]
    return Frame(
        frames[0].cls,
        np.concatenate([f.time for f in frames]),
        np.concatenate([f.arrival for f in frames]),
        np.concatenate([f.device for f in frames]),
        {m: np.concatenate([f.metrics[m] for f in frames]) for m in frames[0].metrics},
    )


def once(frame: Frame) -> Frame:
    """The frame in order of (device, time), with the parts of one device's moment as one row.

    The first that reports a metric wins, and the first arrival.
    """
    ordered = frame.take(np.lexsort((frame.time, frame.device)))
    same = (np.diff(ordered.device) == 0) & (np.diff(ordered.time) == 0)
    if not same.any():
        return ordered
    starts = np.flatnonzero(np.append(True, ~same))
    rows = ordered.take(starts)
    columns = {m: _first(column, starts) for m, column in ordered.metrics.items()}
    return Frame(rows.cls, rows.time, rows.arrival, rows.device, columns)


def newest(frame: Frame) -> Frame:
    """One row a device: its last time, and of each metric the last value that it reported.

    The frame must be in order of (device, time), as `once` leaves it.
    """
    ends = np.append(np.flatnonzero(np.diff(frame.device)), len(frame) - 1)
    starts = np.append(0, ends[:-1] + 1)
    rows = frame.take(ends)
    columns = {m: _last(column, starts) for m, column in frame.metrics.items()}
    return Frame(rows.cls, rows.time, rows.arrival, rows.device, columns)


def _first(column: Float64, starts: NDArray[np.intp]) -> Float64:
    """The first value that is none of NaN in each group of rows."""
    rows = np.where(np.isnan(column), len(column), np.arange(len(column)))
    found = np.minimum.reduceat(rows, starts)
    return np.append(column, np.nan)[found]


def _last(column: Float64, starts: NDArray[np.intp]) -> Float64:
    """The last value that is none of NaN in each group of rows."""
    rows = np.where(np.isnan(column), -1, np.arange(len(column)))
    found = np.maximum.reduceat(rows, starts)
    return np.append(column, np.nan)[found]  # −1 is the NaN at the end
