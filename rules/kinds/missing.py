"""missing: a device, or one metric of it, says nothing for `after`.

Laws (`rules.parts.silence`):
- it started at the last word and is detected at exactly last word + after;
- the next word that is not itself older than `after` clears it, at that word's time;
- with calendars, silence counts from when they open at the earliest (`rules.parts.open_silence`).
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kel.model.alert import Alert
from kel.model.moment import from_us, to_us
from rules.core.event import Cleared, Event, Fired, evidence
from rules.core.kind import KindSpec, Scene
from rules.core.rows import Rows, Slots
from rules.core.rule import RuleShape, SomeDuration, microseconds
from rules.parts.open_silence import OpenSilence
from rules.parts.silence import Silence, Turn

WHY = "η συσκευή ξαναμίλησε"
NEVER_HEARD = "ποτέ"


class Missing(RuleShape):
    """A device (or one metric of it) that says nothing for `after`."""

    kind: Literal["missing"]
    after: SomeDuration


class MissingKind:
    def __init__(self, rule: Missing, scene: Scene) -> None:
        city, roster = scene.city, scene.roster
        self.rule, self.roster = rule, roster
        self.metric = rule.watch.metric
        self.shown = self.metric or city.classes[roster.cls].metrics[0].name
        self.watched = scene.watched
        after = microseconds(rule.after)
        self.silence: Silence | OpenSilence = (
            OpenSilence(self.watched, after, self.metric, scene.opening)
            if scene.opening
            else Silence(self.watched, after, self.metric)
        )

    def frame(self, rows: Rows) -> list[Event]:
        return [self._event(t) for t in self.silence.rows(rows)]

    def tick(self, now: int) -> list[Event]:
        return [self._event(turn) for turn in self.silence.tick(now)]

    def _event(self, turn: Turn) -> Event:
        device = self.roster.devices[turn.slot]
        if not turn.silent:
            return Cleared(device, turn.at, WHY)
        facts: dict[str, float | str] = {
            "last_seen": from_us(turn.last).isoformat() if turn.heard else NEVER_HEARD,
            "limit": self.rule.after.total_seconds(),
            "unit": "s",
        }
        about = evidence(self.roster.cls, device.id, self.shown, turn.last, turn.at, facts)
        return Fired(device, turn.started, turn.at, about)

    def adopt(self, alert: Alert) -> bool:
        slot = self.roster.slot_of.get(alert.device, -1)
        if slot < 0 or not self.watched[slot]:
            return False
        self.silence.adopt(slot, to_us(alert.started_at))
        return True

    def state(self) -> dict[str, NDArray[np.generic]]:
        return self.silence.state()

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        self.silence.load(state, old, new)


KIND = KindSpec(Missing, MissingKind)
