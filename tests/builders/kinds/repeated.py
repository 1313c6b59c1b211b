"""repeated: cases and reference."""

import math
from typing import Any

from kel.model.city import City
from kel.model.device import Device
from tests.builders.kinds.average import said
from tests.builders.kinds.case import NAN, US, Timer, Told, Values, case, over, singly

ZONES = (11, 12, 14)
LAMPS = (21, 22, 23, 24, 39)
WATCH = '{class="zone", metric="pressure"}'
FAILURE = '{class="lamp", metric="failure"}'
FLAGS = {"failure": (0.0, 1.0, NAN)}
CASES = {
    "three in a row": case(
        "repeated",
        ZONES,
        {"pressure": (1.0, 1.0, 2.5, NAN)},
        watch=WATCH,
        times="3",
        in_a_row="true",
        below="2.0",
        unit='"bar"',
        steps=50,
    ),
    "four in a row, cleared otherwise": case(
        "repeated",
        ZONES,
        {"pressure": (1.0, 1.0, 1.0, 2.5, 4.0)},
        watch=WATCH,
        times="4",
        in_a_row="true",
        below="2.0",
        unit='"bar"',
        clear='{above=3.0, for="10m"}',
        steps=50,
    ),
    "three in half an hour": case(
        "repeated",
        LAMPS,
        FLAGS,
        watch=FAILURE,
        times="3",
        within='"30m"',
        above="0.5",
        unit='"0/1"',
        steps=50,
    ),
    "three times anew": case(
        "repeated",
        LAMPS,
        FLAGS,
        watch=FAILURE,
        times="3",
        within='"2h"',
        edges="true",
        above="0.5",
        unit='"0/1"',
        clear='{for="20m"}',
        steps=80,
    ),
}


class RepeatedOf:
    def __init__(self, rule: Any, device: Device, city: City) -> None:
        self.rule, self.told = rule, Told(rule.id, device.id)
        self.timer = Timer(self.told, rule.clear.for_ * 0, rule.clear.for_)
        self.row_of: list[int] = []  # the moments in a row
        self.before: bool | None = None
        quiet = rule.clear.for_ or rule.within
        self.burst = Burst(self.told, rule.times, rule.within, quiet) if rule.within else None

    def row(self, now: int, values: Values) -> None:
        value = values.get(self.rule.watch.metric, math.nan)
        if math.isnan(value):
            return
        raised = over(self.rule, value)
        if self.burst is None:
            self.in_a_row(now, value, raised)
        elif raised and not (self.rule.edges and self.before is not False):
            self.burst.happen(now)
        self.before = raised

    def in_a_row(self, now: int, value: float, raised: bool) -> None:
        self.row_of = [*self.row_of, now] if raised else []
        many, told = len(self.row_of) >= self.rule.times, len(self.told.alerts)
        self.timer.hear(now, "between" if raised and not many else said(self.rule, value))
        if len(self.told.alerts) > told:
            self.told.alerts[-1][2] = self.row_of[0]

    def tick(self, now: int) -> None:
        if self.burst is None:
            self.timer.come_to(now)
        else:
            self.burst.come_to(now)


class Burst:
    """So many moments within a time; over when none came for another."""

    def __init__(self, told: Told, times: int, within: Any, quiet: Any) -> None:
        self.told, self.times = told, times
        self.within, self.quiet = within // US, quiet // US
        self.moments: list[int] = []

    def come_to(self, now: int) -> None:
        if self.told.firing and self.moments[-1] + self.quiet <= now:
            self.told.end(self.moments[-1] + self.quiet)

    def happen(self, now: int) -> None:
        self.come_to(now)
        self.moments.append(now)
        recent = [m for m in self.moments if now - self.within < m]
        if len(recent) >= self.times and not self.told.firing:
            self.told.fire(recent[-self.times], now)


BUILD = singly(RepeatedOf)
