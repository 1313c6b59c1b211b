"""compare: a device against the others of its kind, or against its parent.

`against` says with whom: the median of the other devices of its class in its feeder, zone or
community, or its parent, a device of another class (`other`). `by` says how: the difference (own
less theirs), the ratio (own by theirs), or, beside a condition on `other`, the own value alone.

Laws:
- a device is compared at its own readings, with the last known reading of each other at that
  moment, those of the same moment among them, and none that is older than `fresh`;
- others report in any order, so readings are compared at ticks, each of which says that all before
  it was handed on; within a tick in order of time. What comes late, of before the last tick, is
  compared at the next with what is known by then;
- with fewer than `peers` others known, by nothing, or while the condition on `other` is not known
  to hold, nothing is judged: the last verdict holds; where the condition does not hold, what is
  pending ends and what fires goes on;
- only devices of one partition know of each other: `kel check` refuses a rule over several.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
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
    one_limit,
    same_unit,
)
from rules.core.event import Cleared, Event, Fired, evidence
from rules.core.hold import BETWEEN
from rules.core.judge import Judge, Told
from rules.core.kind import KindSpec, Scene
from rules.core.limit import beyond, verdicts
from rules.core.rows import Rows, Slots
from rules.core.rule import NOTHING, Clear, Duration, Limit, RuleShape, SomeDuration, microseconds
from rules.parts.against import Against, Median, Parent
from rules.parts.asof import AsOf
from rules.parts.company import parent_mistakes, peer_mistakes
from rules.parts.facts import limit_facts
from rules.parts.lookback import has_metric, long_enough

WHY = {
    "parent": "συμφωνεί πάλι με το ανώτερό της",
    "peers": "συμφωνεί πάλι με τις όμοιές της",
}


class Other(Limit):
    """The parent's metric; with a limit, what must be so for anything to be judged."""

    cls: str = Field(alias="class")
    metric: str


class Compare(RuleShape, Limit):
    """A device against its peers' median, or against its parent."""

    kind: Literal["compare"]
    against: Literal["feeder", "zone", "community", "parent"]
    other: Other | None = None
    by: Literal["difference", "ratio", "value"]
    unit: str
    fresh: SomeDuration
    peers: Annotated[int, Field(strict=True, ge=1, le=1000)] = 3
    for_: Duration = Field(default=NOTHING, alias="for")
    clear: Clear = Clear()


