"""The rules once more, slow and plain: one row at a time, one small object for each alert.

It tells each alert as (rule, device, started, detected, cleared or None), times in µs.
"""

import math
from collections.abc import Mapping
from typing import Any

from kel.model.city import City
from kel.model.device import Device, DeviceState
from rules.rulebook import Rulebook
from tests.builders.kinds.case import Plain
from tests.builders.kinds.registry import BUILDS


class Reference:
    def __init__(self, rulebook: Rulebook, city: City, devices: list[Device]) -> None:
        self.plain: list[Plain] = []
        self.seen: dict[int, int] = {}
        self.clock = -math.inf
        active = [d for d in devices if d.state is DeviceState.ACTIVE]
        for rule in rulebook.rules:
            watched = [d for d in active if rule.watch.takes(d)]
            self.plain += BUILDS[rule.kind](rule, watched, city)

    def row(self, time: int, number: int, values: Mapping[str, float]) -> None:
        if time <= self.seen.get(number, -1):
            return
        self.seen[number] = time
        for one in self.plain:
            if number in one.numbers:
                one.row(number, time, values)

    def tick(self, now: int) -> None:
        if now > self.clock:
            self.clock = now
            for one in self.plain:
                one.tick(now)

    def alerts(self) -> set[tuple[Any, ...]]:
        return {tuple(alert) for one in self.plain for alert in one.told.alerts}
