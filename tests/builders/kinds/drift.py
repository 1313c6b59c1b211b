"""drift: cases and reference."""

import math
from collections.abc import Sequence
from typing import Any

from kel.model.city import City
from kel.model.device import Device
from tests.builders.kinds.case import NAN, US, Values, case
from tests.builders.kinds.spans import SpansOf, hearing, mean
from tests.builders.rules_city import at

ZONES = (11, 12, 14, 777)
SMALL = {"training": '"2h"', "every": '"15m"', "limit": "1.25", "most": "2.0", "slack": "0.25"}
HIGH = {
    "id": '"busy"',
    "kind": '"threshold"',
    "watch": '{class="zone", metric="flow"}',
    "above": "7.0",
    "unit": '"m³/h"',
    "for": '"10m"',
    "tells": "false",
}
CASES = {
    "drift": case(
        "drift",
        ZONES,
        {"pressure": (2.0, 2.1, 2.7, 4.0, 1.3, NAN)},
        watch='{class="zone", metric="pressure"}',
        steps=80,
        clear='{below=0.75, for="10m"}',
        **SMALL,
    ),
    "drift of what another metric leaves": case(
        "drift",
        ZONES,
        {"pressure": (2.0, 2.1, 2.7, 4.0, NAN), "flow": (3.0, 5.5, 7.25, NAN)},
        watch='{class="zone", metric="pressure"}',
        given='"flow"',
        side='"down"',
        retrain='"2h"',
        for_='"15m"',
        clear="{below=0.5}",
        steps=80,
        **SMALL,
    ),
    "drift, anew from a day": case(
        "drift",
        ZONES,
        {"pressure": (2.0, 2.1, 2.7, 4.0, 1.3, NAN)},
        watch='{class="zone", metric="pressure"}',
        learn_from='"2026-07-02"',  # 21:00 UTC of the first
        start=at("2026-07-01T17:00"),
        steps=90,
        clear='{below=0.75, for="10m"}',
        **SMALL,
    ),
    "drift, unless others know better": case(
        "drift",
        ZONES,
        {"pressure": (2.0, 2.1, 2.7, 4.0, 1.3, NAN), "flow": (3.0, 5.5, 7.25, NAN)},
        others=(HIGH,),
        watch='{class="zone", metric="pressure"}',
        unless='["busy"]',
        retrain='"2h"',
        learn_from='"2026-07-02"',
        start=at("2026-07-01T15:00"),
        steps=110,
        **SMALL,
    ),
    "page-hinkley by the hour": case(
        "drift",
        ZONES,
        {"pressure": (2.0, 2.1, 2.7, 4.0, NAN)},
        watch='{class="zone", metric="pressure"}',
        test='"page_hinkley"',
        normalise='"hour"',
        training='"6h"',
        every='"7m"',
        limit="1.0",
        slack="0.125",
        clear="{below=0.5}",
        steps=140,
    ),
}


