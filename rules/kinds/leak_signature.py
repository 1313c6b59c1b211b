"""leak_signature: leaks in a water network, each by what it does to all pressure sensors together.

Over each span of `every` readings are averaged. From the first `training // every` spans of which
inflows, tanks and pumps are known, each sensor learns what it reads at which inflow
(`rules.parts.response`). What remains, in sigmas and averaged over `mean`, and what of it came in
the last `for`, is judged every `judged`
(`rules.parts.signatures`): a leak draws it in a direction of its own. Leaks that ran while it
learned are part of the normal.

Laws:
- each leak has an alert of its own, until its signature is gone: on the sensor that fell most of
  those that have none of this rule; where each has one, no more are told;
- spans are settled by ticks, each of which says that all rows before it were given;
- a span of which an inflow, a tank or a pump is not known is left out; a sensor is left out of a
  judgement where it was heard in less than half of its spans, and for good if it was heard in less
  than half of the training;
- with another set of devices, or of sensors among them, it learns anew; an edit of its limits
  keeps what it learned and the leaks that run;
- a reading without measure (1e50 or more) counts as not known; where a training has no fit, it
  learns from the next.
"""

from contextlib import suppress
from datetime import timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kel.model.alert import Alert
from kel.model.device import Device
from kel.model.frame import Float64
from rules.core.event import Cleared, Event, Fired, evidence
from rules.core.kind import Arrays, KindSpec, Scene, Training
from rules.core.rows import Rows, Slots
from rules.core.rule import Number, Positive, RuleShape, Shape, SomeDuration, microseconds
from rules.parts.leak_check import check
from rules.parts.nested import nested, part
from rules.parts.response import Response, fit, restored, terms
from rules.parts.signatures import LEARNED, Born, Limits, Over, Signatures
from rules.parts.together import Together

WHY = "η διαρροή δεν φαίνεται πια στις πιέσεις"
SHOWN = 5  # sensors named in the evidence
LEAST_SHARE = 0.5  # of its spans, for a mean to say something
LARGEST = 1e50  # of a reading: with the fourth powers of greater ones nothing can be reckoned
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


class Readings(Shape):
    """What some devices say of how the network is run."""

    devices: tuple[str, ...] = Field(min_length=1)
    metric: str


class Pumps(Readings):
    """A pump runs while its metric is above this."""

    above: Number = 0.0


class LeakSignature(RuleShape):
    """Leaks in a network, told apart by what each does to all sensors together."""

    kind: Literal["leak_signature"]
    inflow: Readings
    tanks: Readings | None = None
    pumps: Pumps | None = None
    every: SomeDuration
    training: SomeDuration = 7 * DAY
    mean: SomeDuration = DAY
    judged: SomeDuration = HOUR
    for_: SomeDuration = Field(default=6 * HOUR, alias="for")
    above: Positive = 2.5
    again: Positive = 3.0
    gone: Positive = 3.0
    settle: SomeDuration = 12 * HOUR
    forget: SomeDuration = 2 * DAY


