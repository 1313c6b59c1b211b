"""The evaluator: frames and ticks of one partition in, alerts out. Pure.

Laws:
- an alert depends on the readings, their times and the ticks, never on how rows were cut into
  frames, how devices interleave, or how often a tick comes;
- rows that are not later than what was seen of their device, and ticks that are not later than the
  last, change nothing: what is delivered twice counts once;
- an alert is told when it fires and, with the same id, when it clears; never cleared before it was
  detected;
- a rule that is gone, or no longer watches the device, clears its alert at the next tick;
- whoever listens to a rule hears each of its alerts begin and end, also those that are told to
  nobody, and after a restart those that are active then.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from kel.model.alert import Alert
from kel.model.city import City
from kel.model.device import Device, DeviceState
from kel.model.frame import Frame
from kel.model.ids import make_id
from kel.model.moment import from_us, to_us
from rules import kept
from rules.book.remembered import remembered, written
from rules.book.rulebook import Rulebook
from rules.book.variants import variants
from rules.core.calendar import Opening, opening_of
from rules.core.event import Cleared, Event, Fired
from rules.core.kind import Kind, Listener, Scene
from rules.core.rows import NEVER, Bool, Roster, sort_rows
from rules.core.rule import RuleShape
from rules.kinds import KINDS

UNWATCHED = "ο κανόνας δεν ισχύει πια για τη συσκευή"
SHUT = "έληξε το ωράριο του κανόνα"

State = dict[str, NDArray[np.generic]]
Active = dict[tuple[str, str], Alert]  # by rule and device


@dataclass(frozen=True, slots=True)
class Part:
    """One rule (or variant of it) at work: `classes` are those whose rows it is given."""

    rule: RuleShape
    kind: Kind
    watched: Bool
    classes: frozenset[str]
    opening: Opening | None = None

    def said(self, event: Event) -> Event:
        """With the reason why, where it ended since the rule's calendars shut."""
        if self.opening is None or isinstance(event, Fired):
            return event
        open_then = self.opening.open_at(event.device, event.at)
        return event if open_then else event._replace(why=SHUT)


