"""pump_health: a pump that takes more power, or gives less head, than it should.

Over each span of `every`, of the readings at which the pump ran and all three were known:

    Q, H = their means        η = 0.002725 × Σ(Q H) / ΣP          (`rules.parts.pumping`)

η may have a limit of its own (`below`), and H and η may be held against the pump's `curve` at Q:
- `from = "design"`: the curves through the attributes design_flow, design_head and rated_power (at
  the design point η₁ = 0.002725 Q₁ H₁ / P₁); `shut_off`: head at no flow over the design head;
- `from = "history"`: means of H and of η in bins of flow, `bin` m³/h wide, of the spans that end
  within `training` after the pump's first; a bin speaks from three spans on. They are learned once,
  or anew from the day `learn_from` on (`rules.parts.afresh`); with `floor` no less is expected than
  that share of the design curve.

Laws:
- it fires when for `for` any of these holds: η under `below`; H under `head` × the curve's; η
  under `efficiency` × the curve's; it clears when each is over its limit by the share
  `clear.margin` at least, for `clear.for`;
- a span with fewer than `readings` of the pump running is not judged, nor is a flow of which the
  curve says nothing: the last verdict holds, also while the pump stands still, and one that takes
  no more than a watt does;
- a pump that lacks one of the attributes is not held against a design curve;
- nothing is learned of a span in which this rule, or one of `unless` (`rules.parts.ailing`), has an
  alert on the pump: the training then takes so much longer;
- an edit of limits and times leaves what was learned;
- a curve holds for one speed: for a pump of variable speed take `history` of a flow that its
  control follows, or only `below`.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kel.model.alert import Alert
from rules.core.event import Cleared, Event, Fired, evidence
from rules.core.hold import BETWEEN, CLEAR, IDLE, SET
from rules.core.judge import Judge, Told
from rules.core.kind import KindSpec, Scene, Training
from rules.core.rows import Rows, Slots, carried
from rules.core.rule import (
    NOTHING,
    Duration,
    Fraction,
    Positive,
    Shape,
    SomeDuration,
    microseconds,
)
from rules.core.spans import Closed, Spans, as_rows, ends_every, rounds
from rules.parts.afresh import Afresh, begin_anew
from rules.parts.ailing import Ailing
from rules.parts.learning import Learns
from rules.parts.nested import nested, part
from rules.parts.pump_check import check
from rules.parts.pump_curve import CurveShape, Pumped, curve_of
from rules.parts.pumping import KWH_PER_M3_M, LEAST_POWER

WHY = "η αντλία αποδίδει πάλι όσο πρέπει"
_ASPECTS = ("efficiency", "head", "efficiency_of_curve")
_SHOWN = ("margin", "aspect", "efficiency", "flow", "head", "power", "expected")


class PumpClear(Shape):
    margin: Positive = 0.02
    for_: Duration = Field(default=NOTHING, alias="for")


class PumpHealth(Learns):
    """A pump that takes more power, or gives less head, than it should."""

    kind: Literal["pump_health"]
    every: SomeDuration
    flow: str = "flow"
    head: str = "head"
    power: str = "power"
    running: str | None = None
    readings: int = Field(default=3, strict=True, ge=1)
    below: Fraction | None = None
    curve: CurveShape | None = None
    for_: Duration = Field(default=NOTHING, alias="for")
    clear: PumpClear = PumpClear()


class PumpHealthKind:
    """Per slot: the last known value of each metric, and the open span's sums of Q H, P, Q, H."""

    def __init__(self, rule: PumpHealth, scene: Scene) -> None:
        self.rule, self.roster, self.watched = rule, scene.roster, scene.watched
        names = (rule.flow, rule.head, rule.power, rule.running)
        self.metrics = tuple(name for name in names if name is not None)
        size = len(scene.roster)
        self.held = np.full((len(self.metrics), size), np.nan)
        self.spans, self.every = Spans(size, 4), microseconds(rule.every)
        self.judge = Judge(scene, microseconds(rule.for_), microseconds(rule.clear.for_), _SHOWN)
        self.curve = curve_of(rule.curve, scene.roster, self.every) if rule.curve else None
        self.afresh = Afresh(size, rule.learn_from, scene.city.timezone)
        self.ailing = Ailing(scene.roster, rule.unless)
        self.limits = (
            rule.below,
            rule.curve.head if rule.curve else None,
            rule.curve.efficiency if rule.curve else None,
        )

    def frame(self, rows: Rows) -> list[Event]:
        rows = rows.of(self.watched)
        if not len(rows):
            return []
        ends = rows.ends
        columns = []
        for held, metric in zip(self.held, self.metrics, strict=True):
            column = carried(rows, rows.column(metric), held)
            held[rows.slot[ends]] = column[ends]
            columns.append(column)
        flow, head, power = columns[:3]
        ran = (power > LEAST_POWER) & (columns[3] > 0.5 if self.rule.running else True)
        sums = np.stack([flow * head, power, flow, head], axis=1)
        sums[~ran | np.isnan(sums).any(axis=1)] = np.nan
        closed = self.spans.rows(rows.slot, ends_every(rows.time, self.every), sums)
        return self._closed(self.ailing.now(closed))

    def tick(self, now: int) -> list[Event]:
        events = self._closed(self.ailing.due(self.spans.tick(now), now))
        events += self._anew(self.afresh.waiting(now))
        self.ailing.forget(now - self.every)
        return events + [self._event(told) for told in self.judge.tick(now)]

    def _closed(self, closed: Closed) -> list[Event]:
        closed = closed.take(np.flatnonzero(closed.counts[:, 0] >= self.rule.readings))
        return [event for one in rounds(closed) for event in self._round(one)]

    def _round(self, closed: Closed) -> list[Event]:
        """One span of each of some pumps: judge it, and let the curve learn of it if it is well."""
        slot = closed.slot
        events = self._anew(slot[self.afresh.due(slot, closed.end)])
        told = self.judge.settle(slot, closed.end)
        flow, head = closed.means[:, 2], closed.means[:, 3]
        found = KWH_PER_M3_M * closed.sums[:, 0] / closed.sums[:, 1]
        span = Pumped(slot, closed.end, flow, head, found, closed.counts[:, 0])
        told += self._judge(span, closed)
        events += [self._event(one) for one in told]  # which say what was learned until now
        self._learn(span)
        return events

    def _judge(self, span: Pumped, closed: Closed) -> list[Told]:
        slot, flow, head, found = span.slot, span.flow, span.head, span.efficiency
        usual_head, usual = np.full(len(slot), np.nan), np.full(len(slot), np.nan)
        if self.curve:
            usual_head, usual = self.curve.at(slot, closed.end, flow)
        expected = np.stack([np.ones(len(slot)), usual_head, usual], axis=1)
        limits = np.array([np.nan if one is None else one for one in self.limits])
        over = np.stack([found, head, found], axis=1) / (expected * limits)
        known = ~np.isnan(over).all(axis=1)
        aspect = np.argmin(np.where(np.isnan(over), np.inf, over), axis=1)
        margin = over[np.arange(len(slot)), aspect]
        verdict = np.full(len(slot), BETWEEN, np.int8)
        verdict[margin < 1] = SET
        verdict[margin >= 1 + self.rule.clear.margin] = CLEAR
        return self.judge.rows(
            as_rows(self.roster.cls, closed),
            verdict,
            known,
            margin=margin,
            aspect=aspect.astype(np.float64),
            efficiency=found,
            flow=flow,
            head=head,
            power=closed.means[:, 1],
            expected=expected[np.arange(len(slot)), aspect],
        )

    def _learn(self, span: Pumped) -> None:
        begin = span.end - self.every
        well = self.judge.hold.phase[span.slot] == IDLE
        well &= self.ailing.well(span.slot, begin, span.end)
        well &= self.afresh.learns(span.slot, begin)
        if self.curve:
            self.curve.learn(span, well)

    def _anew(self, slots: Slots) -> list[Event]:
        """These pumps forget what they learned, and their alerts end."""
        if not len(slots):
            return []
        if self.curve:
            self.curve.forget(slots)
        due, ended = begin_anew(self.afresh, self.judge, slots)
        return [*(self._event(told) for told in due), *ended]

    def _event(self, told: Told) -> Event:
        change, shown = told
        device = self.roster.devices[change.slot]
        if not change.fired:
            return Cleared(device, change.at, WHY)
        aspect = int(shown["aspect"])
        limit = (self.limits[aspect] or 0.0) * shown["expected"]
        facts: dict[str, float | str] = {
            "value": shown["head"] if aspect == 1 else shown["efficiency"],
            "limit": limit,
            "unit": "m" if aspect == 1 else "1",
            "aspect": _ASPECTS[aspect],
            "efficiency": shown["efficiency"],
            "flow": shown["flow"],
            "head": shown["head"],
            "power": shown["power"],
            "for_s": self.rule.for_.total_seconds(),
        }
        if aspect:
            facts["expected"] = shown["expected"]
        if aspect and self.curve:
            facts |= self.afresh.told(*self.curve.learned(change.slot))
        metric = self.rule.head if aspect == 1 else self.rule.power
        begin = change.since - self.every
        about = evidence(self.roster.cls, device.id, metric, begin, change.at, facts)
        return Fired(device, change.since, change.at, about)

    def hear(self, rule: str, event: Event) -> None:
        self.ailing.hear(rule, event)

    def recall(self, rule: str, event: Fired) -> None:
        self.ailing.hear(rule, event)

    def adopt(self, alert: Alert) -> bool:
        return self.judge.adopt(alert)

    def state(self) -> dict[str, NDArray[np.generic]]:
        own: dict[str, NDArray[np.generic]] = {"held": self.held.T.copy()}
        return nested(
            own=own,
            spans=self.spans.state(),
            judge=self.judge.state(),
            curve=self.curve.state() if self.curve else {},
            afresh=self.afresh.state(),
            ailing=self.ailing.state(),
        )

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        own, spans = part(state, "own"), part(state, "spans")
        self.afresh.load(state, old, new)
        if not own:
            return
        self.held[:, new] = own["held"][old].T
        self.spans.load(spans, old, new)
        self.judge.load(part(state, "judge"), old, new)
        self.ailing.load(part(state, "ailing"), new)
        if self.curve:
            self.curve.load(part(state, "curve"), old, new)


KIND = KindSpec(
    PumpHealth,
    PumpHealthKind,
    check,
    listens=lambda rule: rule.unless or (),
    training=Training(
        (
            *("every", "flow", "head", "power", "running", "readings"),
            *("curve.from", "curve.training", "curve.bin"),
        ),
        ("own.", "spans.", "curve.", "afresh."),
    ),
)
