"""schedule: a metric above or below a limit at hours at which it should not be.

The hours are the sun's (`sun`: up or down, without `margin` around sunrise and sunset) or the
clock's (`window`, local time): a lamp that is lit by day, or dark by night.

Laws:
- it is judged at those hours alone; what is pending when they end is forgotten, what fires goes on
  and clears at a later one of those hours, when the metric is right again;
- the sun is that over the city's warehouse: within one municipality it rises everywhere in the same
  minute or the next;
- otherwise as `threshold`: limits are strict, the last verdict holds until the next.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

import numpy as np
from pydantic import Field

from kel.model.city import City
from kel.model.device import Device
from kel.model.frame import Int64
from kel.model.mistake import Mistake
from kel.model.moment import MINUTE_US
from rules.core.entry import Entry, can_hold, far_side, find_metric, limits, one_limit, same_unit
from rules.core.event import Cleared, Event, Fired, evidence
from rules.core.hold import BETWEEN
from rules.core.judge import Judge, Told
from rules.core.kind import KindSpec, Scene
from rules.core.limit import verdicts
from rules.core.rows import Bool, Rows
from rules.core.rule import (
    NOTHING,
    Clear,
    Duration,
    Limit,
    RuleShape,
    TimeOfDay,
    microseconds,
)
from rules.core.window import Window
from rules.parts.facts import limit_facts
from rules.parts.lookback import has_metric, span_of
from rules.parts.sun import Sun, elevation

WHY = "η συσκευή ακολουθεί πάλι το πρόγραμμα"
SOLSTICES = (1_782_000_000, 1_797_811_200)  # 2026-06-21 and -12-21, s: the longest and shortest day


class Schedule(RuleShape, Limit):
    """A metric above or below a limit while the sun is up, or down, or in hours of the day."""

    kind: Literal["schedule"]
    unit: str
    sun: Literal["up", "down"] | None = None
    margin: Duration = NOTHING
    window: tuple[TimeOfDay, TimeOfDay] | None = None
    for_: Duration = Field(default=NOTHING, alias="for")
    clear: Clear = Clear()


class _Clock:
    """A window of the local day."""

    def __init__(self, window: Window) -> None:
        self.window, self.end_after = window, window.end_after

    def inside(self, times: Int64) -> Bool:
        return self.window.inside(self.window.local(times))


def _hours(rule: Schedule, city: City) -> Sun | _Clock:
    if rule.window is not None:
        return _Clock(Window(*rule.window, city.timezone))
    return Sun(city.warehouse, up=rule.sun == "up", margin=microseconds(rule.margin))


class ScheduleKind:
    def __init__(self, rule: Schedule, scene: Scene) -> None:
        self.rule, self.roster, self.watched = rule, scene.roster, scene.watched
        self.metric = rule.watch.metric or ""
        self.hours = _hours(rule, scene.city)
        hold, clear = microseconds(rule.for_), microseconds(rule.clear.for_)
        self.judge = Judge(scene, hold, clear, ("value",), self.hours.end_after)
        self.adopt, self.state, self.load = self.judge.adopt, self.judge.state, self.judge.load

    def frame(self, rows: Rows) -> list[Event]:
        rows = rows.of(self.watched)
        rows = rows.only(~np.isnan(rows.column(self.metric)))
        if not len(rows):
            return []
        value = rows.column(self.metric)
        verdict = verdicts(self.rule, self.rule.clear, value)
        verdict[~self.hours.inside(rows.time)] = BETWEEN
        return [self._event(told) for told in self.judge.all_rows(rows, verdict, value=value)]

    def tick(self, now: int) -> list[Event]:
        return [self._event(told) for told in self.judge.tick(now)]

    def _event(self, told: Told) -> Event:
        change, rule = told.change, self.rule
        device = self.roster.devices[change.slot]
        if not change.fired:
            return Cleared(device, change.at, WHY)
        facts: dict[str, float | str] = {
            "value": told.values["value"],
            **limit_facts(rule, rule.unit),
            "for_s": rule.for_.total_seconds(),
        }
        if isinstance(self.hours, Sun):
            minute = np.array([change.at // MINUTE_US])
            facts |= {
                "sun": rule.sun or "",
                "elevation": float(elevation(self.hours.place, minute)[0]),
            }
        elif rule.window:
            facts["window"] = "–".join(f"{t:%H:%M}" for t in rule.window)
        about = evidence(rule.watch.cls, device.id, self.metric, change.since, change.at, facts)
        return Fired(device, change.since, change.at, about)


def check(entry: Entry, city: City, watched: list[Device]) -> Iterator[Mistake]:
    del watched
    metric = find_metric(entry, city, "watch", "metric")
    yield from has_metric(entry)
    yield from one_limit(entry)
    yield from same_unit(entry, metric)
    yield from can_hold(entry, metric)
    yield from far_side(entry, metric)
    sun, window = entry.get("sun"), entry.get("window")
    if (sun is None) == (window is None):
        yield entry.wrong((), "must have either sun or window")
    elif sun in ("up", "down"):
        yield from _long_enough(entry, city, str(sun))
    elif window is not None:
        if entry.get("margin") is not None:
            yield entry.wrong(("margin",), "has no meaning beside window")
        if isinstance(window, list) and len(window) == 2 and window[0] == window[1]:
            yield entry.wrong(("window",), "begins when it ends")


def _long_enough(entry: Entry, city: City, sun: str) -> Iterator[Mistake]:
    """On some day of the year the sun is so for longer than `for`."""
    margin, hold = span_of(entry, "margin") or NOTHING, span_of(entry, "for") or NOTHING
    hours = Sun(city.warehouse, up=sun == "up", margin=microseconds(margin))
    longest = max(_longest(hours, day // 60) for day in SOLSTICES)
    if hold >= longest:
        what = f"can never hold: here the sun is {sun}, margins apart, for at most {longest}"
        yield entry.wrong(("for",) if entry.get("for") is not None else ("margin",), what)


def _longest(hours: Sun, minute: int) -> timedelta:
    """The longest time for which it is so in the two days from `minute` on."""
    minutes = np.arange(2 * 24 * 60, dtype=np.int64) + minute
    ends = np.flatnonzero(~hours.inside(minutes * MINUTE_US))
    apart = np.diff(ends, prepend=-1, append=len(minutes)) - 1
    return timedelta(minutes=int(apart.max()))


KIND = KindSpec(Schedule, ScheduleKind, check, measured=limits)
