"""What the kinds share that learn a device's normal from its own past and judge new spans by it.

Laws:
- a device is judged from the span after its first `training // every` measured spans;
- spans are learned from while all is well: never those of an alert that is on or begins, nor those
  in which a rule of `unless` had an alert on the device, however long the training becomes. Only
  the first training also takes the days of an alert that an earlier wording of the rule had raised;
- it learns again only with `retrain`, so long after the last time, and not during an alert; or
  anew, from the day `learn_from` on (`rules.parts.afresh`);
- an edit of what decides nothing of what is learned leaves that, and the alerts, as they are:
  judging begins anew;
- a past that has no normal (its figures cannot be reckoned with) leaves the device untrained: it
  tries again with the next span;
- a span of which a metric is not known is not judged: the last verdict holds;
- a span counts where the rule's calendars are open when it ends; it is learned from at any time.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kel.model.alert import Alert
from kel.model.frame import Float64
from rules.core.event import Event, Fired
from rules.core.hold import IDLE
from rules.core.judge import Judge, Told
from rules.core.kind import Scene, Training
from rules.core.rows import NEVER, Rows, Slots
from rules.core.rule import (
    NOTHING,
    Duration,
    Names,
    Positive,
    RuleShape,
    Shape,
    SomeDuration,
    microseconds,
)
from rules.core.spans import Closed, Spans, ends_every, matrix, rounds
from rules.parts.afresh import Afresh, Day, begin_anew
from rules.parts.ailing import Ailing
from rules.parts.baseline import Baseline, Normalise
from rules.parts.nested import nested, part


class LearnedClear(Shape):
    """`below`: at or under which value of what is judged it clears."""

    below: Positive | None = None
    for_: Duration = Field(default=NOTHING, alias="for")


class Learns(RuleShape):
    learn_from: Day | None = Field(
        default=None, description="learn anew from this day: what was learned before is forgotten"
    )
    unless: Names | None = Field(
        default=None, description="rules: nothing is learned while one has an alert on the device"
    )


class LearningShape(Learns):
    every: SomeDuration
    training: SomeDuration
    normalise: Normalise = "none"
    retrain: SomeDuration | None = None
    for_: Duration = Field(default=NOTHING, alias="for")
    clear: LearnedClear = LearnedClear()


class Learner(ABC):
    """A kind that learns: it says `_judge` of spans and `_learn` of a slot's past."""

    def __init__(
        self, rule: LearningShape, scene: Scene, metrics: Sequence[str], shown: Sequence[str]
    ) -> None:
        self.roster, self.watched = scene.roster, scene.watched
        self.metrics = tuple(metrics)
        self.every, size = microseconds(rule.every), len(scene.roster)
        self.again = microseconds(rule.retrain) if rule.retrain else None
        width, spans = len(metrics), rule.training // rule.every
        self.spans = Spans(size, width)
        self.base = Baseline(size, width, spans, rule.normalise, scene.city.timezone)
        self.judge = Judge(scene, microseconds(rule.for_), microseconds(rule.clear.for_), shown)
        self.afresh = Afresh(size, rule.learn_from, scene.city.timezone)
        self.ailing = Ailing(scene.roster, rule.unless)

    @abstractmethod
    def _judge(self, closed: Closed, means: Float64) -> list[Told]:
        """What spans of trained slots, each of another slot, show; means: (n, metrics)."""

    @abstractmethod
    def _learn(self, slot: int, now: int) -> None:
        """Make a slot's normal of what `base` keeps of it; LinAlgError: it has none."""

    @abstractmethod
    def _event(self, told: Told) -> Event: ...

    @property
    @abstractmethod
    def _own(self) -> Mapping[str, NDArray[np.generic]]:
        """The arrays by slot that the kind remembers beside what is here."""

    def frame(self, rows: Rows) -> list[Event]:
        rows = rows.of(self.watched)
        if not len(rows):
            return []
        values, end = matrix(rows, self.metrics), ends_every(rows.time, self.every)
        return self._closed(self.ailing.now(self.spans.rows(rows.slot, end, values)))

    def tick(self, now: int) -> list[Event]:
        events = self._closed(self.ailing.due(self.spans.tick(now), now))
        events += self._anew(self.afresh.waiting(now))
        self.ailing.forget(now - self.every)
        return events + [self._event(told) for told in self.judge.tick(now)]

    def _closed(self, closed: Closed) -> list[Event]:
        known = ~np.isnan(closed.means).any(axis=1)
        closed = closed.take(np.flatnonzero(known))
        return [event for one in rounds(closed) for event in self._round(one)]

    def _round(self, closed: Closed) -> list[Event]:
        """One span of each of some slots: judge it, keep it if all is well, learn if it is time."""
        base, slot = self.base, closed.slot
        events = self._anew(slot[self.afresh.due(slot, closed.end)])
        told = self.judge.settle(slot, closed.end)
        judged = closed.take(np.flatnonzero(base.trained[slot] != NEVER))
        told += self._judge(judged, judged.means) if len(judged.slot) else []
        events += [self._event(one) for one in told]  # which say what was learned until now
        self._keep(closed)
        return events

    def _keep(self, closed: Closed) -> None:
        base, slot, begin = self.base, closed.slot, closed.end - self.every
        untrained = base.trained[slot] == NEVER
        well = untrained | ((self.judge.hold.phase[slot] == IDLE) & (self.again is not None))
        well &= self.ailing.well(slot, begin, closed.end)
        well &= self.afresh.learns(slot, begin)
        kept = closed.take(np.flatnonzero(well))
        base.keep(kept.slot, kept.end - self.every, kept.means, kept.counts.min(axis=1))
        for place in np.flatnonzero(base.due(kept.slot, kept.end, self.again)).tolist():
            self._fit(int(kept.slot[place]), int(kept.end[place]))

    def _fit(self, slot: int, now: int) -> None:
        try:
            self._learn(slot, now)
        except np.linalg.LinAlgError:
            self.base.forget(slot)

    def _anew(self, slots: Slots) -> list[Event]:
        """These slots forget what they learned, and their alerts end."""
        if not len(slots):
            return []
        self.base.empty(slots)
        due, ended = begin_anew(self.afresh, self.judge, slots)
        return [*(self._event(told) for told in due), *ended]

    def _learned_from(self, slot: int) -> dict[str, float | str]:
        """What evidence says of the slot's normal."""
        first, last = self.base.period[slot].tolist()
        return self.afresh.told(first, last + self.every, float(self.base.heard[slot]))

    def hear(self, rule: str, event: Event) -> None:
        self.ailing.hear(rule, event)

    def recall(self, rule: str, event: Fired) -> None:
        self.ailing.hear(rule, event)

    def adopt(self, alert: Alert) -> bool:
        return self.judge.adopt(alert)

    def state(self) -> dict[str, NDArray[np.generic]]:
        own = {name: array.copy() for name, array in self._own.items()}
        return nested(
            own=own,
            spans=self.spans.state(),
            base=self.base.state(),
            judge=self.judge.state(),
            afresh=self.afresh.state(),
            ailing=self.ailing.state(),
        )

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        own, spans = part(state, "own"), part(state, "spans")
        self.afresh.load(state, old, new)
        if not spans:
            return
        self.spans.load(spans, old, new)
        self.base.load(part(state, "base"), old, new)
        self.judge.load(part(state, "judge"), old, new)
        self.ailing.load(part(state, "ailing"), new)
        for name, array in self._own.items():
            if name in own:
                array[new] = own[name][old]


def training(*fields: str, arrays: tuple[str, ...] = ()) -> Training:
    """What outlives an edit of such a rule's limits; `fields`, `arrays`: the kind's own."""
    return Training(
        ("every", "training", "normalise", *fields),
        ("spans.", "base.", "afresh.", *arrays),
    )
