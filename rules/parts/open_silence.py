"""Silence that counts while a rule's calendars are open, and is forgotten when they shut.

Laws (`after` in µs), beside those of `rules.parts.silence`:
- silence counts from the last word, or from when the calendars opened, whichever is later; it is
  told only where it lasts `after` before they shut, and ends when they do;
- a word that was too old at the last tick already changes nothing.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from rules.core.by_slot import copies
from rules.core.calendar import Opening
from rules.core.rows import NEVER, Bool, Rows, Slots, previous
from rules.parts.silence import Turn

_ARRAYS = ("last", "since", "heard", "silent")


class OpenSilence:
    """Per slot: the last word, since when its silence counts (an open moment, perhaps to come),
    whether it was ever heard, whether it is silent."""

    def __init__(self, watched: Bool, after: int, metric: str | None, opening: Opening) -> None:
        self.watched, self.after, self.metric, self.opening = watched, after, metric, opening
        size = len(watched)
        self.last, self.since = np.full(size, NEVER, np.int64), np.full(size, NEVER, np.int64)
        self.heard, self.silent = np.zeros(size, np.bool_), np.zeros(size, np.bool_)
        self.clock = NEVER  # the last tick

    def rows(self, rows: Rows) -> list[Turn]:
        """The turns that rows show."""
        rows = rows.of(self.watched)
        if self.metric is not None:
            rows = rows.only(~np.isnan(rows.column(self.metric)))
        if not len(rows):
            return []
        before = previous(rows, rows.time, self.last)
        gap = (before != NEVER) & (rows.time - self.after >= before)
        # words behind the last tick, too, are weighed one by one
        followed = self.silent.copy()
        followed[rows.slot[gap | (rows.time + self.after <= self.clock)]] = True
        turns: list[Turn] = []
        for row in np.flatnonzero(followed[rows.slot]).tolist():
            turns += self._word(int(rows.slot[row]), int(rows.time[row]))
        ends = rows.ends[~followed[rows.slot[rows.ends]]]
        slots, times = rows.slot[ends], rows.time[ends]
        self.last[slots], self.heard[slots] = times, True
        self.since[slots] = self.opening.begins(slots, times)
        return turns

    def _word(self, slot: int, at: int) -> list[Turn]:
        turns = self._come_to(slot, at)
        if at + self.after > self.clock:
            if self.silent[slot]:
                self.silent[slot] = False
                turns.append(self._turn(slot, at))
            self.since[slot] = self.opening.opens(slot, at)
        self.last[slot], self.heard[slot] = at, True
        return turns

    def _come_to(self, slot: int, now: int) -> list[Turn]:
        """What became due at or before `now`, span by span."""
        turns: list[Turn] = []
        while NEVER < (since := int(self.since[slot])) <= now:
            shuts = self.opening.shuts(slot, since)
            due = since + self.after
            if not self.silent[slot] and due <= now and due < shuts:
                self.silent[slot] = True
                turns.append(self._turn(slot, due))
            elif shuts <= now:
                if self.silent[slot]:
                    self.silent[slot] = False
                    turns.append(self._turn(slot, shuts))
                self.since[slot] = self.opening.opens(slot, shuts)
            else:
                break
        return turns

    def _turn(self, slot: int, at: int) -> Turn:
        last, since = int(self.last[slot]), int(self.since[slot])
        return Turn(slot, bool(self.silent[slot]), at, last, bool(self.heard[slot]), since)

    def tick(self, now: int) -> list[Turn]:
        """The turns up to `now`, which is later than every tick before."""
        self.clock = now
        new = np.flatnonzero(self.watched & (self.last == NEVER))
        self.last[new] = now
        self.since[new] = self.opening.begins(new, self.last[new])
        due = self.watched & (self.since <= now - self.after)
        return [turn for slot in np.flatnonzero(due).tolist() for turn in self._come_to(slot, now)]

    def adopt(self, slot: int, started: int) -> None:
        """A slot whose alert is known to be active, since `started`, is silent."""
        if not self.silent[slot]:
            self.silent[slot], self.since[slot] = True, started
            self.last[slot] = max(int(self.last[slot]), started)

    def state(self) -> dict[str, NDArray[np.generic]]:
        own = copies(self, _ARRAYS)
        return {**own, "clock": np.array([self.clock])}

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        if "since" not in state:
            return  # a new rule: it counts from its first tick
        for name in _ARRAYS:
            getattr(self, name)[new] = state[name][old]
        self.clock = int(state["clock"][0])
        # the calendars may be others by now
        counting = new[(self.last[new] != NEVER) & ~self.silent[new]]
        since = self.since[counting]
        waits = np.maximum(self.last[counting], self.clock)
        since = np.where(since > self.clock, waits, since)
        self.since[counting] = self.opening.begins(counting, since)
