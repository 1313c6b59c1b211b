"""zone_balance: cases and reference."""

import math
from typing import Any

from kel.model.city import City
from kel.model.device import Device
from tests.builders.kinds.case import NAN, US, Plain, Timer, Told, Values, case

METERS = (11, 12, 81, 82, 84, 777)
FLOWS = (4.0, 6.5, 12.0, 20.0, NAN)
CASES = {
    "balance of flows": case(
        "zone_balance",
        METERS,
        {"flow": FLOWS},
        watch='{class="zone", metric="flow"}',
        outflow='{class="meter", metric="flow", devices=["wm-01"]}',
        consumption='{class="meter", metric="flow", devices=["wm-02", "wm-04"]}',
        window='"50m"',
        fresh='"25m"',
        above="2.0",
        share="0.25",
        for_='"20m"',
        clear='{below=0.5, for="10m"}',
        steps=60,
    ),
    "balance with counters": case(
        "zone_balance",
        METERS,
        {"flow": FLOWS, "volume": (100.0, 100.5, 100.5, 101.0, NAN)},
        watch='{class="zone", metric="flow"}',
        consumption='{class="meter", metric="volume", devices=["wm-02", "wm-04"]}',
        window='"40m"',
        fresh='"20m"',
        share="0.75",
        clear="{share=0.5}",
        steps=60,
    ),
}


class ZoneBalanceOf:
    """One zone: keeps all readings, and adds up each window anew when a tick settles it."""

    def __init__(self, rule: Any, sides: list[list[Device]], city: City) -> None:
        self.rule, self.told = rule, Told(rule.id, sides[0][0].id)
        self.timer = Timer(self.told, rule.for_, rule.clear.for_)
        self.sign = {d.number: 1 if i == 0 else -1 for i, side in enumerate(sides) for d in side}
        roles = (rule.watch, rule.outflow, rule.consumption)
        self.metric = {
            d.number: role.metric for role, side in zip(roles, sides, strict=True) for d in side
        }
        units = {m.name: m.unit for c in ("zone", "meter") for m in city.classes[c].metrics}
        self.counts = {number: units[m] == "m³" for number, m in self.metric.items()}
        self.numbers = frozenset(self.sign)
        self.readings: dict[int, list[tuple[int, float]]] = {n: [] for n in self.numbers}
        self.window, self.fresh = rule.window // US, rule.fresh // US
        # a counter of any zone makes the rule wait
        other = [role for role in roles if role]
        self.wait = self.fresh if any(units[r.metric] == "m³" for r in other) else 0
        self.next: int | None = None  # the end of the next window to settle
        self.late: dict[int, list[int]] = {n: [] for n in self.numbers}
        self.clock = -math.inf

    def row(self, number: int, now: int, values: Values) -> None:
        value = values.get(self.metric[number], math.nan)
        if not math.isnan(value):
            self.readings[number].append((now, value))
            first = now - now % self.window + self.window
            if self.next is None or (first < self.next and first + self.wait > self.clock):
                self.next = max(first, self.after(self.clock))

    def after(self, clock: float) -> int:
        """The first window that a tick at `clock` has not settled."""
        if clock < 0:
            return 0
        past = int(clock) - self.wait
        return past - past % self.window + self.window

    def tick(self, now: int) -> None:
        while self.next is not None and self.next + self.wait <= now:
            self.settle(self.next)
            self.next += self.window
        self.timer.come_to(now)
        self.clock = now

    def settle(self, end: int) -> None:
        flows = {}
        for number in self.numbers:
            total, known = self.sum(number, end - self.window, end)
            if known < 0.9 * self.window:
                return
            flows[number] = total / known
        inflow = sum(f for n, f in flows.items() if self.sign[n] > 0)
        balance = sum(f * self.sign[n] for n, f in flows.items())
        share = balance / inflow if inflow else 0.0
        rule, clear = self.rule, self.rule.clear
        over = (rule.above is None or balance > rule.above) and (
            rule.share is None or share > rule.share
        )
        under = (clear.below is None or balance <= clear.below) and (
            clear.share is None or share <= clear.share
        )
        self.timer.hear(end + self.wait, "set" if over else "clear" if under else "between")

    def sum(self, number: int, begin: int, end: int) -> tuple[float, int]:
        """Σ flow × µs and Σ µs of what is known of one meter in [begin, end)."""
        readings, total, known = self.readings[number], 0.0, 0
        for i, (since, value) in enumerate(readings):
            after = readings[i + 1] if i + 1 < len(readings) else None
            if not self.counts[number]:
                until, rate = since + self.fresh, value
                until = min(until, after[0]) if after else until
            elif after and after[0] - since <= self.fresh and after[1] >= value:
                until = after[0]
                rate = (after[1] - value) * 3_600_000_000 / (until - since)
            else:
                continue
            length = min(until, end) - max(since, begin)
            if length > 0:
                total, known = total + rate * length, known + length
        return total, known


def build(rule: Any, watched: list[Device], city: City) -> list[Plain]:
    roles = (rule.outflow, rule.consumption)
    found: list[Plain] = []
    for zone in city.zones:
        own = [d for d in city.devices.values() if d.zone == zone]
        others = [
            [d for d in own if role and d.cls == role.cls and d.id in (role.devices or [d.id])]
            for role in roles
        ]
        inflow = [d for d in watched if d.zone == zone and not any(d in side for side in others)]
        if inflow and any(others):
            found.append(ZoneBalanceOf(rule, [inflow, *others], city))
    return found


BUILD = build
