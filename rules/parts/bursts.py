"""So many events of a slot within a window, until it is quiet again. Pure.

Laws (`within`, `quiet` in µs):
- at an event of time t a burst begins when the slot has `times` events in (t − within, t];
- it began at the first of these, and is detected at t;
- it is over at exactly `quiet` after the last event, if none came before;
- what is over is settled before a new event counts; a tick settles what was over by then;
- where the rule has an `opening`, events come while it is open; a burst lies in one span of it, and
  is over at the latest when that shuts.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kel.model.frame import Int64
from rules.core.calendar import Opening
from rules.core.hold import Change
from rules.core.rows import ENDLESS, NEVER, Bool, Slots


class Bursts:
    """`past`: (size, times − 1), each slot's events before the next one, the newest last."""

    def __init__(
        self, size: int, times: int, within: int, quiet: int, opening: Opening | None = None
    ) -> None:
        self.times, self.within, self.quiet, self.opening = times, within, quiet, opening
        self.past = np.full((size, times - 1), NEVER, np.int64)
        self.firing = np.zeros(size, np.bool_)
        self.shuts = np.full(size, ENDLESS, np.int64)  # of what fires

    def add(self, slot: Slots, time: Int64, first: Bool) -> list[Change]:
        """What events, (n,), at least one, by slot and in order of time, begin and end."""
        heads = np.flatnonzero(first)
        slots, counts = slot[heads], np.diff(heads, append=len(slot))
        rank = np.arange(len(slot)) - np.repeat(heads, counts)
        back = self._back(slot, time, rank, self.times - 1)
        before = self._back(slot, time, rank, 1)
        raised = (back != NEVER) & (time - self.within < back)
        over = (before != NEVER) & (time - self.quiet >= before)
        self._keep(slots, time, heads, counts)
        busy = self.firing[slot] | self._raised_before(raised, first)
        # whether it fires changes at these alone
        point = raised & (first | ~np.append(False, raised[:-1])) | over & busy
        point = busy if self.opening else point
        changes: list[Change] = []
        for row in np.flatnonzero(point).tolist():
            which, now = int(slot[row]), int(time[row])
            end = min(int(before[row]) + self.quiet, int(self.shuts[which]))
            if self.firing[which] and end <= now:
                changes.append(self._end(which, int(before[row])))
            if raised[row] and not self.firing[which]:
                changes += self._begin(which, int(back[row]), now)
        return changes

    def _begin(self, slot: int, first: int, now: int) -> list[Change]:
        shuts = self._shuts(slot, first)
        if shuts <= now:
            return []
        self.firing[slot], self.shuts[slot] = True, shuts
        return [Change(slot, True, first, now)]

    def _shuts(self, slot: int, moment: int) -> int:
        return self.opening.shuts(slot, moment) if self.opening else ENDLESS

    def _raised_before(self, raised: Bool, first: Bool) -> Bool:
        """Whether an event of the slot in these rows, up to the row, was raised."""
        place = np.arange(len(raised))
        begin = np.maximum.accumulate(np.where(first, place, 0))
        found: Bool = np.maximum.accumulate(np.where(raised, place, -1)) >= begin
        return found

    def _back(self, slot: Slots, time: Int64, rank: Slots, by: int) -> Int64:
        """The time of the event that is `by` before each, or NEVER."""
        held = rank < by
        found = np.empty_like(time)
        found[~held] = time[np.flatnonzero(~held) - by]
        found[held] = self.past[slot[held], rank[held] - by]  # from the end
        return found

    def _keep(self, slots: Slots, time: Int64, heads: Slots, counts: Slots) -> None:
        kept = self.times - 1
        ends = heads + counts
        age = np.arange(kept, 0, -1)  # in events, of each column
        fresh = age <= counts[:, None]
        place = np.where(fresh, ends[:, None] - age, 0)
        moved = np.minimum(np.arange(kept) + counts[:, None], kept - 1)
        self.past[slots] = np.where(fresh, time[place], self.past[slots[:, None], moved])

    def tick(self, now: int) -> list[Change]:
        """What is over at `now`."""
        over = (self.past[:, -1] <= now - self.quiet) | (self.shuts <= now)
        due = np.flatnonzero(self.firing & over).tolist()
        return [self._end(slot, int(self.past[slot, -1])) for slot in due]

    def _end(self, slot: int, last: int) -> Change:
        self.firing[slot] = False
        return Change(slot, False, last, min(last + self.quiet, int(self.shuts[slot])))

    def adopt(self, slot: int, now: int) -> None:
        """A slot whose alert is known to be active fires; quiet counts from `now` at the least."""
        self.firing[slot] = True
        self.past[slot, -1] = max(int(self.past[slot, -1]), now)
        self.shuts[slot] = self._shuts(slot, now)

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {"past": self.past.copy(), "firing": self.firing.copy()}

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        self.past[new], self.firing[new] = state["past"][old], state["firing"][old]
        for slot in new[self.firing[new]].tolist():
            self.shuts[slot] = self._shuts(slot, int(self.past[slot, -1]))
