"""stuck: cases and reference."""

import math
from typing import Any

from kel.model.city import City
from kel.model.device import Device
from tests.builders.kinds.case import NAN, US, Told, Values, case, over, singly

CASES = {
    "stuck": case(
        "stuck",
        (11, 12, 14),
        {"pressure": (2.0, 2.0, 3.0, NAN)},
        watch='{class="zone", metric="pressure"}',
        after='"25m"',
        unit='"bar"',
        steps=60,
    ),
    "stuck within a tolerance": case(
        "stuck",
        (11, 12, 14),
        {"pressure": (2.0, 2.25, 2.5, 2.75, 9.0)},
        watch='{class="zone", metric="pressure"}',
        after='"20m"',
        tolerance="0.5",
        unit='"bar"',
        steps=60,
    ),
    "stuck while it runs": case(
        "stuck",
        (1, 2, 3, 777),
        {"flow": (0.0, 40.0, 40.5, NAN), "running": (0.0, 1.0, 1.0, NAN)},
        watch='{class="pump", metric="flow"}',
        after='"20m"',
        tolerance="0.5",
        unit='"m³/h"',
        while_='{metric="running", above=0.5}',
        steps=80,
    ),
}


class StuckOf:
    def __init__(self, rule: Any, device: Device, city: City) -> None:
        self.rule, self.told = rule, Told(rule.id, device.id)
        self.after = rule.after // US
        self.gate: float | None = None
        self.anchor: float | None = None
        self.start = self.last = -math.inf
        self.idle = True

    def row(self, now: int, values: Values) -> None:
        if self.rule.while_:
            gate = values.get(self.rule.while_.metric, math.nan)
            self.gate = self.gate if math.isnan(gate) else gate
            if self.gate is None or not over(self.rule.while_, self.gate):
                self.idle = True
                return
        value = values.get(self.rule.watch.metric, math.nan)
        if not math.isnan(value):
            self.count(now, value)

    def count(self, now: int, value: float) -> None:
        moved = self.anchor is not None and abs(value - self.anchor) > self.rule.tolerance
        if moved or self.anchor is None:
            self.anchor = value
        if moved or self.idle or now - self.last >= self.after:
            self.start = now
        self.idle, self.last = False, now
        if moved and self.told.firing:
            self.told.end(now)
        if now - self.start >= self.after and not self.told.firing:
            self.told.fire(int(self.start), now)

    def tick(self, now: int) -> None:
        """Silence says nothing."""


BUILD = singly(StuckOf)
