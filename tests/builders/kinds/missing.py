"""missing: cases and reference."""

import math
from typing import Any

from kel.model.city import City
from kel.model.device import Device
from tests.builders.calendars import Clockwork
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
    "silent in spells": case(
        "missing",
        PUMPS,
        {"head": (1.0, NAN)},
        watch='{class="pump", metric="head"}',
        after='"9m"',
        when='"spells"',
        step=3 * 60_000_000,
        steps=45,
    ),
}


class MissingOf:
    def __init__(self, rule: Any, device: Device, city: City) -> None:
        self.metric, self.after = rule.watch.metric, rule.after // US
        self.told = Told(rule.id, device.id)
        self.last: int | None = None
        self.clock = -math.inf
        self.clockwork = Clockwork(rule, device.community, city)
        self.since: float = math.inf  # from when on silence counts

    def row(self, now: int, values: Values) -> None:
        if self.metric and math.isnan(values.get(self.metric, math.nan)):
            return
        self.come_to(now)
        too_old = now + self.after <= self.clock
        if self.told.firing and not too_old:
            self.told.end(now)
        # without calendars, an old word still counts for the silence after it
        if not self.told.firing and (self.clockwork.names is None or not too_old):
            self.since = self.clockwork.turn(now, True)
        self.last = now

    def come_to(self, now: int) -> None:
        while self.since <= now:
            since = int(self.since)
            shuts, due = self.clockwork.turn(since, False), since + self.after
            if not self.told.firing and due <= now and due < shuts:
                self.told.fire(since, due)
            if shuts > now:
                return
            if self.told.firing:
                self.told.end(int(shuts))
            self.since = self.clockwork.turn(int(shuts), True)

    def tick(self, now: int) -> None:
        self.clock = now
        if self.last is None:
            self.last, self.since = now, self.clockwork.turn(now, True)
        self.come_to(now)


BUILD = singly(MissingOf)
