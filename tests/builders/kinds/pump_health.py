"""pump_health: cases and reference."""

import math
from collections.abc import Sequence
from typing import Any

from kel.model.city import City
from kel.model.device import Device
from tests.builders.kinds.case import NAN, US, Values, case
from tests.builders.kinds.spans import SpansOf, hearing, mean
from tests.builders.rules_city import at

PUMPS = (1, 2, 3, 777)
VALUES = {
    "flow": (38.0, 40.0, 30.0, 61.0, NAN),
    "head": (100.0, 80.0, 108.0, NAN),
    "power": (16.0, 20.0, 14.0, 0.0, NAN),
    "running": (1.0, 1.0, 1.0, 0.0, NAN),
}
DRY = {
    "id": '"dry"',
    "kind": '"threshold"',
    "watch": '{class="pump", metric="flow"}',
    "above": "50.0",
    "unit": '"m³/h"',
    "tells": "false",
}
CASES = {
    "pump by its design": case(
        "pump_health",
        PUMPS,
        VALUES,
        watch='{class="pump"}',
        every='"15m"',
        running='"running"',
        readings="2",
        below="0.5",
        curve='{from="design", head=0.9, efficiency=0.85, shut_off=1.25}',
        for_='"20m"',
        clear='{margin=0.05, for="10m"}',
        steps=60,
    ),
    "pump by its history": case(
        "pump_health",
        PUMPS,
        VALUES,
        watch='{class="pump"}',
        every='"10m"',
        readings="1",
        curve='{from="history", head=0.9, efficiency=0.9, training="2h", bin=15.0}',
        steps=80,
    ),
    "pump by its history, with a floor, anew from a day": case(
        "pump_health",
        PUMPS,
        VALUES,
        others=(DRY,),
        watch='{class="pump"}',
        every='"10m"',
        readings="1",
        unless='"dry"',
        curve='{from="history", head=0.9, efficiency=0.9, floor=0.8, training="1h", bin=15.0}',
        learn_from='"2026-07-02"',  # 21:00 UTC of the first
        start=at("2026-07-01T17:00"),
        steps=100,
    ),
}


class PumpHealthOf(SpansOf):
    def __init__(self, rule: Any, device: Device, city: City) -> None:
        super().__init__(rule, device, city)
        self.held: dict[str, float] = {}
        self.first: int | None = None
        self.bins: dict[int, list[tuple[float, float]]] = {}

    def value(self, values: Values, now: int) -> Any:
        rule = self.rule
        names = [n for n in (rule.flow, rule.head, rule.power, rule.running) if n]
        for name in names:
            if not math.isnan(values.get(name, math.nan)):
                self.held[name] = values[name]
        if not all(name in self.held for name in names):
            return None
        if self.held[rule.power] <= 0 or (rule.running and self.held[rule.running] <= 0.5):
            return None
        return [self.held[name] for name in (rule.flow, rule.head, rule.power)]

    def row(self, now: int, values: Values) -> None:
        end = self.end_of(now)
        if end is not None and end <= self.clock:
            self.value(values, now)  # too late for its span, but what it says still holds
        super().row(now, values)

    def span(self, end: int, rows: Sequence[Any]) -> None:
        if len(rows) < self.rule.readings:
            return
        self.come_to(end)
        flow, head = mean([q for q, _, _ in rows]), mean([h for _, h, _ in rows])
        found = 0.002725 * sum(q * h for q, h, _ in rows) / sum(p for _, _, p in rows)
        margin = self.margin(end, flow, head, found)
        if margin is not None:
            enough = 1 + self.rule.clear.margin
            self.hear(end, "set" if margin < 1 else "clear" if margin >= enough else "between")
        begin = end - self.rule.every // US
        if self.idle and self.of_now(begin) and self.well(begin, end):
            self.learn(end, flow, head, found)
        elif self.learning(end) and self.first is not None:
            self.first += self.rule.every // US

    def margin(self, end: int, flow: float, head: float, found: float) -> float | None:
        rule, curve = self.rule, self.rule.curve
        margins = [found / rule.below] if rule.below else []
        usual = self.usual(end, flow)
        if usual and curve.head and usual[0] > 0:
            margins.append(head / (curve.head * usual[0]))
        if usual and curve.efficiency and usual[1] > 0:
            margins.append(found / (curve.efficiency * usual[1]))
        return min(margins, default=None)

    def usual(self, end: int, flow: float) -> tuple[float, float] | None:
        curve = self.rule.curve
        if curve.from_ == "history":
            seen = self.bins.get(math.floor(flow / curve.bin), [])
            if self.first is None or end <= self.first + curve.training // US or len(seen) < 3:
                return None
            own_head, own_share = mean([h for h, _ in seen]), mean([e for _, e in seen])
            design = self.design(flow) if curve.floor else None
            if design and design[0] > 0:
                own_head = max(own_head, curve.floor * design[0])
            if design and design[1] > 0:
                own_share = max(own_share, curve.floor * design[1])
            return own_head, own_share
        return self.design(flow)

    def design(self, flow: float) -> tuple[float, float] | None:
        own = self.device.attributes
        if "design_flow" not in own:
            return None
        q, design = flow / own["design_flow"], own["design_head"]
        best = 0.002725 * own["design_flow"] * design / own["rated_power"]
        s = self.rule.curve.shut_off
        return design * (s - (s - 1) * q * q), best * (2 * q - q * q)

    def learning(self, end: int) -> bool:
        """Whether the training is not over."""
        curve = self.rule.curve
        if self.first is None or not curve or not curve.training:
            return False
        return bool(end <= self.first + curve.training // US)

    def anew(self) -> None:
        self.first, self.bins = None, {}

    def learn(self, end: int, flow: float, head: float, found: float) -> None:
        curve = self.rule.curve
        if curve.from_ != "history":
            return
        if self.first is None:
            self.first = end
        if self.learning(end):
            self.bins.setdefault(math.floor(flow / curve.bin), []).append((head, found))


BUILD = hearing(PumpHealthOf)
