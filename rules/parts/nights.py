"""The lowest hour of each night, by slot: what a zone takes when least is used.

The window of the night is cut into quarters of `lowest`, an hour unless a rule says otherwise; the
lowest hour is the lowest mean of four quarters in a row.

Laws:
- quarters are those of the local clock, so on the night when summer time ends the hour that comes
  twice is one; a quarter without a reading is not known, nor is any hour that holds it;
- a night without a known hour has no figure.

Of each slot the last figures are kept (`Figures`), with when their nights ended and of how many
readings each is.
"""

from collections.abc import Mapping

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from kel.model.frame import Float64, Int64
from rules.core.by_slot import copies, remember
from rules.core.rows import Bool, Rows, Slots
from rules.core.rule import TimeOfDay
from rules.core.spans import Closed
from rules.core.window import BLOCK_US, DAY_US, Window

QUARTERS = 4
_FIGURES = ("value", "end", "readings", "filled")


class Nights:
    """A window of the local day, `length` µs of the clock, in `width` quarters of `lowest` µs."""

    def __init__(self, start: TimeOfDay, end: TimeOfDay, timezone: str, lowest: int) -> None:
        self.window = Window(start, end, timezone)
        self.length = (self.window.end - self.window.start) % DAY_US
        self.quarter = lowest // QUARTERS
        self.width = -(-self.length // self.quarter)

    def inside(self, rows: Rows) -> Bool:
        """Which rows, (n,), are of a night."""
        return self.window.inside(self.window.local(rows.time))

    def quarters(self, time: Int64, value: Float64) -> Float64:
        """Each value, of a moment inside, in its quarter's column: (n, width), NaN elsewhere."""
        clock = (self.window.local(time) - self.window.start) % DAY_US
        table = np.full((len(time), self.width), np.nan)
        table[np.arange(len(time)), clock // self.quarter] = value
        return table

    def ends(self, time: Int64) -> Int64:
        """When the night ends that holds each moment, (n,) µs."""
        _, first, where = np.unique(time // BLOCK_US, return_index=True, return_inverse=True)
        ends = np.array([self.window.end_after(t) for t in time[first].tolist()], np.int64)
        found: Int64 = ends[where]
        return found

    def months(self, end: Int64) -> Float64:
        """How far the year has come when each night ends: 0 at the middle of January, 11 at the
        middle of December, just under 12 before it begins anew; (n,)."""
        local = self.window.local(end).astype("datetime64[us]")
        month = local.astype("datetime64[M]")
        begin, after = month.astype("datetime64[us]"), (month + 1).astype("datetime64[us]")
        share = (local - begin).astype(np.float64) / (after - begin).astype(np.float64)
        found: Float64 = (month.astype(np.int64) % 12 + share - 0.5) % 12
        return found


class Figures:
    """The last `width` nights' figures of each slot, the newest at the right end."""

    def __init__(self, slots: int, width: int) -> None:
        self.value = np.full((slots, width), np.nan)
        self.end, self.readings = (np.zeros((slots, width), np.int64) for _ in range(2))
        self.filled = np.zeros(slots, np.int64)

    def add(self, slot: Slots, value: Float64, end: Int64, readings: Float64) -> None:
        """One night of each of these slots, (n,); end: µs."""
        for array, newest in ((self.value, value), (self.end, end), (self.readings, readings)):
            array[slot, :-1] = array[slot, 1:]
            array[slot, -1] = newest
        self.filled[slot] = np.minimum(self.filled[slot] + 1, self.value.shape[1])

    def take(self, slot: int, other: "Figures", after: int) -> None:
        """Those nights alone of `other` that ended after a moment (µs)."""
        self.filled[slot] = 0
        known = np.arange(other.value.shape[1]) >= other.value.shape[1] - other.filled[slot]
        for place in np.flatnonzero(known & (other.end[slot] > after)).tolist():
            at = slot, [place]
            readings = other.readings[at].astype(np.float64)
            self.add(np.array([slot]), other.value[at], other.end[at], readings)

    def period(self, slot: int, first: int, size: int) -> tuple[int, int, float]:
        """When the first and the last of `size` nights from `first` on ended, and all readings."""
        these = slice(first, first + size)
        ends = self.end[slot, these]
        return int(ends[0]), int(ends[-1]), float(self.readings[slot, these].sum())

    def state(self) -> dict[str, NDArray[np.generic]]:
        return copies(self, _FIGURES)

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        remember(self, _FIGURES, state, old, new)


def lowest(closed: Closed) -> Float64:
    """The lowest hour's mean of each night, (n,), NaN where no hour is known."""
    means = closed.means
    hours = sliding_window_view(means, QUARTERS, axis=1).mean(axis=2)
    least = np.where(np.isnan(hours), np.inf, hours).min(axis=1)
    return np.where(np.isinf(least), np.nan, least)


def seasonal(months: Float64, factors: Float64) -> Float64:
    """The factor at each point of the year: each month's holds at its middle, and between two of
    them the straight line; factors: (12,), months: (n,) as `Nights.months` has them."""
    closed = np.append(factors, factors[0])
    return np.asarray(np.interp(months, np.arange(13), closed), np.float64)
