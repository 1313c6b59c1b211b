"""The evaluator: frames and ticks of one partition in, alerts out. Pure.

Laws:
- an alert depends on the readings, their times and the ticks, never on how rows were cut into
  frames, how devices interleave, or how often a tick comes;
- rows that are not later than what was seen of their device, and ticks that are not later than the
  last, change nothing: what is delivered twice counts once;
- an alert is told when it fires and, with the same id, when it clears; never cleared before it was
  detected;
- a rule that is gone, or no longer watches the device, clears its alert at the next tick.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from kel.model.alert import Alert
from kel.model.city import City
from kel.model.device import Device, DeviceState
from kel.model.frame import Frame
from kel.model.ids import make_id
from kel.model.moment import from_us
from rules.event import Event, Fired
from rules.kind import Kind, Listener, Scene
from rules.kinds import KINDS
from rules.rows import NEVER, Bool, Roster, sort_rows
from rules.rule import RuleShape
from rules.rulebook import Rulebook
from rules.variants import variants

UNWATCHED = "ο κανόνας δεν ισχύει πια για τη συσκευή"
_ALERTS: TypeAdapter[list[Alert]] = TypeAdapter(list[Alert])

State = dict[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class Part:
    """One rule (or variant of it) at work: `classes` are those whose rows it is given."""

    rule: RuleShape
    kind: Kind
    watched: Bool
    classes: frozenset[str]
    listeners: list[Listener] = field(default_factory=list)


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
        self._parts = self._make_parts()
        self._active: dict[tuple[str, str], Alert] = {}  # by rule and device
        self._orphans: list[tuple[str, str]] = []

    def _make_parts(self) -> list[Part]:
        """All parts, those that listen after those that they hear."""
        parts: list[Part] = []
        for rule in listening_last(self.rulebook.rules):
            roster, spec = self._rosters[rule.watch.cls], KINDS[rule.kind]
            for variant, mask in variants(self.rulebook, rule, roster):
                kind = spec.make(variant, Scene(self._city, roster, mask, self._rosters))
                parts.append(Part(variant, kind, mask, frozenset(_classes(rule))))
                heard = set(spec.listens(rule))
                for part in parts if heard else ():
                    if part.rule.id in heard:
                        part.listeners.append(cast(Listener, kind))
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
        ended = [self._end(key, now_us, UNWATCHED) for key in self._orphans]
        self._orphans = []
        told = ((part, event) for part in self._parts for event in part.kind.tick(now_us))
        return [*ended, *self._alerts(told)]

    def _alerts(self, told: Iterable[tuple[Part, Event]]) -> list[Alert]:
        """Lazily told: a part that listens hears what is before it in the order of parts."""
        alerts: list[Alert] = []
        for part, event in told:
            for listener in part.listeners:
                listener.hear(part.rule.id, event)
            if part.rule.tells:
                alerts.append(self._alert(part.rule, event))
        return sorted(alerts, key=_moment)

    def _alert(self, rule: RuleShape, event: Event) -> Alert:
        key = rule.id, event.device.id
        if not isinstance(event, Fired):
            return self._end(key, event.at, event.why)
        device = event.device
        alert = Alert(
            id=make_id("alert", rule.id, device.id, event.started),
            rule=rule.id,
            rulebook=self.rulebook.version,
            kind=rule.kind,
            device=device.id,
            category=rule.category,
            severity=rule.severity,
            started_at=from_us(event.started),
            detected_at=from_us(event.detected),
            evidence=event.evidence,
            community=device.community,
            zone=device.zone,
            feeder=device.feeder,
        )
        self._active[key] = alert
        return alert

    def _end(self, key: tuple[str, str], at: int, why: str) -> Alert:
        alert = self._active.pop(key)
        return replace(alert, cleared_at=max(from_us(at), alert.detected_at), cleared_why=why)

    def state(self) -> State:
        """All that is remembered, as plain arrays by name; what `load` takes."""
        state: State = {
            "clock": np.array([self.clock]),
            "alerts": np.frombuffer(_ALERTS.dump_json(list(self._active.values())), np.uint8),
        }
        for cls, roster in self._rosters.items():
            state[f"class/{cls}/device"] = roster.numbers.copy()
            state[f"class/{cls}/seen"] = roster.seen.copy()
        for part in self._parts:
            own = part.kind.state()
            state |= {f"rule/{part.rule.key}/{name}": array for name, array in own.items()}
        return state

    def load(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Go on from `state`: what belongs to a rule that decides as before and to a device of
        this partition is remembered, everything else begins anew. `state` may know devices of
        other partitions; they are passed over."""
        if "clock" in state:
            self.clock = int(state["clock"][0])
        for cls, roster in self._rosters.items():
            if f"class/{cls}/seen" in state:
                old, new = self._places(state, cls)
                roster.seen[new] = state[f"class/{cls}/seen"][old]
        for part in self._parts:
            seen = state.get(f"class/{part.rule.watch.cls}/seen")
            if seen is not None:
                own = {"seen": seen, **_part(state, f"rule/{part.rule.key}/")}
                old, new = self._places(state, part.rule.watch.cls)
                mine = part.watched[new]
                part.kind.load(own, old[mine], new[mine])
        if "alerts" in state:
            self._adopt(_ALERTS.validate_json(state["alerts"].tobytes()))

    def _places(
        self, state: Mapping[str, NDArray[np.generic]], cls: str
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Where each device that is still here stood, and where it stands."""
        slots = self._rosters[cls].slots(state[f"class/{cls}/device"].astype(np.int64))
        old = np.flatnonzero(slots >= 0)
        return old, slots[old].astype(np.intp)

    def _adopt(self, alerts: list[Alert]) -> None:
        for alert in alerts:
            if alert.device in self._city.devices and alert.device not in self._own:
                continue  # another partition's
            key = alert.rule, alert.device
            self._active[key] = alert
            same = (p for p in self._parts if (p.rule.id, p.rule.kind) == (alert.rule, alert.kind))
            if not any(part.rule.tells and part.kind.adopt(alert) for part in same):
                self._orphans.append(key)


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


def _part(state: Mapping[str, NDArray[np.generic]], prefix: str) -> State:
    return {k.removeprefix(prefix): a for k, a in state.items() if k.startswith(prefix)}


def _moment(alert: Alert) -> tuple[object, ...]:
    cleared = alert.cleared_at is not None
    return alert.cleared_at or alert.detected_at, cleared, alert.rule, alert.device
