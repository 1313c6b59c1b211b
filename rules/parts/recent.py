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
FITS = 2**62  # a number that still leaves room in 64 bits
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
        heads, counts, slots = rows.heads, rows.counts, rows.slots
        self._room(slots, counts)
        base, mask, row = (
            each.repeat(counts)
            for each in (self.base[slots], self.mask[slots], self.end[slots] - heads)
        )
        row += np.arange(len(rows))
        place = base + (row & mask)
        self.time[place] = rows.time
        for name, column in columns.items():
            self.columns[name][place] = column
        self.end[slots] += counts
        oldest = self._oldest(slots, rows.time - self.window, counts, rows.ends)
        self.begin[slots] = oldest[rows.ends]
        return base + (oldest & mask), row - oldest + 1

    def _oldest(self, slots: Slots, cut: Int64, counts: Slots, ends: Slots) -> Slots:
        """The first reading later than each `cut`, (n,) as the rows, `counts` of them a slot; that
        of the row itself always is."""
        most = self._most(slots, cut[ends], counts)
        passed = reached(self.time.take(self._places(slots, most)), most, cut, counts)
        passed += (self.begin[slots] - (np.cumsum(most) - most)).repeat(counts)
        return passed

    def _most(self, slots: Slots, cut: Int64, counts: Slots) -> Slots:
        """For each slot a number of readings, from `begin` on, among which are all that its last
        `cut` leaves behind; at most twice as many as these, or as those that came."""
        begin, base, mask = self.begin[slots], self.base[slots], self.mask[slots]
        all_but_last = self.end[slots] - begin - 1
        most: Slots = np.zeros_like(counts)
        while (more := self.time[base + ((begin + most) & mask)] <= cut).any():
            wider = np.minimum(np.maximum(2 * most, counts), all_but_last)
            most = np.where(more, wider, most)
        return most

    def _places(self, slots: Slots, counts: Slots) -> Slots:
        """Where the first `counts` readings in the windows of `slots` stand, slot by slot."""
        begun = np.cumsum(counts) - counts
        row = (self.begin[slots] - begun).repeat(counts)
        row += np.arange(len(row))
        row &= self.mask[slots].repeat(counts)
        row += self.base[slots].repeat(counts)
        return row

    def _room(self, slots: Slots, counts: Slots) -> None:
        """Give greater rings to those of `slots` that cannot hold `counts` readings more."""
        live = self.end[slots] - self.begin[slots]
        tight = live + counts > self.mask[slots] + 1
        if not tight.any():
            return
        slots, live, need = slots[tight], live[tight], (live + counts)[tight]
        sizes = 1 << np.ceil(np.log2(need)).astype(np.intp)
        old = self._places(slots, live)
        self.base[slots], self.mask[slots] = len(self.time) + np.cumsum(sizes) - sizes, sizes - 1
        new, more = self._places(slots, live), int(sizes.sum())
        self.time = _moved(self.time, old, new, more)
        self.columns = {name: _moved(c, old, new, more) for name, c in self.columns.items()}
        if len(self.time) > 2 * int((self.mask + 1).sum()):
            self._pack()

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
        slots, live = np.arange(len(self.base)), self.end - self.begin
        place = self._places(slots, live)
        columns = {f"recent_{name}": column[place] for name, column in self.columns.items()}
        held = {"recent_slot": np.repeat(slots, live), "recent_time": self.time[place]}
        return {**held, **columns}

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
        place = self._places(slots, counts)
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
        heads, sums = rows.heads, np.cumsum(value)
        before = self.sums[name][rows.slots] - (sums[heads] - value[heads])
        sums += np.repeat(before, rows.counts)
        self.sums[name][rows.slots] = sums[rows.ends]
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


def reached(time: Int64, times: Slots, cut: Int64, cuts: Slots) -> Slots:
    """How many of all times stand before or at each cut, (n,), group by group.

    `times` and `cuts`, (groups,): how many of each are in a group, where they rise. A stable sort
    of both, one behind the other, merges what is in order already: half the work of a search.
    """
    if not len(time):
        return np.zeros(len(cut), np.intp)
    low, high = int(time.min()) - 1, int(time.max())
    wide = high - low + 1
    if wide * len(times) > FITS and len(times) > 1:  # a clock is years off: half of the groups
        half = len(times) // 2
        mine, yours = int(times[:half].sum()), int(cuts[:half].sum())
        before = reached(time[:mine], times[:half], cut[:yours], cuts[:half])
        behind = reached(time[mine:], times[half:], cut[yours:], cuts[half:])
        return np.concatenate([before, behind + mine])
    offset = np.arange(len(times)) * wide - low  # so that each group lies behind the one before
    keys = np.concatenate([time, np.minimum(np.maximum(cut, low), high)])
    keys += np.concatenate([offset.repeat(times), offset.repeat(cuts)])
    order = keys.argsort(kind="stable")
    return np.flatnonzero(order >= len(time)) - np.arange(len(cut))