class Evaluator:
    """The rules of one partition, over its active `devices`.

    `late` counts rows that came too late or twice, since this evaluator was made.
    """

    def __init__(self, rulebook: Rulebook, city: City, devices: Collection[Device]) -> None:
        self.rulebook = rulebook
        self.late = 0
        self.clock = NEVER  # the last tick
        self._city = city
        self._own = {device.id for device in devices}
        watched = {cls for rule in rulebook.rules for cls in _classes(rule)}
        active = [d for d in devices if d.state is DeviceState.ACTIVE]
        self._rosters = {
            cls: Roster(cls, [d for d in active if d.cls == cls]) for cls in sorted(watched)
        }
        self._listeners: dict[str, list[Listener]] = {}  # by the rule that they hear
        self._parts = self._make_parts()
        # of rules that tell their alerts, and of those that do not
        self._active: dict[bool, Active] = {True: {}, False: {}}
        self._orphans: list[tuple[bool, Alert]] = []  # active, and no rule's any more

    def _make_parts(self) -> list[Part]:
        """All parts, those that listen after those that they hear."""
        parts: list[Part] = []
        for rule in listening_last(self.rulebook.rules):
            roster, spec = self._rosters[rule.watch.cls], KINDS[rule.kind]
            for variant, mask in variants(self.rulebook, rule, roster):
                opening = opening_of(variant.when, self._city, roster.devices)
                kind = spec.make(variant, Scene(self._city, roster, mask, self._rosters, opening))
                parts.append(Part(variant, kind, mask, frozenset(_classes(rule)), opening))
                for heard in dict.fromkeys(spec.listens(rule)):
                    self._listeners.setdefault(heard, []).append(cast(Listener, kind))
        return parts

    def frame(self, frame: Frame) -> list[Alert]:
        """The alerts that new readings fire or clear, in order of the moment."""
        roster = self._rosters.get(frame.cls)
        if roster is None or not len(roster) or not len(frame):
            return []
        rows, late = sort_rows(frame, roster)
        self.late += late
        if not len(rows):
            return []
        parts = (part for part in self._parts if frame.cls in part.classes)
        return self._alerts((part, event) for part in parts for event in part.kind.frame(rows))

    def tick(self, now_us: int) -> list[Alert]:
        """The alerts that fire or clear because time has come to `now_us`."""
        if now_us <= self.clock:
            return []
        self.clock = now_us
        ended = self._let_go(now_us)
        told = ((part, event) for part in self._parts for event in part.kind.tick(now_us))
        return [*ended, *self._alerts(told)]

    def _alerts(self, told: Iterable[tuple[Part, Event]]) -> list[Alert]:
        """Lazily told: a part that listens hears what is before it in the order of parts."""
        alerts: list[Alert] = []
        for part, event in told:
            event = part.said(event)
            alert = self._alert(part.rule, event)
            if alert is None:
                continue
            self._hear(part.rule.id, event)
            if part.rule.tells:
                alerts.append(alert)
        return sorted(alerts, key=_moment)

    def _hear(self, rule: str, event: Event) -> None:
        for listener in self._listeners.get(rule, ()):
            listener.hear(rule, event)

    def _let_go(self, now: int) -> list[Alert]:
        """The alerts end that no rule watches any more."""
        orphans, self._orphans = self._orphans, []
        for _, alert in orphans:
            device, key = self._city.devices.get(alert.device), (alert.rule, alert.device)
            if device and not any(key in active for active in self._active.values()):
                self._hear(alert.rule, Cleared(device, now, UNWATCHED))
        return [_ended(alert, now, UNWATCHED) for tells, alert in orphans if tells]

    def _alert(self, rule: RuleShape, event: Event) -> Alert | None:
        """None: the end of an alert that is not known, which nobody was told of."""
        key, active = (rule.id, event.device.id), self._active[rule.tells]
        if not isinstance(event, Fired):
            ended = active.pop(key, None)
            return _ended(ended, event.at, event.why) if ended else None
        device = event.device
        shown = self.rulebook.at(self.rulebook.by_id[rule.id], device) or rule
        alert = Alert(
            id=make_id("alert", rule.id, device.id, event.started),
            rule=rule.id,
            rulebook=self.rulebook.version,
            kind=rule.kind,
            device=device.id,
            category=shown.category,
            severity=shown.severity,
            started_at=from_us(event.started),
            detected_at=from_us(event.detected),
            evidence=event.evidence,
            community=device.community,
            zone=device.zone,
            feeder=device.feeder,
            verify=shown.verify,
        )
        active[key] = alert
        return alert

    def state(self) -> State:
        """All that is remembered, as plain arrays by name; what `load` takes."""
        state: State = {
            "clock": np.array([self.clock]),
            "alerts": self._kept(True),
            "untold": self._kept(False),
        }
        for cls, roster in self._rosters.items():
            state[f"class/{cls}/device"] = roster.numbers.copy()
            state[f"class/{cls}/seen"] = roster.seen.copy()
        for part in self._parts:
            state |= written(part.rule, part.watched, part.kind.state())
        return state

    def _kept(self, tells: bool) -> NDArray[np.generic]:
        orphans = [alert for told, alert in self._orphans if told == tells]
        return kept.write([*self._active[tells].values(), *orphans])

    def load(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Go on from `state`: what belongs to a rule that decides (or learns) as before and to a
        device of this partition is remembered (`rules.book.remembered`), everything else begins
        anew. `state` may know devices of other partitions; they are passed over."""
        if "clock" in state:
            self.clock = int(state["clock"][0])
        for cls, roster in self._rosters.items():
            if f"class/{cls}/seen" in state:
                old, new = self._places(state, cls)
                roster.seen[new] = state[f"class/{cls}/seen"][old]
        for part in self._parts:
            seen = state.get(f"class/{part.rule.watch.cls}/seen")
            if seen is not None:
                old, new = self._places(state, part.rule.watch.cls)
                mine = part.watched[new]
                old, new = old[mine], new[mine]
                for own, these in remembered(state, part.rule, old):
                    part.kind.load({"seen": seen, **own}, old[these], new[these])
        for name, tells in (("alerts", True), ("untold", False)):
            if name in state:
                self._adopt(kept.read(state[name]), tells)

    def _places(
        self, state: Mapping[str, NDArray[np.generic]], cls: str
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Where each device that is still here stood, and where it stands."""
        slots = self._rosters[cls].slots(state[f"class/{cls}/device"].astype(np.int64))
        old = np.flatnonzero(slots >= 0)
        return old, slots[old].astype(np.intp)

    def _adopt(self, alerts: list[Alert], tells: bool) -> None:
        for alert in alerts:
            same = (p for p in self._parts if (p.rule.id, p.rule.kind) == (alert.rule, alert.kind))
            known = alert.device in self._city.devices  # a kind may tell of another's device, too
            if not known or not any(p.rule.tells == tells and p.kind.adopt(alert) for p in same):
                if not known or alert.device in self._own:  # else it is another partition's
                    self._orphans.append((tells, alert))
                continue
            self._active[tells][alert.rule, alert.device] = alert
            started, detected = to_us(alert.started_at), to_us(alert.detected_at)
            device = self._city.devices[alert.device]
            for listener in self._listeners.get(alert.rule, ()):
                listener.recall(alert.rule, Fired(device, started, detected, alert.evidence))


def _ended(alert: Alert, at: int, why: str) -> Alert:
    return alert.ended(max(from_us(at), alert.detected_at), why)


def listening_last(rules: Iterable[RuleShape]) -> list[RuleShape]:
    """The rules in their order, but each after those that it hears (a rulebook has no circle)."""
    waiting = {rule.id: rule for rule in rules}
    found: list[RuleShape] = []

    def take(rule: RuleShape) -> None:
        waiting.pop(rule.id, None)
        for heard in KINDS[rule.kind].listens(rule):
            if heard in waiting:
                take(waiting[heard])
        found.append(rule)

    while waiting:
        take(next(iter(waiting.values())))
    return found


def _classes(rule: RuleShape) -> tuple[str, ...]:
    return (rule.watch.cls, *KINDS[rule.kind].classes(rule))


def _moment(alert: Alert) -> tuple[object, ...]:
    """What is told of one rule and device stays in its order: a sort changes no order of equals."""
    return alert.cleared_at or alert.detected_at, alert.rule, alert.device
