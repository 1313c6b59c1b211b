"""night_flow: a zone that takes more water at night than its people and its pipes explain.

    expected = (legitimate × connections × season(month)
                + per_km × mains_km + per_connection × connections) / 1000        m³/h

The minimum-night-flow method of district metered areas (IWA Water Loss Task Force): between about
02:00 and 04:00 little is used, so what flows beyond use and background leakage is a leak.

Laws:
- it is judged by readings inside the local window; what is pending must be fulfilled by the
  window's end, or is forgotten; nothing is judged outside the rule's calendars either;
- inside the window only the excess counts: it clears at or under `clear.below`, or `above` where
  none is given;
- at other hours demand hides the excess, so it clears by the repair's own mark: readings that fall
  and fall, within 30 minutes, by at least `clear.fall` of the excess that was detected; rising by
  as much again while `clear.for` runs takes that back.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kel.model.alert import Alert
from kel.model.city import City
from kel.model.device import Device
from kel.model.frame import Float64, Int64
from kel.model.mistake import Mistake
from kel.model.moment import MINUTE_US
from rules.core.by_slot import copies
from rules.core.entry import Entry, Measured, under
from rules.core.event import Cleared, Event, Fired, evidence
from rules.core.hold import BETWEEN, CLEAR, CLEARING, FIRING, IDLE, SET, Change, Hold
from rules.core.kind import KindSpec, Scene
from rules.core.rows import NEVER, Rows, Slots
from rules.core.rule import (
    NOTHING,
    Duration,
    Fraction,
    Month,
    Number,
    Positive,
    RuleShape,
    Shape,
    TimeOfDay,
    microseconds,
)
from rules.core.window import Window, month
from rules.parts.night_check import FLOW, check_flow

WHY = "η παροχή επανήλθε στο αναμενόμενο"
FALL_WITHIN = 30 * MINUTE_US
_ARRAYS = ("flow", "expected", "time", "top", "top_at", "excess", "low")


class Background(Shape):
    """Leakage that is always there, in litres per hour."""

    per_km: Positive = 0.0
    per_connection: Positive = 0.0


class NightClear(Shape):
    """`below`: excess in m³/h, judged in the window; `fall`: share of the excess, at any hour."""

    below: Number | None = None
    fall: Fraction = 0.7
    for_: Duration = Field(default=NOTHING, alias="for")


class NightFlow(RuleShape):
    """A zone that takes more water at night than its people and its pipes explain."""

    kind: Literal["night_flow"]
    window: tuple[TimeOfDay, TimeOfDay]
    above: Positive
    unit: str = "m³/h"
    legitimate: Positive
    background: Background = Background()
    season: dict[Month, Positive] = Field(default_factory=dict)
    for_: Duration = Field(default=NOTHING, alias="for")
    clear: NightClear = NightClear()


class NightFlowKind:
    """Per slot: the last reading (flow, expected, time), where its fall began (top, top_at), the
    excess that was detected, and the level to which it fell (low)."""

    def __init__(self, rule: NightFlow, scene: Scene) -> None:
        city, roster = scene.city, scene.roster
        self.rule, self.roster = rule, roster
        self.metric = rule.watch.metric or ""
        zones = [city.zones.get(d.zone or "") for d in roster.devices]
        self.watched = scene.watched & np.array([z is not None for z in zones], np.bool_)
        connections = np.array([z.connections if z else 0 for z in zones], np.float64)
        mains = np.array([z.mains_km if z else 0 for z in zones], np.float64)
        background = rule.background
        self.use = rule.legitimate * connections / 1000
        self.leak = (background.per_km * mains + background.per_connection * connections) / 1000
        self.season = np.array([rule.season.get(m, 1.0) for m in range(1, 13)])
        self.below = rule.above if rule.clear.below is None else rule.clear.below
        self.window = Window(*rule.window, city.timezone)
        clear = microseconds(rule.clear.for_)
        size = len(roster)
        self.judged = scene.judged
        end = self.window.end_after
        self.hold = Hold(size, microseconds(rule.for_), clear, end, scene.opening)
        self.flow, self.expected = np.full(size, np.nan), np.full(size, np.nan)
        self.top, self.excess, self.low = np.zeros(size), np.zeros(size), np.zeros(size)
        self.time, self.top_at = np.full(size, NEVER, np.int64), np.full(size, NEVER, np.int64)

    def frame(self, rows: Rows) -> list[Event]:
        rows = rows.of(self.watched)
        rows = self.judged(rows.only(~np.isnan(rows.column(self.metric))))
        if not len(rows):
            return []
        flow = rows.column(self.metric)
        local = self.window.local(rows.time)
        inside = self.window.inside(local)
        expected = self._expected(rows, local)
        raised = inside & (flow - expected > self.rule.above)
        # only zones in trouble are followed reading by reading
        busy = self.hold.busy(rows.slot, raised)
        events: list[Event] = []
        for row in np.flatnonzero(busy[rows.slot]).tolist():
            slot, time = int(rows.slot[row]), int(rows.time[row])
            reading = float(flow[row]), float(expected[row])
            events += self._reading(slot, time, *reading, inside=bool(inside[row]))
        ends = rows.ends
        slots = rows.slot[ends]
        self.flow[slots], self.expected[slots] = flow[ends], expected[ends]
        self.time[slots] = rows.time[ends]
        return events

    def _expected(self, rows: Rows, local: Int64) -> Float64:
        season = self.season[month(local) - 1]
        expected: Float64 = self.use[rows.slot] * season + self.leak[rows.slot]
        return expected

    def _reading(
        self, slot: int, time: int, flow: float, expected: float, *, inside: bool
    ) -> list[Event]:
        # by the reading before this one
        events = [self._event(due) for due in self.hold.due(slot, time)]
        self._follow(slot, time, flow)
        self.flow[slot], self.expected[slot], self.time[slot] = flow, expected, time
        verdict = self._verdict(slot, flow, flow - expected, inside)
        said = self.hold.say(slot, time, verdict) if verdict is not None else None
        return [*events, self._event(said)] if said else events

    def _follow(self, slot: int, time: int, flow: float) -> None:
        """Keep where the present fall began."""
        before, before_at = self.flow[slot], self.time[slot]
        idle = self.hold.phase[slot] == IDLE
        if idle or not flow < before:
            self.top[slot], self.top_at[slot] = flow, time
        elif time - self.top_at[slot] > FALL_WITHIN:
            self.top[slot], self.top_at[slot] = before, before_at

    def _verdict(self, slot: int, flow: float, excess: float, inside: bool) -> int | None:
        if inside:
            if excess > self.rule.above:
                return SET
            return CLEAR if excess <= self.below else BETWEEN
        fall = self.rule.clear.fall * self.excess[slot]
        phase = self.hold.phase[slot]
        if phase == FIRING and self.top[slot] - flow >= fall:
            self.low[slot] = flow
            return CLEAR
        if phase == CLEARING and flow - self.low[slot] >= fall:
            return BETWEEN
        return None

    def tick(self, now: int) -> list[Event]:
        return [self._event(change) for change in self.hold.tick(now)]

    def _event(self, change: Change) -> Event:
        slot = change.slot
        device = self.roster.devices[slot]
        if not change.fired:
            return Cleared(device, change.at, WHY)
        flow, expected = float(self.flow[slot]), float(self.expected[slot])
        self.excess[slot] = flow - expected
        facts: dict[str, float | str] = {
            "value": flow,
            "expected": expected,
            "excess": flow - expected,
            "limit": self.rule.above,
            "unit": self.rule.unit,
            "for_s": self.rule.for_.total_seconds(),
        }
        about = evidence(self.roster.cls, device.id, self.metric, change.since, change.at, facts)
        return Fired(device, change.since, change.at, about)

    def adopt(self, alert: Alert) -> bool:
        slot = self.roster.slot_of.get(alert.device, -1)
        if slot < 0 or not self.watched[slot]:
            return False
        self.hold.adopt(slot)
        self.excess[slot] = self.excess[slot] or float(alert.evidence.facts.get("excess", 0.0))
        return True

    def state(self) -> dict[str, NDArray[np.generic]]:
        own = copies(self, _ARRAYS)
        return {**self.hold.state(), **own}

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        if "phase" not in state:
            return
        self.hold.load(state, old, new)
        for name in _ARRAYS:
            getattr(self, name)[new] = state[name][old]


def check(entry: Entry, city: City, watched: list[Device]) -> Iterator[Mistake]:
    yield from check_flow(entry, city, watched)
    window = entry.get("window")
    if isinstance(window, list) and len(window) == 2 and window[0] == window[1]:
        yield entry.wrong(("window",), "begins when it ends")
    yield from under(entry, "above")


def measured(_entry: Entry, _city: City) -> Iterator[Measured]:
    yield Measured(FLOW, (("above",), ("clear", "below")))


KIND = KindSpec(NightFlow, NightFlowKind, check, measured=measured)
