"""A frame: readings of one device class as columns.

Laws:
- all columns have the same length n; row i is one device at one moment;
- rows are in order of time within each device; devices may be interleaved in any way;
- NaN means "not reported", never "zero".
"""

from collections.abc import Mapping
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
