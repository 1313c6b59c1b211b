"""The recent readings of every slot: those of the last `window`, and their exact sums. Pure.

Laws:
- at a reading of time t the window holds the slot's readings in (t − window, t];
- nothing depends on how rows are cut into frames, to the last bit: sums are of whole numbers,
  which come out the same in any order and never drift;
- memory follows what the windows hold: each slot has a ring of its own, which grows by doubling.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kel.model.frame import Float64, Int64
from rules.core.rows import Rows, Slots

RING = 16  # readings that a slot has room for at first; a power of two
WHOLE, FINE = 2.0**8, 2.0**40  # a value is high / 2⁸ + low / 2⁴⁸, both whole numbers
GREATEST = 2.0**32  # beyond it a value is not summed; 2²² such values in a window still fit

Columns = Mapping[str, NDArray[np.generic]]


class Recent:
    """Rings of times, and of the columns named in `columns` (name → dtype), one ring a slot.

    `window` in µs. A reading's place is where it stands in `time` and in every column.
    """

    def __init__(self, size: int, window: int, columns: Mapping[str, type[np.generic]]) -> None:
        self.window = window
        self.base = np.arange(size, dtype=np.intp) * RING
        self.mask = np.full(size, RING - 1, np.intp)
        self.begin = np.zeros(size, np.intp)  # counted since ever: the first in the window,
        self.end = np.zeros(size, np.intp)  # and the one that comes next
        self.time: Int64 = np.empty(size * RING, np.int64)
        self.columns: dict[str, NDArray[Any]] = {
            name: np.empty(size * RING, kind) for name, kind in columns.items()
        }

    def add(self, rows: Rows, **columns: NDArray[np.generic]) -> tuple[Slots, Slots]:
        """Take in the rows, at least one. For each, (n,): the place of the oldest reading in its
        window, and how many readings the window holds, itself among them."""
        heads, counts = rows.heads, rows.counts
        slots = rows.slot[heads]
        self._room(slots, counts)
        begin, base, mask = (
            np.repeat(a[slots], counts) for a in (self.begin, self.base, self.mask)
        )
        rank = np.arange(len(rows))  # of a row among its slot's
        row = rank + np.repeat(self.end[slots] - heads, counts)
        rank -= np.repeat(heads, counts)
        place = base + (row & mask)
        self.time[place] = rows.time
        for name, column in columns.items():
            self.columns[name][place] = column
        oldest = self._oldest(rows.time - self.window, begin, begin + rank + 1, row, base, mask)
        self.end[slots] += counts
        self.begin[slots] = oldest[heads + counts - 1]
        return base + (oldest & mask), row - oldest + 1

    def _oldest(
        self, cut: Int64, begin: Slots, guess: Slots, row: Slots, base: Slots, mask: Slots
    ) -> Slots:
        """The first reading later than `cut`, from `begin` on; that of `row` always is.

        `guess` is right for a steady sender, of whom each reading sends one out; others are
        searched for by halves.
        """
        oldest = np.minimum(guess, row)
        out = self.time[base + (oldest & mask)] <= cut
        early = (self.time[base + ((oldest - 1) & mask)] > cut) & (oldest > begin)
        missed = np.flatnonzero(out | early)
        if not len(missed):
            return oldest
        out, found = out[missed], oldest[missed]
        low, high = np.where(out, found + 1, begin[missed]), np.where(out, row[missed], found - 1)
        cut, base, mask = cut[missed], base[missed], mask[missed]
        while (low < high).any():
            middle = (low + high) >> 1
            out = self.time[base + (middle & mask)] <= cut
            low, high = np.where(out, middle + 1, low), np.where(out, high, middle)
        oldest[missed] = low
        return oldest

    def _room(self, slots: Slots, counts: Slots) -> None:
        """Give greater rings to those of `slots` that cannot hold `counts` readings more."""
        live = self.end[slots] - self.begin[slots]
        tight = live + counts > self.mask[slots] + 1
        if not tight.any():
            return
        slots, need = slots[tight], (live + counts)[tight]
        sizes = 1 << np.ceil(np.log2(need)).astype(np.intp)
        row, which = self._live(slots)
        old = self.base[slots][which] + (row & self.mask[slots][which])
        base = len(self.time) + np.cumsum(sizes) - sizes
        new = base[which] + (row & (sizes - 1)[which])
        self.time = _moved(self.time, old, new, int(sizes.sum()))
        self.columns = {n: _moved(c, old, new, int(sizes.sum())) for n, c in self.columns.items()}
        self.base[slots], self.mask[slots] = base, sizes - 1
        if len(self.time) > 2 * int((self.mask + 1).sum()):
            self._pack()

    def _live(self, slots: Slots) -> tuple[Slots, Slots]:
        """The readings in the windows of `slots`, by their count since ever, and whose (as a place
        in `slots`) each is."""
        counts = self.end[slots] - self.begin[slots]
        which = np.repeat(np.arange(len(slots)), counts)
        begun = np.cumsum(counts) - counts
        return np.arange(len(which)) + (self.begin[slots] - begun)[which], which

    def _pack(self) -> None:
        """Leave out the rings that greater ones took the place of."""
        sizes = self.mask + 1
        base = np.cumsum(sizes) - sizes
        kept = np.arange(int(sizes.sum())) + np.repeat(self.base - base, sizes)
        self.time = self.time[kept]
        self.columns = {name: column[kept] for name, column in self.columns.items()}
        self.base = base

    def state(self) -> dict[str, NDArray[np.generic]]:
        """The readings in the windows, by slot and in order of time."""
        row, slot = self._live(np.arange(len(self.base)))
        place = self.base[slot] + (row & self.mask[slot])
        columns = {f"recent_{name}": column[place] for name, column in self.columns.items()}
        return {"recent_slot": slot, "recent_time": self.time[place], **columns}

    def load(self, state: Columns, old: Slots, new: Slots) -> None:
        """Into slots that have heard nothing yet."""
        held = state["recent_slot"].astype(np.intp)
        slot_of = np.full(int(max(held.max(initial=-1), old.max(initial=-1))) + 1, -1, np.intp)
        slot_of[old] = new
        slot = slot_of[held]
        order = np.argsort(slot, kind="stable")[np.count_nonzero(slot < 0) :]
        slots, counts = np.unique(slot[order], return_counts=True)
        self._room(slots, counts)
        self.end[slots] = self.begin[slots] + counts
        row, which = self._live(slots)
        place = self.base[slots][which] + (row & self.mask[slots][which])
        self.time[place] = state["recent_time"][order]
        for name, column in self.columns.items():
            column[place] = state[f"recent_{name}"][order]


class MovingMean:
    """The mean of a metric over each slot's last `window` µs."""

    def __init__(self, size: int, window: int) -> None:
        kinds = {"high": np.int64, "low": np.int64}
        self.recent = Recent(size, window, kinds)  # the sums of all before the reading
        self.sums = {name: np.zeros(size, np.int64) for name in kinds}  # of all since ever

    def add(self, rows: Rows, value: Float64) -> tuple[Float64, Slots]:
        """Take in rows that all have a value of at most `GREATEST`, (n,). For each, (n,): the mean
        of the readings in (t − window, t], and how many they are.

        Sums since ever may wrap around; what lies between two of them is exact (mod 2⁶⁴).
        """
        scaled = value * WHOLE
        high = np.rint(scaled)
        low = np.rint((scaled - high) * FINE)
        whole, fine = high.astype(np.int64), low.astype(np.int64)
        sum_high, sum_low = self._sums("high", rows, whole), self._sums("low", rows, fine)
        oldest, count = self.recent.add(rows, high=sum_high - whole, low=sum_low - fine)
        held = self.recent.columns
        total = (sum_high - held["high"][oldest]) + (sum_low - held["low"][oldest]) / FINE
        mean: Float64 = total / (WHOLE * count)
        return mean, count

    def _sums(self, name: str, rows: Rows, value: Int64) -> Int64:
        """The sum of all of the slot's values up to each row, (n,)."""
        heads = rows.heads
        slots, sums = rows.slot[heads], np.cumsum(value)
        before = self.sums[name][slots] - (sums[heads] - value[heads])
        sums += np.repeat(before, rows.counts)
        self.sums[name][slots] = sums[rows.ends]
        return sums

    def state(self) -> dict[str, NDArray[np.generic]]:
        sums = {f"sum_{name}": sums.copy() for name, sums in self.sums.items()}
        return {**self.recent.state(), **sums}

    def load(self, state: Columns, old: Slots, new: Slots) -> None:
        self.recent.load(state, old, new)
        for name, sums in self.sums.items():
            sums[new] = state[f"sum_{name}"][old]


def _moved(column: NDArray[Any], old: Slots, new: Slots, more: int) -> NDArray[Any]:
    """`column`, longer by `more`, with what stood at `old` also at `new`."""
    longer: NDArray[Any] = np.concatenate([column, np.empty(more, column.dtype)])
    longer[new] = column[old]
    return longer
