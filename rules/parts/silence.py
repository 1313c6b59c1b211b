"""Who has been silent, and since when.

Laws (`after` in µs):
- a device whose last word was at t is silent from exactly t + after, until it speaks again;
- a tick decides on silence up to its moment; a row decides on the silence just before it, so a
  gap is told however rarely ticks come;
- one who never spoke counts as having spoken at the first tick after it was watched;
- words that come so late that they were already too old at the last tick end no silence.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.core.rows import NEVER, Bool, Rows, Slots, previous


class Turn(NamedTuple):
    """A slot fell silent, or spoke again, `at` a moment; `last` is its last word before (µs).

    `heard` is false where `last` is not a word, only when the watching began. `since`: from when on
    its silence counts, where that is not from its last word.
    """

    slot: int
    silent: bool
    at: int
    last: int
    heard: bool = True
    since: int = NEVER

    @property
    def started(self) -> int:
        return self.last if self.since == NEVER else self.since


class Silence:
    """The watched slots' words: any row, or where a `metric` is named, one that reports it."""

    def __init__(self, watched: Bool, after: int, metric: str | None) -> None:
        self.watched, self.after, self.metric = watched, after, metric
        self.last = np.full(len(watched), NEVER, np.int64)
        self.heard = np.zeros(len(watched), np.bool_)
        self.silent = np.zeros(len(watched), np.bool_)
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
        followed = self.silent.copy()
        followed[rows.slot[gap]] = True
        turns: list[Turn] = []
        for row in np.flatnonzero(followed[rows.slot]).tolist():
            slot, at, last = int(rows.slot[row]), int(rows.time[row]), int(before[row])
            heard = bool(self.heard[slot] or not rows.first[row])
            turns += self._word(slot, at, last, heard)
        ends = rows.ends
        self.last[rows.slot[ends]] = rows.time[ends]
        self.heard[rows.slot[ends]] = True
        return turns

    def _word(self, slot: int, at: int, last: int, heard: bool) -> list[Turn]:
        turns: list[Turn] = []
        if not self.silent[slot] and last != NEVER and at - last >= self.after:
            self.silent[slot] = True
            turns.append(Turn(slot, True, last + self.after, last, heard))
        if self.silent[slot] and at + self.after > self.clock:
            self.silent[slot] = False
            turns.append(Turn(slot, False, at, last, heard))
        return turns

    def tick(self, now: int) -> list[Turn]:
        """The turns up to `now`, which is later than every tick before."""
        self.clock = now
        self.last[self.watched & (self.last == NEVER)] = now
        due = self.watched & ~self.silent & (self.last <= now - self.after)
        self.silent |= due
        return [
            Turn(s, True, int(self.last[s]) + self.after, int(self.last[s]), bool(self.heard[s]))
            for s in np.flatnonzero(due).tolist()
        ]

    def adopt(self, slot: int, started: int) -> None:
        """A slot whose alert is known to be active, since `started`, is silent."""
        self.silent[slot] = True
        self.last[slot] = max(int(self.last[slot]), started)

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {
            "last": self.last.copy(),
            "heard": self.heard.copy(),
            "silent": self.silent.copy(),
            "clock": np.array([self.clock]),
        }

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        if "last" not in state:
            if self.metric is None:  # a new rule, but its devices were heard before
                self.last[new] = np.where(self.watched[new], state["seen"][old], NEVER)
                self.heard[new] = self.last[new] != NEVER
            return
        for name, mine in (("last", self.last), ("heard", self.heard), ("silent", self.silent)):
            mine[new] = state[name][old]
        self.clock = int(state["clock"][0])
