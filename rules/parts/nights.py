"""The lowest hour of each night, by slot: what a zone takes when least is used.

The window of the night is cut into quarters of `lowest`, an hour unless a rule says otherwise; the
lowest hour is the lowest mean of four quarters in a row.

Laws:
- quarters are those of the local clock, so on the night when summer time ends the hour that comes
  twice is one; a quarter without a reading is not known, nor is any hour that holds it;
- a night without a known hour has no figure.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from kel.model.frame import Float64, Int64
from rules.core.rows import Bool, Rows
from rules.core.rule import TimeOfDay
from rules.core.spans import Closed
from rules.core.window import BLOCK_US, DAY_US, Window

QUARTERS = 4


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