class CompareKind:
    def __init__(self, rule: Compare, scene: Scene) -> None:
        self.rule, self.roster, self.watched = rule, scene.roster, scene.watched
        self.opening = scene.opening
        self.metric = rule.watch.metric or ""
        hold, clear = microseconds(rule.for_), microseconds(rule.clear.for_)
        self.judge = Judge(scene, hold, clear, ("value", "measured", "reference", "peers"))
        self.own = AsOf(scene.roster, self.metric)
        fresh = microseconds(rule.fresh)
        self.against: Against
        if rule.other:
            self.against = Parent(rule.other.cls, rule.other.metric, fresh, scene)
        else:
            self.against = Median(rule.against, fresh, self.own)
        self.adopt = self.judge.adopt

    def frame(self, rows: Rows) -> list[Event]:
        if rows.cls == self.roster.cls:
            self.own.add(rows)
        self.against.add(rows)
        return []

    def tick(self, now: int) -> list[Event]:
        settled = self.own.due(now)
        watched = self.watched[settled.slot]
        judged = watched  # others tell what they say, and nothing is asked of them
        if self.opening:
            judged = watched & self.opening.mask(settled.slot, settled.time)
        reference, count = self.against.settle(settled, now, judged)
        self.own.keep(settled)
        mine = settled.take(watched)
        told: list[Told] = []
        if len(mine.slot):
            rows, order = mine.by_slot()
            columns = (a[watched][order] for a in (reference, count))
            told = self._judge(rows, mine.value[order], *columns)
        return [self._event(one) for one in (*told, *self.judge.tick(now))]

    def _judge(self, rows: Rows, own: Float64, reference: Float64, count: Float64) -> list[Told]:
        rule = self.rule
        value = own
        if rule.by == "difference":
            value = own - reference
        elif rule.by == "ratio":
            value = own / np.where(reference == 0, np.nan, reference)
        verdict = verdicts(rule, rule.clear, value)
        if rule.other and _limited(rule.other):
            verdict[~beyond(rule.other, reference)] = BETWEEN
        known = ~np.isnan(value) & (count >= (1 if rule.other else rule.peers))
        shown = {"value": value, "measured": own, "reference": reference, "peers": count}
        columns = {name: column[known] for name, column in shown.items()}
        return self.judge.all_rows(rows.only(known), verdict[known], **columns)

    def _event(self, told: Told) -> Event:
        change, shown, rule = told.change, told.values, self.rule
        device = self.roster.devices[change.slot]
        if not change.fired:
            return Cleared(device, change.at, WHY["parent" if rule.other else "peers"])
        facts: dict[str, float | str] = {
            "value": shown["value"],
            **limit_facts(rule, rule.unit),
            "by": rule.by,
            "measured": shown["measured"],
            "reference": shown["reference"],
            "against": rule.against,
            "for_s": rule.for_.total_seconds(),
        }
        if rule.other:
            facts |= {"other": device.parent or "", "other_metric": rule.other.metric}
        else:
            facts["peers"] = shown["peers"]
        since = change.since - microseconds(rule.fresh)  # with nothing older was it compared
        about = evidence(rule.watch.cls, device.id, self.metric, since, change.at, facts)
        return Fired(device, change.since, change.at, about)

    def state(self) -> dict[str, NDArray[np.generic]]:
        own = {f"own_{name}": array for name, array in self.own.state().items()}
        other = {f"other_{name}": array for name, array in self.against.state().items()}
        return {**self.judge.state(), **own, **other}

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        self.judge.load(state, old, new)
        if "own_device" in state:
            self.own.load(_part(state, "own_"))
            self.against.load(_part(state, "other_"))


def _part(state: Mapping[str, NDArray[np.generic]], prefix: str) -> dict[str, NDArray[np.generic]]:
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def _limited(other: Other) -> bool:
    return other.above is not None or other.below is not None


def check(entry: Entry, city: City, watched: list[Device]) -> Iterator[Mistake]:
    metric = find_metric(entry, city, "watch", "metric")
    yield from has_metric(entry)
    yield from one_limit(entry)
    by = entry.text("by")
    yield from same_unit(entry, metric, "1" if by == "ratio" else None)
    yield from can_hold(entry, metric if by == "value" else None)
    yield from far_side(entry, metric if by == "value" else None)
    yield from long_enough(entry, city, "fresh")
    against, other = entry.text("against"), entry.get("other")
    if against == "parent":
        if isinstance(other, Mapping):
            yield from parent_mistakes(entry, city, watched, metric)
        else:
            yield entry.wrong((), "other is missing: the class and metric of the parent")
        if entry.get("peers") is not None:
            yield entry.wrong(("peers",), "has no meaning against a parent, which is one")
    elif against in ("feeder", "zone", "community"):
        if other is not None:
            yield entry.wrong(("other",), "has no meaning but against a parent")
        if by == "value":
            yield entry.wrong(("by",), "against others it must be difference or ratio")
        yield from peer_mistakes(entry, city, watched, against)


def classes(rule: Compare) -> tuple[str, ...]:
    return (rule.other.cls,) if rule.other else ()


def measured(entry: Entry, city: City) -> Iterator[Measured]:
    metric, by = find_metric(entry, city, "watch", "metric"), entry.text("by")
    if metric and by != "ratio":
        yield Measured(metric.unit, LIMITS, difference=by == "difference")


KIND = KindSpec(Compare, CompareKind, check, classes, measured=measured)
