"""What plain references of kinds that judge spans of time have in common."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from kel.model.city import City
from kel.model.device import Device
from tests.builders.kinds.case import US, Timer, Told, Values

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SpansOf:
    """One device, span by span: `span(end, rows)` is told of each that had rows."""

    def __init__(self, rule: Any, device: Device, city: City) -> None:
        self.rule, self.device, self.told = rule, device, Told(rule.id, device.id)
        self.timer = Timer(self.told, rule.for_, rule.clear.for_)
        self.timezone = ZoneInfo(city.timezone)
        self.open: int | None = None  # where the open span ends
        self.rows: list[Any] = []
        self.clock = -math.inf
        self.ended = 0

    def end_of(self, now: int) -> int | None:
        """Where the span ends that holds a moment, None where it is of none."""
        every: int = self.rule.every // US
        return now - now % every + every

    def value(self, values: Values, now: int) -> Any:
        raise NotImplementedError

    def span(self, end: int, rows: Sequence[Any]) -> None:
        raise NotImplementedError

    def began(self, since: int) -> int:
        """Where the alert began whose condition was first seen at `since`."""
        return since

    def row(self, now: int, values: Values) -> None:
        value, end = self.value(values, now), self.end_of(now)
        if end is None or end <= self.clock:
            return
        if self.open is not None and self.open != end:
            self.close()
        self.open = end
        if value is not None:
            self.rows.append(value)

    def tick(self, now: int) -> None:
        self.clock = now
        if self.open is not None and self.open <= now:
            self.close()
        self.come_to(now)

    def close(self) -> None:
        end, rows = self.open, self.rows
        assert end is not None
        self.open, self.rows = None, []
        if rows:
            self.span(end, rows)

    def come_to(self, now: int) -> None:
        self.watch(lambda: self.timer.come_to(now))

    def hear(self, end: int, said: str) -> None:
        """Settle what was due, then hear a verdict."""
        self.come_to(end)
        self.watch(lambda: self.timer.hear(end, said))

    def watch(self, act: Any) -> None:
        """Do it, and note where an alert began or that one ended."""
        many, firing = len(self.told.alerts), self.told.firing
        act()
        if len(self.told.alerts) > many:
            self.told.alerts[-1][2] = self.began(self.told.alerts[-1][2])
        elif firing and not self.told.firing:
            self.ended = self.told.alerts[-1][4]

    @property
    def idle(self) -> bool:
        return not self.told.firing and self.timer.set_at is None

    def local(self, now: int) -> datetime:
        return (EPOCH + now * US).astimezone(self.timezone)


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def middle(values: Sequence[float]) -> float:
    """The median."""
    ranked, half = sorted(values), len(values) // 2
    return ranked[half] if len(values) % 2 else (ranked[half - 1] + ranked[half]) / 2
