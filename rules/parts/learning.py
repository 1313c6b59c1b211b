"""What the kinds share that learn a device's normal from its own past and judge new spans by it.

Laws:
- a device is judged from the span after its first `training // every` measured spans;
- spans are learned from while all is well: never those of an alert that is on or begins. Only the
  first training also takes the days of an alert that an earlier wording of the rule had raised;
- it learns again only with `retrain`, so long after the last time, and not during an alert;
- a past that has no normal (its figures cannot be reckoned with) leaves the device untrained: it
  tries again with the next span;
- a span of which a metric is not known is not judged: the last verdict holds;
- a span counts where the rule's calendars are open when it ends; it is learned from at any time.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kel.model.alert import Alert
from kel.model.frame import Float64
from kel.model.mistake import Mistake
from rules.core.entry import Entry
from rules.core.event import Event
from rules.core.hold import IDLE
from rules.core.judge import Judge, Told
from rules.core.kind import Scene
from rules.core.rows import NEVER, Rows, Slots
from rules.core.rule import (
    NOTHING,
    Duration,
    Positive,
    RuleShape,
    Shape,
    SomeDuration,
    microseconds,
    parse_duration,
)
from rules.core.spans import Closed, Spans, ends_every, matrix, rounds
from rules.parts.baseline import BINS, Baseline, Normalise
from rules.parts.nested import nested, part

LEAST_SPANS = 8  # fewer say nothing of a spread
MOST_SPANS = 4000  # what a slot may keep
MOST_TRAINING = timedelta(days=90)  # as long as a city's readings are usually kept


class LearnedClear(Shape):
    """`below`: at or under which value of what is judged it clears."""

    below: Positive | None = None
    for_: Duration = Field(default=NOTHING, alias="for")


class LearningShape(RuleShape):
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
        return self._closed(self.spans.rows(rows.slot, end, values))

    def tick(self, now: int) -> list[Event]:
        events = self._closed(self.spans.tick(now))
        return events + [self._event(told) for told in self.judge.tick(now)]

    def _closed(self, closed: Closed) -> list[Event]:
        known = ~np.isnan(closed.means).any(axis=1)
        closed = closed.take(np.flatnonzero(known))
        return [self._event(told) for one in rounds(closed) for told in self._round(one)]

    def _round(self, closed: Closed) -> list[Told]:
        """One span of each of some slots: judge it, keep it if all is well, learn if it is time."""
        told = self.judge.settle(closed.slot, closed.end)
        judged = closed.take(np.flatnonzero(self.base.trained[closed.slot] != NEVER))
        told += self._judge(judged, judged.means) if len(judged.slot) else []
        well = self.judge.hold.phase[closed.slot] == IDLE
        well |= self.base.trained[closed.slot] == NEVER
        kept = closed.take(np.flatnonzero(well))
        self.base.keep(kept.slot, kept.end - self.every, kept.means)
        for place in np.flatnonzero(self.base.due(kept.slot, kept.end, self.again)).tolist():
            try:
                self._learn(int(kept.slot[place]), int(kept.end[place]))
            except np.linalg.LinAlgError:
                self.base.forget(int(kept.slot[place]))
        return told

    def adopt(self, alert: Alert) -> bool:
        return self.judge.adopt(alert)

    def state(self) -> dict[str, NDArray[np.generic]]:
        own = {name: array.copy() for name, array in self._own.items()}
        return nested(
            own=own, spans=self.spans.state(), base=self.base.state(), judge=self.judge.state()
        )

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        own = part(state, "own")
        if not own:
            return
        for name, array in self._own.items():
            array[new] = own[name][old]
        self.spans.load(part(state, "spans"), old, new)
        self.base.load(part(state, "base"), old, new)
        self.judge.load(part(state, "judge"), old, new)


def check_learning(entry: Entry) -> Iterator[Mistake]:
    """What may be wrong with `every`, `training`, `retrain` and `normalise`."""
    every, training = duration(entry, "every"), duration(entry, "training")
    retrain, normalise = duration(entry, "retrain"), entry.text("normalise") or "none"
    if not every or not training:
        return
    if training > MOST_TRAINING:
        what = f"is longer than the history that is kept ({MOST_TRAINING.days}d)"
        yield entry.wrong(("training",), what)
    spans, least = training // every, max(LEAST_SPANS, 2 * BINS.get(normalise, 1))
    if spans < least:
        what = f"holds {spans} spans of `every`; at least {least} are needed"
        yield entry.wrong(("training",), what)
    elif spans > MOST_SPANS:
        what = f"holds {spans} spans of `every`; at most {MOST_SPANS}: take longer spans"
        yield entry.wrong(("training",), what)
    elif normalise == "weekday_hour" and training < timedelta(days=14):
        yield entry.wrong(("training",), "is under 14d; weekday_hour needs two weekends")
    if normalise != "none" and every > timedelta(hours=1):
        yield entry.wrong(("normalise",), "has no meaning for spans of more than an hour")
    if retrain is not None and retrain < training:
        yield entry.wrong(("retrain",), "is shorter than `training`")


def duration(entry: Entry, *path: str) -> timedelta | None:
    """A duration as written, None where there is none or it is not one."""
    try:
        return parse_duration(entry.get(*path))
    except ValueError:
        return None
