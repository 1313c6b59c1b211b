"""event: something is recognised often enough within a time, or once beyond doubt.

For cameras and fire sensors: the watched metric is a label (smoke, fire), its value the score.

Laws:
- a sighting is a row whose score is at least `score` (equal counts); rows within `apart` of the
  last sighting are the same sighting told again (an event and its review are of one frame);
- it fires at the sighting that makes `times` of them within `within`, both ends counted, or at one
  of at least `at_once`; it started at the first sighting that counts: nothing is waited for;
- what was counted for one alert does not count for the next, nor what was seen in one span of the
  rule's calendars for another span;
- the last score holds: an alert clears when it has been under `clear.below` (`score`, where none is
  given) for `clear.for`, never because a camera fell silent.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kel.model.alert import Alert
from kel.model.city import City
from kel.model.device import Device, Metric
from kel.model.mistake import Mistake
from kel.model.moment import to_us
from rules.core.entry import Entry, Measured, can_hold, find_metric, same_unit
from rules.core.event import Cleared, Event, Fired, evidence
from rules.core.hold import BETWEEN, CLEAR, SET, Change, Hold
from rules.core.kind import KindSpec, Scene
from rules.core.rows import NEVER, Rows, Slots
from rules.core.rule import (
    NOTHING,
    Duration,
    Number,
    RuleShape,
    Shape,
    SomeDuration,
    microseconds,
    parse_duration,
)

WHY = "δεν ανιχνεύεται πια"
MOST_TIMES = 100
APART = "1s"  # a camera's messages of one frame lie less than that apart

Times = Annotated[int, Field(strict=True, ge=1, le=MOST_TIMES)]


class EventClear(Shape):
    below: Number | None = None
    for_: Duration = Field(default=NOTHING, alias="for")


class EventRule(RuleShape):
    """Something that is recognised `times` times within `within`, or once beyond doubt."""

    kind: Literal["event"]
    score: Number
    unit: str
    times: Times = 1
    within: SomeDuration | None = None
    at_once: Number | None = None
    apart: Duration = parse_duration(APART)
    clear: EventClear = EventClear()


class EventKind:
    def __init__(self, rule: EventRule, scene: Scene) -> None:
        self.rule, self.roster, self.watched = rule, scene.roster, scene.watched
        self.metric = rule.watch.metric or ""
        self.within = microseconds(rule.within) if rule.within else 0
        self.apart = microseconds(rule.apart)
        self.below = rule.score if rule.clear.below is None else rule.clear.below
        self.scene, self.opening = scene, scene.opening
        clear = microseconds(rule.clear.for_)
        self.hold = Hold(len(scene.roster), 0, clear, opening=scene.opening)
        # the last sightings of each slot that no alert has counted yet, the newest last
        self.sightings = np.full((len(scene.roster), rule.times), NEVER, np.int64)

    def frame(self, rows: Rows) -> list[Event]:
        rows = self.scene.judged(rows.of(self.watched))
        score = rows.column(self.metric)
        busy = self.hold.busy(rows.slot, score >= self.rule.score)
        told = np.flatnonzero(busy[rows.slot] & ~np.isnan(score))
        slots, times = rows.slot[told].tolist(), rows.time[told].tolist()
        events: list[Event] = []
        for slot, at, value in zip(slots, times, score[told].tolist(), strict=True):
            events += self._row(slot, at, value)
        return events

    def _row(self, slot: int, at: int, score: float) -> Iterator[Event]:
        yield from map(self._cleared, self.hold.due(slot, at))
        verdict = CLEAR if score < self.below else BETWEEN
        since = None
        if score >= self.rule.score and not self.hold.phase[slot]:
            since = self._seen(slot, at, score)
            verdict = BETWEEN if since is None else SET
        change = self.hold.say(slot, at, verdict)
        if change and change.fired and since is not None:
            yield self._fired(change, since, score)
            self.sightings[slot] = NEVER
        elif change:
            yield self._cleared(change)

    def _seen(self, slot: int, at: int, score: float) -> int | None:
        """Take note of a sighting; the first one that counts, if they are enough now."""
        own = self.sightings[slot]
        last = int(own[-1])
        if self.opening and last != NEVER and self.opening.shuts(slot, last) <= at:
            own[:] = NEVER
        if at - self.apart >= own[-1]:
            own[:-1] = own[1:]
            own[-1] = at
        if own[0] >= at - self.within:
            return int(own[0])
        if self.rule.at_once is not None and score >= self.rule.at_once:
            return int(own[own >= at - self.within].min(initial=at))
        return None

    def tick(self, now: int) -> list[Event]:
        return [self._cleared(change) for change in self.hold.tick(now)]

    def _fired(self, change: Change, since: int, score: float) -> Fired:
        rule, device = self.rule, self.roster.devices[change.slot]
        own = self.sightings[change.slot]
        count = int(np.count_nonzero(own >= since))
        facts: dict[str, float | str] = {
            "value": score,
            "side": "above",
            "limit": rule.score if count >= rule.times else float(rule.at_once or 0.0),
            "unit": rule.unit,
            "count": float(count),
            "times": float(rule.times),
            "within_s": self.within / 1e6,
        }
        about = evidence(self.roster.cls, device.id, self.metric, since, change.at, facts)
        return Fired(device, since, change.at, about)

    def _cleared(self, change: Change) -> Cleared:
        return Cleared(self.roster.devices[change.slot], change.at, WHY)

    def adopt(self, alert: Alert) -> bool:
        slot = self.roster.slot_of.get(alert.device, -1)
        if slot < 0 or not self.watched[slot]:
            return False
        self.hold.adopt(slot, to_us(alert.started_at))
        return True

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {**self.hold.state(), "sightings": self.sightings.copy()}

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        if "sightings" in state:
            self.hold.load(state, old, new)
            self.sightings[new] = state["sightings"][old]


def check(entry: Entry, city: City, _watched: list[Device]) -> Iterator[Mistake]:
    metric = find_metric(entry, city, "watch", "metric")
    if entry.get("watch", "metric") is None:
        yield entry.wrong(("watch", "metric"), "is missing: the label that is looked for")
    yield from same_unit(entry, metric)
    yield from _window(entry)
    score, once = entry.number("score"), entry.number("at_once")
    if score is not None and once is not None and once <= score:
        yield entry.wrong(("at_once",), f"must be over the score: {once:g} is not over {score:g}")
    yield from _reachable(entry, metric)


def _window(entry: Entry) -> Iterator[Mistake]:
    times = entry.number("times") or 1
    if times <= 1:
        for word in ("within", "at_once"):
            if entry.get(word) is not None:
                yield entry.wrong((word,), "has no meaning where one sighting is enough")
        return
    if entry.get("within") is None:
        yield entry.wrong(("within",), f"is missing: {times:g} times within what?")
        return
    try:
        within = parse_duration(entry.get("within"))
        apart = parse_duration(APART if entry.get("apart") is None else entry.get("apart"))
    except ValueError:
        return  # the shape's to tell
    if apart * (times - 1) > within:
        what = f"can never hold: {times:g} sightings, each {apart} apart, take longer than {within}"
        yield entry.wrong(("within",), what)


def _reachable(entry: Entry, metric: Metric | None) -> Iterator[Mistake]:
    for word in ("score", "at_once"):
        value = entry.number(word)
        if metric and value is not None and metric.high is not None and value > metric.high:
            what = f"can never hold: {metric.name} is at most {metric.high:g} {metric.unit}"
            yield entry.wrong((word,), what)
    score, below = entry.number("score"), entry.number("clear", "below")
    if metric and score is not None and metric.low is not None and score <= metric.low:
        what = f"always holds: {metric.name} is at least {metric.low:g} {metric.unit}"
        yield entry.wrong(("score",), what)
    if score is not None and below is not None and below > score:
        what = f"lies on the wrong side of the score: {below:g} is over {score:g}"
        yield entry.wrong(("clear", "below"), what)
    yield from can_hold(entry, metric, "clear")


def measured(entry: Entry, city: City) -> Iterable[Measured]:
    metric = find_metric(entry, city, "watch", "metric")
    scores = (("score",), ("at_once",), ("clear", "below"))
    return [Measured(metric.unit, scores)] if metric else []


KIND = KindSpec(EventRule, EventKind, check, measured=measured)
