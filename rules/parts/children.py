"""Which of many devices are in a condition, one by one: silent, or with a metric beyond a limit.

Laws:
- each is followed up to its own newest row; a silence also falls due at ticks;
- what is told of a device turns from one to the next: on, off, on, …
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from rules.core.limit import beyond
from rules.core.rows import Bool, Rows, Slots, previous
from rules.core.rule import Limit, SomeDuration, microseconds
from rules.parts.silence import Silence


class Condition(Limit):
    """What counts a child: silent for `missing`, or a metric above or below a limit."""

    missing: SomeDuration | None = None
    metric: str | None = None
    unit: str | None = None


class Flip(NamedTuple):
    """A child's condition began, or ended, to hold `at` a moment (µs)."""

    at: int
    slot: int
    on: bool


class Children(Protocol):
    """How a child's condition is followed, up to the newest row of each child."""

    def rows(self, rows: Rows) -> Iterable[Flip]: ...

    def tick(self, now: int) -> Iterable[Flip]: ...

    def state(self) -> dict[str, NDArray[np.generic]]: ...

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None: ...


def children_of(condition: Condition, watched: Bool, metric: str | None) -> Children:
    if condition.missing:
        return _Silent(Silence(watched, microseconds(condition.missing), metric))
    return _Beyond(condition, watched, metric or "")


class _Silent:
    """A child counts while it is silent."""

    def __init__(self, silence: Silence) -> None:
        self.silence = silence
        self.state, self.load = silence.state, silence.load

    def rows(self, rows: Rows) -> Iterable[Flip]:
        return [Flip(t.at, t.slot, t.silent) for t in self.silence.rows(rows)]

    def tick(self, now: int) -> Iterable[Flip]:
        return [Flip(t.at, t.slot, t.silent) for t in self.silence.tick(now)]


class _Beyond:
    """A child counts while its metric's last known value is beyond the limit."""

    def __init__(self, condition: Condition, watched: Bool, metric: str) -> None:
        self.condition, self.watched, self.metric = condition, watched, metric
        self.raised = np.zeros(len(watched), np.bool_)

    def rows(self, rows: Rows) -> Iterable[Flip]:
        rows = rows.of(self.watched)
        rows = rows.only(~np.isnan(rows.column(self.metric)))
        if not len(rows):
            return []
        raised = beyond(self.condition, rows.column(self.metric))
        before = previous(rows, raised, self.raised)
        ends = rows.ends
        self.raised[rows.slot[ends]] = raised[ends]
        turned = np.flatnonzero(raised != before).tolist()
        return [Flip(int(rows.time[r]), int(rows.slot[r]), bool(raised[r])) for r in turned]

    def tick(self, now: int) -> Iterable[Flip]:
        del now
        return ()

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {"raised": self.raised.copy()}

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        if "raised" in state:
            self.raised[new] = state["raised"][old]
