"""threshold: cases and reference."""

import math
from typing import Any

from kel.model.city import City
from kel.model.device import Device
from tests.builders.calendars import Clockwork
from tests.builders.kinds.case import NAN, Timer, Told, Values, case, over, singly

MINUTE = 60_000_000
PUMPS, ZONES = (1, 2, 3, 777), (11, 12, 14)
CASES = {
    "plain": case(
        "threshold",
        ZONES,
        {"pressure": (1.0, 2.0, 3.0, NAN)},
        watch='{class="zone", metric="pressure"}',
        below="2.0",
        unit='"bar"',
    ),
    "held": case(
        "threshold",
        ZONES,
        {"pressure": (1.0, 2.5, 3.0, 4.0, NAN)},
        watch='{class="zone", metric="pressure", devices=["zm-01", "zm-99"]}',
        below="2.0",
        unit='"bar"',
        for_='"15m"',
        clear='{above=3.0, for="10m"}',
    ),
    "in spells": case(
        "threshold",
        ZONES,
        {"pressure": (1.0, 2.5, 3.0, 4.0, NAN)},
        watch='{class="zone", metric="pressure"}',
        below="2.0",
        unit='"bar"',
        for_='"7m"',
        clear='{above=3.0, for="4m"}',
        when='"spells"',
        step=3 * MINUTE,
        steps=45,
    ),
    "in spells, at once": case(
        "threshold",
        ZONES,
        {"pressure": (1.0, 3.0, NAN)},
        watch='{class="zone", metric="pressure"}',
        below="2.0",
        unit='"bar"',
        when='["spells", "irrigation"]',
        step=MINUTE,
        steps=130,
    ),
    "relative and gated": case(
        "threshold",
        PUMPS,
        {"head": (30.0, 45.0, 90.0, NAN), "running": (0.0, 1.0, NAN)},
        watch='{class="pump", metric="head"}',
        above="0.8",
        unit='"1"',
        relative_to='"design_head"',
        for_='"5m"',
        while_='{metric="running", above=0.5}',
        clear='{below=0.7, for="5m"}',
    ),
}


class ThresholdOf:
    def __init__(self, rule: Any, device: Device, city: City) -> None:
        self.rule, self.device = rule, device
        self.told = Told(rule.id, device.id)
        clockwork = Clockwork(rule, device.community, city)
        self.timer = Timer(self.told, rule.for_, rule.clear.for_, clockwork)
        self.known: dict[str, float] = {}

    def row(self, now: int, values: Values) -> None:
        self.known |= {k: v for k, v in values.items() if not math.isnan(v)}
        value = self.known.get(self.rule.watch.metric)
        gate = self.rule.while_ and self.known.get(self.rule.while_.metric)
        if value is None or (self.rule.while_ and gate is None):
            return
        if self.rule.relative_to:
            if not self.device.attributes.get(self.rule.relative_to):
                return
            value /= self.device.attributes[self.rule.relative_to]
        self.timer.hear(now, self.said(value, gate))

    def said(self, value: float, gate: float | None) -> str:
        clear = self.rule.clear
        if gate is not None and not over(self.rule.while_, gate):
            return "between"
        if over(self.rule, value):
            return "set"
        if clear.above is None and clear.below is None:
            return "clear"
        return "clear" if over(clear, value) else "between"

    def tick(self, now: int) -> None:
        self.timer.come_to(now)


BUILD = singly(ThresholdOf)
