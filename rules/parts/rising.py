"""The sum of Page (Biometrika 41, 1954) over nights: what rises by less than a night strays.

    sum = max(0, sum + z − slack), at most `limit`

Laws:
- a slot rises from the night on at which its sum reaches `limit`, until a night that is back;
- `since` is the begin of the night at which the sum last left 0.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kel.model.frame import Float64, Int64
from rules.core.by_slot import copies, remember
from rules.core.rows import Bool, Slots

_ARRAYS = ("sum", "since", "drifts")


class Rising:
    """Of `size` slots."""

    def __init__(self, size: int, slack: float, limit: float) -> None:
        self.slack, self.limit = slack, limit
        self.sum, self.drifts = np.zeros(size), np.zeros(size, np.bool_)
        self.since = np.zeros(size, np.int64)

    def add(self, slot: Slots, begin: Int64, z: Float64) -> None:
        """One night of each of these slots, (n,), which began then (µs)."""
        after = np.clip(self.sum[slot] + z - self.slack, 0.0, self.limit)
        left = (self.sum[slot] == 0) & (after > 0)
        self.since[slot[left]] = begin[left]
        self.sum[slot] = after

    def end(self, slot: Slots, back: Bool) -> None:
        """What rises ends with a night that is back, and begins with one that is not."""
        self.sum[slot[self.drifts[slot] & back]] = 0.0
        self.drifts[slot] = (self.drifts[slot] | (self.sum[slot] >= self.limit)) & ~back

    def forget(self, slots: Slots) -> None:
        self.sum[slots], self.drifts[slots] = 0.0, False

    def go_on(self, slot: int) -> None:
        """The slot is known to rise."""
        self.sum[slot], self.drifts[slot] = self.limit, True

    def state(self) -> dict[str, NDArray[np.generic]]:
        return copies(self, _ARRAYS)

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        remember(self, _ARRAYS, state, old, new)
