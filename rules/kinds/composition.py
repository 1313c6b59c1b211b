"""composition: other rules of the rulebook taken together, in one place.

Laws:
- it looks at what its members tell, not at readings: one holds in a place while it has an active
  alert there, on whatever device; members with `tells = false` count like all others;
- `all` of these hold, and `any` one of these, and `not` one of these, and `then` one after the
  other was told `within` a time: whatever is given must be so; all else clears;
- it is settled by ticks, in order of the moments at which members' alerts are detected and clear;
  what is told of one moment is taken together, what is told late counts from the last tick;
- its alert is told on the place's device: of those watched there the first by id;
- calendars are its members' own: what they do not tell it does not hear.
"""

from collections.abc import Mapping
from itertools import groupby
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kel.model.alert import Alert
from kel.model.moment import from_us
from rules.core.event import Cleared, Event, Fired, evidence
from rules.core.hold import CLEAR, SET, Change, Hold
from rules.core.kind import KindSpec, Scene
from rules.core.rows import NEVER, Rows, Slots
from rules.core.rule import (
    NOTHING,
    Duration,
    RuleShape,
    Shape,
    Slug,
    SomeDuration,
    microseconds,
)
from rules.parts.composed import check
from rules.parts.hearing import Hearing
from rules.parts.places import By, speakers
from rules.parts.sequence import Heard, Sequence, kept, recall, table

WHY = "οι κανόνες δεν ισχύουν πια μαζί"
SHOWN = 8  # alerts of members named in the evidence

Ids = tuple[Slug, ...]


class Of(Shape):
    """Which rules, by id, and how they are taken together."""

    all_: Ids = Field(default=(), alias="all")
    any_: Ids = Field(default=(), alias="any")
    not_: Ids = Field(default=(), alias="not")
    then: Ids = ()
    within: SomeDuration | None = None

    @property
    def members(self) -> Ids:
        return (*self.all_, *self.any_, *self.not_, *self.then)


class CompositionClear(Shape):
    for_: Duration = Field(default=NOTHING, alias="for")


class Composition(RuleShape):
    """Other rules taken together, in a device, zone, feeder, community or the city."""

    kind: Literal["composition"]
    of: Of
    by: By = "device"
    for_: Duration = Field(default=NOTHING, alias="for")
    clear: CompositionClear = CompositionClear()


