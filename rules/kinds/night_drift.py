"""night_drift: a zone whose quiet hours rise from one night to another, at once or slowly.

Each night has one figure v, the mean of its lowest hour less what is used then
(`rules.parts.zone_nights`), so that a season that comes and goes is none of the zone's doing. It is
held against nights gone by:

    step    v − median of the last `nights` > above, and > sigmas × spread
    drift   sum = max(0, sum + min(z, 4) − slack) ≥ limit, and v not within `clear.below`,
            z = (v − median of the `nights` before the last `nights`) / spread

spread = 1.4826 × the median distance from the median (Hampel, JASA 69, 1974), at least
`least_spread`; the sum is that of `rules.parts.rising`.

Laws:
- a zone is judged from `nights` nights on; a drift, until there are twice as many, against the
  oldest `nights` that there are;
- a night that begins or belongs to an alert is not learned from: what leaks is never usual. Where
  it is here to stay, `learn_from` says so (`rules.parts.afresh`): the nights from that day on, also
  those of the alert, as far as they are kept (twice `nights`), are then the zone's first;
- an edit of limits and times leaves what was learned, and an alert goes on;
- one night counts for 4 sigmas at most in the drift's sum: a pool that is filled is no drift;
- it clears when v is at most `clear.below` m³/h over the median that it was held against, for
  `clear.for`; the drift's sum begins anew with the first such night;
- a `for`, or a `clear.for`, of 26h asks for a second night, whatever the clocks do;
- a night of which no hour is known is passed over: the last verdict holds;
- it is told at the window's end, where the rule's calendars are open then; a drift began with the
  night at which its sum last left 0, or when the alert before it ended.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kel.model.alert import Alert
from kel.model.city import City
from kel.model.frame import Float64
from rules.core.entry import Entry, Measured
from rules.core.event import Cleared, Event, Fired, evidence
from rules.core.hold import BETWEEN, CLEAR, IDLE, SET
from rules.core.judge import Judge, Told
from rules.core.kind import KindSpec, Scene, Training
from rules.core.rows import Rows, Slots
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
from rules.core.spans import Closed, as_rows, rounds
from rules.parts.afresh import Afresh, Day, begin_anew
from rules.parts.nested import nested, part
from rules.parts.night_check import FLOW, check_drift
from rules.parts.nights import Figures, Nights
from rules.parts.rising import Rising
from rules.parts.zone_nights import ZoneNights

WHY = "η νυχτερινή παροχή επανήλθε στο επίπεδο των προηγούμενων νυχτών"
MOST = 4.0  # sigmas for which one night counts
HAMPEL = 1.4826  # from the median distance to σ, of normally distributed values
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
    learn_from: Day | None = Field(
        default=None, description="learn anew from this day: what was learned before is forgotten"
    )
    unit: str = FLOW
    legitimate: Positive = 0.0
    season: dict[Month, Positive] = Field(default_factory=dict)
    least_spread: float = Field(default=0.2, strict=True, gt=0, allow_inf_nan=False)
    step: Step | None = None
    drift: SlowDrift | None = None
    for_: Duration = Field(default=NOTHING, alias="for")
    clear: NightDriftClear


class NightDriftKind:
    """Per slot: the figures of the last 2 × `nights` nights that were well, and of the last of all;
    the drift's sum; when the last alert ended (µs)."""

    def __init__(self, rule: NightDrift, scene: Scene) -> None:
        city, roster = scene.city, scene.roster
        self.rule, self.roster = rule, roster
        self.metric = rule.watch.metric or ""
        nights = Nights(*rule.window, city.timezone, microseconds(rule.lowest))
        self.nights = ZoneNights(nights, city, roster, rule.legitimate, rule.season)
        self.watched, size = scene.watched & self.nights.zoned, len(roster)
        self.judge = Judge(scene, microseconds(rule.for_), microseconds(rule.clear.for_), _SHOWN)
        self.past, self.lately = (Figures(size, 2 * rule.nights) for _ in range(2))
        self.afresh = Afresh(size, rule.learn_from, city.timezone)
        drift = rule.drift or SlowDrift()
        self.rising = Rising(size, drift.slack, drift.limit)
        self.ended = np.zeros(size, np.int64)
        self.length = self.nights.length

    def frame(self, rows: Rows) -> list[Event]:
        rows = rows.of(self.watched)
        return self._closed(self.nights.rows(rows, self.metric)) if len(rows) else []

    def tick(self, now: int) -> list[Event]:
        events = self._closed(self.nights.tick(now))
        events += self._anew(self.afresh.waiting(now))
        return events + [self._event(told) for told in self.judge.tick(now)]

    def _closed(self, closed: Closed) -> list[Event]:
        return [event for one in rounds(closed) for event in self._round(one)]

    def _round(self, closed: Closed) -> list[Event]:
        """One night of each of some zones: judge it, and learn of it if it was well."""
        slot, end = closed.slot, closed.end
        events = self._anew(slot[self.afresh.due(slot, end)])
        figure = self.nights.figure(closed)
        ready = np.flatnonzero(self.past.filled[slot] >= self.rule.nights)
        told = self._judge(closed.take(ready), figure[ready]) if len(ready) else []
        events += [self._event(one) for one in told]  # which say what was learned until now
        well = self.judge.hold.phase[slot] == IDLE
        well |= self.past.filled[slot] < self.rule.nights
        well &= self.afresh.learns(slot, end - self.length)
        readings = closed.counts.sum(axis=1)
        self.lately.add(slot, figure, end, readings)
        self.past.add(slot[well], figure[well], end[well], readings[well])
        return events

    def _anew(self, slots: Slots) -> list[Event]:
        """These zones forget what they learned before the day, and their alerts end."""
        if not len(slots):
            return []
        for slot in slots.tolist():
            self.past.take(slot, self.lately, self.afresh.at + self.length - 1)
        due, ended = begin_anew(self.afresh, self.judge, slots)
        self.rising.forget(slots)
        return [*(self._event(told) for told in due), *ended]

    def _judge(self, closed: Closed, figure: Float64) -> list[Told]:
        rule, slot = self.rule, closed.slot
        past = self.past.value
        newer, spread = self._usual(past[slot, rule.nights :])
        first = self._oldest(slot)[:, None] + np.arange(rule.nights)
        older, older_spread = self._usual(past[slot[:, None], first])
        step = np.zeros(len(slot), np.bool_)
        if rule.step:
            over = figure - newer
            step = (over > rule.step.above) & (over > rule.step.sigmas * spread)
        if rule.drift:
            z = np.minimum((figure - older) / older_spread, MOST)
            self.rising.add(slot, closed.end - self.length, z)
            self.rising.end(slot, figure - older <= rule.clear.below)
        drift = self.rising.drifts[slot]
        usual = np.where(drift, older, newer)
        back = figure - usual <= rule.clear.below
        verdict = np.full(len(slot), BETWEEN, np.int8)
        verdict[back] = CLEAR
        verdict[step | drift] = SET
        since = np.where(drift, self.rising.since[slot], closed.end - self.length)
        return self.judge.rows(
            as_rows(self.roster.cls, closed),
            verdict,
            np.ones(len(slot), np.bool_),
            value=figure,
            usual=usual,
            spread=np.where(drift, older_spread, spread),
            sum=self.rising.sum[slot],
            since=since.astype(np.float64),
            drift=drift.astype(np.float64),
        )

    def _oldest(self, slot: Slots) -> Slots:
        """Where the figures of each slot, (n,), begin."""
        return 2 * self.rule.nights - self.past.filled[slot]

    def _usual(self, nights: Float64) -> tuple[Float64, Float64]:
        """Median and spread of some nights of each zone, (n, nights)."""
        middle = np.median(nights, axis=1)
        distance = np.median(np.abs(nights - middle[:, None]), axis=1)
        return middle, np.maximum(HAMPEL * distance, self.rule.least_spread)

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
        at = int(self._oldest(np.array([change.slot]))[0]) if drift else rule.nights
        first, last, readings = self.past.period(change.slot, at, rule.nights)
        facts |= self.afresh.told(first - self.length, last, readings)
        about = evidence(self.roster.cls, device.id, self.metric, began, change.at, facts)
        return Fired(device, began, change.at, about)

    def adopt(self, alert: Alert) -> bool:
        slot = self.roster.slot_of.get(alert.device, -1)
        if slot < 0 or not self.watched[slot]:
            return False
        drift = self.rule.drift and alert.evidence.facts.get("found") == "drift"
        if drift and self.judge.hold.phase[slot] == IDLE:  # judging begins anew
            self.rising.go_on(slot)
        return self.judge.adopt(alert)

    def state(self) -> dict[str, NDArray[np.generic]]:
        return nested(
            own={"ended": self.ended.copy(), **self.rising.state()},
            past=self.past.state(),
            lately=self.lately.state(),
            spans=self.nights.state(),
            judge=self.judge.state(),
            afresh=self.afresh.state(),
        )

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        own, spans = part(state, "own"), part(state, "spans")
        self.afresh.load(state, old, new)
        if not spans:
            return
        if "ended" in own:
            self.ended[new] = own["ended"][old]
        self.rising.load(own, old, new)
        if "past" in own:  # as it was kept before nights had ends
            self.past.load({"value": own["past"], "filled": own["filled"]}, old, new)
        self.past.load(part(state, "past"), old, new)
        self.lately.load(part(state, "lately"), old, new)
        self.nights.load(spans, old, new)
        self.judge.load(part(state, "judge"), old, new)


def measured(_entry: Entry, _city: City) -> Iterator[Measured]:
    yield Measured(FLOW, (("step", "above"), ("least_spread",), ("clear", "below")))


KIND = KindSpec(
    NightDrift,
    NightDriftKind,
    check_drift,
    measured=measured,
    training=Training(
        ("window", "lowest", "nights", "legitimate", "season"),
        ("spans.", "past.", "lately.", "afresh."),
    ),
)
