"""What is normal of a device by its own past: measured spans, and centre and spread by the hour.

Each slot keeps `size` measured spans, 8 bytes for each metric and 13 more: the hours of 14 days
of three metrics take 12.4 kB. When it has them all its normal is fitted:

    centre(bin) = mean of the bin's spans           bin: hour of day, workday or weekend apart
    scale²      = Σ (x − centre)² / (n − bins)      one for all bins, of each metric
    z           = (x − centre) / (scale × √(1 + 1/n_bin))

the last factor because a new value strays from a mean that was itself estimated from n_bin values.

Laws:
- only spans of which all metrics are known are kept: the last ones, where it is fitted again and
  again, else those of which the normal was made;
- all that is kept counts alike: a span far from the others may be a fault, or a rare way in which
  the device is run, and only other rules know which (`rules.parts.ailing`);
- a bin of fewer than two spans has no normal yet: z is NaN there;
- a metric that never changed (scale 0) says nothing: its z is 0;
- of a past with values without measure there is no normal.
"""

from collections.abc import Mapping
from datetime import time
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kel.model.frame import Float64, Int64
from kel.model.moment import HOUR_US
from rules.core.by_slot import copies, remember
from rules.core.rows import NEVER, Slots
from rules.core.window import DAY_US, Window

Normalise = Literal["none", "hour", "weekday_hour"]
BINS: Mapping[str, int] = {"none": 1, "hour": 24, "weekday_hour": 48}
LARGEST = 1e100  # of a value: the squares of greater ones cannot be reckoned with
ROUNDING = 1e-9  # a spread of so little of the values is rounding
_ARRAYS = (
    *("past", "bin", "begin", "readings", "filled", "next", "trained"),
    *("centre", "weight", "scale", "period", "heard"),
)


class Baseline:
    """Of `slots` slots and `width` metrics; `size`: how many spans make a normal."""

    def __init__(
        self, slots: int, width: int, size: int, normalise: Normalise, timezone: str
    ) -> None:
        bins = BINS[normalise]
        self.normalise, self.size = normalise, size
        self._clock = Window(time(0), time(12), timezone)  # for its local time only
        self.past = np.full((slots, size, width), np.nan)
        self.bin = np.zeros((slots, size), np.int8)
        self.begin, self.readings = (np.zeros((slots, size), kind) for kind in (np.int64, np.int32))
        self.filled, self.next = np.zeros(slots, np.int64), np.zeros(slots, np.int64)
        self.trained = np.full(slots, NEVER, np.int64)  # when, µs
        # of the spans that made the normal: when the first began and the last, and their readings
        self.period, self.heard = np.zeros((slots, 2), np.int64), np.zeros(slots, np.int64)
        self.centre, self.weight = np.zeros((slots, bins, width)), np.zeros((slots, bins))
        self.scale = np.zeros((slots, width))

    def bins(self, begin: Int64) -> Int64:
        """The bin of a span that begins at each moment, (n,)."""
        if self.normalise == "none":
            return np.zeros_like(begin)
        local = self._clock.local(begin)
        hour: Int64 = local % DAY_US // HOUR_US
        if self.normalise == "hour":
            return hour
        weekend = (local // DAY_US + 3) % 7 >= 5  # 1 January 1970 was a Thursday
        return hour + 24 * weekend

    def keep(self, slot: Slots, begin: Int64, value: Float64, readings: Float64) -> None:
        """Remember measured spans, each of another slot; value: (n, width); readings: (n,), how
        many each is the mean of."""
        place = self.next[slot]
        self.begin[slot, place], self.readings[slot, place] = begin, readings
        self.past[slot, place], self.bin[slot, place] = value, self.bins(begin)
        self.next[slot] = (place + 1) % self.size
        self.filled[slot] = np.minimum(self.filled[slot] + 1, self.size)

    def forget(self, slot: int) -> None:
        """The slot has no normal; it is fitted again with the next span that is kept."""
        self.trained[slot] = NEVER

    def empty(self, slot: Slots) -> None:
        """The slots have no normal, and no past to make one of."""
        self.trained[slot], self.filled[slot], self.next[slot] = NEVER, 0, 0

    def full(self, slot: Slots) -> NDArray[np.bool_]:
        """Whether a slot has all the spans that a normal takes."""
        full: NDArray[np.bool_] = self.filled[slot] >= self.size
        return full

    def fit(self, slot: int, now: int) -> Float64:
        """Make the slot's normal of what it keeps. Returns the past's z, (size, width), each
        divided by √(1 − 1/n_bin), as a value strays less from a mean that it had a part in.

        Raises LinAlgError where the past has no mean or spread that can be reckoned with."""
        past, bin_ = self.past[slot], self.bin[slot]
        bins, width = self.centre.shape[1:]
        weight = np.bincount(bin_, minlength=bins).astype(np.float64)
        sums = np.stack([np.bincount(bin_, past[:, m], bins) for m in range(width)], axis=1)
        centre = sums / np.maximum(weight, 1.0)[:, None]
        off = past - centre[bin_]
        if not np.abs(past).max() < LARGEST:
            raise np.linalg.LinAlgError("the past is not finite, or its squares are not")
        self.centre[slot], self.weight[slot], self.trained[slot] = centre, weight, now
        self.period[slot] = self.begin[slot].min(), self.begin[slot].max()
        self.heard[slot] = self.readings[slot].sum()
        for metric in range(width):
            self.rescale(slot, metric, off[:, metric])
        lone = weight[bin_] < 2
        shrink = np.sqrt(1 - 1 / np.maximum(weight[bin_], 2.0))
        z = _scaled(off, self.scale[slot]) / shrink[:, None]
        z[lone] = 0.0
        return np.asarray(z, np.float64)

    def rescale(self, slot: int, metric: int, off: Float64) -> None:
        """Take the spread of these residuals, (size,), as the metric's."""
        free = max(self.size - int(np.count_nonzero(self.weight[slot])), 1)
        scale = float(np.sqrt(np.sum(off**2) / free))
        size = float(np.max(np.abs(self.past[slot, :, metric])))
        self.scale[slot, metric] = scale if scale > ROUNDING * size else 0.0

    def z(self, slot: Slots, begin: Int64, value: Float64) -> Float64:
        """How many of its own sigmas each value, (n, width), is from the slot's normal."""
        bin_ = self.bins(begin)
        weight = self.weight[slot, bin_]
        stray = np.where(weight >= 2, np.sqrt(1 + 1 / np.maximum(weight, 1.0)), np.nan)
        z: Float64 = _scaled(value - self.centre[slot, bin_], self.scale[slot]) / stray[:, None]
        return z

    def due(self, slot: Slots, now: Int64, again: int | None) -> NDArray[np.bool_]:
        """Whether a full slot is to be fitted: never yet, or `again` µs after the last time."""
        never = self.trained[slot] == NEVER
        since = now - np.where(never, now, self.trained[slot])
        old = since >= again if again is not None else np.zeros(len(slot), np.bool_)
        due: NDArray[np.bool_] = self.full(slot) & (never | old)
        return due

    def state(self) -> dict[str, NDArray[np.generic]]:
        return copies(self, _ARRAYS)

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        remember(self, _ARRAYS, state, old, new)


def _scaled(off: Float64, scale: Float64) -> Float64:
    return np.where(scale > 0, off / np.where(scale > 0, scale, 1.0), 0.0)