class CompositionKind:
    def __init__(self, rule: Composition, scene: Scene) -> None:
        self.rule, self.city = rule, scene.city
        watched = [d for d, w in zip(scene.devices, scene.watched.tolist(), strict=True) if w]
        found = speakers(rule.by, watched)
        self.speakers = list(found.values())
        of = rule.of
        self.members = of.members
        self.hearing = Hearing(self.members, rule.by, list(found), scene.city)
        number = {name: n for n, name in enumerate(self.members)}
        self.all, self.any, self.none, self.then = (
            frozenset(number[name] for name in names)
            for names in (of.all_, of.any_, of.not_, of.then)
        )
        steps = tuple(number[name] for name in of.then)
        within = microseconds(of.within) if of.within else 0
        self.sequences = [Sequence(steps, within) for _ in self.speakers]
        self.on: list[dict[tuple[int, int], Heard]] = [{} for _ in self.speakers]  # as settled
        self.clock = NEVER
        clear = microseconds(rule.clear.for_)
        self.hold = Hold(len(self.speakers), microseconds(rule.for_), clear)
        self.review: set[int] = set()  # places of which more may be known than was judged
        self.fresh = True  # nothing is remembered

    def frame(self, rows: Rows) -> list[Event]:
        del rows  # members look at readings
        return []

    def hear(self, rule: str, event: Event) -> None:
        self.hearing.hear(rule, event)

    def recall(self, rule: str, event: Fired) -> None:
        heard = self.hearing.recall(rule, event)
        if heard is not None:
            place = self.hearing.place(heard.device)
            self.on[place][heard.member, heard.device] = heard
            self.review.add(place)  # it counts from the next tick, and was never a step

    def tick(self, now: int) -> list[Event]:
        due = self.hearing.due(now, self.clock)
        events: list[Event] = []
        for at, moment in groupby(due, lambda h: h.at):
            events += self._moment(at, list(moment))
        for place in sorted(self.review):
            events += self._judge(place, now)
        self.review.clear()
        events += [self._event(change) for change in self.hold.tick(now)]
        self.clock = now
        return events

    def _moment(self, at: int, moment: list[Heard]) -> list[Event]:
        """All that is told of one moment, after what was due before it."""
        told: dict[int, list[Heard]] = {}
        for heard in moment:
            told.setdefault(self.hearing.place(heard.device), []).append(heard)
        settled = [self.hold.settle(place, at) for place in sorted(told)]
        events = [self._event(change) for change in settled if change]
        for where in sorted(told):
            self._take(where, told[where])
            events += self._judge(where, at)
        return events

    def _take(self, place: int, told: list[Heard]) -> None:
        on = self.on[place]
        for heard in told:
            if heard.begun:
                on[heard.member, heard.device] = heard
            else:
                on.pop((heard.member, heard.device), None)
        self.sequences[place].hear(told)

    def _judge(self, place: int, at: int) -> list[Event]:
        on = {member for member, _ in self.on[place]}
        sequence = self.sequences[place]
        if sequence.steps and sequence.steps[-1] not in on:
            sequence.done = None
        holds = (
            self.all <= on
            and (not self.any or bool(self.any & on))
            and not self.none & on
            and (not self.then or sequence.done is not None)
        )
        return [self._event(c) for c in self.hold.step(place, at, SET if holds else CLEAR)]

    def _event(self, change: Change) -> Event:
        speaker = self.speakers[change.slot]
        if not change.fired:
            return Cleared(speaker, change.at, WHY)
        shown = self._shown(change.slot)
        last = shown[-1]
        device, of = self.hearing.devices[last.device], self.rule.of
        members = [f"{self.members[h.member]} ({self._when(h)})" for h in shown]
        facts: dict[str, float | str] = {
            "value": float(len({h.member for h in shown})),
            "limit": float(len(of.all_) + len(of.then) + bool(of.any_)),
            "unit": "1",
            "for_s": self.rule.for_.total_seconds(),
            "members": ", ".join(members[:SHOWN]) + (", …" if len(members) > SHOWN else ""),
        }
        metrics = self.city.classes[device.cls].metrics
        metric = metrics[min(last.metric, len(metrics) - 1)].name
        since = min(change.since, *(h.started for h in shown))
        about = evidence(device.cls, device.id, metric, since, change.at, facts)
        return Fired(speaker, change.since, change.at, about)

    def _shown(self, place: int) -> list[Heard]:
        """The alerts that it rests on, the last to be told last."""
        active = [h for h in self.on[place].values() if h.member not in self.none]
        found = {*active, *(self.sequences[place].done or ())}
        return sorted(found, key=lambda h: (h.told, h.member, h.device))

    def _when(self, heard: Heard) -> str:
        moment = from_us(heard.told).astimezone(ZoneInfo(self.city.timezone))
        return f"{self.hearing.devices[heard.device].id} {moment:%d/%m %H:%M}"

    def adopt(self, alert: Alert) -> bool:
        place = next((p for p, d in enumerate(self.speakers) if d.id == alert.device), None)
        if place is None:
            return False
        self.hold.adopt(place)
        self.review.add(place)
        if self.fresh and self.then:  # how it came is not remembered: it goes on with the last step
            self.sequences[place].done = ()
        return True

    def state(self) -> dict[str, NDArray[np.generic]]:
        numbers = [d.number for d in self.speakers]
        return {
            **{f"place_{name}": array for name, array in self.hold.state().items()},
            "place_device": np.array(numbers, np.int64),
            "clock": np.array([self.clock]),
            "on": table(h for on in self.on for h in on.values()),
            "waiting": self.hearing.state(),
            **kept(dict(zip(numbers, self.sequences, strict=True))),
        }

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        del old, new  # places are not slots
        self.review = set(range(len(self.speakers)))
        if "on" not in state:
            return
        self.fresh, self.clock = False, int(state["clock"][0])
        row_of = {int(n): row for row, n in enumerate(state["place_device"])}
        place_of_device = {d.number: p for p, d in enumerate(self.speakers)}
        known = [(row_of[n], place) for n, place in place_of_device.items() if n in row_of]
        pairs = np.array(known, np.intp).reshape(-1, 2)
        holds = {name: state[f"place_{name}"] for name in self.hold.state()}
        self.hold.load(holds, pairs[:, 0], pairs[:, 1])
        for key, heard in self.hearing.load(state["on"], state["waiting"]).items():
            self.on[self.hearing.place(heard.device)][key] = heard
        recall(
            {n: self.sequences[p] for n, p in place_of_device.items()}, state, self.hearing.devices
        )


KIND = KindSpec(
    Composition, CompositionKind, check, listens=lambda rule: rule.of.members, calendars=False
)
