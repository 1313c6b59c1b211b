"""Verdicts on rows, held for a time, become what fired and what cleared, with what was read then.

For a kind that judges each device by its own rows: it says SET, BETWEEN or CLEAR of every row, and
which columns a person should see when the alert fires.

Laws:
- what is shown of what fired is what was held when it fell due: the last row before that moment, or
  where nothing had to last, the row itself; of what cleared nothing is shown;
- rows of which nothing is known are passed over: the last verdict holds;
- rows outside the rule's calendars are not judged (`rules.core.hold` has what becomes of alerts
  then).
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kel.model.alert import Alert
from kel.model.frame import Float64, Int64
from kel.model.moment import to_us
from rules.core.hold import Change, Hold, Verdicts
from rules.core.kind import Scene
from rules.core.rows import Bool, Rows, Slots

NOTHING: Mapping[str, float] = {}


class Told(NamedTuple):
    """A change, and where it fired, the shown columns at its moment, by name."""

    change: Change
    values: Mapping[str, float]


class Judge:
    """One hold for each slot; `hold` and `clear` in µs, `shown`: the names of columns to keep.

    `until`: as `Hold` takes it.
    """

    def __init__(
        self,
        scene: Scene,
        hold: int,
        clear: int,
        shown: Sequence[str],
        until: Callable[[int], int] | None = None,
    ) -> None:
        self.roster, self.watched, self.opening = scene.roster, scene.watched, scene.opening
        self.hold = Hold(len(scene.roster), hold, clear, until, scene.opening)
        self.values = {name: np.full(len(scene.roster), np.nan) for name in shown}

    def rows(
        self, rows: Rows, verdict: Verdicts, known: Bool | None, **columns: Float64
    ) -> list[Told]:
        """What the rows of watched devices bring; verdict, known (None: all) and each shown column:
        (n,)."""
        if not len(rows):
            return []
        span = self.opening.counted(rows.slot, rows.time) if self.opening else None
        if span is not None:
            known = span % 2 == 1 if known is None else known & (span % 2 == 1)
        judged = rows if known is None else rows.only(known)
        if known is not None and judged is not rows:
            verdict, span = verdict[known], None if span is None else span[known]
        changes = self.hold.run(judged, verdict, span)
        ends = rows.ends
        if self.opening:  # what is shut is heard of from rows that are not judged, too
            changes += self.hold.pass_by(rows.slots, rows.time[ends])
        told = [Told(c, self._at(c, rows, columns) if c.fired else NOTHING) for c in changes]
        for name, column in columns.items():
            self.values[name][rows.slots] = column[ends]
        return told

    def all_rows(self, rows: Rows, verdict: Verdicts, **columns: Float64) -> list[Told]:
        """The same, where all is known."""
        return self.rows(rows, verdict, None, **columns)

    def tick(self, now: int) -> list[Told]:
        """What falls due at or before `now`."""
        return self._held(self.hold.tick(now))

    def settle(self, slots: Slots, times: Int64) -> list[Told]:
        """What falls due for each of these slots, (n,), at or before its own moment, (n,) µs: so
        that a kind that asks who is idle is told the same however often ticks come."""
        return self._held(self.hold.pass_by(slots, times))

    def _held(self, changes: list[Change]) -> list[Told]:
        return [Told(c, self.held(c.slot) if c.fired else NOTHING) for c in changes]

    def held(self, slot: int) -> dict[str, float]:
        """The shown columns at the slot's last row."""
        return {name: column.item(slot) for name, column in self.values.items()}

    def _at(self, change: Change, rows: Rows, columns: Mapping[str, Float64]) -> dict[str, float]:
        lo, hi = rows.span(change.slot)
        # at once, it is the row itself; else the row before, whatever a row of that moment says
        until = change.at if self.hold.hold else change.at + 1
        row = bisect_left(rows.time, until, lo, hi) - 1
        if row < lo:
            return self.held(change.slot)
        return {name: column.item(row) for name, column in columns.items()}

    def adopt(self, alert: Alert) -> bool:
        slot = self.roster.slot_of.get(alert.device, -1)
        if slot < 0 or not self.watched[slot]:
            return False
        self.hold.adopt(slot, to_us(alert.started_at))
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