class LeakSignatureKind:
    def __init__(self, rule: LeakSignature, scene: Scene) -> None:
        self.rule, self.roster, self.watched = rule, scene.roster, scene.watched
        self.every, self.mean = microseconds(rule.every), microseconds(rule.mean)
        self.judged, self.hold = microseconds(rule.judged), microseconds(rule.for_)
        self.count, size = rule.training // rule.every, len(scene.roster)
        sensed = rule.watch.metric or ""
        roles = [r for r in (rule.inflow, rule.tanks, rule.pumps) if r]
        self.metrics = tuple(dict.fromkeys([sensed, *(r.metric for r in roles)]))
        explains = {name for r in roles if r.metric == sensed for name in r.devices}
        self.sensors = np.array(
            [s for s in np.flatnonzero(self.watched) if self.devices[s].id not in explains], np.intp
        )
        names = {name for role in roles for name in role.devices}
        self.whole = bool(len(self.sensors)) and names <= scene.roster.slot_of.keys()
        self.terms = 2 + sum(len(r.devices) for r in (rule.tanks, rule.pumps, rule.pumps) if r)
        self.spans = Together(size, self.metrics, self.every)
        self.past: list[tuple[Float64, Float64]] = []  # terms and readings, while it learns
        self.response: Response | None = None
        self.recent: list[tuple[int, Float64, Float64]] = []  # end, terms, residuals
        limits = Limits(
            rule.above,
            rule.again,
            rule.gone,
            self.mean,
            self.hold,
            microseconds(rule.settle),
            microseconds(rule.forget),
        )
        self.leaks = Signatures(len(self.sensors), limits)

    @property
    def devices(self) -> list[Device]:
        return self.roster.devices

    def frame(self, rows: Rows) -> list[Event]:
        if self.whole:
            self.spans.rows(rows.of(self.watched))
        return []

    def tick(self, now: int) -> list[Event]:
        if not self.whole:
            return []
        told = self.spans.tick(now)
        return [event for end, values in told for event in self._span(end, values)]

    def _span(self, end: int, values: Float64) -> list[Event]:
        """One span of the whole network; values: (slots, metrics)."""
        values = np.where(np.abs(values) < LARGEST, values, np.nan)
        readings, z = values[self.sensors, 0], self._terms(values)
        self.recent = [told for told in self.recent if told[0] > end - self.mean - self.hold]
        if not np.isnan(z).any():
            if self.response is None:
                self._learn(z, readings)
            else:
                self.recent.append((end, z, self.response.residuals(z, readings)))
        return self._judge(end) if end % self.judged == 0 else []

    def _terms(self, values: Float64) -> Float64:
        rule = self.rule
        pumps = self._told(values, rule.pumps)
        above = rule.pumps.above if rule.pumps else 0.0
        running = np.where(np.isnan(pumps), np.nan, pumps > above)
        z = terms(self._told(values, rule.inflow), self._told(values, rule.tanks), running)
        return z.reshape(-1)

    def _told(self, values: Float64, role: Readings | None) -> Float64:
        """(1, devices)"""
        slots = [self.roster.slot_of[name] for name in role.devices] if role else []
        column = values[:, self.metrics.index(role.metric)] if role else values[:, 0]
        return column[slots][None]

    def _learn(self, z: Float64, readings: Float64) -> None:
        self.past.append((z, readings))
        if len(self.past) >= self.count:
            with suppress(np.linalg.LinAlgError):  # it learns from the next training, then
                self.response = fit(*(np.stack(column) for column in zip(*self.past, strict=True)))
            self.past = []

    def _judge(self, end: int) -> list[Event]:
        if self.response is None or not self.recent:
            return []
        ends = np.array([told[0] for told in self.recent])
        z = np.stack([told[1] for told in self.recent])
        left = np.stack([told[2] for told in self.recent])
        weights = self.response.weights(z)
        heard = (ends > end - self.mean) & (weights > 0)
        if heard.sum() < LEAST_SHARE * (self.mean // self.every):
            return []
        newest, before = ends > end - self.hold, ends <= end - self.mean
        step = _mean(left[newest], weights[newest]) - _mean(left[before], weights[before])
        unsure = sum(1 / (w @ w) for w in (weights[newest], weights[before]) if w.any())
        told = self.leaks.judge(
            end,
            _mean(left[heard], weights[heard]),
            self.response.error(z[heard]),
            step,
            float(np.sqrt(unsure)),
        )
        return [self._event(end, t) for t in told]

    def _event(self, now: int, told: Born | Over) -> Event:
        device = self.devices[self.sensors[told.sensor]]
        if isinstance(told, Over):
            return Cleared(device, now, WHY)
        assert self.response
        by = told.by * self.response.sigma
        shown = [s for s in np.argsort(by).tolist() if not np.isnan(by[s])][:SHOWN]  # fell most
        facts: dict[str, float | str] = {
            "value": told.size,
            "limit": told.limit,
            "unit": "σ",
            "sensors": ", ".join(f"{self.devices[self.sensors[s]].id} {by[s]:+.2f}" for s in shown),
            "running": float(len(self.leaks.size)),
            "for_s": self.rule.for_.total_seconds(),
        }
        about = evidence(
            self.roster.cls, device.id, self.metrics[0], told.since - self.mean, now, facts
        )
        return Fired(device, told.since, now, about)

    def state(self) -> dict[str, NDArray[np.generic]]:
        sensors = len(self.sensors)
        response = {} if self.response is None else self.response.state()
        own = {
            "device": self.roster.numbers.copy(),
            "sensor": self.roster.numbers[self.sensors],
            "past_terms": _stack([told[0] for told in self.past], self.terms),
            "past": _stack([told[1] for told in self.past], sensors),
            "recent_end": np.array([told[0] for told in self.recent], np.int64),
            "recent_terms": _stack([told[1] for told in self.recent], self.terms),
            "recent": _stack([told[2] for told in self.recent], sensors),
        }
        return nested(
            own=own, spans=self.spans.state(), response=response, leaks=self.leaks.state()
        )

    def load(self, state: Arrays, old: Slots, new: Slots) -> None:
        own, response = part(state, "own"), part(state, "response")
        if not own or not self._same(own):
            return
        self.spans.load(part(state, "spans"), old, new)
        self.leaks.load(part(state, "leaks"))
        self.response = restored(response) if response else None
        self.past = list(zip(own["past_terms"], own["past"], strict=True))
        ends = own["recent_end"].tolist()
        self.recent = list(zip(ends, own["recent_terms"], own["recent"], strict=True))

    def _same(self, own: Arrays) -> bool:
        """Whether what is remembered is of these devices, these sensors among them, these terms."""
        return (
            np.array_equal(own["device"], self.roster.numbers)
            and np.array_equal(own["sensor"], self.roster.numbers[self.sensors])
            and own["past_terms"].shape[1] == self.terms
        )

    def adopt(self, alert: Alert) -> bool:
        slots = self.sensors[self.leaks.sensor].tolist()
        return any(self.devices[slot].id == alert.device for slot in slots)


def _mean(values: Float64, weights: Float64) -> Float64:
    """By how much each sensor's (n, m) values move with their weights (n,), by least squares; NaN
    where too few are known."""
    known = ~np.isnan(values)
    heard = known.sum(axis=0)
    heavy = weights**2 @ known
    enough = (heavy > 0) & (heard >= LEAST_SHARE * len(values))
    sums = weights @ np.where(known, values, 0.0)
    return np.where(enough, sums / np.where(enough, heavy, 1.0), np.nan)


def _stack(arrays: list[Float64], *shape: int) -> Float64:
    return np.stack(arrays) if arrays else np.zeros((0, *shape))


KIND = KindSpec(
    LeakSignature,
    LeakSignatureKind,
    check,
    calendars=False,
    training=Training(
        ("inflow", "tanks", "pumps", "every", "training"),
        ("own.", "spans.", "response.", *(f"leaks.{name}" for name in LEARNED)),
    ),
)
