"""share: cases and reference."""

import math
from typing import Any

from kel.model.city import City
from kel.model.device import Device
from tests.builders.calendars import Clockwork
from tests.builders.kinds.case import NAN, US, Plain, Timer, Told, Values, case, over

LAMPS = (21, 22, 23, 24, 31, 32, 39)
LAMP_WATCH = '{class="lamp"}'
CASES = {
    "share of silent": case(
        "share",
        LAMPS,
        {"power": (1.0, NAN)},
        watch=LAMP_WATCH,
        of='"feeder"',
        condition='{missing="20m"}',
        at_least="0.5",
        for_='"10m"',
    ),
    "share of values": case(
        "share",
        LAMPS,
        {"failure": (0.0, 1.0, NAN)},
        watch=LAMP_WATCH,
        of='"feeder"',
        condition='{metric="failure", above=0.5}',
        at_least="0.5",
        for_='"5m"',
        clear='{below=0.3, for="10m"}',
    ),
    "share in spells": case(
        "share",
        LAMPS,
        {"failure": (0.0, 1.0, NAN)},
        watch=LAMP_WATCH,
        of='"feeder"',
        condition='{metric="failure", above=0.5}',
        at_least="0.5",
        for_='"4m"',
        clear='{below=0.3, for="6m"}',
        when='"spells"',
        step=3 * 60_000_000,
        steps=45,
    ),
}


class ShareOf:
    """One feeder: keeps all that was told and replays it in order of time at each tick."""

    def __init__(self, rule: Any, cabinet: Device, children: list[Device], city: City) -> None:
        self.rule, self.told = rule, Told(rule.id, cabinet.id)
        self.numbers = frozenset(d.number for d in children)
        self.clockwork = Clockwork(rule, cabinet.community, city)
        self.timer = Timer(self.told, rule.for_, rule.clear.for_, self.clockwork)
        self.on = {d.number: False for d in children}
        self.want = dict(self.on)
        self.last: dict[int, int] = {}
        self.changes: list[tuple[int, int, bool]] = []
        self.clock = -math.inf
        condition = rule.condition
        self.metric = condition.metric or rule.watch.metric
        self.after = condition.missing // US if condition.missing else None

    def row(self, child: int, now: int, values: Values) -> None:
        value = values.get(self.metric or "", math.nan)
        if self.metric and math.isnan(value):
            return
        if self.after is None:
            self.turn(child, now, over(self.rule.condition, value))
            return
        self.silent(child, now)
        if now + self.after > self.clock:
            self.turn(child, now, False)
        self.last[child] = now

    def silent(self, child: int, now: int) -> None:
        if self.after and child in self.last and self.last[child] + self.after <= now:
            self.turn(child, self.last[child] + self.after, True)

    def turn(self, child: int, now: int, on: bool) -> None:
        if self.want[child] != on:
            self.want[child] = on
            self.changes.append((now, child, on))

    def tick(self, now: int) -> None:
        for child in self.on:
            if self.after is not None:
                self.last.setdefault(child, now)
                self.silent(child, now)
        moments = {int(max(c[0], self.clock)) for c in self.changes if c[0] <= now}
        moments |= self.opened(min(moments, default=now), now)
        for moment in sorted(moments):
            self.timer.come_to(moment)
            for told, child, on in self.changes:
                if told <= now and max(told, self.clock) == moment:
                    self.on[child] = on
            self.timer.hear(moment, self.said())
        self.changes = [c for c in self.changes if c[0] > now]
        self.timer.come_to(now)
        self.clock = now

    def opened(self, first: int, now: int) -> set[int]:
        """The minutes since the last tick at which the calendars opened."""
        if self.clockwork.names is None:
            return set()
        start = first if self.clock == -math.inf else int(self.clock) + 1
        minutes = range(start - start % 60_000_000, now + 1, 60_000_000)
        begun = (m for m in minutes if m >= start and self.clockwork.open(m))
        return {m for m in begun if not self.clockwork.open(m - 1)}

    def said(self) -> str:
        share, below = sum(self.on.values()) / len(self.on), self.rule.clear.below
        if share >= self.rule.at_least:
            return "set"
        return "clear" if below is None or share < below else "between"


def build(rule: Any, watched: list[Device], city: City) -> list[Plain]:
    found: list[Plain] = []
    for cabinet in (d for d in city.devices.values() if d.cls == "feeder"):
        children = [d for d in watched if d.feeder == cabinet.feeder]
        if children:
            found.append(ShareOf(rule, cabinet, children, city))
    return found


BUILD = build
