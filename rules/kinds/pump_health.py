"""pump_health: a pump that takes more power, or gives less head, than it should.

Over each span of `every`, of the readings at which the pump ran and all three were known:

    Q, H = their means        η = 0.002725 × Σ(Q H) / ΣP          (`rules.parts.pumping`)

η may have a limit of its own (`below`), and H and η may be held against the pump's `curve` at Q:
- `from = "design"`: the curves through the attributes design_flow, design_head and rated_power (at
  the design point η₁ = 0.002725 Q₁ H₁ / P₁); `shut_off`: head at no flow over the design head;
- `from = "history"`: means of H and of η in bins of flow, `bin` m³/h wide, of the spans that end
  within `training` after the pump's first; a bin speaks from three spans on. Never learned anew.

Laws:
- it fires when for `for` any of these holds: η under `below`; H under `head` × the curve's; η
  under `efficiency` × the curve's; it clears when each is over its limit by the share
  `clear.margin` at least, for `clear.for`;
- a span with fewer than `readings` of the pump running is not judged, nor is a flow of which the
  curve says nothing: the last verdict holds, also while the pump stands still, and one that takes
  no more than a watt does;
- a pump that lacks one of the attributes is not held against a design curve;
- a curve holds for one speed: for a pump of variable speed take `history` of a flow that its
  control follows, or only `below`.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kel.model.alert import Alert
from kel.model.city import City
from kel.model.device import Device
from kel.model.mistake import Mistake
from rules.core.entry import Entry, known_metric, unknown
from rules.core.event import Cleared, Event, Fired, evidence
from rules.core.hold import BETWEEN, CLEAR, IDLE, SET
from rules.core.judge import Judge, Told
from rules.core.kind import KindSpec, Scene
from rules.core.rows import Rows, Slots, carried
from rules.core.rule import (
    NOTHING,
    Duration,
    Fraction,
    Positive,
    RuleShape,
    Shape,
    SomeDuration,
    microseconds,
)
from rules.core.spans import Closed, Spans, as_rows, ends_every, rounds
from rules.parts.learning import MOST_TRAINING, duration
from rules.parts.nested import nested, part
from rules.parts.pump_curve import Curve, DesignCurve, HistoryCurve
from rules.parts.pumping import KWH_PER_M3_M, LEAST_POWER, SHUT_OFF

WHY = "η αντλία αποδίδει πάλι όσο πρέπει"
UNITS = {"flow": "m³/h", "head": "m", "power": "kW"}
_ASPECTS = ("efficiency", "head", "efficiency_of_curve")
_SHOWN = ("margin", "aspect", "efficiency", "flow", "head", "power", "expected")


class CurveShape(Shape):
    """What the pump should do at a flow, and how much less is too little."""

    from_: Literal["design", "history"] = Field(alias="from")
    head: Fraction | None = None
    efficiency: Fraction | None = None
    shut_off: float = Field(default=SHUT_OFF, strict=True, gt=1, le=3)
    training: SomeDuration | None = None
    bin: float | None = Field(default=None, strict=True, gt=0, allow_inf_nan=False)


class PumpClear(Shape):
    margin: Positive = 0.02
    for_: Duration = Field(default=NOTHING, alias="for")


class PumpHealth(RuleShape):
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
        self.curve: Curve | None = None
        if rule.curve and rule.curve.from_ == "design":
            self.curve = DesignCurve(scene.roster, rule.curve.shut_off)
        elif rule.curve and rule.curve.training and rule.curve.bin:
            self.curve = HistoryCurve(size, rule.curve.bin, microseconds(rule.curve.training))
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
        return self._closed(self.spans.rows(rows.slot, ends_every(rows.time, self.every), sums))

    def tick(self, now: int) -> list[Event]:
        events = self._closed(self.spans.tick(now))
        return events + [self._event(told) for told in self.judge.tick(now)]

    def _closed(self, closed: Closed) -> list[Event]:
        closed = closed.take(np.flatnonzero(closed.counts[:, 0] >= self.rule.readings))
        return [self._event(told) for one in rounds(closed) for told in self._round(one)]

    def _round(self, closed: Closed) -> list[Told]:
        """One span of each of some pumps: judge it, and let the curve learn of it if it is well."""
        slot, means = closed.slot, closed.means
        told = self.judge.settle(slot, closed.end)
        flow, head = means[:, 2], means[:, 3]
        found = KWH_PER_M3_M * closed.sums[:, 0] / closed.sums[:, 1]
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
        told += self.judge.rows(
            as_rows(self.roster.cls, closed),
            verdict,
            known,
            margin=margin,
            aspect=aspect.astype(np.float64),
            efficiency=found,
            flow=flow,
            head=head,
            power=means[:, 1],
            expected=expected[np.arange(len(slot)), aspect],
        )
        if self.curve:
            well = self.judge.hold.phase[slot] == IDLE
            self.curve.learn(slot[well], closed.end[well], flow[well], head[well], found[well])
        return told

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
        metric = self.rule.head if aspect == 1 else self.rule.power
        begin = change.since - self.every
        about = evidence(self.roster.cls, device.id, metric, begin, change.at, facts)
        return Fired(device, change.since, change.at, about)

    def adopt(self, alert: Alert) -> bool:
        return self.judge.adopt(alert)

    def state(self) -> dict[str, NDArray[np.generic]]:
        own: dict[str, NDArray[np.generic]] = {"held": self.held.T.copy()}
        curve = self.curve.state() if self.curve else {}
        return nested(own=own, spans=self.spans.state(), judge=self.judge.state(), curve=curve)

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        own = part(state, "own")
        if not own:
            return
        self.held[:, new] = own["held"][old].T
        self.spans.load(part(state, "spans"), old, new)
        self.judge.load(part(state, "judge"), old, new)
        if self.curve:
            self.curve.load(part(state, "curve"), old, new)


def check(entry: Entry, city: City, watched: list[Device]) -> Iterator[Mistake]:
    if entry.get("watch", "metric") is not None:
        yield entry.wrong(("watch", "metric"), "has no meaning; name flow, head and power")
    cls = city.classes[entry.text("watch", "class") or ""]
    for word, unit in UNITS.items():
        name = entry.text(word) or word
        metric = cls.metric(name)
        if metric is None:
            what = unknown(f"metric of class {cls.id!r}", name, [m.name for m in cls.metrics])
            yield entry.wrong((word,), what)
        elif metric.unit != unit:
            yield entry.wrong((word,), f"{name} is in {metric.unit}; it must be in {unit}")
    yield from known_metric(entry, city, "running")
    curve = entry.get("curve")
    if entry.get("below") is None and curve is None:
        yield entry.wrong((), "below or curve is missing")
    if isinstance(curve, Mapping):
        yield from _curve(entry, watched)


def _curve(entry: Entry, watched: list[Device]) -> Iterator[Mistake]:
    if entry.get("curve", "head") is None and entry.get("curve", "efficiency") is None:
        yield entry.wrong(("curve",), "head or efficiency is missing")
    source = entry.get("curve", "from")
    for word in ("training", "bin"):
        given = entry.get("curve", word) is not None
        if source == "history" and not given:
            yield entry.wrong(("curve", word), "is missing: a curve from history needs it")
        elif source == "design" and given:
            yield entry.wrong(("curve", word), "has no meaning for a design curve")
    if source == "history" and entry.get("curve", "shut_off") is not None:
        yield entry.wrong(("curve", "shut_off"), "has no meaning for a curve from history")
    training, every = duration(entry, "curve", "training"), duration(entry, "every")
    if training and training > MOST_TRAINING:
        what = f"is longer than the history that is kept ({MOST_TRAINING.days}d)"
        yield entry.wrong(("curve", "training"), what)
    elif training and every and training < 3 * every:
        yield entry.wrong(("curve", "training"), "holds under three spans of `every`")
    if source == "design" and watched:
        needed = ("design_flow", "design_head", "rated_power")
        if not any(all(d.attributes.get(a, 0) > 0 for a in needed) for d in watched):
            what = f"none of these devices has all of {', '.join(needed)}"
            yield entry.wrong(("curve", "from"), what)


KIND = KindSpec(PumpHealth, PumpHealthKind, check)
