"""Verdicts on rows, held for a time, become what fired and what cleared, with what was read then.

For a kind that judges each device by its own rows: it says SET, BETWEEN or CLEAR of every row, and
which columns a person should see when the alert fires.

Laws:
- what is shown of a change is what was held when it fell due: the last row before that moment, or
  where nothing had to last, the row itself;
- rows of which nothing is known are passed over: the last verdict holds.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kel.model.alert import Alert
from kel.model.frame import Float64
from rules.hold import Change, Hold, Verdicts
from rules.kind import Scene
from rules.rows import Bool, Rows, Slots


class Told(NamedTuple):
    """A change, and the shown columns at its moment, by name."""

    change: Change
    values: Mapping[str, float]


class Judge:
    """One hold for each slot; `hold` and `clear` in µs, `shown`: the names of columns to keep."""

    def __init__(self, scene: Scene, hold: int, clear: int, shown: Sequence[str]) -> None:
        self.roster, self.watched = scene.roster, scene.watched
        self.hold = Hold(len(scene.roster), hold, clear)
        self.values = {name: np.full(len(scene.roster), np.nan) for name in shown}

    def rows(self, rows: Rows, verdict: Verdicts, known: Bool, **columns: Float64) -> list[Told]:
        """What the rows of watched devices bring; verdict, known and each shown column: (n,)."""
        if not len(rows):
            return []
        judged = rows.only(known)
        changes = self.hold.run(judged, verdict if judged is rows else verdict[known])
        told = [Told(c, self._at(c, rows, columns)) for c in changes]
        ends = rows.last
        for name, column in columns.items():
            self.values[name][rows.slot[ends]] = column[ends]
        return told

    def tick(self, now: int) -> list[Told]:
        """What falls due at or before `now`."""
        return [Told(c, self.held(c.slot)) for c in self.hold.tick(now)]

    def held(self, slot: int) -> dict[str, float]:
        """The shown columns at the slot's last row."""
        return {name: float(column[slot]) for name, column in self.values.items()}

    def _at(self, change: Change, rows: Rows, columns: Mapping[str, Float64]) -> dict[str, float]:
        lo, hi = rows.span(change.slot)
        # at once, it is the row itself; else the row before, whatever a row of that moment says
        until = change.at if self.hold.hold else change.at + 1
        row = lo + int(np.searchsorted(rows.time[lo:hi], until)) - 1
        if row < lo:
            return self.held(change.slot)
        return {name: float(column[row]) for name, column in columns.items()}

    def adopt(self, alert: Alert) -> bool:
        slot = self.roster.slot_of.get(alert.device, -1)
        if slot < 0 or not self.watched[slot]:
            return False
        self.hold.adopt(slot)
        return True

    def state(self) -> dict[str, NDArray[np.generic]]:
        shown = {f"shown_{name}": column.copy() for name, column in self.values.items()}
        return {**self.hold.state(), **shown}

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        if "phase" not in state:
            return
        self.hold.load(state, old, new)
        for name, column in self.values.items():
            if f"shown_{name}" in state:  # not where an earlier wording showed less
                column[new] = state[f"shown_{name}"][old]
