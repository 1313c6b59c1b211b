"""The rules once more, slow and plain: one row at a time, one small object for each alert.

It tells each alert as (rule, device, started, detected, cleared or None), times in µs.
"""

import math
from collections.abc import Mapping
from typing import Any

from kel.model.city import City
from kel.model.device import Device, DeviceState
from rules.book.rulebook import Rulebook
from tests.builders.kinds.case import Listening, Plain
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
        for one in self.plain:
            if isinstance(one, Listening):
                one.listen(self.plain, city)
        self.untold = {rule.id for rule in rulebook.rules if not rule.tells}

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
        told = (one.told for one in self.plain if one.told.rule not in self.untold)
        return {tuple(alert) for one in told for alert in one.alerts}
