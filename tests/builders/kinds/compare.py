"""compare: cases and reference."""

import math
from statistics import median
from typing import Any

from kel.model.city import City
from kel.model.device import Device
from tests.builders.kinds.average import said
from tests.builders.kinds.case import NAN, US, Plain, Timer, Told, Values, case, over

LAMPS = (21, 22, 23, 24, 31, 32, 39)
WATCH = '{class="lamp", metric="power"}'
POWERS = {"power": (2.0, 10.0, 20.0, 30.0, NAN)}
CASES = {
    "beside its line": case(
        "compare",
        LAMPS,
        POWERS,
        watch=WATCH,
        against='"feeder"',
        by='"ratio"',
        below="0.5",
        unit='"1"',
        fresh='"20m"',
        peers="2",
    ),
    "beside its line, held": case(
        "compare",
        LAMPS,
        POWERS,
        watch='{class="lamp", metric="power", devices=["la-01-1", "la-01-2", "la-00-1"]}',
        against='"feeder"',
        by='"difference"',
        above="5.0",
        unit='"W"',
        fresh='"15m"',
        peers="1",
        for_='"10m"',
        clear='{below=1.0, for="10m"}',
        steps=50,
    ),
    "dark under voltage": case(
        "compare",
        (21, 22, 31, 39, 51, 52),
        {**POWERS, "voltage": (0.0, 230.0, NAN)},
        watch=WATCH,
        against='"parent"',
        other='{class="feeder", metric="voltage", above=180.0}',
        by='"value"',
        below="5.0",
        unit='"W"',
        fresh='"30m"',
        for_='"10m"',
        steps=50,
    ),
}


class CompareOf:
    """One device: keeps all that it and those beside it told, and replays it at each tick."""

    def __init__(self, rule: Any, device: Device, others: list[Device]) -> None:
        self.rule, self.device, self.told = rule, device, Told(rule.id, device.id)
        self.timer = Timer(self.told, rule.for_, rule.clear.for_)
        self.numbers = frozenset(d.number for d in (device, *others))
        self.waiting: list[tuple[int, int, float]] = []
        self.known: dict[int, tuple[int, float]] = {}

    def row(self, number: int, now: int, values: Values) -> None:
        own = number == self.device.number or self.rule.other is None
        metric = self.rule.watch.metric if own else self.rule.other.metric
        if not math.isnan(value := values.get(metric, math.nan)):
            self.waiting.append((now, number, value))

    def tick(self, now: int) -> None:
        due = [w for w in self.waiting if w[0] <= now]
        self.waiting = [w for w in self.waiting if w[0] > now]
        for moment in sorted({t for t, _, _ in due}):
            told = {n: v for t, n, v in due if t == moment}
            self.known |= {n: (moment, v) for n, v in told.items()}
            if self.device.number in told:
                self.judge(moment, told[self.device.number])
        self.timer.come_to(now)

    def judge(self, now: int, own: float) -> None:
        rule, least = self.rule, now - self.rule.fresh // US
        others = {n: known for n, known in self.known.items() if n != self.device.number}
        fresh = [value for time, value in others.values() if time >= least]
        if len(fresh) < (1 if rule.other else rule.peers):
            return
        reference = median(fresh)
        if rule.other and not over(rule.other, reference):
            self.timer.hear(now, "between")
        elif rule.by == "value":
            self.timer.hear(now, said(rule, own))
        elif rule.by == "difference":
            self.timer.hear(now, said(rule, own - reference))
        elif reference:
            self.timer.hear(now, said(rule, own / reference))


def build(rule: Any, watched: list[Device], city: City) -> list[Plain]:
    found: list[Plain] = []
    for device in watched:
        if rule.other:
            others = [d for d in city.devices.values() if d.id == device.parent]
        else:
            alike = [d for d in city.devices.values() if d.cls == device.cls and d.feeder]
            others = [d for d in alike if d.feeder == device.feeder and d.state == "active"]
        found.append(CompareOf(rule, device, [d for d in others if d.id != device.id]))
    return found


BUILD = build
