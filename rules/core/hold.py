"""A condition held for a time: the state behind every alert.

Laws (`hold` and `clear` in µs):
- the last verdict holds until the next one;
- idle → pending when a row says SET at s; firing at exactly s + hold, if nothing else was said
  before that; started at s;
- firing → clearing when a row says CLEAR at c; idle at exactly c + clear;
- BETWEEN ends what is pending and what is clearing, and neither sets nor clears by itself;
- what is due at or before a moment is settled before a row of that moment speaks, so nothing
  depends on how rows are cut into frames or on how often a tick comes;
- where the rule has an `opening`, rows come while it is open; at exactly the moment that it shuts,
  what is pending is forgotten and what fires is idle again, and nothing is due at that moment or
  later.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kel.model.frame import Int64
from rules.core.calendar import Opening
from rules.core.rows import ENDLESS, NEVER, Bool, Rows, Slots

SET, BETWEEN, CLEAR = 1, 0, -1
IDLE, PENDING, FIRING, CLEARING = range(4)

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
    must have been fulfilled, or is forgotten. `opening` is that of the same slots.
    """

    def __init__(
        self,
        size: int,
        hold: int,
        clear: int,
        until: Callable[[int], int] | None = None,
        opening: Opening | None = None,
    ) -> None:
        self.hold, self.clear = hold, clear
        self.phase = np.zeros(size, np.int8)
        self.since = np.full(size, NEVER, np.int64)  # of what is pending or clearing
        self.until = np.full(size, ENDLESS, np.int64)
        self.shuts = np.full(size, ENDLESS, np.int64)  # when the opening does, unless idle
        self._until, self._opening = until, opening

    def settle(self, slot: int, now: int) -> Change | None:
        """What became due for a slot at or before `now`, first; `due` tells all of it."""
        phase = self.phase.item(slot)
        if phase == IDLE:
            return None
        since, shuts = self.since.item(slot), self.shuts.item(slot)
        if phase == PENDING:
            due, until = since + self.hold, self.until.item(slot)
            if due <= min(now, until) and due < shuts:
                self.phase[slot] = FIRING
                return Change(slot, True, since, due)
            if min(until, shuts) <= now:
                self.phase[slot] = IDLE
        else:
            due = since + self.clear if phase == CLEARING else ENDLESS
            if min(due, shuts) <= now:
                self.phase[slot] = IDLE
                return Change(slot, False, since, min(due, shuts))
        return None

    def due(self, slot: int, now: int) -> list[Change]:
        """All that became due for a slot at or before `now`, in order."""
        changes: list[Change] = []
        while change := self.settle(slot, now):
            changes.append(change)
        return changes

    def say(self, slot: int, now: int, verdict: int) -> Change | None:
        """A settled slot hears a verdict; what is due at once (a time of nothing) is told."""
        phase = self.phase.item(slot)
        if not _MOVES.item(phase, verdict + 1):
            return None
        if phase == IDLE:
            self.phase[slot], self.since[slot] = PENDING, now
            if self._until:
                self.until[slot] = self._until(now)
            if self._opening:
                self.shuts[slot] = self._opening.shuts(slot, now)
        elif phase == PENDING:
            self.phase[slot] = IDLE
        elif phase == FIRING:
            self.phase[slot], self.since[slot] = CLEARING, now
        else:
            self.phase[slot] = FIRING
        return self.settle(slot, now)

    def step(self, slot: int, now: int, verdict: int) -> Iterable[Change]:
        """One row: what was due, then what it says."""
        changes, said = self.due(slot, now), self.say(slot, now, verdict)
        if said:
            changes.append(said)
        return changes

    def run(self, rows: Rows, verdict: Verdicts, span: Int64 | None = None) -> list[Change]:
        """Many rows at once; verdict: (n,) of the rows.

        Only rows that say something new, or the first thing in a span, are stepped through one by
        one; with `until`, all of a slot that is not idle, since what it forgot may begin anew.
        `span`, (n,), of a rule with an opening: in which open span each row lies.
        """
        busy = self.busy(rows.slot, verdict == SET)
        if not busy.any():
            return []
        slot, time, heads = rows.slot, rows.time, rows.heads
        if self._until:
            point = busy[slot]
        else:
            point = np.empty(len(rows), np.bool_)
            np.not_equal(verdict[1:], verdict[:-1], out=point[1:])
            point[heads] = _MOVES[self.phase[rows.slots], verdict[heads] + 1]
            if span is not None:
                point[1:] |= (span[1:] != span[:-1]) & ~rows.first[1:]
                point[heads] |= self.shuts[rows.slots] <= time[heads]
        steps = np.flatnonzero(point)
        steps = steps[busy[slot[steps]]]
        told = zip(*(a[steps].tolist() for a in (slot, time, verdict)), strict=True)
        changes = [change for step in told for change in self.step(*step)]
        return changes + self.pass_by(rows.slots, time[rows.ends])

    def busy(self, slot: Slots, raised: Bool) -> Bool:
        """The slots, (slots,), that are not idle or have a raised row."""
        busy: Bool = self.phase != IDLE
        busy[slot[raised]] = True
        return busy

    def tick(self, now: int) -> list[Change]:
        """All that became due at or before `now`."""
        slots = np.flatnonzero(self.phase != IDLE)
        return self.pass_by(slots, np.full(len(slots), now))

    def pass_by(self, slots: Slots, now: Int64) -> list[Change]:
        """All that became due for each slot at or before its `now`."""
        phase = self.phase[slots]
        waits = phase != IDLE if self._opening else (phase == PENDING) | (phase == CLEARING)
        if not waits.any():
            return []
        slots, now, phase = slots[waits], now[waits], phase[waits]
        since = self.since[slots]
        due = (phase == PENDING) & ((since + self.hold <= now) | (self.until[slots] <= now))
        due |= (phase == CLEARING) & (since + self.clear <= now)
        if self._opening:
            due |= self.shuts[slots] <= now
        settled = map(self.due, slots[due].tolist(), now[due].tolist())
        return [change for changes in settled for change in changes]

    def adopt(self, slot: int, started: int = NEVER) -> None:
        """A slot whose alert is known to be active, since `started`, fires if it does not yet."""
        if self.phase[slot] not in (FIRING, CLEARING):
            self.phase[slot], self.since[slot] = FIRING, started
            self._reopen([slot])

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {"phase": self.phase.copy(), "since": self.since.copy(), "until": self.until.copy()}

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        for name, mine in (("phase", self.phase), ("since", self.since), ("until", self.until)):
            mine[new] = state[name][old]
        self._reopen(new[self.phase[new] != IDLE].tolist())

    def _reopen(self, slots: Iterable[int]) -> None:
        """What is not idle began while the opening was open; it may turn otherwise by now."""
        for slot in slots if self._opening else ():
            if self._opening and self.since[slot] != NEVER:
                self.shuts[slot] = self._opening.shuts(slot, int(self.since[slot]))
