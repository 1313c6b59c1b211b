"""composition: cases and reference."""

import math
from typing import Any

from kel.model.city import City
from kel.model.device import Device
from tests.builders.kinds.case import NAN, US, Plain, Timer, Told, Values, case

DEVICES = (11, 12, 71, 72, 73)  # two zones: a meter in each, two leak sensors in one, one in one
CLASSES = {"flow": (1.0, 9.0, NAN), "pressure": (1.0, 3.0, NAN), "noise": (10.0, 60.0, NAN)}
LOW = {
    "id": '"low"',
    "kind": '"threshold"',
    "watch": '{class="zone", metric="pressure"}',
    "below": "2.0",
    "unit": '"bar"',
    "tells": "false",
}
HIGH = {
    **LOW,
    "id": '"high"',
    "watch": '{class="zone", metric="flow"}',
    "above": "5.0",
    "unit": '"m³/h"',
    "for": '"10m"',
}
del HIGH["below"]
NOISY = {
    **HIGH,
    "id": '"noisy"',
    "watch": '{class="leak", metric="noise"}',
    "above": "50.0",
    "unit": '"dB"',
    "for": '"5m"',
    "clear": '{below=40.0, for="5m"}',
}
SILENT = {
    "id": '"silent"',
    "kind": '"missing"',
    "watch": '{class="leak"}',
    "after": '"20m"',
    "tells": "false",
}
CASES = {
    "all, and not": case(
        "composition",
        DEVICES,
        CLASSES,
        others=(LOW, NOISY, SILENT),
        watch='{class="zone"}',
        by='"zone"',
        of='{all=["noisy", "low"], not=["silent"]}',
        for_='"10m"',
        clear='{for="5m"}',
    ),
    "any on a device": case(
        "composition",
        (11, 12, 777),
        CLASSES,
        others=(LOW, HIGH),
        watch='{class="zone"}',
        of='{any=["high", "low"]}',
    ),
    "one after the other": case(
        "composition",
        DEVICES,
        CLASSES,
        others=(LOW, NOISY, HIGH),
        watch='{class="leak"}',
        by='"zone"',
        of='{then=["noisy", "low", "high"], within="1h"}',
        steps=48,
    ),
    "of a composition": case(
        "composition",
        DEVICES,
        CLASSES,
        others=(
            LOW,
            NOISY,
            HIGH,
            SILENT,
            {
                "id": '"both"',
                "kind": '"composition"',
                "watch": '{class="zone"}',
                "by": '"zone"',
                "of": '{all=["noisy", "low"]}',
                "tells": "false",
            },
        ),
        watch='{class="zone"}',
        by='"zone"',
        of='{any=["both", "high"], then=["silent", "low"], within="30m"}',
    ),
}


class CompositionOf:
    """One place: looks at all that its members told, again at every tick."""

    def __init__(self, rule: Any, place: str, devices: list[Device]) -> None:
        self.rule, self.told = rule, Told(rule.id, min(d.id for d in devices))
        self.place, self.numbers = place, frozenset[int]()
        self.timer = Timer(self.told, rule.for_, rule.clear.for_)
        self.members: list[Plain] = []
        self.known: set[tuple[Any, ...]] = set()
        self.changes: list[tuple[int, int, str, str, bool]] = []  # at, told, rule, device, begun
        self.settled: list[tuple[int, int, int, str, str, bool]] = []  # moment's number, at, …
        self.moments = 0
        self.clock = -math.inf

    def listen(self, others: list[Plain], city: City) -> None:
        of = self.rule.of
        named = {*of.all_, *of.any_, *of.not_, *of.then}
        for other in others:
            device = city.devices[other.told.device]
            if other.told.rule in named and place_of(self.rule, device) == self.place:
                self.members.append(other)

    def row(self, number: int, now: int, values: Values) -> None:
        """It looks at no readings."""

    def tick(self, now: int) -> None:
        self.look()
        for at in sorted({int(max(c[0], self.clock)) for c in self.changes if c[0] <= now}):
            self.timer.come_to(at)
            self.moments += 1
            due = [c for c in self.changes if c[0] <= now and max(c[0], self.clock) == at]
            self.settled += [(self.moments, at, *c[1:]) for c in due]
            self.timer.hear(at, "set" if self.holds() else "clear")
        self.changes = [c for c in self.changes if c[0] > now]
        self.timer.come_to(now)
        self.clock = now

    def look(self) -> None:
        for member in self.members:
            for nth, (rule, device, _, detected, cleared) in enumerate(member.told.alerts):
                for moment, begun in ((detected, True), (cleared, False)):
                    one = (rule, device, nth, begun)
                    if moment is not None and one not in self.known:
                        self.known.add(one)
                        self.changes.append((moment, moment, rule, device, begun))

    def holds(self) -> bool:
        of, on = self.rule.of, self.on_after(len(self.settled))
        return (
            all(rule in on for rule in of.all_)
            and (not of.any_ or any(rule in on for rule in of.any_))
            and not any(rule in on for rule in of.not_)
            and (not of.then or self.came_in_order())
        )

    def on_after(self, count: int) -> set[str]:
        active: dict[tuple[str, str], bool] = {}
        for _, _, _, rule, device, begun in self.settled[:count]:
            active[rule, device] = begun
        return {rule for (rule, _), begun in active.items() if begun}

    def came_in_order(self) -> bool:
        """Whether some last step, since which it has not been clear, ended a sequence."""
        last = self.rule.of.then[-1]
        ends = [n + 1 for n, c in enumerate(self.settled) if self.ends_moment(n)]
        since = max((n for n in ends if last not in self.on_after(n)), default=0)
        began = [c for c in self.settled[since:] if c[3] == last and c[5]]
        return any(self.before(c, len(self.rule.of.then) - 2, c) for c in began)

    def ends_moment(self, n: int) -> bool:
        return n + 1 == len(self.settled) or self.settled[n + 1][0] > self.settled[n][0]

    def before(self, later: Any, step: int, end: Any) -> bool:
        if step < 0:
            return bool(end[1] - later[1] <= self.rule.of.within // US)
        return any(
            self.before(c, step - 1, end)
            for c in self.settled
            if c[3] == self.rule.of.then[step] and c[5]
            if (c[0], c[2]) <= (later[0], later[2])
        )


def place_of(rule: Any, device: Device) -> str | None:
    return device.id if rule.by == "device" else device.zone


def build(rule: Any, watched: list[Device], _city: City) -> list[Plain]:
    places: dict[str, list[Device]] = {}
    for device in watched:
        place = place_of(rule, device)
        if place is not None:
            places.setdefault(place, []).append(device)
    return [CompositionOf(rule, place, devices) for place, devices in places.items()]


BUILD = build
