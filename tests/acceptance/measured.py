"""Timed stories told by readings: devices measure, the rules judge, the desk decides.

The whole pure chain runs, with the example city's own folder: frames → `Evaluator` → alerts →
`decide`. Only what the story tells is not ordinary (`instruments`).
"""

import io
import pickle
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

import numpy as np

from kel.model.alert import Alert
from kel.model.city import City
from kel.model.frame import Frame
from kel.model.ids import make_id
from kel.model.incident import Incident
from kel.model.moment import to_us
from kel.model.place import Point
from kel.model.request import Request
from kel.model.silence import Hidden
from kel.model.situation import Changes, Command
from kel.run.cityfiles import CityFiles, read_folder
from kel.run.history import opening
from kel.store.memory import MemoryReadings
from rules.evaluate import Evaluator, State
from tests.acceptance.instruments import Instruments, clock
from tests.acceptance.story import STEP, Story
from tests.builders.running import FOLDER

LAMPS = 8  # a feeder's: one that stays dark is no share of the line


@cache
def example() -> CityFiles:
    """The example city with few lamps."""
    return read_folder(FOLDER, LAMPS)


def evaluator() -> Evaluator:
    """The example city's rulebook at work over all its devices."""
    files = example()
    return Evaluator(files.rulebook, files.city, list(files.city.devices.values()))


def stored(state: State) -> io.BytesIO:
    """The state as the worker's store keeps it."""
    kept = io.BytesIO()
    np.savez(kept, **state)  # type: ignore[arg-type]
    kept.seek(0)
    return kept


@dataclass
class Measured(Story):
    """A story of the example city that begins at `start` with a full warehouse and no trouble."""

    city: City = field(default_factory=lambda: example().city)
    evaluator: Evaluator = field(default_factory=evaluator)
    alerts: dict[tuple[UUID, bool], Alert] = field(default_factory=dict)  # and whether ended
    _sent: list[Frame] = field(default_factory=list)
    _heard: list[Alert | Request] = field(default_factory=list)
    _again: list[Frame] = field(default_factory=list)
    _said: int = 0

    def __post_init__(self) -> None:
        self.situation = opening(self.city)
        self.readings = self.memory = MemoryReadings(self.city)
        self.devices = Instruments(self.city)
        self._last = self.start
        self._kept = self.evaluator.state()

    # what happens

    def request(self, category: str, moment: datetime, lat: float, lon: float, who: str) -> None:
        """A citizen calls from a place in Anoixi, Agios Stefanos or wherever `who` lives."""
        name = make_id("request", category, moment.isoformat(), who)
        place = Point(lat, lon)
        self.push(Request(name, moment, moment, who, category, "…", place))

    def say(
        self, moment: datetime, what: str, number: str = "", why: str = "", **detail: str
    ) -> None:
        """An operator's command."""
        self._said += 1
        name = make_id("command", what, number, self._said)
        self.push(Command(name, moment, "Άννα", what, number, why, detail))

    def run(self, until: datetime, every: timedelta = STEP) -> None:
        """Let the desk decide up to `until`; a long quiet stretch may go in longer steps."""
        while self.start < until:
            self.start = min(self.start + every, until)
            self.step(self.start)

    def step(self, now: datetime) -> Changes:
        self._kept, before = self.evaluator.state(), self._last
        frames, self._last = list(self.devices.frames(before, now)), now
        self.memory.put(f for f in frames if f.cls in ("pump", "zone"))
        self._judge([*self._again, *frames], now)
        self._again, self._sent = [], frames
        self._heard = [
            sign for m, sign in self._waiting if m <= now and isinstance(sign, Alert | Request)
        ]
        return super().step(now)

    def _judge(self, frames: list[Frame], now: datetime) -> None:
        told = [alert for frame in frames for alert in self.evaluator.frame(frame)]
        for alert in [*told, *self.evaluator.tick(to_us(now))]:
            key = alert.id, alert.cleared_at is not None
            if key in self.alerts:
                assert self.alerts[key] == alert, "told again, and otherwise"
            else:  # the store's inbox holds each beginning and each end once
                self.alerts[key] = alert
                self.push(alert)

    def restart(self) -> None:
        """The worker and the desk die after the last step, and are made anew from what was kept.

        The worker's state is of before that step: its readings are delivered once more. The desk
        is shown once more what it had decided on.
        """
        self.evaluator, self._again = evaluator(), self._sent
        with np.load(stored(self._kept), allow_pickle=False) as arrays:
            self.evaluator.load(dict(arrays))
        self.situation = pickle.loads(pickle.dumps(self.situation))
        self.push(*self._heard)

    # what to expect

    def incidents(self) -> list[Incident]:
        """All that ever were and were not merged into another, in order of their numbers."""
        found = self.changes.incidents.values()
        return sorted((i for i in found if i.alerts or i.requests), key=lambda i: i.number)

    def rules_of(self, incident: Incident) -> set[tuple[str, str]]:
        """Which rule on which device its alerts are."""
        known = {alert.id: alert for alert in self.alerts.values()}
        return {(known[a].rule, known[a].device) for a in incident.alerts}

    def tale(self, incident: Incident, *but: str) -> list[str]:
        """Its history as an operator reads it, without the events named."""
        events = [e for e in self.changes.incident_events if e.incident == incident.id]
        told = sorted((e for e in events if e.what not in but), key=lambda e: e.at)
        return [f"{clock(e.at)} {e.what}: {e.why}".removesuffix(": ") for e in told]

    def hidden_by(self, number: str) -> list[str]:
        """What a silence hid and what became of it, as an operator reads the list."""
        known = {alert.id: alert for alert in self.alerts.values()}
        (by,) = (s.id for s in self.changes.silences.values() if s.number == number)
        listed = sorted(
            (h for h in self.changes.hidden.values() if h.by == by), key=lambda h: (h.at, h.alert)
        )
        return [f"{known[h.alert].rule} {known[h.alert].device} {_fate(h)}" for h in listed]

    def calls(self, incident: Incident) -> list[str]:
        """When whom somebody was rung about it."""
        rung = [m for m in self.changes.outbox if m.payload.get("incident") == incident.number]
        rung = [m for m in rung if "call" in m.payload]
        return [f"{clock(m.made_at)} {m.payload['who']}" for m in rung]


def _fate(hidden: Hidden) -> str:
    if hidden.over_at is None:
        return f"{clock(hidden.at)}"
    return f"{clock(hidden.at)}–{clock(hidden.over_at)} {'spoke' if hidden.spoke else 'cleared'}"
