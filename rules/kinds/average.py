"""average: the mean of a metric over a moving window, above or below a limit for some time.

Laws:
- at a reading of time t it is the plain mean of the device's readings in (t − window, t]; a row
  without the metric is none;
- it is judged at readings alone: silence changes no mean;
- it is exact to 2⁻⁴⁹ of the metric's unit and the same to the last bit however rows are cut
  (`rules.parts.recent`); a reading beyond ±2³² is left out;
- with fewer than `readings` in the window nothing is judged, and the last verdict holds.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kel.model.city import City
from kel.model.device import Device
from kel.model.mistake import Mistake
from rules.core.entry import Entry, can_hold, far_side, find_metric, limits, one_limit, same_unit
from rules.core.event import Cleared, Event, Fired, evidence
from rules.core.judge import Judge, Told
from rules.core.kind import KindSpec, Scene
from rules.core.limit import verdicts
from rules.core.rows import Rows, Slots
from rules.core.rule import NOTHING, Clear, Duration, Limit, RuleShape, SomeDuration, microseconds
from rules.parts.facts import limit_facts
from rules.parts.lookback import has_metric, long_enough, short, span_of
from rules.parts.recent import GREATEST, MovingMean

WHY = "ο μέσος όρος επανήλθε"


class Average(RuleShape, Limit):
    """The mean of a metric over a moving window, above or below a limit for some time."""

    kind: Literal["average"]
    window: SomeDuration
    unit: str
    readings: Annotated[int, Field(strict=True, ge=1, le=100_000)] = 1
    for_: Duration = Field(default=NOTHING, alias="for")
    clear: Clear = Clear()


class AverageKind:
    def __init__(self, rule: Average, scene: Scene) -> None:
        self.rule, self.roster, self.watched = rule, scene.roster, scene.watched
        self.metric = rule.watch.metric or ""
        hold, clear = microseconds(rule.for_), microseconds(rule.clear.for_)
        self.judge = Judge(scene, hold, clear, ("value", "readings", "last"))
        self.window = microseconds(rule.window)
        self.moving = MovingMean(len(scene.roster), self.window)
        self.adopt = self.judge.adopt

    def frame(self, rows: Rows) -> list[Event]:
        rows = rows.of(self.watched)
        rows = rows.only(np.abs(rows.column(self.metric)) <= GREATEST)  # which NaN is not
        if not len(rows):
            return []
        last = rows.column(self.metric)
        mean, count = self.moving.add(rows, last)
        enough = count >= self.rule.readings
        if not enough.all():
            rows, mean, count, last = rows.only(enough), mean[enough], count[enough], last[enough]
        verdict = verdicts(self.rule, self.rule.clear, mean)
        shown = {"value": mean, "readings": count.astype(np.float64), "last": last}
        return [self._event(told) for told in self.judge.all_rows(rows, verdict, **shown)]

    def tick(self, now: int) -> list[Event]:
        return [self._event(told) for told in self.judge.tick(now)]

    def _event(self, told: Told) -> Event:
        change, rule = told.change, self.rule
        device = self.roster.devices[change.slot]
        if not change.fired:
            return Cleared(device, change.at, WHY)
        facts = {
            "value": told.values["value"],
            **limit_facts(rule, rule.unit),
            "window_s": rule.window.total_seconds(),
            "for_s": rule.for_.total_seconds(),
            "readings": told.values["readings"],
            "last": told.values["last"],
        }
        since = change.since - self.window
        about = evidence(rule.watch.cls, device.id, self.metric, since, change.at, facts)
        return Fired(device, change.since, change.at, about)

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {**self.judge.state(), **self.moving.state()}

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        self.judge.load(state, old, new)
        if "recent_slot" in state:
            self.moving.load(state, old, new)


def check(entry: Entry, city: City, watched: list[Device]) -> Iterator[Mistake]:
    del watched
    metric = find_metric(entry, city, "watch", "metric")
    yield from has_metric(entry)
    yield from one_limit(entry)
    yield from same_unit(entry, metric)
    yield from can_hold(entry, metric)
    yield from far_side(entry, metric)
    yield from long_enough(entry, city, "window")
    window, readings = span_of(entry, "window"), entry.number("readings")
    cls = city.classes.get(entry.text("watch", "class") or "")
    if cls and window and readings and readings > 1 and (readings - 1) * cls.every >= window:
        every = f"class {cls.id!r} has one in {short(cls.every)}"
        yield entry.wrong(("readings",), f"can never hold in {short(window)}: {every}")


KIND = KindSpec(Average, AverageKind, check, measured=limits)
