"""flapping: a metric, or a state of 0 and 1, that goes to and fro too often.

Laws:
- a crossing is a reading on the other side of `level` than the device was before; within `band` of
  it, and at it, a reading is on neither side and changes nothing;
- it fires at the crossing that is more than `times` in (t − within, t]; it began at the first of
  these;
- it clears when there was no crossing for `clear.for`, or for `within`; silence is quiet, too: who
  says nothing is the business of `missing`;
- readings outside of the rule's calendars are passed over.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kel.model.alert import Alert
from kel.model.city import City
from kel.model.device import Device
from kel.model.mistake import Mistake
from kel.model.moment import to_us
from rules.core.entry import Entry, Measured, find_metric, same_unit
from rules.core.event import Cleared, Event, Fired, evidence
from rules.core.hold import Change
from rules.core.kind import KindSpec, Scene
from rules.core.rows import Rows, Slots, carried, previous
from rules.core.rule import NOTHING, Duration, Number, Positive, RuleShape, Shape, SomeDuration
from rules.core.rule import microseconds as us
from rules.parts.bursts import Bursts
from rules.parts.lookback import has_metric, not_too_long

WHY = "σταμάτησε να πηγαινοέρχεται"


class Quiet(Shape):
    for_: Duration = Field(default=NOTHING, alias="for")


class Flapping(RuleShape):
    """A metric that crosses a level more than so many times within a window."""

    kind: Literal["flapping"]
    level: Number
    band: Positive = 0.0
    unit: str
    times: Annotated[int, Field(strict=True, ge=1, le=100)]
    within: SomeDuration
    clear: Quiet = Quiet()


class FlappingKind:
    """`side`: 1 or -1, on which side of the level each slot is; NaN where nobody knows."""

    def __init__(self, rule: Flapping, scene: Scene) -> None:
        self.rule, self.roster, self.watched = rule, scene.roster, scene.watched
        self.metric, self.scene = rule.watch.metric or "", scene
        within = us(rule.within)
        quiet = us(rule.clear.for_) or within
        self.bursts = Bursts(len(scene.roster), rule.times + 1, within, quiet, scene.opening)
        self.side = np.full(len(scene.roster), np.nan)

    def frame(self, rows: Rows) -> list[Event]:
        rows = self.scene.judged(rows.of(self.watched))
        if not len(rows):
            return []
        value, level, band = rows.column(self.metric), self.rule.level, self.rule.band
        told = np.where(value > level + band, 1.0, np.where(value < level - band, -1.0, np.nan))
        side = carried(rows, told, self.side)
        before = previous(rows, side, self.side)
        ends = rows.ends
        self.side[rows.slot[ends]] = side[ends]
        crossed = side * before == -1.0
        if not crossed.any():
            return []
        rows = rows.only(crossed)
        return [self._event(c) for c in self.bursts.add(rows.slot, rows.time, rows.first)]

    def tick(self, now: int) -> list[Event]:
        return [self._event(change) for change in self.bursts.tick(now)]

    def _event(self, change: Change) -> Event:
        rule, device = self.rule, self.roster.devices[change.slot]
        if not change.fired:
            return Cleared(device, change.at, WHY)
        facts: dict[str, float | str] = {
            "value": float(rule.times + 1),
            "limit": float(rule.times),
            "unit": "1",
            "level": rule.level,
            "level_unit": rule.unit,
            "within_s": rule.within.total_seconds(),
        }
        about = evidence(rule.watch.cls, device.id, self.metric, change.since, change.at, facts)
        return Fired(device, change.since, change.at, about)

    def adopt(self, alert: Alert) -> bool:
        slot = self.roster.slot_of.get(alert.device, -1)
        if slot < 0 or not self.watched[slot]:
            return False
        self.bursts.adopt(slot, to_us(alert.detected_at))
        return True

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {**self.bursts.state(), "side": self.side.copy()}

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        if "side" in state:
            self.bursts.load(state, old, new)
            self.side[new] = state["side"][old]


def check(entry: Entry, city: City, watched: list[Device]) -> Iterator[Mistake]:
    del watched
    metric = find_metric(entry, city, "watch", "metric")
    yield from has_metric(entry)
    yield from same_unit(entry, metric)
    yield from not_too_long(entry, "within")
    level, band = entry.number("level"), entry.number("band") or 0.0
    if metric is None or level is None:
        return
    over = metric.high is not None and level + band >= metric.high
    under = metric.low is not None and level - band <= metric.low
    if over or under:
        end = f"at most {metric.high:g}" if over else f"at least {metric.low:g}"
        what = f"can never be crossed: {metric.name} is {end} {metric.unit}"
        yield entry.wrong(("band" if band else "level",), what)


def measured(entry: Entry, city: City) -> Iterator[Measured]:
    metric = find_metric(entry, city, "watch", "metric")
    if metric:
        yield Measured(metric.unit, (("level",),))
        yield Measured(metric.unit, (("band",),), difference=True)


KIND = KindSpec(Flapping, FlappingKind, check, measured=measured)
