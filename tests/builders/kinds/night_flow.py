"""night_flow: cases and reference."""

import math
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from kel.model.city import City
from kel.model.device import Device
from tests.builders.kinds.case import NAN, US, Timer, Told, Values, case, singly
from tests.builders.rules_city import at

ZONES = (11, 12, 14)
NIGHT = {
    "watch": '{class="zone", metric="flow"}',
    "window": '["02:00", "04:00"]',
    "above": "5.0",
    "legitimate": "2.0",
    "background": "{per_km=30.0, per_connection=2.0}",
    "season": "{10=1.5}",
    "clear": '{below=2.0, for="10m"}',
    "for": '"15m"',
}
FLOWS = {"flow": (1.0, 4.0, 9.0, 12.0, 20.0, 30.0, NAN)}
CASES = {
    "autumn night": case(
        "night_flow", ZONES, FLOWS, start=at("2026-10-24T22:00"), steps=60, **NIGHT
    ),
    "spring night": case(
        "night_flow", ZONES, FLOWS, start=at("2026-03-28T23:00"), steps=40, **NIGHT
    ),
}


class NightFlowOf:
    def __init__(self, rule: Any, device: Device, city: City) -> None:
        self.rule, self.told = rule, Told(rule.id, device.id)
        self.timer = Timer(self.told, rule.for_, rule.clear.for_)
        self.zone = city.zones.get(device.zone or "")
        self.timezone = ZoneInfo(city.timezone)
        self.history: list[tuple[int, float]] = []
        self.excess = self.low = 0.0

    def local(self, now: int) -> datetime:
        return (datetime(1970, 1, 1, tzinfo=UTC) + now * US).astimezone(self.timezone)

    def inside(self, now: int) -> bool:
        start, end = self.rule.window
        clock = self.local(now).time()
        return start <= clock < end if start < end else clock >= start or clock < end

    def expected(self, now: int) -> float:
        zone, rule = self.zone, self.rule
        assert zone
        season = rule.season.get(self.local(now).month, 1.0)
        litres = rule.legitimate * zone.connections * season
        litres += rule.background.per_km * zone.mains_km
        return (litres + rule.background.per_connection * zone.connections) / 1000

    def row(self, now: int, values: Values) -> None:
        flow = values.get(self.rule.watch.metric, math.nan)
        if self.zone is None or math.isnan(flow):
            return
        self.tick(now)
        self.follow(now, flow)
        self.history.append((now, flow))
        said = self.said(now, flow)
        deadline = now
        while self.inside(deadline):  # windows of the tests begin and end at whole minutes
            deadline += 60_000_000 - deadline % 60_000_000
        if said:
            self.timer.hear(now, said, deadline)
        self.note()

    def tick(self, now: int) -> None:
        self.timer.come_to(now)
        self.note()

    def note(self) -> None:
        """Remember by how much it was too much, when that was detected."""
        if len(self.told.alerts) > getattr(self, "noted", 0):
            self.noted = len(self.told.alerts)
            now, flow = self.history[-1]
            self.excess = flow - self.expected(now)

    def follow(self, now: int, flow: float) -> None:
        """Where the present fall began."""
        watching = self.told.firing or self.timer.set_at is not None
        if not watching or flow >= self.history[-1][1]:
            self.top = (now, flow)
        elif now - self.top[0] > 30 * 60_000_000:
            self.top = self.history[-1]

    def said(self, now: int, flow: float) -> str | None:
        clear = self.rule.clear
        if self.inside(now):
            excess = flow - self.expected(now)
            below = self.rule.above if clear.below is None else clear.below
            return "set" if excess > self.rule.above else "clear" if excess <= below else "between"
        if not self.told.firing:
            return None
        if self.timer.clear_at is None and self.top[1] - flow >= clear.fall * self.excess:
            self.low = flow
            return "clear"
        if self.timer.clear_at is not None and flow - self.low >= clear.fall * self.excess:
            return "between"
        return None


BUILD = singly(NightFlowOf)
