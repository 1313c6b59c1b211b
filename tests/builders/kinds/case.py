"""A case of a kind of rule, and what its slow, plain reference is built of.

A reference shares nothing with the evaluator but the rulebook's shapes: one row at a time, one
small object for each alert that can be.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol, runtime_checkable

from kel.model.city import City
from kel.model.device import Device
from tests.builders.calendars import Clockwork
from tests.builders.rules_city import DEVICES, MINUTE, at

NAN = math.nan


@dataclass(frozen=True)
class Case:
    """Rules (the last one is of the kind in question), and readings that make them busy: on which
    devices, how often, of what values. A device reports those metrics that its class has."""

    kind: str
    rules: tuple[Mapping[str, str], ...]
    numbers: tuple[int, ...]
    values: Mapping[str, tuple[float, ...]]
    start: int = at("2026-07-01T00:00")
    step: int = 5 * MINUTE
    steps: int = 24

    @property
    def classes(self) -> dict[int, str]:
        return {d.number: d.cls for d in DEVICES if d.number in self.numbers}


def case(kind: str, numbers: Iterable[int], values: Mapping[str, Any], **fields: Any) -> Case:
    options = {n: fields.pop(n) for n in ("start", "step", "steps") if n in fields}
    others = tuple(fields.pop("others", ()))
    rules = (*others, {"kind": f'"{kind}"', **fields})
    return Case(kind, rules, tuple(numbers), values, **options)


US = timedelta(microseconds=1)
Values = Mapping[str, float]


def over(limit: Any, value: float) -> bool:
    return value > limit.above if limit.above is not None else value < limit.below


class Timer:
    """for / clear.for around what a device's rows say: "set", "clear" or "between".

    With `clockwork`, what was begun in an open span is over when that shuts.
    """

    def __init__(
        self,
        told: "Told",
        hold: timedelta,
        clear: timedelta,
        clockwork: Clockwork | None = None,
    ) -> None:
        self.clockwork, self.shuts = clockwork, math.inf
        self.told, self.hold, self.clear = told, hold // US, clear // US
        self.set_at: int | None = None
        self.clear_at: int | None = None
        self.deadline = math.inf

    def come_to(self, now: int) -> None:
        if self.shuts <= now:
            shuts, self.shuts = int(self.shuts), math.inf
            self._come_to(shuts - 1)
            if self.told.firing:
                self.told.end(shuts)
            self.set_at = self.clear_at = None
        self._come_to(now)

    def _come_to(self, now: int) -> None:
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
        if self.clockwork:
            if not self.clockwork.open(now):
                return
            self.shuts = self.clockwork.turn(now, False)
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


class Plain(Protocol):
    """The reference of one rule on what one alert can be told of."""

    told: Told
    numbers: frozenset[int]  # of the devices whose rows it is given

    def row(self, number: int, now: int, values: Values) -> None: ...

    def tick(self, now: int) -> None: ...


@runtime_checkable
class Listening(Protocol):
    """A reference that looks at what others told; it stands behind them in the rulebook."""

    def listen(self, others: list[Plain], city: City) -> None: ...


Build = Callable[[Any, list[Device], City], list[Plain]]


class Single:
    """Gives the rows of one device to a reference that knows of one device."""

    def __init__(self, device: Device, one: Any) -> None:
        self.numbers, self.one, self.told = frozenset({device.number}), one, one.told

    def row(self, _number: int, now: int, values: Values) -> None:
        self.one.row(now, values)

    def tick(self, now: int) -> None:
        self.one.tick(now)


def singly(make: Callable[[Any, Device, City], Any]) -> Build:
    """A reference for each watched device by itself."""
    return lambda rule, watched, city: [Single(d, make(rule, d, city)) for d in watched]
