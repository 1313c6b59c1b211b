"""What plain references of kinds that judge spans of time have in common."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from kel.model.city import City
from kel.model.device import Device
from tests.builders.kinds.case import US, Build, Plain, Single, Timer, Told, Values

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
        self.learns_from: int | None = None  # the midnight that was obeyed
        self.others: list[Plain] | None = None  # whose alerts nothing is learned in
        self.waiting: list[tuple[int, list[Any]]] = []

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

    def anew(self) -> None:
        """Forget what was learned."""

    def begin_anew(self, now: int) -> None:
        """Once the day has come from which on the rule learns anew."""
        day = getattr(self.rule, "learn_from", None)
        if day is None or self.learns_from is not None or now < self.midnight(day):
            return
        self.learns_from = self.midnight(day)
        self.come_to(self.learns_from)
        if self.told.firing:
            self.told.end(self.learns_from)
            self.ended = self.told.alerts[-1][4]
        self.timer.set_at = self.timer.clear_at = None
        self.anew()

    def midnight(self, day: date) -> int:
        moment = datetime(day.year, day.month, day.day, tzinfo=self.timezone)
        return (moment - EPOCH) // US

    def of_now(self, begin: int) -> bool:
        """Whether what begins then may be learned from."""
        return self.learns_from is None or begin >= self.learns_from

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
        self.heard(now)
        self.begin_anew(now)
        self.come_to(now)

    def close(self) -> None:
        end, rows = self.open, self.rows
        assert end is not None
        self.open, self.rows = None, []
        if rows and self.others is None:
            self.begin_anew(end - 1)
            self.span(end, rows)
        elif rows:
            self.waiting.append((end, rows))

    def heard(self, now: int) -> None:
        """With `unless`, spans wait for the tick by which all was heard of the others."""
        while self.waiting and self.waiting[0][0] <= now:
            end, rows = self.waiting.pop(0)
            self.begin_anew(end - 1)
            self.span(end, rows)

    def well(self, begin: int, end: int) -> bool:
        """Whether no alert of the others, as far as it is known, falls into a span."""
        alerts = [a for other in self.others or () for a in other.told.alerts]
        return not any(a[3] < end and (a[4] is None or a[4] > begin) for a in alerts)

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


class Hearing(Single):
    """A device whose own rules in `unless` it hears."""

    def listen(self, others: list[Plain], _city: City) -> None:
        named = self.one.rule.unless or ()
        own = [o for o in others if o.told.rule in named and o.told.device == self.told.device]
        self.one.others = own if named else None


def hearing(make: Any) -> Build:
    """A reference for each watched device by itself, which hears other rules."""
    return lambda rule, watched, city: [Hearing(d, make(rule, d, city)) for d in watched]


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def middle(values: Sequence[float]) -> float:
    """The median."""
    ranked, half = sorted(values), len(values) // 2
    return ranked[half] if len(values) % 2 else (ranked[half - 1] + ranked[half]) / 2
