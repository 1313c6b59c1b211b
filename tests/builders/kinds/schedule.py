"""schedule: cases and reference. The sun's times are those that almanacs print for Attica."""

import math
from typing import Any

from kel.model.city import City
from kel.model.device import Device
from tests.builders.kinds.average import said
from tests.builders.kinds.case import NAN, US, Timer, Told, Values, case, singly
from tests.builders.rules_city import HOUR, MINUTE, at

LAMPS = (21, 22, 31, 39)
POWER = {"power": (0.0, 2.0, 30.0, NAN)}
WATCH = '{class="lamp", metric="power"}'
EVENING = {"start": at("2026-07-01T16:00"), "step": 15 * MINUTE, "steps": 60}
CASES = {
    "lit by day": case(
        "schedule",
        LAMPS,
        POWER,
        watch=WATCH,
        sun='"up"',
        margin='"30m"',
        above="5.0",
        unit='"W"',
        for_='"30m"',
        clear='{below=1.0, for="15m"}',
        **EVENING,
    ),
    "dark by night": case(
        "schedule", LAMPS, POWER, watch=WATCH, sun='"down"', below="5.0", unit='"W"', **EVENING
    ),
    "lit in the small hours": case(
        "schedule",
        LAMPS,
        POWER,
        watch=WATCH,
        window='["01:00", "05:00"]',
        above="5.0",
        unit='"W"',
        for_='"45m"',
        **EVENING,
    ),
}
SUNSET, SUNRISE = at("2026-07-01T17:51"), at("2026-07-02T03:06")


class ScheduleOf:
    def __init__(self, rule: Any, device: Device, city: City) -> None:
        self.rule, self.told = rule, Told(rule.id, device.id)
        self.timer = Timer(self.told, rule.for_, rule.clear.for_)
        margin = rule.margin // US
        if rule.window is not None:  # summer time: three hours before UTC
            self.spans = [(at("2026-07-01T22:00"), at("2026-07-02T02:00"))]
        elif rule.sun == "down":
            self.spans = [(SUNSET + margin, SUNRISE - margin)]
        else:
            self.spans = [(0, SUNSET - margin), (SUNRISE + margin, SUNRISE + 14 * HOUR)]

    def row(self, now: int, values: Values) -> None:
        value = values.get(self.rule.watch.metric, math.nan)
        if math.isnan(value):
            return
        ends = [end for begin, end in self.spans if begin <= now < end]
        self.timer.hear(now, said(self.rule, value) if ends else "between", *ends)

    def tick(self, now: int) -> None:
        self.timer.come_to(now)


BUILD = singly(ScheduleOf)
