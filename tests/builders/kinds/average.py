"""average: cases and reference."""

import math
from typing import Any

from kel.model.city import City
from kel.model.device import Device
from tests.builders.kinds.case import NAN, US, Timer, Told, Values, case, over, singly

ZONES = (11, 12, 14)
WATCH = '{class="zone", metric="pressure"}'
CASES = {
    "average": case(
        "average",
        ZONES,
        {"pressure": (1.0, 2.5, 3.0, 4.0, NAN)},
        watch=WATCH,
        window='"20m"',
        below="2.0",
        unit='"bar"',
    ),
    "held average of enough": case(
        "average",
        ZONES,
        {"pressure": (0.1, 0.3, 7.7, 19.9, NAN)},
        watch=WATCH,
        window='"35m"',
        readings="3",
        above="5.0",
        unit='"bar"',
        for_='"10m"',
        clear='{below=4.0, for="10m"}',
        steps=60,
    ),
}


class AverageOf:
    def __init__(self, rule: Any, device: Device, city: City) -> None:
        self.rule, self.told = rule, Told(rule.id, device.id)
        self.timer = Timer(self.told, rule.for_, rule.clear.for_)
        self.readings: list[tuple[int, float]] = []

    def row(self, now: int, values: Values) -> None:
        value = values.get(self.rule.watch.metric, math.nan)
        if math.isnan(value):
            return
        self.readings.append((now, value))
        window = [v for t, v in self.readings if now - self.rule.window // US < t <= now]
        if len(window) >= self.rule.readings:
            self.timer.hear(now, said(self.rule, math.fsum(window) / len(window)))

    def tick(self, now: int) -> None:
        self.timer.come_to(now)


def said(rule: Any, value: float) -> str:
    """What a value says of a rule with one limit, and perhaps another to clear at."""
    if over(rule, value):
        return "set"
    own = rule.clear.above is not None or rule.clear.below is not None
    return "clear" if not own or over(rule.clear, value) else "between"


BUILD = singly(AverageOf)
