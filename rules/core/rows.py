"""The rows of a frame as rules want them: by device, in order of time, only what is new.

Laws:
- within a partition each device of a class has a slot, 0 … n-1, in order of device number;
- rows are sorted by slot, and in order of time within it; a row that is not later than all rows
  of its device before it is left out and counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from kel.model.device import Device
from kel.model.frame import Float64, Frame, Int64
from rules.core.rule import Watch

Bool = NDArray[np.bool_]
Slots = NDArray[np.intp]
Value = TypeVar("Value", bound=np.generic)
NEVER = np.iinfo(np.int64).min
ENDLESS = np.iinfo(np.int64).max


class Roster:
    """The devices of one class in this partition, and when each was last seen (µs, or NEVER)."""

    def __init__(self, cls: str, devices: Sequence[Device]) -> None:
        self.cls = cls
        self.devices = sorted(devices, key=lambda d: d.number)
        self.numbers = np.array([d.number for d in self.devices], np.int64)
        self.slot_of = {d.id: slot for slot, d in enumerate(self.devices)}
        self.seen = np.full(len(self.devices), NEVER, np.int64)
        # one entry before and one behind: the slot of whoever is not in this partition
        self._slots = np.full(int(self.numbers.max(initial=-1)) + 3, -1, np.int32)
        self._slots[self.numbers + 1] = np.arange(len(self.devices))

    def __len__(self) -> int:
        return len(self.devices)

    def mask(self, watch: Watch) -> Bool:
        return np.array([watch.takes(d) for d in self.devices], np.bool_)

    def slots(self, numbers: NDArray[np.integer]) -> NDArray[np.int32]:
        """The slot of each device number, -1 for a device that is not of this partition."""
        return self._slots.take(numbers + 1, mode="clip")


@dataclass(frozen=True, slots=True)
class Rows:
    """Sorted rows of one class.

    slot: (n,); time: (n,) µs; first: (n,) whether a slot's rows begin here.
    """

    cls: str
    slot: Slots
    time: Int64
    first: Bool
    metrics: Mapping[str, Float64]
    order: Slots  # where each row stands in the frame's columns
    _columns: dict[str, Float64] = field(default_factory=dict)
    _places: dict[str, Slots] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.slot)

    @property
    def heads(self) -> Slots:
        """Where each slot's rows begin, (slots that have rows,), in order."""
        if "heads" not in self._places:
            self._places["heads"] = np.flatnonzero(self.first)
        return self._places["heads"]

    @property
    def ends(self) -> Slots:
        """Where each slot's rows end: its last row, (slots that have rows,), in order."""
        if "ends" not in self._places:
            self._places["ends"] = np.append(self.heads[1:], len(self))[: len(self.heads)] - 1
        return self._places["ends"]

    @property
    def slots(self) -> Slots:
        """The slots that have rows, in order."""
        if "slots" not in self._places:
            self._places["slots"] = self.slot[self.heads]
        return self._places["slots"]

    @property
    def counts(self) -> Slots:
        """How many rows each slot that has some has."""
        return self.ends - self.heads + 1

    def column(self, metric: str) -> Float64:
        """The values of a metric, (n,), NaN where nothing was reported."""
        if metric not in self._columns:
            column = self.metrics.get(metric)
            found = np.full(len(self), np.nan) if column is None else column.take(self.order)
            self._columns[metric] = found
        return self._columns[metric]

    def only(self, keep: Bool) -> "Rows":
        """The rows where `keep`, (n,), is true."""
        if keep.all():
            return self
        slot = self.slot[keep]
        return Rows(self.cls, slot, self.time[keep], starts(slot), self.metrics, self.order[keep])

    def of(self, watched: Bool) -> "Rows":
        """The rows of the slots where `watched`, (slots,), is true."""
        return self if watched.all() else self.only(watched[self.slot])

    def span(self, slot: int) -> tuple[int, int]:
        """From where to where the rows of one slot stand."""
        which = int(self.slots.searchsorted(slot))
        if which == len(self.slots) or self.slots.item(which) != slot:
            return 0, 0
        return self.heads.item(which), self.ends.item(which) + 1


def starts(slot: NDArray[np.integer]) -> Bool:
    """Where a new slot begins in sorted slots."""
    first = np.ones(len(slot), np.bool_)
    np.not_equal(slot[1:], slot[:-1], out=first[1:])
    return first


def sort_rows(frame: Frame, roster: Roster) -> tuple[Rows, int]:
    """The new rows of the roster's devices, and how many came too late or twice.

    Marks in the roster what was seen.
    """
    found = roster.slots(frame.device)
    # a stable sort of 16-bit keys is a radix sort: the fastest numpy has
    narrow = found.astype(np.int16) if len(roster) < 2**15 else found
    order = np.argsort(narrow, kind="stable")
    strangers = int(np.count_nonzero(found < 0))
    order = order[strangers:]
    slot = found.take(order).astype(np.intp)
    time = frame.time.take(order)
    first = starts(slot)
    fresh = _fresh(slot, time, first, roster.seen)
    rows = Rows(frame.cls, slot, time, first, frame.metrics, order).only(fresh)
    roster.seen[rows.slots] = rows.time[rows.ends]
    return rows, len(slot) - len(rows)


def _fresh(slot: Slots, time: Int64, first: Bool, seen: Int64) -> Bool:
    """Which rows are later than what was seen of their device, and than its rows before."""
    fresh: Bool = time > seen.take(slot)
    rising = first.copy()
    rising[1:] |= time[1:] > time[:-1]
    if rising.all():
        return fresh
    # the greatest time so far within each slot, by ranks, since slot × time would overflow
    moments, rank = np.unique(time, return_inverse=True)
    key = slot * len(moments) + rank
    greatest = np.maximum.accumulate(key)
    later = first.copy()
    later[1:] |= key[1:] > greatest[:-1]
    return fresh & later


def carried(rows: Rows, column: Float64, held: Float64) -> Float64:
    """The last known value at each row, (n,): the column's own, an earlier row's, or `held`'s.

    `held`: (slots,) the last known value of each slot before these rows.
    """
    known = ~np.isnan(column)
    if known.all():
        return column
    place = np.arange(len(rows))
    begin = np.maximum.accumulate(np.where(rows.first, place, 0))
    source = np.maximum.accumulate(np.where(known, place, -1))
    return np.where(source >= begin, column[source], held[rows.slot])


def previous(rows: Rows, column: NDArray[Value], held: NDArray[Value]) -> NDArray[Value]:
    """What stands in `column`, (n,), one row of the same slot earlier; `held`, (slots,), before a
    slot's first row."""
    found = np.empty_like(column)
    found[1:] = column[:-1]
    found[rows.heads] = held[rows.slots]
    return found
