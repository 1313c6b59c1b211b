"""The rules once more, slow and plain: one row at a time, one small object a device.

Shares nothing with the evaluator but the rulebook's shapes. It tells each alert as
(rule, device, started, detected, cleared or None), times in µs.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from kel.model.city import City
from kel.model.device import Device, DeviceState
from rules.rulebook import Rulebook

US = timedelta(microseconds=1)
Values = Mapping[str, float]


def over(limit: Any, value: float) -> bool:
    return value > limit.above if limit.above is not None else value < limit.below


class Timer:
    """for / clear.for around what a device's rows say: "set", "clear" or "between"."""

    def __init__(self, told: "Told", hold: timedelta, clear: timedelta) -> None:
        self.told, self.hold, self.clear = told, hold // US, clear // US
        self.set_at: int | None = None
        self.clear_at: int | None = None
        self.deadline = math.inf

    def come_to(self, now: int) -> None:
        firing = self.told.firing
        if not firing and self.set_at is not None:
            due = self.set_at + self.hold
            if due <= now and due <= self.deadline:
                self.told.fire(self.set_at, due)
            elif self.deadline <= now:
                self.set_at = None
        elif firing and self.clear_at is not None and self.clear_at + self.clear <= now:
            self.told.end(self.clear_at + self.clear)
            self.set_at = self.clear_at = None

    def hear(self, now: int, said: str, deadline: float = math.inf) -> None:
        self.come_to(now)
        if not self.told.firing:
            if said != "set":
                self.set_at = None
            elif self.set_at is None:
                self.set_at, self.deadline = now, deadline
        elif said != "clear":
            self.clear_at = None
        elif self.clear_at is None:
            self.clear_at = now
        self.come_to(now)


class Told:
    """The alerts of one rule on one device."""

    def __init__(self, rule: str, device: str) -> None:
        self.rule, self.device, self.firing = rule, device, False
        self.alerts: list[list[Any]] = []

    def fire(self, started: int, detected: int) -> None:
        self.firing = True
        self.alerts.append([self.rule, self.device, started, detected, None])

    def end(self, at: int) -> None:
        self.firing = False
        self.alerts[-1][4] = max(at, self.alerts[-1][3])


class ThresholdOf:
    def __init__(self, rule: Any, device: Device, city: City) -> None:
        self.rule, self.device = rule, device
        self.told = Told(rule.id, device.id)
        self.timer = Timer(self.told, rule.for_, rule.clear.for_)
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


class ShareOf:
    """One feeder: keeps all that was told and replays it in order of time at each tick."""

    def __init__(self, rule: Any, cabinet: Device, children: list[Device]) -> None:
        self.rule, self.told = rule, Told(rule.id, cabinet.id)
        self.timer = Timer(self.told, rule.for_, rule.clear.for_)
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
        moments = sorted({int(max(c[0], self.clock)) for c in self.changes if c[0] <= now})
        for moment in moments:
            self.timer.come_to(moment)
            for told, child, on in self.changes:
                if told <= now and max(told, self.clock) == moment:
                    self.on[child] = on
            self.timer.hear(moment, self.said())
        self.changes = [c for c in self.changes if c[0] > now]
        self.timer.come_to(now)
        self.clock = now

    def said(self) -> str:
        share, below = sum(self.on.values()) / len(self.on), self.rule.clear.below
        if share >= self.rule.at_least:
            return "set"
        return "clear" if below is None or share < below else "between"


SINGLE = {"threshold": ThresholdOf, "missing": MissingOf, "night_flow": NightFlowOf}


class Reference:
    def __init__(self, rulebook: Rulebook, city: City, devices: list[Device]) -> None:
        self.single: dict[int, list[Any]] = {}
        self.shared: dict[int, list[ShareOf]] = {}
        self.told: list[Told] = []
        self.ticked: list[Any] = []
        self.seen: dict[int, int] = {}
        self.clock = -math.inf
        active = [d for d in devices if d.state is DeviceState.ACTIVE]
        for rule in rulebook.rules:
            watched = [d for d in active if rule.watch.takes(d)]
            if rule.kind == "share":
                self._share(rule, watched, city)
                continue
            for device in watched:
                one = SINGLE[rule.kind](rule, device, city)
                self.single.setdefault(device.number, []).append(one)
                self.ticked.append(one)
                self.told.append(one.told)

    def _share(self, rule: Any, watched: list[Device], city: City) -> None:
        for cabinet in (d for d in city.devices.values() if d.cls == "feeder"):
            children = [d for d in watched if d.feeder == cabinet.feeder]
            if children:
                feeder = ShareOf(rule, cabinet, children)
                for child in children:
                    self.shared.setdefault(child.number, []).append(feeder)
                self.ticked.append(feeder)
                self.told.append(feeder.told)

    def row(self, time: int, number: int, values: Values) -> None:
        if time <= self.seen.get(number, -1):
            return
        self.seen[number] = time
        for one in self.single.get(number, ()):
            one.row(time, values)
        for feeder in self.shared.get(number, ()):
            feeder.row(number, time, values)

    def tick(self, now: int) -> None:
        if now > self.clock:
            self.clock = now
            for one in self.ticked:
                one.tick(now)

    def alerts(self) -> set[tuple[Any, ...]]:
        return {tuple(alert) for told in self.told for alert in told.alerts}
