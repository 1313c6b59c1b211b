"""Rows of one device class as they are gathered, before they become a frame.

Laws: lists grow together; `values` holds whole rows one after the other, in the order of the
class's metrics, NaN where a metric was not reported; `owner` is the index of a row's message.
"""

from dataclasses import dataclass, field
from math import nan

import numpy as np
from numpy.typing import NDArray

from ingest.checks import LARGEST
from kel.model.device import DeviceClass, Metric
from kel.model.frame import Float64

Column = tuple[int, float, float]  # place in the row, lowest and highest possible value


def _column(index: int, metric: Metric) -> Column:
    low = -LARGEST if metric.low is None else metric.low
    high = LARGEST if metric.high is None else metric.high
    return index, low, high


@dataclass(slots=True)
class Table:
    """The rows of one class within a batch."""

    cls: DeviceClass
    columns: dict[str, Column] = field(init=False)
    blank: list[float] = field(init=False)
    time: list[int] = field(default_factory=list)
    arrival: list[int] = field(default_factory=list)
    device: list[int] = field(default_factory=list)
    owner: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.columns = {m.name: _column(i, m) for i, m in enumerate(self.cls.metrics)}
        self.blank = [nan] * len(self.cls.metrics)

    def forget(self, owner: int) -> None:
        """Forget the last rows if they are of this message."""
        while self.owner and self.owner[-1] == owner:
            for rows in (self.time, self.arrival, self.device, self.owner):
                rows.pop()
            if self.blank:
                del self.values[-len(self.blank) :]

    def matrix(self) -> Float64:
        """float64 (rows, metrics)."""
        return np.array(self.values, np.float64).reshape(len(self.time), len(self.blank))

    def order(self) -> NDArray[np.intp]:
        """The rows in order of (device, time), first come first where both are equal."""
        return np.lexsort((np.array(self.time, np.int64), np.array(self.device, np.int64)))
