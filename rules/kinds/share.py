"""share: so many of a feeder's devices at once that the feeder itself must be the cause.

Laws:
- the share is that of the feeder's watched devices in this partition (a feeder is in one);
- devices report in any order, so the share is settled only by ticks, each of which says that all
  before it was handed on; within a tick it follows every change in order of event time, and what
  is told of one moment is taken together;
- what is told late, of before the last tick, counts from that tick;
- it fires on the feeder's cabinet and clears when the share is under `clear.below`, or under
  `at_least` where none is given;
- the devices' own conditions are followed at all times; the share is judged while the rule's
  calendars are open, from the moment on at which they open.
"""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kel.model.alert import Alert
from kel.model.city import City
from kel.model.moment import to_us
from rules.core.entry import Entry, Measured, find_metric
from rules.core.event import Cleared, Event, Fired, evidence
from rules.core.hold import BETWEEN, CLEAR, SET, Change, Hold
from rules.core.kind import KindSpec, Scene
from rules.core.rows import NEVER, Rows, Slots
from rules.core.rule import (
    NOTHING,
    Duration,
    Fraction,
    RuleShape,
    Shape,
    microseconds,
)
from rules.parts.children import Condition, Flip, children_of
from rules.parts.share_check import check

WHY = "οι συσκευές της γραμμής επανήλθαν"
SHOWN = 8  # children named in the evidence


class ShareClear(Shape):
    below: Fraction | None = None
    for_: Duration = Field(default=NOTHING, alias="for")


class Share(RuleShape):
    """So many of a feeder's devices at once that the feeder itself must be the cause."""

    kind: Literal["share"]
    of: Literal["feeder"]
    condition: Condition
    at_least: Fraction
    for_: Duration = Field(default=NOTHING, alias="for")
    clear: ShareClear = ShareClear()


def _at(flip: Flip) -> int:
    return flip.at


