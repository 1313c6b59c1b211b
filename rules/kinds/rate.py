"""rate: how fast a metric changes, above or below a limit for some time.

Laws:
- without `over`, the rate at a reading is that from the device's reading before it;
- with `over`, it is that from its oldest reading in [t − over, t], which must be at least half of
  `over` old: over less, noise alone is a rate;
- it is given in the metric's unit by the second, minute, hour or day, as `unit` says; falling is
  below nothing;
- where there is nothing to compare with, nothing is judged, and the last verdict holds.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kel.model.city import City
from kel.model.device import Device, Metric
from kel.model.frame import Float64, Int64
from kel.model.mistake import Mistake
from rules.core.entry import Entry, far_side, find_metric, one_limit
from rules.core.event import Cleared, Event, Fired, evidence
from rules.core.judge import Judge, Told
from rules.core.kind import KindSpec, Scene
from rules.core.limit import verdicts
from rules.core.rows import NEVER, Rows, Slots, previous
from rules.core.rule import NOTHING, Clear, Duration, Limit, RuleShape, SomeDuration, microseconds
from rules.parts.facts import limit_facts
from rules.parts.lookback import has_metric, long_enough, span_of
from rules.parts.recent import Recent

WHY = "ο ρυθμός μεταβολής επανήλθε"
PER = {
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


class Rate(RuleShape, Limit):
    """How fast a metric changes, above or below a limit for some time; `unit` as in "bar/h"."""

    kind: Literal["rate"]
    unit: str
    over: SomeDuration | None = None
    for_: Duration = Field(default=NOTHING, alias="for")
    clear: Clear = Clear()


class RateKind:
    def __init__(self, rule: Rate, scene: Scene) -> None:
        self.rule, self.roster, self.watched = rule, scene.roster, scene.watched
        self.metric = rule.watch.metric or ""
        self.per = microseconds(PER[rule.unit.rpartition("/")[2]])
        hold, clear = microseconds(rule.for_), microseconds(rule.clear.for_)
        self.judge = Judge(scene, hold, clear, ("value", "from", "to", "apart"))
        size = len(scene.roster)
        self.before: _Last | _Oldest = _Last(size)
        if rule.over is not None:
            self.before = _Oldest(size, microseconds(rule.over))
        self.adopt = self.judge.adopt

    def frame(self, rows: Rows) -> list[Event]:
        rows = rows.of(self.watched)
        rows = rows.only(~np.isnan(rows.column(self.metric)))
        if not len(rows):
            return []
        value = rows.column(self.metric)
        before, apart = self.before.add(rows, value)
        known = ~np.isnan(before)
        if not known.all():
            rows, value, before, apart = rows.only(known), value[known], before[known], apart[known]
        rate = (value - before) / apart * self.per
        shown = {"value": rate, "from": before, "to": value, "apart": apart}
        verdict = verdicts(self.rule, self.rule.clear, rate)
        return [self._event(told) for told in self.judge.all_rows(rows, verdict, **shown)]

    def tick(self, now: int) -> list[Event]:
        return [self._event(told) for told in self.judge.tick(now)]

    def _event(self, told: Told) -> Event:
        change, shown, rule = told.change, told.values, self.rule
        device = self.roster.devices[change.slot]
        if not change.fired:
            return Cleared(device, change.at, WHY)
        facts = {
            "value": shown["value"],
            **limit_facts(rule, rule.unit),
            "from": shown["from"],
            "to": shown["to"],
            "apart_s": shown["apart"] / 1e6,
            "for_s": rule.for_.total_seconds(),
        }
        since = change.since - int(shown["apart"])  # where it changed from
        about = evidence(rule.watch.cls, device.id, self.metric, since, change.at, facts)
        return Fired(device, change.since, change.at, about)

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {**self.judge.state(), **self.before.state()}

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        self.judge.load(state, old, new)
        if "phase" in state:
            self.before.load(state, old, new)


class _Last:
    """Compares with the reading before."""

    def __init__(self, size: int) -> None:
        self.value = np.full(size, np.nan)
        self.time = np.full(size, NEVER, np.int64)

    def add(self, rows: Rows, value: Float64) -> tuple[Float64, Float64]:
        """What each reading is compared with, (n,), NaN for nothing, and how long before (µs)."""
        before, time = previous(rows, value, self.value), previous(rows, rows.time, self.time)
        time = np.where(time == NEVER, rows.time - 1, time)
        ends = rows.ends
        self.value[rows.slots], self.time[rows.slots] = value[ends], rows.time[ends]
        return before, (rows.time - time).astype(np.float64)

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {"last_value": self.value.copy(), "last_time": self.time.copy()}

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        self.value[new], self.time[new] = state["last_value"][old], state["last_time"][old]


class _Oldest:
    """Compares with the oldest reading in [t − over, t], if that is old enough."""

    def __init__(self, size: int, over: int) -> None:
        self.least = over / 2
        self.recent = Recent(size, over + 1, {"value": np.float64})
        self.state, self.load = self.recent.state, self.recent.load

    def add(self, rows: Rows, value: Float64) -> tuple[Float64, Float64]:
        oldest, _ = self.recent.add(rows, value=value)
        apart: Int64 = rows.time - self.recent.time[oldest]
        enough = apart >= self.least
        before = np.where(enough, self.recent.columns["value"][oldest], np.nan)
        return before, np.where(enough, apart, 1).astype(np.float64)


def check(entry: Entry, city: City, watched: list[Device]) -> Iterator[Mistake]:
    del watched
    metric = find_metric(entry, city, "watch", "metric")
    yield from has_metric(entry)
    yield from one_limit(entry)
    yield from far_side(entry, None)
    yield from long_enough(entry, city, "over", times=2)
    unit = entry.text("unit")
    if metric is None or unit is None:
        return
    what, _, per = unit.rpartition("/")
    if what != metric.unit or per not in PER:
        units = ", ".join(f"{metric.unit}/{per}" for per in PER)
        yield entry.wrong(("unit",), f"{unit!r} is no rate of {metric.name}; one of {units}")
    else:
        yield from _possible(entry, metric, PER[per])


def _possible(entry: Entry, metric: Metric, per: timedelta) -> Iterator[Mistake]:
    """Over so long, the metric's possible range allows no faster change."""
    over = span_of(entry, "over")
    if not over or metric.low is None or metric.high is None:
        return
    most = (metric.high - metric.low) / (over / 2 / per)
    for path in (("above",), ("below",), ("clear", "above"), ("clear", "below")):
        number = entry.number(*path)
        if number is not None and (number >= most if path[-1] == "above" else number <= -most):
            unit = entry.text("unit")
            what = f"can never hold: {metric.name} changes by at most {most:g} {unit} over so long"
            yield entry.wrong(path, what)


KIND = KindSpec(Rate, RateKind, check)
