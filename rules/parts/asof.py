"""Readings that wait for their tick, and the last one known of each slot before them. Pure.

Laws:
- what waits is settled at the first tick that is not before it, in order of time; what came late,
  too, in its place among what is settled with it;
- as of a moment a slot's reading is the newest that was settled by then, those of the moment itself
  among them.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kel.model.frame import Float64, Int64
from rules.core.rows import NEVER, Roster, Rows, Slots, starts


class Readings(NamedTuple):
    """(n,) each, in order of time; of one slot in the order in which they came."""

    slot: Slots
    time: Int64
    value: Float64

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> "Readings":
        return Readings(self.slot[rows], self.time[rows], self.value[rows])

    def by_slot(self) -> tuple[Rows, Slots]:
        """As rows, by slot and in order of time, and where each of them stands here."""
        order = np.argsort(self.slot, kind="stable")
        slot = self.slot[order]
        return Rows("", slot, self.time[order], starts(slot), {}, np.arange(len(slot))), order


NOTHING = Readings(np.empty(0, np.intp), np.empty(0, np.int64), np.empty(0))


class AsOf:
    """One metric of a roster's devices. `time`, `value`: (slots,) the last settled reading."""

    def __init__(self, roster: Roster, metric: str) -> None:
        self.roster, self.metric = roster, metric
        self.time = np.full(len(roster), NEVER, np.int64)
        self.value = np.full(len(roster), np.nan)
        self._waiting: list[Readings] = []

    def add(self, rows: Rows) -> None:
        rows = rows.only(~np.isnan(rows.column(self.metric)))
        if len(rows):
            self._waiting.append(Readings(rows.slot, rows.time, rows.column(self.metric)))

    def due(self, now: int) -> Readings:
        """What is to be settled at `now`; it waits no more, and is to be kept with `keep`."""
        if not self._waiting:
            return NOTHING
        told = Readings(*(np.concatenate(column) for column in zip(*self._waiting, strict=True)))
        due = told.time <= now
        self._waiting = [] if due.all() else [told.take(~due)]
        found = told.take(due)
        return found.take(np.argsort(found.time, kind="stable"))

    def keep(self, settled: Readings) -> None:
        self.time[settled.slot] = settled.time  # of a slot's several the last one stays
        self.value[settled.slot] = settled.value

    def at(self, settled: Readings, slot: Slots, time: Int64) -> tuple[Int64, Float64]:
        """The time (NEVER where there is none) and value of each slot's reading, (m,), as of each
        time, (m,); slot −1 is nobody's. `settled`, not yet kept, are those since the last."""
        if not len(self.time):  # a partition without any such device
            return np.full(len(slot), NEVER, np.int64), np.full(len(slot), np.nan)
        found_time = np.where(slot >= 0, self.time[slot], NEVER)
        found_value = np.where(slot >= 0, self.value[slot], np.nan)
        if not len(settled.slot) or not len(slot):
            return found_time, found_value
        moments, rank = np.unique(np.append(settled.time, time), return_inverse=True)
        key = settled.slot * len(moments) + rank[: len(settled.slot)]
        order = np.argsort(key, kind="stable")
        asked = slot * len(moments) + rank[len(settled.slot) :]
        place = order[np.searchsorted(key[order], asked, side="right") - 1]
        newer = (settled.slot[place] == slot) & (settled.time[place] <= time)
        found_time[newer] = settled.time[place[newer]]
        found_value[newer] = settled.value[place[newer]]
        return found_time, found_value

    def state(self) -> dict[str, NDArray[np.generic]]:
        """By device number: the last settled, and what waits."""
        numbers = self.roster.numbers
        waiting = self._waiting or [NOTHING]
        slot, time, value = (np.concatenate(column) for column in zip(*waiting, strict=True))
        return {
            "device": numbers.copy(),
            "time": self.time.copy(),
            "value": self.value.copy(),
            "waiting_device": numbers[slot],
            "waiting_time": time,
            "waiting_value": value,
        }

    def load(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        slots = self.roster.slots(state["device"].astype(np.int64))
        here = slots >= 0
        self.time[slots[here]] = state["time"][here]
        self.value[slots[here]] = state["value"][here]
        slots = self.roster.slots(state["waiting_device"].astype(np.int64))
        told = Readings(
            slots.astype(np.intp),
            state["waiting_time"].astype(np.int64),
            state["waiting_value"].astype(np.float64),
        )
        self._waiting += [told.take(slots >= 0)] if (slots >= 0).any() else []
