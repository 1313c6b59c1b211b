"""learned: several metrics of a device that together are not as they were.

Spans of `every` are averaged; each mean becomes z: sigmas from the device's own normal, learned
from its first `training` of measured spans (`rules.parts.baseline`). Of their principal components
(`rules.parts.components`) come Hotelling's T² and the residual SPE, each over its limit; the rule
judges the greater of both ratios, or that of one `statistic`. The limits at `confidence` are the
greater of what holds for normally distributed values (F, χ²) and of the past's own quantile: both
take a device's hours for independent, which the weather's and the season's are not, so a rule may
ask for more than the limit (`above`). T² tells days of unusual use, too; SPE tells what does not
fit.

Laws (and those of `rules.parts.learning`):
- it fires when the ratio is over `above` (1) for `for`, and clears when it is at or under
  `clear.below` (`above`);
- the evidence names the metrics that bring most to the statistic that is farther over its limit;
- where the components explain all of the past, or nothing of it varied, SPE says nothing;
- an edit of `explained` or `confidence` reckons anew with the past that was kept, at once.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kel.model.city import City
from kel.model.device import Device
from kel.model.frame import Float64
from kel.model.mistake import Mistake
from rules.core.entry import Entry, unknown
from rules.core.event import Cleared, Event, Fired, evidence
from rules.core.hold import Verdicts
from rules.core.judge import Told
from rules.core.kind import Arrays, KindSpec, Scene
from rules.core.rows import NEVER, Slots
from rules.core.rule import Fraction
from rules.core.spans import Closed, as_rows
from rules.parts.components import components, contributions
from rules.parts.learning import Learner, LearningShape, training
from rules.parts.learning_check import check_learning, duration

WHY = "οι τιμές επανήλθαν στο σύνηθες της συσκευής"
SHOWN = 3  # metrics named in the evidence
_STATISTICS = {"both": (1.0, 1.0), "t2": (1.0, 0.0), "spe": (0.0, 1.0)}
_ARRAYS = ("inverse", "beside", "limits", "by")

Confidence = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0.5, lt=1)]

Ratio = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0)]


class Learned(LearningShape):
    """Several metrics of a device that together are not as they were."""

    kind: Literal["learned"]
    metrics: tuple[str, ...] = Field(min_length=2, max_length=16)
    explained: Fraction = 0.9
    confidence: Confidence = 0.999
    statistic: Literal["both", "t2", "spe"] = "both"
    above: Ratio = 1.0


class LearnedKind(Learner):
    """Per slot: the components' two matrices (slots, m, m), the limits of T² and SPE, and by what
    `explained` and `confidence` they were reckoned."""

    def __init__(self, rule: Learned, scene: Scene) -> None:
        self.rule = rule
        m, size = len(rule.metrics), len(scene.roster)
        self.parts = [f"part_{place}" for place in range(m)]
        super().__init__(rule, scene, rule.metrics, ("ratio", "t2", "spe", *self.parts))
        self.inverse, self.beside = np.zeros((size, m, m)), np.zeros((size, m, m))
        self.limits, self.by = np.full((size, 2), np.inf), np.full((size, 2), np.nan)
        self.least = rule.above if rule.clear.below is None else rule.clear.below
        self.asked = np.array(_STATISTICS[rule.statistic])

    @property
    def _own(self) -> Mapping[str, NDArray[np.generic]]:
        return {name: getattr(self, name) for name in _ARRAYS}

    def _learn(self, slot: int, now: int) -> None:
        z = self.base.fit(slot, now)
        free = self.base.size - int(np.count_nonzero(self.base.weight[slot]))
        found = components(z, free, self.rule.explained, self.rule.confidence)
        self.inverse[slot], self.beside[slot] = found.inverse, found.beside
        self.limits[slot] = found.t2_limit, found.spe_limit
        self.by[slot] = self.rule.explained, self.rule.confidence

    def load(self, state: Arrays, old: Slots, new: Slots) -> None:
        super().load(state, old, new)
        other = self.by[new] != (self.rule.explained, self.rule.confidence)
        other &= ~np.isnan(self.by[new])
        for slot in new[other.any(axis=1) & (self.base.trained[new] != NEVER)].tolist():
            self._fit(slot, int(self.base.trained[slot]))

    def _judge(self, closed: Closed, means: Float64) -> list[Told]:
        z = self.base.z(closed.slot, closed.end - self.every, means)
        known = np.flatnonzero(~np.isnan(z).any(axis=1))
        closed, slot = closed.take(known), closed.slot[known]
        parts = np.stack(contributions(self.inverse[slot], self.beside[slot], z[known]), axis=1)
        sums = parts.sum(axis=2)  # (n, 2): T², SPE
        over = sums / self.limits[slot] * self.asked
        farther = np.argmax(over, axis=1)
        ratio, brought = over.max(axis=1), parts[np.arange(len(slot)), farther]
        raised, down = ratio > self.rule.above, ratio <= self.least
        verdict: Verdicts = raised.view(np.int8) - (down & ~raised).view(np.int8)
        shown = dict(zip(self.parts, brought.T, strict=True))
        rows, every = as_rows(self.roster.cls, closed), np.ones(len(slot), np.bool_)
        return self.judge.rows(
            rows, verdict, every, ratio=ratio, t2=sums[:, 0], spe=sums[:, 1], **shown
        )

    def _event(self, told: Told) -> Event:
        change, shown = told
        device = self.roster.devices[change.slot]
        if not change.fired:
            return Cleared(device, change.at, WHY)
        brought = np.array([shown[part] for part in self.parts])
        share = brought / max(float(np.sum(np.maximum(brought, 0.0))), 1e-12)
        first = [i for i in np.argsort(-brought, kind="stable")[:SHOWN].tolist() if share[i] > 0]
        t2_limit, spe_limit = self.limits[change.slot].tolist()
        facts: dict[str, float | str] = {
            "value": shown["ratio"],
            "limit": self.rule.above,
            "unit": "1",
            "t2": shown["t2"],
            "t2_limit": t2_limit,
            "spe": shown["spe"],
            "metrics": ", ".join(f"{self.metrics[i]} {share[i]:.0%}" for i in first),
            "for_s": self.rule.for_.total_seconds(),
        }
        if np.isfinite(spe_limit):
            facts["spe_limit"] = spe_limit
        facts |= self._learned_from(change.slot)
        metric = self.metrics[int(np.argmax(brought))]
        begin = change.since - self.every
        about = evidence(self.roster.cls, device.id, metric, begin, change.at, facts)
        return Fired(device, change.since, change.at, about)


def check(entry: Entry, city: City, watched: list[Device]) -> Iterator[Mistake]:
    del watched
    cls = city.classes[entry.text("watch", "class") or ""]
    if entry.get("watch", "metric") is not None:
        yield entry.wrong(("watch", "metric"), "has no meaning; a learned rule has `metrics`")
    names = entry.get("metrics")
    names = names if isinstance(names, list) else []
    for place, name in enumerate(names):
        if not isinstance(name, str):
            continue
        if cls.metric(name) is None:
            what = unknown(f"metric of class {cls.id!r}", name, [m.name for m in cls.metrics])
            yield entry.wrong(("metrics", place), what)
        elif name in names[:place]:
            yield entry.wrong(("metrics", place), f"{name!r} is named twice")
    yield from check_learning(entry)
    every, training = duration(entry, "every"), duration(entry, "training")
    if every and training and len(names) * 3 > training // every:
        what = f"holds {training // every} spans; {len(names)} metrics need three times as many"
        yield entry.wrong(("training",), what)
    clear, above = entry.number("clear", "below"), entry.number("above")
    if clear is not None and clear > (1.0 if above is None else above):
        what = f"lies on the wrong side of the limit: {clear:g} is over {above or 1:g}"
        yield entry.wrong(("clear", "below"), what)


KIND = KindSpec(
    Learned,
    LearnedKind,
    check,
    listens=lambda rule: rule.unless or (),
    training=training("metrics", arrays=("own.",)),
)
