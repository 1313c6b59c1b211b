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
from dataclasses import replace

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
from rules.kinds import KINDS, Kind
from rules.rows import NEVER, Roster, sort_rows
from rules.rule import Rule
from rules.rulebook import Rulebook

UNWATCHED = "ο κανόνας δεν ισχύει πια για τη συσκευή"
_ALERTS: TypeAdapter[list[Alert]] = TypeAdapter(list[Alert])

State = dict[str, NDArray[np.generic]]


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
        watched = {rule.watch.cls for rule in rulebook.rules}
        active = [d for d in devices if d.state is DeviceState.ACTIVE]
        self._rosters = {
            cls: Roster(cls, [d for d in active if d.cls == cls]) for cls in sorted(watched)
        }
        self._kinds: list[tuple[Rule, Kind]] = [
            (rule, KINDS[rule.kind](rule, city, self._rosters[rule.watch.cls]))
            for rule in rulebook.rules
        ]
        self._active: dict[tuple[str, str], Alert] = {}  # by rule and device
        self._orphans: list[tuple[str, str]] = []

    def frame(self, frame: Frame) -> list[Alert]:
        """The alerts that new readings fire or clear, in order of the moment."""
        roster = self._rosters.get(frame.cls)
        if roster is None or not len(roster) or not len(frame):
            return []
        rows, late = sort_rows(frame, roster)
        self.late += late
        if not len(rows):
            return []
        kinds = [(rule, kind) for rule, kind in self._kinds if rule.watch.cls == frame.cls]
        return self._alerts((rule, event) for rule, kind in kinds for event in kind.frame(rows))

    def tick(self, now_us: int) -> list[Alert]:
        """The alerts that fire or clear because time has come to `now_us`."""
        if now_us <= self.clock:
            return []
        self.clock = now_us
        ended = [self._end(key, now_us, UNWATCHED) for key in self._orphans]
        self._orphans = []
        told = ((rule, event) for rule, kind in self._kinds for event in kind.tick(now_us))
        return [*ended, *self._alerts(told)]

    def _alerts(self, told: Iterable[tuple[Rule, Event]]) -> list[Alert]:
        alerts = [self._alert(rule, event) for rule, event in told]
        return sorted(alerts, key=_moment)

    def _alert(self, rule: Rule, event: Event) -> Alert:
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
        for rule, kind in self._kinds:
            state |= {f"rule/{rule.key}/{name}": a for name, a in kind.state().items()}
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
        for rule, kind in self._kinds:
            seen = state.get(f"class/{rule.watch.cls}/seen")
            if seen is not None:
                own = {"seen": seen, **_part(state, f"rule/{rule.key}/")}
                kind.load(own, *self._places(state, rule.watch.cls))
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
        kinds = {rule.id: (rule, kind) for rule, kind in self._kinds}
        for alert in alerts:
            if alert.device in self._city.devices and alert.device not in self._own:
                continue  # another partition's
            key = alert.rule, alert.device
            self._active[key] = alert
            rule, kind = kinds.get(alert.rule, (None, None))
            if rule is None or kind is None or rule.kind != alert.kind or not kind.adopt(alert):
                self._orphans.append(key)


def _part(state: Mapping[str, NDArray[np.generic]], prefix: str) -> State:
    return {k.removeprefix(prefix): a for k, a in state.items() if k.startswith(prefix)}


def _moment(alert: Alert) -> tuple[object, ...]:
    cleared = alert.cleared_at is not None
    return alert.cleared_at or alert.detected_at, cleared, alert.rule, alert.device
