"""night_drift: a zone whose quiet hours rise from one night to another, at once or slowly.

Each night has one figure, the mean of its lowest hour less what is used then
(`rules.parts.nights`):

    v = lowest hour − legitimate × connections × season / 1000          m³/h

so that a season that comes and goes is none of the zone's doing: the season's factor of a month
holds at its middle, and goes straight to the next. It is held against nights gone by:

    step    v − median of the last `nights` > above, and > sigmas × spread
    drift   sum = max(0, sum + min(z, 4) − slack) ≥ limit, and v not within `clear.below`,
            z = (v − median of the `nights` before the last `nights`) / spread

spread = 1.4826 × the median distance from the median (Hampel, JASA 69, 1974), at least
`least_spread`; the sum is that of Page (Biometrika 41, 1954), which also finds what grows by less
each night than a night strays.

Laws:
- a zone is judged from `nights` nights on; a drift, until there are twice as many, against the
  oldest `nights` that there are;
- a night that begins or belongs to an alert is not learned from: what leaks is never usual;
- one night counts for 4 sigmas at most in the drift's sum: a pool that is filled is no drift;
- it clears when v is at most `clear.below` m³/h over the median that it was held against, for
  `clear.for`; the drift's sum begins anew with the first such night;
- a `for`, or a `clear.for`, of 26h asks for a second night, whatever the clocks do;
- a night of which no hour is known is passed over: the last verdict holds;
- it is told at the window's end, where the rule's calendars are open then; a drift began with the
  night at which its sum last left 0, or when the alert before it ended.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import time, timedelta
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kel.model.alert import Alert
from kel.model.city import City
from kel.model.device import Device
from kel.model.frame import Float64
from kel.model.mistake import Mistake
from rules.core.entry import Entry, Measured, find_metric, same_unit
from rules.core.event import Cleared, Event, Fired, evidence
from rules.core.hold import BETWEEN, CLEAR, IDLE, SET
from rules.core.judge import Judge, Told
from rules.core.kind import KindSpec, Scene
from rules.core.rows import Bool, Rows, Slots
from rules.core.rule import (
    NOTHING,
    Duration,
    Month,
    Positive,
    RuleShape,
    Shape,
    SomeDuration,
    TimeOfDay,
    microseconds,
)
from rules.core.spans import Closed, Spans, as_rows, rounds
from rules.parts.learning import duration
from rules.parts.nested import nested, part
from rules.parts.nights import QUARTERS, Nights, lowest, seasonal

WHY = "η νυχτερινή παροχή επανήλθε στο επίπεδο των προηγούμενων νυχτών"
FLOW = "m³/h"
MOST = 4.0  # sigmas for which one night counts
CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
HAMPEL = 1.4826  # from the median distance to σ, of normally distributed values
_ARRAYS = ("past", "filled", "sum", "since", "drifts", "ended")
_SHOWN = ("value", "usual", "spread", "sum", "since", "drift")

Sigmas = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0)]


class Step(Shape):
    above: Positive
    sigmas: Sigmas = 5.0


class SlowDrift(Shape):
    slack: Positive = 0.75
    limit: Sigmas = 8.0


class NightDriftClear(Shape):
    below: Positive
    for_: Duration = Field(default=NOTHING, alias="for")


class NightDrift(RuleShape):
    """A zone whose quiet hours rise from one night to another, at once or slowly."""

    kind: Literal["night_drift"]
    window: tuple[TimeOfDay, TimeOfDay]
    lowest: SomeDuration = timedelta(hours=1)
    nights: int = Field(default=14, strict=True, ge=3, le=60)
    unit: str = FLOW
    legitimate: Positive = 0.0
    season: dict[Month, Positive] = Field(default_factory=dict)
    least_spread: float = Field(default=0.2, strict=True, gt=0, allow_inf_nan=False)
    step: Step | None = None
    drift: SlowDrift | None = None
    for_: Duration = Field(default=NOTHING, alias="for")
    clear: NightDriftClear


class NightDriftKind:
    """Per slot: the figures of the last 2 × `nights` nights that were well, the newest at the right
    end, and how many; the drift's sum, where it left 0 (µs), and whether it reached its limit; when
    the last alert ended (µs)."""

    def __init__(self, rule: NightDrift, scene: Scene) -> None:
        city, roster = scene.city, scene.roster
        self.rule, self.roster = rule, roster
        self.metric = rule.watch.metric or ""
        zones = [city.zones.get(d.zone or "") for d in roster.devices]
        self.watched = scene.watched & np.array([z is not None for z in zones], np.bool_)
        connections = np.array([z.connections if z else 0 for z in zones], np.float64)
        self.use = rule.legitimate * connections / 1000
        self.season = np.array([rule.season.get(m, 1.0) for m in range(1, 13)])
        self.nights = Nights(*rule.window, city.timezone, microseconds(rule.lowest))
        size = len(roster)
        self.spans = Spans(size, self.nights.width)
        self.judge = Judge(scene, microseconds(rule.for_), microseconds(rule.clear.for_), _SHOWN)
        self.past = np.full((size, 2 * rule.nights), np.nan)
        self.filled, self.since, self.ended = (np.zeros(size, np.int64) for _ in range(3))
        self.sum, self.drifts = np.zeros(size), np.zeros(size, np.bool_)
        self.length = self.nights.length

    def frame(self, rows: Rows) -> list[Event]:
        rows = rows.of(self.watched)
        rows = rows.only(self.nights.inside(rows)) if len(rows) else rows
        if not len(rows):
            return []
        table = self.nights.quarters(rows.time, rows.column(self.metric))
        return self._closed(self.spans.rows(rows.slot, self.nights.ends(rows.time), table))

    def tick(self, now: int) -> list[Event]:
        events = self._closed(self.spans.tick(now))
        return events + [self._event(told) for told in self.judge.tick(now)]

    def _closed(self, closed: Closed) -> list[Event]:
        closed = closed.take(np.flatnonzero(~np.isnan(lowest(closed))))
        return [self._event(told) for one in rounds(closed) for told in self._round(one)]

    def _round(self, closed: Closed) -> list[Told]:
        """One night of each of some zones: judge it, and learn of it if it was well."""
        slot = closed.slot
        season = seasonal(self.nights.months(closed.end), self.season)
        figure = lowest(closed) - self.use[slot] * season
        ready = np.flatnonzero(self.filled[slot] >= self.rule.nights)
        told = self._judge(closed.take(ready), figure[ready]) if len(ready) else []
        well = self.judge.hold.phase[slot] == IDLE
        well[self.filled[slot] < self.rule.nights] = True
        kept = slot[well]
        self.past[kept, :-1] = self.past[kept, 1:]
        self.past[kept, -1] = figure[well]
        self.filled[kept] = np.minimum(self.filled[kept] + 1, self.past.shape[1])
        return told

    def _judge(self, closed: Closed, figure: Float64) -> list[Told]:
        rule, slot = self.rule, closed.slot
        newer, spread = self._usual(self.past[slot, rule.nights :])
        oldest = self.past.shape[1] - self.filled[slot]
        first = oldest[:, None] + np.arange(rule.nights)
        older, older_spread = self._usual(self.past[slot[:, None], first])
        step = np.zeros(len(slot), np.bool_)
        if rule.step:
            over = figure - newer
            step = (over > rule.step.above) & (over > rule.step.sigmas * spread)
        if rule.drift:
            self._add(closed, np.minimum((figure - older) / older_spread, MOST), rule.drift)
            self._end(slot, figure - older <= rule.clear.below, rule.drift)
        drift = self.drifts[slot]
        usual = np.where(drift, older, newer)
        back = figure - usual <= rule.clear.below
        verdict = np.full(len(slot), BETWEEN, np.int8)
        verdict[back] = CLEAR
        verdict[step | drift] = SET
        return self.judge.rows(
            as_rows(self.roster.cls, closed),
            verdict,
            np.ones(len(slot), np.bool_),
            value=figure,
            usual=usual,
            spread=np.where(drift, older_spread, spread),
            sum=self.sum[slot],
            since=np.where(drift, self.since[slot], closed.end - self.length).astype(np.float64),
            drift=drift.astype(np.float64),
        )

    def _usual(self, nights: Float64) -> tuple[Float64, Float64]:
        """Median and spread of some nights of each zone, (n, nights)."""
        middle = np.median(nights, axis=1)
        distance = np.median(np.abs(nights - middle[:, None]), axis=1)
        return middle, np.maximum(HAMPEL * distance, self.rule.least_spread)

    def _add(self, closed: Closed, z: Float64, drift: SlowDrift) -> None:
        slot = closed.slot
        after = np.clip(self.sum[slot] + z - drift.slack, 0.0, drift.limit)
        left = (self.sum[slot] == 0) & (after > 0)
        self.since[slot[left]] = closed.end[left] - self.length
        self.sum[slot] = after

    def _end(self, slot: Slots, back: Bool, drift: SlowDrift) -> None:
        """A drift ends with a night that is back, and begins with one that is not."""
        self.sum[slot[self.drifts[slot] & back]] = 0.0
        self.drifts[slot] = (self.drifts[slot] | (self.sum[slot] >= drift.limit)) & ~back

    def _event(self, told: Told) -> Event:
        change, shown = told
        device = self.roster.devices[change.slot]
        if not change.fired:
            self.ended[change.slot] = change.at
            return Cleared(device, change.at, WHY)
        rule, drift = self.rule, bool(shown["drift"])
        began = min(int(shown["since"]), change.since - self.length)
        began = max(began, int(self.ended[change.slot]))
        spread = shown["spread"]
        facts: dict[str, float | str] = {
            "value": shown["value"],
            "usual": shown["usual"],
            "excess": shown["value"] - shown["usual"],
            "spread": spread,
            "unit": rule.unit,
            "found": "drift" if drift else "step",
        }
        if drift and rule.drift:
            facts |= {"sum": shown["sum"], "limit": rule.drift.limit}
        elif rule.step:
            facts["limit"] = max(rule.step.above, rule.step.sigmas * spread)
        facts |= {"nights": float(rule.nights), "for_s": rule.for_.total_seconds()}
        about = evidence(self.roster.cls, device.id, self.metric, began, change.at, facts)
        return Fired(device, began, change.at, about)

    def adopt(self, alert: Alert) -> bool:
        slot = self.roster.slot_of.get(alert.device, -1)
        return slot >= 0 and bool(self.watched[slot]) and self.judge.adopt(alert)

    def state(self) -> dict[str, NDArray[np.generic]]:
        own = {name: getattr(self, name).copy() for name in _ARRAYS}
        return nested(own=own, spans=self.spans.state(), judge=self.judge.state())

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        own = part(state, "own")
        if not own:
            return
        for name in _ARRAYS:
            getattr(self, name)[new] = own[name][old]
        self.spans.load(part(state, "spans"), old, new)
        self.judge.load(part(state, "judge"), old, new)


def check(entry: Entry, city: City, watched: list[Device]) -> Iterator[Mistake]:
    metric = find_metric(entry, city, "watch", "metric")
    if entry.get("watch", "metric") is None:
        yield entry.wrong(("watch", "metric"), "is missing")
    elif metric and metric.unit != FLOW:
        what = f"{metric.name} is in {metric.unit}; night flow needs a metric in {FLOW}"
        yield entry.wrong(("watch", "metric"), what)
    else:
        yield from same_unit(entry, metric)
    if watched and not any(d.zone in city.zones for d in watched):
        yield entry.wrong(("watch",), "none of these devices has a zone")
    if entry.get("step") is None and entry.get("drift") is None:
        yield entry.wrong((), "step or drift is missing")
    yield from _window(entry, city)
    above, clear = entry.number("step", "above"), entry.number("clear", "below")
    if above is not None and clear is not None and clear > above:
        what = f"lies on the wrong side of the limit: {clear:g} is over {above:g}"
        yield entry.wrong(("clear", "below"), what)


def _window(entry: Entry, city: City) -> Iterator[Mistake]:
    window, lowest = entry.get("window"), duration(entry, "lowest") or timedelta(hours=1)
    cls = city.classes.get(entry.text("watch", "class") or "")
    if lowest < timedelta(minutes=20):
        yield entry.wrong(("lowest",), "must be 20 minutes at least")
    elif cls and cls.every > lowest / QUARTERS:
        what = f"readings come every {cls.every}: each quarter of `lowest` needs one"
        yield entry.wrong(("lowest",), what)
    texts = window if isinstance(window, list) and len(window) == 2 else ()
    times = [time.fromisoformat(t) for t in texts if isinstance(t, str) and CLOCK.fullmatch(t)]
    if len(times) == 2:  # anything else is the shape's to tell
        start, end = (t.hour * 60 + t.minute for t in times)
        length = timedelta(minutes=(end - start) % (24 * 60))
        if not timedelta(hours=1) <= length <= timedelta(hours=12):
            yield entry.wrong(("window",), "must last from one hour to twelve")
        elif lowest > length:
            yield entry.wrong(("lowest",), "is longer than the window")


def measured(_entry: Entry, _city: City) -> Iterator[Measured]:
    yield Measured(FLOW, (("step", "above"), ("least_spread",), ("clear", "below")))


KIND = KindSpec(NightDrift, NightDriftKind, check, measured=measured)
