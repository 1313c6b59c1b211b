"""A condition held for a time: the state behind every alert.

Laws (`hold` and `clear` in µs):
- the last verdict holds until the next one;
- idle → pending when a row says SET at s; firing at exactly s + hold, if nothing else was said
  before that; started at s;
- firing → clearing when a row says CLEAR at c; idle at exactly c + clear;
- BETWEEN ends what is pending and what is clearing, and neither sets nor clears by itself;
- what is due at or before a moment is settled before a row of that moment speaks, so nothing
  depends on how rows are cut into frames or on how often a tick comes.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kel.model.frame import Int64
from rules.rows import NEVER, Bool, Rows, Slots

SET, BETWEEN, CLEAR = 1, 0, -1
IDLE, PENDING, FIRING, CLEARING = range(4)
ENDLESS = np.iinfo(np.int64).max

Verdicts = NDArray[np.int8]

# which verdict (CLEAR, BETWEEN, SET) moves which phase
_MOVES = np.array(
    [
        [False, False, True],  # idle
        [True, True, False],  # pending
        [True, False, False],  # firing
        [False, True, True],  # clearing
    ]
)


class Change(NamedTuple):
    """A slot fired or cleared `at` a moment, by a condition that began at `since` (µs)."""

    slot: int
    fired: bool
    since: int
    at: int


class Hold:
    """The phases of `size` slots.

    `until` gives, for the moment at which something begins to be pending, the moment by which it
    must have been fulfilled, or is forgotten.
    """

    def __init__(
        self, size: int, hold: int, clear: int, until: Callable[[int], int] | None = None
    ) -> None:
        self.hold, self.clear = hold, clear
        self.phase = np.zeros(size, np.int8)
        self.since = np.full(size, NEVER, np.int64)  # of what is pending or clearing
        self.until = np.full(size, ENDLESS, np.int64)
        self._until = until

    def settle(self, slot: int, now: int) -> Change | None:
        """What became due for a slot at or before `now`."""
        phase = self.phase[slot]
        if phase == PENDING:
            since, until = int(self.since[slot]), int(self.until[slot])
            if since + self.hold <= min(now, until):
                self.phase[slot] = FIRING
                return Change(slot, True, since, since + self.hold)
            if until <= now:
                self.phase[slot] = IDLE
        elif phase == CLEARING:
            since = int(self.since[slot])
            if since + self.clear <= now:
                self.phase[slot] = IDLE
                return Change(slot, False, since, since + self.clear)
        return None

    def say(self, slot: int, now: int, verdict: int) -> Change | None:
        """A settled slot hears a verdict; what is due at once (a time of nothing) is told."""
        phase = self.phase[slot]
        if not _MOVES[phase, verdict + 1]:
            return None
        if phase == IDLE:
            self.phase[slot], self.since[slot] = PENDING, now
            if self._until:
                self.until[slot] = self._until(now)
        elif phase == PENDING:
            self.phase[slot] = IDLE
        elif phase == FIRING:
            self.phase[slot], self.since[slot] = CLEARING, now
        else:
            self.phase[slot] = FIRING
        return self.settle(slot, now)

    def step(self, slot: int, now: int, verdict: int) -> Iterable[Change]:
        """One row: what was due, then what it says."""
        return [c for c in (self.settle(slot, now), self.say(slot, now, verdict)) if c]

    def run(self, rows: Rows, verdict: Verdicts) -> list[Change]:
        """Many rows at once, for a hold without `until`; verdict: (n,) of the rows.

        Only rows that say something new are stepped through one by one.
        """
        busy = self.busy(rows.slot, verdict == SET)
        if not busy.any():
            return []
        point = np.empty(len(rows), np.bool_)
        point[1:] = (verdict[1:] != verdict[:-1]) & ~rows.first[1:]
        heads = np.flatnonzero(rows.first)
        point[heads] = _MOVES[self.phase[rows.slot[heads]], verdict[heads] + 1]
        changes: list[Change] = []
        for row in np.flatnonzero(point & busy[rows.slot]).tolist():
            changes += self.step(int(rows.slot[row]), int(rows.time[row]), int(verdict[row]))
        ends = rows.last & busy[rows.slot]
        return changes + self._settle(rows.slot[ends], rows.time[ends])

    def busy(self, slot: Slots, raised: Bool) -> Bool:
        """The slots, (slots,), that are not idle or have a raised row."""
        busy: Bool = self.phase != IDLE
        busy[slot[raised]] = True
        return busy

    def tick(self, now: int) -> list[Change]:
        """All that became due at or before `now`."""
        slots = np.flatnonzero(self.phase != IDLE)
        return self._settle(slots, np.full(len(slots), now))

    def _settle(self, slots: Slots, now: Int64) -> list[Change]:
        phase, since = self.phase[slots], self.since[slots]
        due = (phase == PENDING) & ((since + self.hold <= now) | (self.until[slots] <= now))
        due |= (phase == CLEARING) & (since + self.clear <= now)
        settled = map(self.settle, slots[due].tolist(), now[due].tolist())
        return [change for change in settled if change]

    def adopt(self, slot: int) -> None:
        """A slot whose alert is known to be active fires, if it does not already."""
        if self.phase[slot] not in (FIRING, CLEARING):
            self.phase[slot] = FIRING

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {"phase": self.phase.copy(), "since": self.since.copy(), "until": self.until.copy()}

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        for name, mine in (("phase", self.phase), ("since", self.since), ("until", self.until)):
            mine[new] = state[name][old]
