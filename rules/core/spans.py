"""Rows summed over spans of event time, by slot: what a kind needs that judges means, not readings.

Laws:
- a row at t belongs to the span that holds t, its beginning included and its end not;
- a span is closed by the first row of its own slot that is not before its end, or by a tick that
  is not; it is told once, and only if rows were in it;
- a row of a span that a tick has passed is left out: the tick said that all its rows were given;
- values are added one by one in order of time, so a sum does not depend on how rows were cut.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kel.model.frame import Float64, Int64
from rules.core.by_slot import copies
from rules.core.rows import NEVER, Rows, Slots, starts

_ARRAYS = ("end", "sums", "counts")


class Closed(NamedTuple):
    """Closed spans in order of slot and time.

    slot: (n,); end: (n,) µs; sums, counts: (n, width), of the values that were known.
    """

    slot: Slots
    end: Int64
    sums: Float64
    counts: Float64

    @property
    def means(self) -> Float64:
        """(n, width), NaN where nothing was known."""
        known = self.counts > 0
        return np.where(known, self.sums / np.where(known, self.counts, 1.0), np.nan)

    def take(self, place: Slots) -> "Closed":
        return Closed(self.slot[place], self.end[place], self.sums[place], self.counts[place])


class Spans:
    """The open span of each of `size` slots, with `width` sums each."""

    def __init__(self, size: int, width: int) -> None:
        self.end = np.full(size, NEVER, np.int64)  # of the open span; NEVER: none is open
        self.sums, self.counts = np.zeros((size, width)), np.zeros((size, width))
        self.clock = NEVER  # the last tick

    def rows(self, slot: Slots, end: Int64, values: Float64) -> Closed:
        """What the rows close. They are sorted by slot and time.

        slot: (n,); end: (n,) µs, where each row's span ends; values: (n, width), NaN: not known.
        """
        late = end <= self.clock
        if late.any():
            slot, end, values = slot[~late], end[~late], values[~late]
        if not len(slot):
            return self._closed(np.empty(0, np.intp))
        own = starts(slot)
        head = own.copy()
        head[1:] |= end[1:] != end[:-1]
        at = np.flatnonzero(head)
        which, group = np.cumsum(head) - 1, slot[at]
        group_end, first = end[at], own[at]
        goes_on = first & (self.end[group] == group_end)
        known, begun = ~np.isnan(values), group[goes_on]
        # what was begun comes first, so that the values are added in the same order however cut
        where = np.concatenate([np.flatnonzero(goes_on), which])
        sums = _added(where, self.sums[begun], np.where(known, values, 0.0), len(at))
        counts = _added(where, self.counts[begun], known, len(at))
        over = group[first & ~goes_on & (self.end[group] != NEVER)]
        before = self._closed(over)
        last = np.append(first[1:], True)
        self.end[group[last]] = group_end[last]
        self.sums[group[last]], self.counts[group[last]] = sums[last], counts[last]
        done = Closed(group[~last], group_end[~last], sums[~last], counts[~last])
        return _merged(before, done)

    def tick(self, now: int) -> Closed:
        """What is over at `now`."""
        self.clock = now
        over = np.flatnonzero((self.end != NEVER) & (self.end <= now))
        closed = self._closed(over)
        self.end[over] = NEVER
        return closed

    def _closed(self, slots: Slots) -> Closed:
        return Closed(slots, self.end[slots], self.sums[slots], self.counts[slots])

    def state(self) -> dict[str, NDArray[np.generic]]:
        own = copies(self, _ARRAYS)
        return {**own, "clock": np.array([self.clock])}

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        for name in _ARRAYS:
            getattr(self, name)[new] = state[name][old]
        self.clock = int(state["clock"][0])


def _merged(one: Closed, two: Closed) -> Closed:
    both = (np.concatenate(pair) for pair in zip(one, two, strict=True))
    closed = Closed(*both)
    return closed.take(np.lexsort((closed.end, closed.slot)))


def _added(
    where: Slots, begun: Float64, values: NDArray[np.generic], groups: int
) -> NDArray[np.float64]:
    """The sums, (groups, width), of rows one after another in each group; where: (n,)."""
    rows = np.concatenate([begun, values])
    sums = [np.bincount(where, rows[:, column], groups) for column in range(rows.shape[1])]
    return np.stack(sums, axis=1)


def ends_every(time: Int64, every: int) -> Int64:
    """Where the span of `every` µs, counted from 1970 UTC, ends that holds each moment, (n,)."""
    end: Int64 = (time // every + 1) * every
    return end


def rounds(closed: Closed) -> Iterator[Closed]:
    """The first span of each slot, then the second, …: within a round no slot comes twice."""
    place = np.arange(len(closed.slot))
    first = starts(closed.slot)
    rank = place - np.maximum.accumulate(np.where(first, place, 0))
    for nth in range(int(rank.max(initial=-1)) + 1):
        yield closed.take(np.flatnonzero(rank == nth))


def as_rows(cls: str, closed: Closed) -> Rows:
    """The ends of closed spans as rows, for a `Judge`; they carry no metrics."""
    order = np.arange(len(closed.slot))
    return Rows(cls, closed.slot, closed.end, starts(closed.slot), {}, order)


def matrix(rows: Rows, metrics: tuple[str, ...]) -> Float64:
    """The rows' values of these metrics, (n, len(metrics))."""
    return np.stack([rows.column(metric) for metric in metrics], axis=1)
