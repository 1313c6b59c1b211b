"""repeated: a condition that was true in so many readings in a row, or so often within a window.

Laws:
- `in_a_row`: it fires at the reading that makes `times` in a row beyond the limit, and began at the
  first of them; it clears as a threshold does (`clear`);
- `within`: it fires at a reading when `times` of those in (t − within, t] were beyond the limit,
  and began at the first of these; it clears when none was for `clear.for`, or for `within`;
- with `edges` only a reading beyond the limit after one that was not counts: a door that opens,
  not one that stands open; the first reading of a device is no edge;
- rows without the metric, or outside of the rule's calendars, are passed over.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kel.model.alert import Alert
from kel.model.city import City
from kel.model.device import Device
from kel.model.frame import Float64, Int64
from kel.model.mistake import Mistake
from kel.model.moment import to_us
from rules.core.entry import Entry, can_hold, far_side, find_metric, limits, one_limit, same_unit
from rules.core.event import Cleared, Event, Fired, evidence
from rules.core.hold import BETWEEN, Change
from rules.core.judge import Judge
from rules.core.kind import Kind, KindSpec, Scene
from rules.core.limit import beyond, verdicts
from rules.core.rows import Bool, Rows, Slots, previous
from rules.core.rule import Clear, Limit, RuleShape, SomeDuration, microseconds
from rules.parts.bursts import Bursts
from rules.parts.facts import limit_facts
from rules.parts.lookback import has_metric, not_too_long

IN_A_ROW = "η ένδειξη επανήλθε"
WITHIN = "δεν επαναλήφθηκε"


class Repeated(RuleShape, Limit):
    """A metric beyond a limit in so many readings in a row, or so often within a window."""

    kind: Literal["repeated"]
    unit: str
    times: Annotated[int, Field(strict=True, ge=2, le=100)]
    within: SomeDuration | None = None
    in_a_row: bool = False
    edges: bool = False
    clear: Clear = Clear()


class _Base:
    def __init__(self, rule: Repeated, scene: Scene) -> None:
        self.rule, self.roster, self.watched = rule, scene.roster, scene.watched
        self.metric, self.scene = rule.watch.metric or "", scene

    def _known(self, rows: Rows) -> Rows:
        rows = self.scene.judged(rows.of(self.watched))
        return rows.only(~np.isnan(rows.column(self.metric)))

    def _fired(self, change: Change, started: int, value: float) -> Event:
        rule, device = self.rule, self.roster.devices[change.slot]
        facts: dict[str, float | str] = {
            "value": value,
            **limit_facts(rule, rule.unit),
            "times": float(rule.times),
        }
        if rule.within:
            facts["within_s"] = rule.within.total_seconds()
        about = evidence(rule.watch.cls, device.id, self.metric, started, change.at, facts)
        return Fired(device, started, change.at, about)


class InARow(_Base):
    """`row`: how many readings in a row, up to the last, were beyond the limit; `start`: since
    which moment (µs; a number of microseconds is exact in a float64)."""

    def __init__(self, rule: Repeated, scene: Scene) -> None:
        super().__init__(rule, scene)
        self.judge = Judge(scene, 0, microseconds(rule.clear.for_), ("value", "start"))
        self.row = np.zeros(len(scene.roster), np.int64)
        self.adopt = self.judge.adopt

    def frame(self, rows: Rows) -> list[Event]:
        rows = self._known(rows)
        if not len(rows):
            return []
        value = rows.column(self.metric)
        raised = beyond(self.rule, value)
        count, start = self._count(rows, raised)
        verdict = verdicts(self.rule, self.rule.clear, value)
        verdict[raised & (count < self.rule.times)] = BETWEEN
        told = self.judge.all_rows(rows, verdict, value=value, start=start)
        return [self._event(change, shown) for change, shown in told]

    def _count(self, rows: Rows, raised: Bool) -> tuple[Int64, Float64]:
        """How many readings in a row are raised up to each, (n,), and the time of the first."""
        up = np.flatnonzero(raised)
        begins = rows.first[up]
        begins[:1] = True
        begins[1:] |= np.diff(up) > 1
        heads = np.flatnonzero(begins)
        head = np.repeat(up[heads], np.diff(heads, append=len(up)))  # of each one's run
        slot = rows.slot[up]
        held = np.where(rows.first[head], self.row[slot], 0)
        count, start = np.zeros(len(rows), np.int64), rows.time.astype(np.float64)
        count[up] = up - head + 1 + held
        start[up] = np.where(held > 0, self.judge.values["start"][slot], rows.time[head])
        self.row[rows.slots] = count[rows.ends]
        return count, start

    def tick(self, now: int) -> list[Event]:
        return [self._event(change, shown) for change, shown in self.judge.tick(now)]

    def _event(self, change: Change, shown: Mapping[str, float]) -> Event:
        if not change.fired:
            return Cleared(self.roster.devices[change.slot], change.at, IN_A_ROW)
        return self._fired(change, int(shown["start"]), shown["value"])

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {**self.judge.state(), "row": self.row.copy()}

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        self.judge.load(state, old, new)
        if "row" in state:
            self.row[new] = state["row"][old]


class Within(_Base):
    """`beyond`: whether each slot's last reading was beyond the limit, NaN where there is none."""

    def __init__(self, rule: Repeated, scene: Scene) -> None:
        super().__init__(rule, scene)
        within = microseconds(rule.within) if rule.within else 0
        quiet = microseconds(rule.clear.for_) or within
        self.bursts = Bursts(len(scene.roster), rule.times, within, quiet, scene.opening)
        self.beyond = np.full(len(scene.roster), np.nan)

    def frame(self, rows: Rows) -> list[Event]:
        rows = self._known(rows)
        if not len(rows):
            return []
        counts = beyond(self.rule, rows.column(self.metric))
        if self.rule.edges:
            counts = self._edges(rows, counts)
        if not counts.any():
            return []
        rows = rows.only(counts)
        value = rows.column(self.metric)
        events: list[Event] = []
        for change in self.bursts.add(rows.slot, rows.time, rows.first):
            lo, hi = rows.span(change.slot)
            row = lo + int(np.searchsorted(rows.time[lo:hi], change.at))
            events.append(self._event(change, float(value[row]) if change.fired else 0.0))
        return events

    def _edges(self, rows: Rows, raised: Bool) -> Bool:
        before = previous(rows, raised.astype(np.float64), self.beyond)
        ends = rows.ends
        self.beyond[rows.slot[ends]] = raised[ends]
        edges: Bool = raised & (before == 0.0)
        return edges

    def tick(self, now: int) -> list[Event]:
        return [self._event(change, 0.0) for change in self.bursts.tick(now)]

    def _event(self, change: Change, value: float) -> Event:
        if not change.fired:
            return Cleared(self.roster.devices[change.slot], change.at, WITHIN)
        return self._fired(change, change.since, value)

    def adopt(self, alert: Alert) -> bool:
        slot = self.roster.slot_of.get(alert.device, -1)
        if slot < 0 or not self.watched[slot]:
            return False
        self.bursts.adopt(slot, to_us(alert.detected_at))
        return True

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {**self.bursts.state(), "beyond": self.beyond.copy()}

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        if "beyond" in state:
            self.bursts.load(state, old, new)
            self.beyond[new] = state["beyond"][old]


def make(rule: Repeated, scene: Scene) -> Kind:
    return InARow(rule, scene) if rule.in_a_row else Within(rule, scene)


def check(entry: Entry, city: City, watched: list[Device]) -> Iterator[Mistake]:
    del watched
    metric = find_metric(entry, city, "watch", "metric")
    yield from has_metric(entry)
    yield from one_limit(entry)
    yield from same_unit(entry, metric)
    yield from can_hold(entry, metric)
    row, within = entry.get("in_a_row") is True, entry.get("within") is not None
    if row and within:
        yield entry.wrong(("within",), "has no meaning beside in_a_row")
    elif row:
        yield from far_side(entry, metric)
        if entry.get("edges") is True:
            yield entry.wrong(("edges",), "has no meaning beside in_a_row: an edge is one reading")
    elif within:
        yield from not_too_long(entry, "within")
        for side in ("above", "below"):
            if entry.get("clear", side) is not None:
                what = "has no meaning beside within: it clears when nothing comes for clear.for"
                yield entry.wrong(("clear", side), what)
    else:
        yield entry.wrong((), "either within or in_a_row is missing")


KIND = KindSpec(Repeated, make, check, measured=limits)
