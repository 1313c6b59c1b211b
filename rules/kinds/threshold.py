"""threshold: a metric above or below a limit for some time.

Laws:
- the limit is strict: a value equal to it is neither above nor below;
- without a `clear` of its own, whatever is not over the limit clears;
- `relative_to` divides by an attribute of the device; a device without it is not judged;
- while the `while` condition does not hold, nothing is judged: what is pending ends, what fires
  goes on (a pump that stands still has not got its head back).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import numpy as np
from pydantic import Field

from kel.model.city import City
from kel.model.device import Device
from kel.model.frame import Float64
from kel.model.mistake import Mistake
from rules.core.entry import (
    LIMITS,
    Entry,
    Measured,
    can_hold,
    far_side,
    find_metric,
    known_metric,
    limits,
    one_limit,
    same_unit,
    unknown,
)
from rules.core.event import Cleared, Event, Fired, evidence
from rules.core.hold import BETWEEN, Change
from rules.core.judge import Judge
from rules.core.kind import KindSpec, Scene
from rules.core.limit import beyond, verdicts
from rules.core.rows import Roster, Rows, carried
from rules.core.rule import NOTHING, Clear, Duration, Limit, RuleShape, While, microseconds
from rules.parts.facts import limit_facts

WHY = "η τιμή επανήλθε"


class Threshold(RuleShape, Limit):
    """A metric above or below a limit, for some time."""

    kind: Literal["threshold"]
    unit: str
    relative_to: str | None = None
    for_: Duration = Field(default=NOTHING, alias="for")
    clear: Clear = Clear()
    while_: While | None = Field(default=None, alias="while")


class ThresholdKind:
    def __init__(self, rule: Threshold, scene: Scene) -> None:
        self.rule, self.roster, self.watched = rule, scene.roster, scene.watched
        self.metric = rule.watch.metric or ""
        shown = ("value", "gate") if rule.while_ else ("value",)
        self.judge = Judge(scene, microseconds(rule.for_), microseconds(rule.clear.for_), shown)
        self.divisor = _divisors(rule.relative_to, scene.roster)
        self.adopt, self.state, self.load = self.judge.adopt, self.judge.state, self.judge.load

    def frame(self, rows: Rows) -> list[Event]:
        rows = rows.of(self.watched)
        if not len(rows):
            return []
        held = self.judge.values
        shown = {"value": carried(rows, rows.column(self.metric), held["value"])}
        compared = shown["value"]
        if self.divisor is not None:
            compared = compared / self.divisor[rows.slot]
        verdict, known = verdicts(self.rule, self.rule.clear, compared), ~np.isnan(compared)
        if self.rule.while_:
            column = rows.column(self.rule.while_.metric)
            shown["gate"] = gate = carried(rows, column, held["gate"])
            known &= ~np.isnan(gate)
            verdict[~beyond(self.rule.while_, gate)] = BETWEEN
        return [self._event(*told) for told in self.judge.rows(rows, verdict, known, **shown)]

    def tick(self, now: int) -> list[Event]:
        return [self._event(*told) for told in self.judge.tick(now)]

    def _event(self, change: Change, shown: Mapping[str, float]) -> Event:
        rule, device = self.rule, self.roster.devices[change.slot]
        if not change.fired:
            return Cleared(device, change.at, WHY)
        value = shown["value"]
        facts: dict[str, float | str] = {
            "value": value,
            **limit_facts(rule, rule.unit),
            "for_s": rule.for_.total_seconds(),
        }
        if self.divisor is not None:
            reference = float(self.divisor[change.slot])
            facts |= {"value": value / reference, "measured": value, "reference": reference}
        about = evidence(rule.watch.cls, device.id, self.metric, change.since, change.at, facts)
        return Fired(device, change.since, change.at, about)


def _divisors(attribute: str | None, roster: Roster) -> Float64 | None:
    if attribute is None:
        return None
    values = np.array([d.attributes.get(attribute, np.nan) for d in roster.devices], np.float64)
    values[values == 0] = np.nan
    return values


def check(entry: Entry, city: City, watched: list[Device]) -> Iterator[Mistake]:
    metric = find_metric(entry, city, "watch", "metric")
    if entry.get("watch", "metric") is None:
        yield entry.wrong(("watch", "metric"), "is missing")
    yield from one_limit(entry)
    relative = entry.text("relative_to")
    if relative is not None:
        yield from _relative(entry, watched, relative)
    yield from same_unit(entry, metric, "1" if relative is not None else None)
    ranged = metric if relative is None else None
    yield from can_hold(entry, ranged)
    yield from far_side(entry, ranged)
    if isinstance(entry.get("while"), Mapping):
        yield from known_metric(entry, city, "while", "metric")
        yield from one_limit(entry, "while")
        yield from can_hold(entry, find_metric(entry, city, "while", "metric"), "while")


def _relative(entry: Entry, watched: list[Device], name: str) -> Iterator[Mistake]:
    known = sorted({a for d in watched for a in d.attributes})
    if watched and name not in known:
        yield entry.wrong(("relative_to",), unknown("attribute", name, known))


def measured(entry: Entry, city: City) -> Iterable[Measured]:
    """Beside `relative_to` it is a share of something, whatever the metric's unit."""
    relative = entry.get("relative_to") is not None
    return [Measured("1", LIMITS)] if relative else limits(entry, city)


KIND = KindSpec(Threshold, ThresholdKind, check, measured=measured)
