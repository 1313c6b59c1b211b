"""Rows of one device class as they are gathered, before they become a frame.

Laws:
- a row waits as it came and is judged with all others of its batch at once; this judgement
  only ever accepts, and only what a look at every single value would accept: a declared name with
  null, or an int, float or bool within the metric's possible range and within ±(2^53 - 1), where a
  float still counts in ones; at least one number a row. Whose rows it does not accept is told;
- rows of `sure` messages were looked at value by value already;
- its cost depends on the number of values, not on what they are or how many shapes rows have.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.checks import LARGEST
from kel.model.device import DeviceClass, Metric
from kel.model.frame import Float64, Int64

PLAIN = frozenset({int, float, bool})
KEYS = 5  # owner, arrival, device, time, how many values


class Columns:
    """What a class's rows may hold: `bounds` has name → (lowest, highest) possible value."""

    def __init__(self, cls: DeviceClass) -> None:
        self.cls = cls.id
        self.bounds = {metric.name: _bounds(metric) for metric in cls.metrics}
        self.names = frozenset(self.bounds)
        self.index = {name: i for i, name in enumerate(self.bounds)}
        low, high = np.array([*self.bounds.values()], np.float64).reshape(-1, 2).T
        self.low, self.high = np.maximum(low, 1 - LARGEST), np.minimum(high, LARGEST - 1)


@dataclass(frozen=True, slots=True)
class Block:
    """Rows as columns, in order of (device, time); of equal ones, the first come first.

    owner (index of the message), arrival, device, time: int64 (n,); values: float64 (n, metrics),
    NaN where a metric was not reported; came: (n,) as which row it came.
    """

    owner: Int64
    arrival: Int64
    device: Int64
    time: Int64
    values: Float64
    came: NDArray[np.intp]


class Table:
    """The rows of one class within a batch; what waits for its judgement is in flat lists."""

    __slots__ = ("_judged", "columns", "declared", "keys", "names", "said", "sure")

    def __init__(self, columns: Columns) -> None:
        self.columns, self.declared = columns, columns.names
        self.keys: list[int] = []  # KEYS numbers a row
        self.names: list[str] = []
        self.said: list[object] = []  # the values of `names`
        self.sure: set[int] = set()  # owners
        self._judged: list[tuple[Int64, Float64]] = []

    def waits(self, owner: int) -> bool:
        """Whether the last waiting row is of this message."""
        return bool(self.keys) and self.keys[-KEYS] == owner

    def forget(self, owner: int) -> None:
        """Forget the last waiting rows if they are of this message."""
        while self.waits(owner):
            first = len(self.names) - self.keys[-1]
            del self.keys[-KEYS:], self.names[first:], self.said[first:]

    def judge(self) -> set[int]:
        """Turn the waiting rows into columns; the owners of those that are in doubt."""
        if not self.keys:
            return set()
        keys = np.array(self.keys, np.int64).reshape(-1, KEYS)
        counts = keys[:, 4]
        row = np.repeat(np.arange(len(counts)), counts)
        index = np.array([*map(self.columns.index.__getitem__, self.names)], np.intp)
        said, value = self.said, _floats(self.said)
        values = np.full((len(counts), len(self.columns.index)), np.nan)
        values[row, index] = value
        self.keys, self.names, self.said = [], [], []
        self._judged.append((keys, values))
        fits = (self.columns.low[index] <= value) & (value <= self.columns.high[index])
        if not fits.all():
            absent = np.array([one is None for one in said])
            fits |= absent
            counts -= np.bincount(row[absent], minlength=len(counts))
        if fits.all() and counts.all():
            return set()
        owners = keys[:, 0]
        return {*owners[row[~fits]].tolist(), *owners[counts == 0].tolist()} - self.sure

    def leave_out(self, owners: Iterable[int]) -> None:
        """Forget the judged rows of these messages."""
        gone = [*owners]
        kept = [(keys, values, ~np.isin(keys[:, 0], gone)) for keys, values in self._judged]
        self._judged = [(keys[stay], values[stay]) for keys, values, stay in kept]

    def block(self) -> Block | None:
        """All judged rows; None where there are none."""
        if not any(len(keys) for keys, _ in self._judged):
            return None
        keys = np.concatenate([keys for keys, _ in self._judged])
        values = np.concatenate([values for _, values in self._judged])
        came = np.lexsort((keys[:, 3], keys[:, 2]))
        owner, arrival, device, time, _ = np.ascontiguousarray(keys[came].T)
        return Block(owner, arrival, device, time, values[came], came)


def _bounds(metric: Metric) -> tuple[float, float]:
    low = -LARGEST if metric.low is None else metric.low
    high = LARGEST if metric.high is None else metric.high
    return low, high


def _floats(values: list[object]) -> Float64:
    """float64 of what is a plain number, NaN for everything else."""
    if not PLAIN.issuperset(map(type, values)):
        values = [value if type(value) in PLAIN else np.nan for value in values]
    try:
        return np.array(values, np.float64)
    except OverflowError:  # an int beyond any float
        return np.array([_float(value) for value in values], np.float64)


def _float(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except OverflowError:
        return np.nan
