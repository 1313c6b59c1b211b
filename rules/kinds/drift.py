"""drift: a metric that left its own normal and stays away: a step, or a slow drift.

Spans of `every` are averaged, and each mean becomes z: sigmas from the device's own normal, learned
from its first `training` of measured spans (`rules.parts.baseline`). Then, after each span,

    up = max(0, up + z − slack)        down = max(0, down − z − slack)

and the rule fires when one of them reaches `limit`: the cumulative sum of Page (Biometrika 41,
1954). With `test = "page_hinkley"` z is taken from its own running mean since the training, which
counts as so many spans of mean 0 (Hinkley, Biometrika 58, 1971): a rise so slow that the mean can
follow it is not told.

Laws (and those of `rules.parts.learning`):
- z counts for at most `most` sigmas, so one wild span is no step;
- the sums stop at `limit`, so that they come back as soon as the metric does: it clears when they
  are at or under `clear.below` (0); the running mean stands still until then;
- with `given` it is judged what the metric has beyond what that other metric explains: the slope
  of one on the other, by least squares over the training, both less their normal;
- the alert began where the sum that fired had last left 0, or where the alert before it ended;
- where judging begins anew during an alert, its sum is at `limit`: it ends as if nothing had been.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kel.model.alert import Alert
from kel.model.city import City
from kel.model.device import Device
from kel.model.frame import Float64
from kel.model.mistake import Mistake
from rules.core.entry import Entry, known_metric
from rules.core.event import Cleared, Event, Fired, evidence
from rules.core.hold import IDLE, Verdicts
from rules.core.judge import Told
from rules.core.kind import KindSpec, Scene
from rules.core.rule import Positive
from rules.core.spans import Closed, as_rows
from rules.parts.learning import Learner, LearningShape, training
from rules.parts.learning_check import check_learning

WHY = "η τιμή επανήλθε στο σύνηθες επίπεδο της συσκευής"
UP, DOWN = 0, 1
_ARRAYS = ("slope", "mean", "heard", "sum", "total", "count", "since", "ended")
_SHOWN = ("sum", "side", "since", "shift", "value")
_SIDES = {"both": (1.0, 1.0), "up": (1.0, 0.0), "down": (0.0, 1.0)}

Sigmas = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0)]


class Drift(LearningShape):
    """A metric that left its own normal and stays away."""

    kind: Literal["drift"]
    test: Literal["cusum", "page_hinkley"] = "cusum"
    side: Literal["both", "up", "down"] = "both"
    given: str | None = None
    slack: Positive = 0.5
    limit: Sigmas = 8.0
    most: Sigmas = 4.0


class DriftKind(Learner):
    """Per slot: the slope on the given metric; the running mean of z and of how many spans; the two
    sums (slots, 2), where each left 0 (µs), the residuals' total and number since then; when the
    last alert ended (µs)."""

    def __init__(self, rule: Drift, scene: Scene) -> None:
        self.rule = rule
        self.metric = rule.watch.metric or ""
        given = (rule.given,) if rule.given else ()
        super().__init__(rule, scene, (self.metric, *given), _SHOWN)
        size = len(scene.roster)
        self.slope, self.mean = np.zeros(size), np.zeros(size)
        self.heard = np.full(size, float(self.base.size))
        self.sum, self.total, self.count = (np.zeros((size, 2)) for _ in range(3))
        self.since, self.ended = np.zeros((size, 2), np.int64), np.zeros(size, np.int64)
        self.sides = np.array(_SIDES[rule.side])
        self.least = rule.clear.below or 0.0
        found = scene.city.classes[scene.roster.cls].metric(self.metric)
        self.unit = found.unit if found else ""

    @property
    def _own(self) -> Mapping[str, NDArray[np.generic]]:
        return {name: getattr(self, name) for name in _ARRAYS}

    def _learn(self, slot: int, now: int) -> None:
        base = self.base
        base.fit(slot, now)
        if self.rule.given:
            past, bin_ = base.past[slot], base.bin[slot]
            off = past - base.centre[slot, bin_]
            varies = base.scale[slot, 1] > 0
            both = float(np.sum(off[:, 0] * off[:, 1]))
            self.slope[slot] = both / float(np.sum(off[:, 1] ** 2)) if varies else 0.0
            base.rescale(slot, 0, off[:, 0] - self.slope[slot] * off[:, 1])
        for array in (self.sum, self.total, self.count, self.mean):
            array[slot] = 0.0
        self.heard[slot] = base.size

    def _judge(self, closed: Closed, means: Float64) -> list[Told]:
        slot, begin = closed.slot, closed.end - self.every
        centre = self.base.centre[slot, self.base.bins(begin)]
        rest = means.copy()
        if self.rule.given:
            rest[:, 0] -= self.slope[slot] * (means[:, 1] - centre[:, 1])
        z = self.base.z(slot, begin, rest)[:, 0]
        known = np.flatnonzero(~np.isnan(z))
        closed = closed.take(known)
        self._add(closed, np.clip(z[known], -self.rule.most, self.rule.most))
        return self._verdict(closed, (rest - centre)[known, 0], means[known, 0])

    def _add(self, closed: Closed, z: Float64) -> None:
        """The sums after these spans, and where they left 0."""
        slot = closed.slot
        if self.rule.test == "page_hinkley":
            still = self.judge.hold.phase[slot] == IDLE
            heard, mean = self.heard[slot] + still, self.mean[slot]
            mean = np.where(still, mean + (z - mean) / heard, mean)
            self.heard[slot], self.mean[slot] = heard, mean
            z = z - mean
        grown = self.sum[slot] + np.stack([z, -z], axis=1) - self.rule.slack
        after = np.clip(grown, 0.0, self.rule.limit) * self.sides
        left = (self.sum[slot] == 0) & (after > 0)
        begin = (closed.end - self.every)[:, None]
        self.since[slot] = np.where(left, begin, self.since[slot])
        self.sum[slot] = after

    def _verdict(self, closed: Closed, off: Float64, value: Float64) -> list[Told]:
        slot = closed.slot
        away = self.sum[slot] > 0
        self.total[slot] = np.where(away, self.total[slot] + off[:, None], 0.0)
        self.count[slot] = np.where(away, self.count[slot] + 1, 0.0)
        side = np.where(self.sum[slot, UP] >= self.sum[slot, DOWN], UP, DOWN)
        sums = self.sum[slot, side]
        raised, down = sums >= self.rule.limit, sums <= self.least
        verdict: Verdicts = raised.view(np.int8) - (down & ~raised).view(np.int8)
        return self.judge.rows(
            as_rows(self.roster.cls, closed),
            verdict,
            np.ones(len(slot), np.bool_),
            sum=sums,
            side=side.astype(np.float64),
            since=self.since[slot, side].astype(np.float64),  # exact until the year 2255
            shift=self.total[slot, side] / np.maximum(self.count[slot, side], 1.0),
            value=value,
        )

    def _event(self, told: Told) -> Event:
        change, shown = told
        device = self.roster.devices[change.slot]
        if not change.fired:
            self.ended[change.slot] = change.at
            return Cleared(device, change.at, WHY)
        facts: dict[str, float | str] = {
            "value": shown["value"],
            "unit": self.unit,
            "shift": shown["shift"],
            "side": "above" if shown["side"] == UP else "below",
            "sum": shown["sum"],
            "limit": self.rule.limit,
            "test": self.rule.test,
            "for_s": self.rule.for_.total_seconds(),
        }
        facts |= self._learned_from(change.slot)
        began = max(int(shown["since"]), int(self.ended[change.slot]))
        about = evidence(self.roster.cls, device.id, self.metric, began, change.at, facts)
        return Fired(device, began, change.at, about)

    def adopt(self, alert: Alert) -> bool:
        slot = self.roster.slot_of.get(alert.device, -1)
        began_anew = slot >= 0 and self.judge.hold.phase[slot] == IDLE
        if not super().adopt(alert):
            return False
        if began_anew:
            side = DOWN if alert.evidence.facts.get("side") == "below" else UP
            self.sum[slot, side] = self.rule.limit * self.sides[side]
        return True


def check(entry: Entry, city: City, watched: list[Device]) -> Iterator[Mistake]:
    del watched
    if entry.get("watch", "metric") is None:
        yield entry.wrong(("watch", "metric"), "is missing")
    yield from known_metric(entry, city, "given")
    if entry.get("given") is not None and entry.get("given") == entry.get("watch", "metric"):
        yield entry.wrong(("given",), "is the metric itself")
    yield from check_learning(entry)
    limit, clear = entry.number("limit"), entry.number("clear", "below")
    if clear is not None and clear >= (8.0 if limit is None else limit):
        yield entry.wrong(("clear", "below"), f"must be under the limit; {clear:g} is not")
    slack, most = entry.number("slack"), entry.number("most")
    if (0.5 if slack is None else slack) >= (4.0 if most is None else most):
        yield entry.wrong(("slack",), "can never hold: z counts for at most `most`")


KIND = KindSpec(
    Drift,
    DriftKind,
    check,
    listens=lambda rule: rule.unless or (),
    training=training("given", arrays=("own.slope",)),
)