class Past:
    """The last spans that were well, (bin, values) each, and what is usual by them."""

    def __init__(self, rule: Any) -> None:
        self.rule, self.size = rule, rule.training // rule.every
        self.spans: list[tuple[int, Sequence[float]]] = []
        self.trained: int | None = None

    def keep(self, bin_: int, values: Sequence[float]) -> None:
        self.spans = [*self.spans, (bin_, values)][-self.size :]

    def due(self, end: int) -> bool:
        if len(self.spans) < self.size:
            return False
        again = self.rule.retrain
        return self.trained is None or (again is not None and end - self.trained >= again // US)

    def fit(self, end: int) -> None:
        self.trained = end
        bins = {bin_ for bin_, _ in self.spans}
        width = range(len(self.spans[0][1]))
        of = {b: [v for bin_, v in self.spans if bin_ == b] for b in bins}
        self.count = {b: len(of[b]) for b in bins}
        self.centre = {b: [mean([v[m] for v in of[b]]) for m in width] for b in bins}
        self.free = max(self.size - len(bins), 1)
        self.scale = [self.spread([o[m] for o in self.off()], m) for m in width]

    def off(self) -> list[list[float]]:
        return [[x - c for x, c in zip(v, self.centre[b], strict=True)] for b, v in self.spans]

    def spread(self, off: Sequence[float], metric: int) -> float:
        scale = math.sqrt(sum(o * o for o in off) / self.free)
        return scale if scale > 1e-9 * max(abs(v[metric]) for _, v in self.spans) else 0.0

    def z(self, bin_: int, metric: int, value: float) -> float | None:
        if self.count.get(bin_, 0) < 2:
            return None
        if self.scale[metric] == 0:
            return 0.0
        stray = math.sqrt(1 + 1 / self.count[bin_])
        return (value - self.centre[bin_][metric]) / self.scale[metric] / stray


class LearningOf(SpansOf):
    """A device that is judged by its own past: `judge` and `learn` are the kind's."""

    metrics: tuple[str, ...]

    def __init__(self, rule: Any, device: Device, city: City) -> None:
        super().__init__(rule, device, city)
        self.past = Past(rule)

    def value(self, values: Values, now: int) -> Any:
        return [values.get(m, math.nan) for m in self.metrics]

    def bin(self, end: int) -> int:
        local = self.local(end - self.rule.every // US)
        if self.rule.normalise == "none":
            return 0
        weekend = self.rule.normalise == "weekday_hour" and local.weekday() >= 5
        return local.hour + 24 * weekend

    def span(self, end: int, rows: Sequence[Any]) -> None:
        means = []
        for column in zip(*rows, strict=True):
            known = [v for v in column if not math.isnan(v)]
            if not known:
                return
            means.append(mean(known))
        trained = self.past.trained is not None
        if trained:
            self.judge(end, means)
        begin = end - self.rule.every // US
        kept = not trained or (self.idle and self.rule.retrain is not None)
        if kept and self.of_now(begin) and self.well(begin, end):
            self.past.keep(self.bin(end), means)
            if self.past.due(end):
                self.past.fit(end)
                self.learn()

    def anew(self) -> None:
        self.past = Past(self.rule)

    def judge(self, end: int, means: Sequence[float]) -> None:
        raise NotImplementedError

    def learn(self) -> None:
        raise NotImplementedError


class DriftOf(LearningOf):
    def __init__(self, rule: Any, device: Device, city: City) -> None:
        super().__init__(rule, device, city)
        self.metrics = (rule.watch.metric, *([rule.given] if rule.given else []))
        self.history: list[tuple[int, int]] = []  # when, and where the sum had left 0

    def learn(self) -> None:
        self.slope = 0.0
        if self.rule.given:
            off = self.past.off()
            if self.past.scale[1]:
                self.slope = sum(x * y for x, y in off) / sum(y * y for _, y in off)
            self.past.scale[0] = self.past.spread([x - self.slope * y for x, y in off], 0)
        self.sums, self.since = [0.0, 0.0], [0, 0]
        self.zs_mean, self.zs = 0.0, self.past.size

    def judge(self, end: int, means: Sequence[float]) -> None:
        rule, bin_ = self.rule, self.bin(end)
        self.come_to(end)
        if bin_ not in self.past.centre:
            return
        value = means[0]
        if rule.given:
            value -= self.slope * (means[1] - self.past.centre[bin_][1])
        z = self.past.z(bin_, 0, value)
        if z is None:
            return
        z = max(-rule.most, min(rule.most, z))
        if rule.test == "page_hinkley":
            if self.idle:
                self.zs += 1
                self.zs_mean += (z - self.zs_mean) / self.zs
            z -= self.zs_mean
        for side, sign in ((0, 1), (1, -1)):
            before = self.sums[side]
            after = max(0.0, min(rule.limit, before + sign * z - rule.slack))
            if rule.side not in ("both", ("up", "down")[side]):
                after = 0.0
            if before == 0 and after > 0:
                self.since[side] = end - rule.every // US
            self.sums[side] = after
        side = 0 if self.sums[0] >= self.sums[1] else 1
        most, least = self.sums[side], rule.clear.below or 0.0
        said = "set" if most >= rule.limit else "clear" if most <= least else "between"
        self.history.append((end, self.since[side]))
        self.hear(end, said)

    def began(self, since: int) -> int:
        due = since + self.rule.for_ // US
        shown = [b for at, b in self.history if at < due or (at == due and not self.rule.for_)]
        return max(shown[-1], self.ended)


BUILD = hearing(DriftOf)
