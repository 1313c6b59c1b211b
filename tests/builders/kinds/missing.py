"""missing: cases and reference."""

import math
from typing import Any

from kel.model.city import City
from kel.model.device import Device
from tests.builders.kinds.case import NAN, US, Told, Values, case, singly

PUMPS = (1, 2, 3, 777)
CASES = {
    "silent": case("missing", PUMPS, {"head": (1.0, NAN)}, watch='{class="pump"}', after='"20m"'),
    "silent metric": case(
        "missing",
        PUMPS,
        {"head": (1.0, NAN)},
        watch='{class="pump", metric="head"}',
        after='"20m"',
    ),
}


class MissingOf:
    def __init__(self, rule: Any, device: Device, city: City) -> None:
        self.metric, self.after = rule.watch.metric, rule.after // US
        self.told = Told(rule.id, device.id)
        self.last: int | None = None
        self.clock = -math.inf

    def row(self, now: int, values: Values) -> None:
        if self.metric and math.isnan(values.get(self.metric, math.nan)):
            return
        self.come_to(now)
        if self.told.firing and now + self.after > self.clock:
            self.told.end(now)
        self.last = now

    def come_to(self, now: int) -> None:
        if self.last is not None and not self.told.firing and self.last + self.after <= now:
            self.told.fire(self.last, self.last + self.after)

    def tick(self, now: int) -> None:
        self.clock = now
        self.last = now if self.last is None else self.last
        self.come_to(now)


BUILD = singly(MissingOf)
