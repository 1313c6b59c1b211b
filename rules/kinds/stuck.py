"""stuck: a value that does not move although it should.

Laws:
- a run is of readings none of which is more than `tolerance` away from its first; a reading that is
  further away begins the next run;
- it fires at a reading, never on silence: at the first that comes `after` or more past its run's
  first, where the alert began;
- a silence of `after` or more tells nothing of what the value did meanwhile: time counts anew;
- while the `while` condition does not hold, a value may stand still: such readings are passed over,
  and time counts anew after them; what fires goes on until the value has moved;
- it clears at the first reading of the next run.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kel.model.city import City
from kel.model.device import Device, Metric
from kel.model.frame import Float64, Int64
from kel.model.mistake import Mistake
from rules.core.by_slot import copies
from rules.core.entry import (
    Entry,
    Measured,
    can_hold,
    find_metric,
    known_metric,
    one_limit,
    same_unit,
)
from rules.core.event import Cleared, Event, Fired, evidence
from rules.core.hold import CLEAR, SET
from rules.core.judge import Judge, Told
from rules.core.kind import KindSpec, Scene
from rules.core.limit import beyond
from rules.core.rows import NEVER, Bool, Rows, Slots, carried, previous
from rules.core.rule import Positive, RuleShape, SomeDuration, While, microseconds
from rules.parts.lookback import has_metric, long_enough

WHY = "η τιμή άλλαξε"
_ARRAYS = ("anchor", "gate", "start", "time", "count", "idle")


class Stuck(RuleShape):
    """A metric that stays within `tolerance` of one value for `after`, in `unit`."""

    kind: Literal["stuck"]
    after: SomeDuration
    tolerance: Positive = 0.0
    unit: str
    while_: While | None = Field(default=None, alias="while")


class StuckKind:
    """Per slot: the run's first value (`anchor`), since when time counts (`start`), the last
    reading that counted (`time`), whether readings were passed over since (`idle`), the gate."""

    def __init__(self, rule: Stuck, scene: Scene) -> None:
        self.rule, self.roster, self.watched = rule, scene.roster, scene.watched
        self.metric, self.after = rule.watch.metric or "", microseconds(rule.after)
        size = len(scene.roster)
        self.judge = Judge(scene, 0, 0, ("value", "start", "count"))
        self.anchor, self.gate = np.full(size, np.nan), np.full(size, np.nan)
        self.start, self.time = np.full(size, NEVER, np.int64), np.full(size, NEVER, np.int64)
        self.count, self.idle = np.zeros(size, np.int64), np.zeros(size, np.bool_)
        self.adopt = self.judge.adopt

    def frame(self, rows: Rows) -> list[Event]:
        rows = rows.of(self.watched)
        rows, resumed = self._gated(rows)
        if not len(rows):
            return []
        value = rows.column(self.metric)
        moved = self._moved(rows, value)
        before = previous(rows, rows.time, self.time)
        fresh = moved | resumed | (before == NEVER) | (rows.time - self.after >= before)
        start, count = self._since(rows, fresh)
        verdict = np.where(moved, CLEAR, 0).astype(np.int8)
        verdict[rows.time - start >= self.after] = SET
        ends = rows.ends
        slots = rows.slot[ends]
        self.start[slots], self.count[slots] = start[ends], count[ends]
        self.time[slots] = rows.time[ends]
        shown = {"value": value, "start": start.astype(np.float64), "count": count.astype(float)}
        told = self.judge.all_rows(rows, verdict, **shown)
        return [self._event(one) for one in told]

    def _gated(self, rows: Rows) -> tuple[Rows, Bool]:
        """The readings that count, and whether others were passed over just before each."""
        counts = ~np.isnan(rows.column(self.metric))
        if self.rule.while_ is None or not len(rows):
            kept = rows.only(counts)
            return kept, np.zeros(len(kept), np.bool_)
        gate = carried(rows, rows.column(self.rule.while_.metric), self.gate)
        heads, ends = rows.heads, rows.ends
        slots = rows.slot[ends]
        self.gate[slots] = gate[ends]
        closed = ~beyond(self.rule.while_, gate)
        counts &= ~closed
        kept, passed = rows.only(counts), np.cumsum(closed)
        since = np.zeros(len(self.idle), np.int64)  # passed over up to the last that counted
        since[rows.slot[heads]] = passed[heads] - closed[heads]
        mark = passed[counts]
        before = np.append(0, mark[:-1])
        before[kept.first] = since[kept.slot[kept.first]]
        resumed = mark > before
        resumed[kept.first] |= self.idle[kept.slot[kept.first]]
        self.idle[kept.slot[kept.ends]] = False
        since[kept.slot[kept.ends]] = mark[kept.ends]
        self.idle[slots] |= passed[ends] > since[slots]
        return kept, resumed

    def _moved(self, rows: Rows, value: Float64) -> Bool:
        """Whether each reading is too far from its run's first; keeps the last run's."""
        heads = rows.heads
        slots, tolerance = rows.slot[heads], self.rule.tolerance
        jump = np.abs(np.diff(value, prepend=np.nan))
        jump[heads] = np.abs(value[heads] - self.anchor[slots])
        # further from the reading before than that one can be from its run's first, and more
        moved = jump > 3 * tolerance
        moved[heads] = jump[heads] > tolerance
        first = value.copy()  # of the run that begins at a row
        held = ~(moved[heads] | np.isnan(self.anchor[slots]))
        first[heads[held]] = self.anchor[slots[held]]
        begins = _latest(moved | rows.first)
        if tolerance:
            near = np.flatnonzero((jump > 0) & ~moved & ~rows.first)
            moved[_walk(near.tolist(), value, first, begins, tolerance)] = True
            begins = _latest(moved | rows.first)
        ends = rows.ends
        self.anchor[rows.slot[ends]] = first[begins[ends]]
        return moved

    def _since(self, rows: Rows, fresh: Bool) -> tuple[Int64, Int64]:
        """Since when time counts for each reading, (n,), and how many readings since then."""
        source = _latest(fresh | rows.first)
        held = ~fresh[source]
        slot = rows.slot
        start = np.where(held, self.start[slot], rows.time[source])
        count = np.arange(len(rows)) - source + 1 + np.where(held, self.count[slot], 0)
        return start, count

    def tick(self, now: int) -> list[Event]:
        return [self._event(told) for told in self.judge.tick(now)]

    def _event(self, told: Told) -> Event:
        change, shown, rule = told.change, told.values, self.rule
        device = self.roster.devices[change.slot]
        if not change.fired:
            return Cleared(device, change.at, WHY)
        facts: dict[str, float | str] = {
            "value": shown["value"],
            "limit": rule.tolerance,
            "unit": rule.unit,
            "after_s": rule.after.total_seconds(),
            "readings": shown["count"],
        }
        started = int(shown["start"])
        about = evidence(rule.watch.cls, device.id, self.metric, started, change.at, facts)
        return Fired(device, started, change.at, about)

    def state(self) -> dict[str, NDArray[np.generic]]:
        own = copies(self, _ARRAYS)
        return {**self.judge.state(), **own}

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        self.judge.load(state, old, new)
        for name in _ARRAYS if "phase" in state else ():
            getattr(self, name)[new] = state[name][old]


def _latest(mark: Bool) -> Slots:
    """The place of the latest mark up to each row; the first row is marked."""
    found: Slots = np.maximum.accumulate(np.where(mark, np.arange(len(mark)), 0))
    return found


def _walk(
    near: list[int], value: Float64, first: Float64, begins: Slots, tolerance: float
) -> list[int]:
    """Those of the rows `near` that begin a run; one by one, for each run asks where it began."""
    found = [-1]
    for row in near:
        if abs(value[row] - first[max(begins[row], found[-1])]) > tolerance:
            found.append(row)
    return found[1:]


def check(entry: Entry, city: City, watched: list[Device]) -> Iterator[Mistake]:
    del watched
    metric = find_metric(entry, city, "watch", "metric")
    yield from has_metric(entry)
    yield from same_unit(entry, metric)
    yield from long_enough(entry, city, "after", times=2)
    tolerance, low, high = entry.number("tolerance"), *_range(metric)
    if metric and tolerance is not None and tolerance >= high - low:
        within = f"{metric.name} lies in {low:g} … {high:g} {metric.unit}"
        yield entry.wrong(("tolerance",), f"can never clear: {within}")
    if isinstance(entry.get("while"), Mapping):
        yield from known_metric(entry, city, "while", "metric")
        yield from one_limit(entry, "while")
        yield from can_hold(entry, find_metric(entry, city, "while", "metric"), "while")


def _range(metric: Metric | None) -> tuple[float, float]:
    if metric is None or metric.low is None or metric.high is None:
        return -np.inf, np.inf
    return metric.low, metric.high


def measured(entry: Entry, city: City) -> Iterator[Measured]:
    metric = find_metric(entry, city, "watch", "metric")
    if metric:
        yield Measured(metric.unit, (("tolerance",),), difference=True)


KIND = KindSpec(Stuck, StuckKind, check, measured=measured)
