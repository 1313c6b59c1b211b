"""threshold: a metric above or below a limit for some time.

Laws:
- the limit is strict: a value equal to it is neither above nor below;
- without a `clear` of its own, whatever is not over the limit clears;
- `relative_to` divides by an attribute of the device; a device without it is not judged;
- while the `while` condition does not hold, nothing is judged: what is pending ends, what fires
  goes on (a pump that stands still has not got its head back).
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kel.model.alert import Alert
from kel.model.city import City
from kel.model.frame import Float64
from rules.event import Cleared, Event, Fired, evidence
from rules.hold import BETWEEN, Change, Hold, Verdicts
from rules.rows import Bool, Roster, Rows, Slots, carried
from rules.rule import Limit, Threshold, microseconds

WHY = "η τιμή επανήλθε"


class ThresholdKind:
    def __init__(self, rule: Threshold, city: City, roster: Roster) -> None:
        del city
        self.rule, self.roster = rule, roster
        self.metric = rule.watch.metric or ""
        self.watched = roster.mask(rule.watch)
        self.hold = Hold(len(roster), microseconds(rule.for_), microseconds(rule.clear.for_))
        self.value = np.full(len(roster), np.nan)  # last known
        self.gate = np.full(len(roster), np.nan)  # last known value of the `while` metric
        self.divisor = _divisors(rule.relative_to, roster)

    def frame(self, rows: Rows) -> list[Event]:
        rows = rows.of(self.watched)
        if not len(rows):
            return []
        value = carried(rows, rows.column(self.metric), self.value)
        known = ~np.isnan(value)
        gate = None
        if self.rule.while_:
            gate = carried(rows, rows.column(self.rule.while_.metric), self.gate)
            known &= ~np.isnan(gate)
        compared = value if self.divisor is None else value / self.divisor[rows.slot]
        known &= ~np.isnan(compared)
        verdict = self._verdict(compared, gate)
        if known.all():
            changes = self.hold.run(rows, verdict)
        else:
            changes = self.hold.run(rows.only(known), verdict[known])
        events = [self._event(c, self._value_at(c, rows, value)) for c in changes]
        ends = rows.last
        self.value[rows.slot[ends]] = value[ends]
        if gate is not None:
            self.gate[rows.slot[ends]] = gate[ends]
        return events

    def tick(self, now: int) -> list[Event]:
        return [self._event(c, float(self.value[c.slot])) for c in self.hold.tick(now)]

    def _verdict(self, compared: Float64, gate: Float64 | None) -> Verdicts:
        raised = beyond(self.rule, compared)
        clear = self.rule.clear
        own = clear.above is not None or clear.below is not None
        down = beyond(clear, compared) if own else ~raised
        verdict = raised.view(np.int8) - (down & ~raised).view(np.int8)
        if gate is not None and self.rule.while_:
            verdict[~beyond(self.rule.while_, gate)] = BETWEEN
        return verdict

    def _value_at(self, change: Change, rows: Rows, value: Float64) -> float:
        """The value that was held when the change fell due: that of the last row before it."""
        lo, hi = rows.span(change.slot)
        # at once, it is the row itself; else the row before, whatever a row of that moment says
        until = change.at if self.hold.hold else change.at + 1
        row = lo + int(np.searchsorted(rows.time[lo:hi], until)) - 1
        return float(value[row]) if row >= lo else float(self.value[change.slot])

    def _event(self, change: Change, value: float) -> Event:
        device = self.roster.devices[change.slot]
        if not change.fired:
            return Cleared(device, change.at, WHY)
        rule = self.rule
        side, limit = ("above", rule.above) if rule.above is not None else ("below", rule.below)
        facts: dict[str, float | str] = {
            "value": value,
            "side": side,
            "limit": float(limit or 0.0),
            "unit": rule.unit,
            "for_s": rule.for_.total_seconds(),
        }
        if self.divisor is not None:
            reference = float(self.divisor[change.slot])
            facts |= {"value": value / reference, "measured": value, "reference": reference}
        about = evidence(rule.watch.cls, device.id, self.metric, change.since, change.at, facts)
        return Fired(device, change.since, change.at, about)

    def adopt(self, alert: Alert) -> bool:
        slot = self.roster.slot_of.get(alert.device, -1)
        if slot < 0 or not self.watched[slot]:
            return False
        self.hold.adopt(slot)
        return True

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {**self.hold.state(), "value": self.value.copy(), "gate": self.gate.copy()}

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        if "phase" not in state:
            return
        self.hold.load(state, old, new)
        self.value[new], self.gate[new] = state["value"][old], state["gate"][old]


def beyond(limit: Limit | Threshold, value: Float64) -> Bool:
    """Whether each value, (n,), lies strictly above, or below, the limit; NaN never does."""
    if limit.above is not None:
        above: Bool = value > limit.above
        return above
    below: Bool = value < (np.nan if limit.below is None else limit.below)
    return below


def _divisors(attribute: str | None, roster: Roster) -> Float64 | None:
    if attribute is None:
        return None
    values = np.array([d.attributes.get(attribute, np.nan) for d in roster.devices], np.float64)
    values[values == 0] = np.nan
    return values
