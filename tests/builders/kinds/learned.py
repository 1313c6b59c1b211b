"""learned: cases and reference."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kel.model.city import City
from kel.model.device import Device
from rules.parts.quantile import chi2_quantile, f_quantile
from tests.builders.kinds.case import NAN, case
from tests.builders.kinds.drift import LearningOf
from tests.builders.kinds.spans import hearing

PUMPS = (1, 2, 3, 777)
VALUES = {
    "flow": (30.0, 31.5, 29.25, 36.0, NAN),
    "head": (60.0, 60.5, 58.0, 52.0, NAN),
    "power": (8.0, 8.125, 7.75, 9.5, NAN),
}
COMMON = {
    "watch": '{class="pump"}',
    "metrics": '["flow", "head", "power"]',
    "every": '"10m"',
    "training": '"2h"',
}
CASES = {
    "learned": case(
        "learned", PUMPS, VALUES, steps=90, confidence="0.8", explained="0.6", **COMMON
    ),
    "learned, held and anew": case(
        "learned",
        PUMPS,
        VALUES,
        steps=90,
        confidence="0.9",
        explained="0.7",
        statistic='"spe"',
        above="1.25",
        retrain='"3h"',
        for_='"10m"',
        clear='{below=0.5, for="15m"}',
        **COMMON,
    ),
}


class LearnedOf(LearningOf):
    def __init__(self, rule: Any, device: Device, city: City) -> None:
        super().__init__(rule, device, city)
        self.metrics = rule.metrics

    def learn(self) -> None:
        """Components by singular values of the past, one projection after another."""
        past, z = self.past, []
        for (bin_, _), off in zip(past.spans, past.off(), strict=True):
            n = past.count[bin_]
            shrink = math.sqrt(1 - 1 / n) if n > 1 else math.inf
            z.append([o / s / shrink if s else 0.0 for o, s in zip(off, past.scale, strict=True)])
        table = np.array(z)
        size = np.sqrt(np.mean(table**2, axis=0))
        scaled = table / np.where(size > 0, size, 1.0) / math.sqrt(len(table))
        _, singular, rows = np.linalg.svd(scaled, full_matrices=False)
        values = [s * s for s in singular.tolist() if s * s > 1e-9 * len(self.metrics)]
        self.components = []
        for value, row in zip(values, rows.tolist(), strict=False):
            self.components.append((value, row))
            if sum(v for v, _ in self.components) >= (self.rule.explained - 1e-12) * sum(values):
                break
        t2, spe = zip(*(self.statistics(one) for one in z), strict=True)
        self.limits = self.t2_limit(t2), self.spe_limit(spe)

    def statistics(self, z: Sequence[float]) -> tuple[float, float]:
        t2, spe = 0.0, sum(x * x for x in z)
        for value, row in self.components:
            score = sum(x * y for x, y in zip(z, row, strict=True))
            t2 += score * score / value
            spe -= score * score
        return t2, spe

    def own(self, values: Sequence[float]) -> float:
        """The past's quantile: the least of its values that enough are not over."""
        ranked = sorted(values)
        return ranked[math.ceil(self.rule.confidence * (len(ranked) - 1) - 1e-9)]

    def t2_limit(self, t2: Sequence[float]) -> float:
        k, f = len(self.components), self.past.free
        if not k:
            return math.inf
        fisher = f_quantile(self.rule.confidence, k, f - k)
        return max(self.own(t2), k * (f * f - 1) / (f * (f - k)) * fisher)

    def spe_limit(self, spe: Sequence[float]) -> float:
        middle = sum(spe) / len(spe)
        variance = sum((x - middle) ** 2 for x in spe) / len(spe)
        if middle <= 1e-9 * len(self.metrics):
            return math.inf
        box = variance / middle / 2
        box *= chi2_quantile(self.rule.confidence, 2 * middle * middle / variance)
        return max(self.own(spe), box)

    def judge(self, end: int, means: Sequence[float]) -> None:
        self.come_to(end)
        bin_ = self.bin(end)
        z = [self.past.z(bin_, m, value) for m, value in enumerate(means)]
        known = [one for one in z if one is not None]
        if len(known) < len(z):
            return
        over = [s / x for s, x in zip(self.statistics(known), self.limits, strict=True)]
        asked = {"both": over, "t2": over[:1], "spe": over[1:]}[self.rule.statistic]
        above, most = self.rule.above, max(asked)
        least = above if self.rule.clear.below is None else self.rule.clear.below
        self.hear(end, "set" if most > above else "clear" if most <= least else "between")


BUILD = hearing(LearnedOf)
