"""flapping: cases and reference."""

import math
from typing import Any

from kel.model.city import City
from kel.model.device import Device
from tests.builders.kinds.case import NAN, Told, Values, case, singly
from tests.builders.kinds.repeated import Burst

CASES = {
    "flapping state": case(
        "flapping",
        (21, 22, 23, 39),
        {"failure": (0.0, 1.0, NAN)},
        watch='{class="lamp", metric="failure"}',
        level="0.5",
        unit='"0/1"',
        times="2",
        within='"1h"',
        steps=80,
    ),
    "flapping with a band, quiet soon": case(
        "flapping",
        (11, 12, 14),
        {"pressure": (1.0, 2.0, 2.5, 4.0, NAN)},
        watch='{class="zone", metric="pressure"}',
        level="2.5",
        band="0.5",
        unit='"bar"',
        times="3",
        within='"2h"',
        clear='{for="25m"}',
        steps=120,
    ),
}


class FlappingOf:
    def __init__(self, rule: Any, device: Device, city: City) -> None:
        self.rule, self.told = rule, Told(rule.id, device.id)
        quiet = rule.clear.for_ or rule.within
        self.burst = Burst(self.told, rule.times + 1, rule.within, quiet)
        self.high: bool | None = None

    def row(self, now: int, values: Values) -> None:
        value = values.get(self.rule.watch.metric, math.nan)
        level, band = self.rule.level, self.rule.band
        if math.isnan(value) or level - band <= value <= level + band:
            return
        if self.high is not None and self.high != (value > level):
            self.burst.happen(now)
        self.high = value > level

    def tick(self, now: int) -> None:
        self.burst.come_to(now)


BUILD = singly(FlappingOf)
