"""rate: cases and reference."""

import math
from typing import Any

from kel.model.city import City
from kel.model.device import Device
from tests.builders.kinds.average import said
from tests.builders.kinds.case import NAN, US, Timer, Told, Values, case, singly

ZONES = (11, 12, 14)
WATCH = '{class="zone", metric="pressure"}'
PRESSURES = {"pressure": (1.0, 2.5, 3.0, 4.0, NAN)}
PER = {"s": 1e6, "min": 60e6, "h": 3600e6, "d": 86400e6}
CASES = {
    "rate": case("rate", ZONES, PRESSURES, watch=WATCH, below="-10.0", unit='"bar/h"'),
    "held rate over a time": case(
        "rate",
        ZONES,
        PRESSURES,
        watch=WATCH,
        over='"25m"',
        above="0.05",
        unit='"bar/min"',
        for_='"5m"',
        clear='{below=0.01, for="5m"}',
        steps=60,
    ),
}


class RateOf:
    def __init__(self, rule: Any, device: Device, city: City) -> None:
        self.rule, self.told = rule, Told(rule.id, device.id)
        self.timer = Timer(self.told, rule.for_, rule.clear.for_)
        self.readings: list[tuple[int, float]] = []

    def row(self, now: int, values: Values) -> None:
        value = values.get(self.rule.watch.metric, math.nan)
        if math.isnan(value):
            return
        self.readings.append((now, value))
        before = self.before(now)
        if before is not None:
            rate = (value - before[1]) / (now - before[0]) * PER[self.rule.unit.split("/")[-1]]
            self.timer.hear(now, said(self.rule, rate))

    def before(self, now: int) -> tuple[int, float] | None:
        if self.rule.over is None:
            return self.readings[-2] if len(self.readings) > 1 else None
        over = self.rule.over // US
        oldest = next(r for r in self.readings if r[0] >= now - over)
        return oldest if now - oldest[0] >= over / 2 else None

    def tick(self, now: int) -> None:
        self.timer.come_to(now)


BUILD = singly(RateOf)