class ShareKind:
    def __init__(self, rule: Share, scene: Scene) -> None:
        city, roster = scene.city, scene.roster
        self.rule, self.roster = rule, roster
        cabinet_of = {d.feeder: d for d in city.devices.values() if d.cls == "feeder"}
        watched = scene.watched & np.array(
            [d.feeder in cabinet_of for d in roster.devices], np.bool_
        )
        feeders = sorted(
            {d.feeder or "" for d, w in zip(roster.devices, watched, strict=True) if w}
        )
        self.watched = watched
        self.cabinets = [cabinet_of[feeder] for feeder in feeders]
        place = {feeder: group for group, feeder in enumerate(feeders)}
        self.group = np.array([place.get(d.feeder or "", -1) for d in roster.devices], np.intp)
        self.group[~watched] = -1
        self.total = np.bincount(self.group[watched], minlength=len(feeders))
        self.metric = rule.condition.metric or rule.watch.metric
        self.shown = self.metric or city.classes[roster.cls].metrics[0].name
        self.children = children_of(rule.condition, watched, self.metric)
        self.on = np.zeros(len(roster), np.bool_)  # as settled, at `clock`
        self.count = np.zeros(len(feeders), np.int64)  # of those that are on
        self.flips: list[Flip] = []  # told, and not yet settled
        self.clock = NEVER
        clear = microseconds(rule.clear.for_)
        self.opening = scene.opening.at(self.cabinets) if scene.opening else None
        self.hold = Hold(len(feeders), microseconds(rule.for_), clear, opening=self.opening)
        self.review: set[int] = set()  # groups whose members may have changed

    def frame(self, rows: Rows) -> list[Event]:
        self.flips += self.children.rows(rows)
        return []

    def tick(self, now: int) -> list[Event]:
        self.flips += self.children.tick(now)
        due = [f._replace(at=max(f.at, self.clock)) for f in self.flips if f.at <= now]
        self.flips = [f for f in self.flips if f.at > now]
        flips = {at: list(f) for at, f in groupby(sorted(due, key=_at), _at)}
        opened = self._opened(min(flips, default=now), now)
        events: list[Event] = []
        for at in sorted({*flips, *opened}):
            events += self._moment(at, flips.get(at, []), opened.get(at, []))
        for group in sorted(self.review):
            events += self._judge(group, now)
        self.review.clear()
        events += [self._event(change) for change in self.hold.tick(now)]
        self.clock = now
        return events

    def _opened(self, first: int, now: int) -> dict[int, list[int]]:
        """The groups whose calendars opened since the last tick (or `first`), by the moment."""
        opened: dict[int, list[int]] = {}
        since = first if self.clock == NEVER else self.clock
        for group in range(len(self.cabinets)) if self.opening else ():
            for at in self.opening.openings(group, since, now) if self.opening else ():
                opened.setdefault(at, []).append(group)
        return opened

    def _moment(self, at: int, flips: list[Flip], opened: list[int]) -> list[Event]:
        """All that is told of one moment, after what was due before it."""
        groups = sorted({*opened, *(int(self.group[f.slot]) for f in flips)})
        events = [self._event(change) for group in groups for change in self.hold.due(group, at)]
        for flip in flips:
            self.count[self.group[flip.slot]] += int(flip.on) - int(self.on[flip.slot])
            self.on[flip.slot] = flip.on
        for group in groups:
            events += self._judge(group, at)
        return events

    def _judge(self, group: int, at: int) -> list[Event]:
        if self.opening and not self.opening.open_at(self.cabinets[group], at):
            return []
        return [self._event(c) for c in self.hold.step(group, at, self._verdict(group))]

    def _verdict(self, group: int) -> int:
        share = self.count[group] / self.total[group]
        if share >= self.rule.at_least:
            return SET
        below = self.rule.clear.below
        return CLEAR if below is None or share < below else BETWEEN

    def _event(self, change: Change) -> Event:
        cabinet = self.cabinets[change.slot]
        if not change.fired:
            return Cleared(cabinet, change.at, WHY)
        count, total = int(self.count[change.slot]), int(self.total[change.slot])
        on = np.flatnonzero(self.on & (self.group == change.slot))[:SHOWN]
        condition = self.rule.condition
        facts: dict[str, float | str] = {
            "value": count / total,
            "limit": self.rule.at_least,
            "unit": "1",
            "count": float(count),
            "of": float(total),
            "for_s": self.rule.for_.total_seconds(),
            "children": ", ".join(self.roster.devices[slot].id for slot in on.tolist()),
        }
        # the last words of silent children lie before the silence that began the share
        earlier = microseconds(condition.missing) if condition.missing else 0
        since = change.since - earlier
        about = evidence(self.roster.cls, cabinet.id, self.shown, since, change.at, facts)
        return Fired(cabinet, change.since, change.at, about)

    def adopt(self, alert: Alert) -> bool:
        group = next((g for g, d in enumerate(self.cabinets) if d.id == alert.device), None)
        if group is None:
            return False
        self.hold.adopt(group, to_us(alert.started_at))
        self.review.add(group)
        return True

    def state(self) -> dict[str, NDArray[np.generic]]:
        numbers = self.roster.numbers
        return {
            **{f"child_{name}": array for name, array in self.children.state().items()},
            **{f"group_{name}": array for name, array in self.hold.state().items()},
            "group_device": np.array([d.number for d in self.cabinets], np.int64),
            "on": self.on.copy(),
            "clock": np.array([self.clock]),
            "flip_at": np.array([f.at for f in self.flips], np.int64),
            "flip_device": np.array([numbers[f.slot] for f in self.flips], np.int64),
            "flip_on": np.array([f.on for f in self.flips], np.bool_),
        }

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        self.children.load({"seen": state["seen"], **_part(state, "child_")}, old, new)
        self.review = set(range(len(self.cabinets)))
        if "on" not in state:
            return
        self.on[new] = state["on"][old]
        self.on &= self.watched
        self.count = np.bincount(self.group[self.on], minlength=len(self.cabinets))
        self.clock = int(state["clock"][0])
        place = {int(n): row for row, n in enumerate(state["group_device"])}
        kept = [(place[d.number], g) for g, d in enumerate(self.cabinets) if d.number in place]
        pairs = np.array(kept, np.intp).reshape(-1, 2)
        self.hold.load(_part(state, "group_"), pairs[:, 0], pairs[:, 1])
        slots = self.roster.slots(state["flip_device"].astype(np.int64)).tolist()
        told = zip(state["flip_at"].tolist(), slots, state["flip_on"].tolist(), strict=True)
        self.flips = [Flip(at, s, on) for at, s, on in told if s >= 0 and self.watched[s]]


def _part(state: Mapping[str, NDArray[np.generic]], prefix: str) -> dict[str, NDArray[np.generic]]:
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def measured(entry: Entry, city: City) -> Iterator[Measured]:
    found = find_metric(entry, city, "condition", "metric")
    if found:
        numbers = (("condition", "above"), ("condition", "below"))
        yield Measured(found.unit, numbers, ("condition", "unit"))


KIND = KindSpec(Share, ShareKind, check, measured=measured, together=lambda device: device.feeder)
