"""zone_balance: more water goes into a zone than comes out of it or is used there.

Over each `window`, of a zone's meters (`rules.parts.metering`), in m³/h:

    balance = Σ inflow − Σ outflow − Σ consumption          share = balance / Σ inflow

Inflow are the meters that `watch` takes; `outflow` and `consumption` are roles of their own: a
class, a metric, and where not all of them, `devices`. A metric in m³/h is integrated, one in m³ is
a counter.

Laws:
- a zone's meters, and which zones are judged: `rules.parts.zone_meters`;
- a window in which any of the zone's meters is not known for `COVERED` of it is not judged: the
  last verdict holds, and the evidence of an alert that the next one raises says how many windows
  were passed over (`skipped`) and who was missing in the last of them (`missing`);
- it fires when all that is given of `above` (m³/h) and `share` is exceeded, for `for`; it clears
  when it is not, and all that is given of `clear.below` and `clear.share` is kept to;
- it is settled at ticks, in order of event time, and told of the zone's first inflow meter; a
  window counts where the rule's calendars are open when it is settled.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kel.model.alert import Alert
from kel.model.city import City
from rules.core.entry import Entry, Measured
from rules.core.event import Cleared, Event, Fired, evidence
from rules.core.hold import BETWEEN, CLEAR, SET, Change, Hold
from rules.core.kind import KindSpec, Scene
from rules.core.rows import NEVER, Rows, Slots
from rules.core.rule import (
    NOTHING,
    Duration,
    Fraction,
    Positive,
    RuleShape,
    Shape,
    SomeDuration,
    microseconds,
)
from rules.parts.balance_check import check
from rules.parts.metering import Metering, Window
from rules.parts.nested import nested, part
from rules.parts.zone_meters import Role, ZoneMeters

WHY = "το ισοζύγιο της ζώνης έκλεισε"
FLOW = "m³/h"
COVERED = 0.9  # the share of a window for which a meter must be known
SHOWN = 8  # missing meters named in the evidence
_FACTS = ("balance", "share", "inflow", "outflow", "consumption", "covered", "skipped")


class BalanceClear(Shape):
    below: Positive | None = None
    share: Fraction | None = None
    for_: Duration = Field(default=NOTHING, alias="for")


class ZoneBalance(RuleShape):
    """More water goes into a zone than comes out of it or is used there."""

    kind: Literal["zone_balance"]
    outflow: Role | None = None
    consumption: Role | None = None
    window: SomeDuration
    fresh: SomeDuration
    above: Positive | None = None
    unit: str = FLOW
    share: Fraction | None = None
    for_: Duration = Field(default=NOTHING, alias="for")
    clear: BalanceClear = BalanceClear()


class ZoneBalanceKind:
    """Its zones in order of their ids; per zone a hold, the figures of the last judged window, its
    end (µs), and which meters were missing in the last window that was not judged."""

    def __init__(self, rule: ZoneBalance, scene: Scene) -> None:
        self.rule, self.metric = rule, rule.watch.metric or ""
        self.meters = ZoneMeters(rule.watch, (rule.outflow, rule.consumption), scene)
        self.zones, self.told_of = self.meters.zones, self.meters.told_of
        window, fresh = microseconds(rule.window), microseconds(rule.fresh)
        self.metering = Metering(self.meters.numbers, self.meters.counter, window, fresh)
        self.opening = scene.opening.at(self.told_of) if scene.opening else None
        clear = microseconds(rule.clear.for_)
        self.hold = Hold(len(self.zones), microseconds(rule.for_), clear, opening=self.opening)
        self.figures = np.full((len(_FACTS), len(self.zones)), np.nan)
        self.judged = np.full(len(self.zones), NEVER, np.int64)
        self.missing = np.zeros(len(self.meters.numbers), np.bool_)

    def frame(self, rows: Rows) -> list[Event]:
        for cls, metric, of in self.meters.reads:
            if rows.cls == cls:
                own = rows.of(of >= 0)
                own = own.only(~np.isnan(own.column(metric))) if len(own) else own
                self.metering.read(own, of[own.slot], own.column(metric))
        return []

    def tick(self, now: int) -> list[Event]:
        events = [e for window in self.metering.tick(now) for e in self._window(window)]
        return events + [self._event(change) for change in self.hold.tick(now)]

    def _window(self, window: Window) -> list[Event]:
        """What was due before a window was settled, then what it shows of each zone."""
        at = window.end + self.metering.wait
        zones = np.arange(len(self.zones))
        due = self.hold.pass_by(zones, np.full(len(zones), at))
        events = [self._event(change) for change in due]
        lacking = window.covered < COVERED
        size = len(self.zones)
        sums = np.zeros((3, size))
        np.add.at(
            sums, (self.meters.side_of, self.meters.zone_of), np.where(lacking, 0.0, window.flow)
        )
        incomplete = np.bincount(self.meters.zone_of[lacking], minlength=size) > 0
        self.missing = np.where(incomplete[self.meters.zone_of], lacking, self.missing)
        covered = np.ones(size)
        np.minimum.at(covered, self.meters.zone_of, window.covered)
        for zone in np.flatnonzero(~incomplete).tolist():
            events += self._judge(zone, window.end, sums[:, zone].tolist(), float(covered[zone]))
        return events

    def _judge(self, zone: int, end: int, sums: list[float], covered: float) -> list[Event]:
        inflow, outflow, consumption = sums
        balance = inflow - outflow - consumption
        share = balance / inflow if inflow > 0 else 0.0
        before = int(self.judged[zone])
        skipped = (end - before) // self.metering.window - 1 if before != NEVER else 0
        self.judged[zone] = end
        self.figures[:, zone] = balance, share, *sums, covered, skipped
        if not skipped:
            self.missing[self.meters.zone_of == zone] = False
        at = end + self.metering.wait
        if self.opening and not self.opening.open_at(self.told_of[zone], at):
            return []
        said = self.hold.say(zone, at, self._verdict(balance, share))
        return [self._event(said)] if said else []

    def _verdict(self, balance: float, share: float) -> int:
        rule, clear = self.rule, self.rule.clear
        if _all_over(balance, rule.above) and _all_over(share, rule.share):
            return SET
        kept = not any(
            limit is not None and value > limit
            for value, limit in ((balance, clear.below), (share, clear.share))
        )
        return CLEAR if kept else BETWEEN

    def _event(self, change: Change) -> Event:
        zone = change.slot
        device = self.told_of[zone]
        if not change.fired:
            return Cleared(device, change.at, WHY)
        rule = self.rule
        figures = dict(zip(_FACTS, self.figures[:, zone].tolist(), strict=True))
        by_share = rule.above is None
        facts: dict[str, float | str] = {
            "value": figures.pop("share") if by_share else figures["balance"],
            "limit": float((rule.share if by_share else rule.above) or 0.0),
            "unit": "1" if by_share else rule.unit,
            **figures,
            "for_s": rule.for_.total_seconds(),
        }
        lacking = np.flatnonzero(self.missing & (self.meters.zone_of == zone))
        if len(lacking):
            facts["missing"] = ", ".join(
                self.meters.devices[m].id for m in lacking[:SHOWN].tolist()
            )
        begin = change.since - self.metering.wait - self.metering.window
        about = evidence(rule.watch.cls, device.id, self.metric, begin, change.at, facts)
        return Fired(device, change.since, change.at, about)

    def adopt(self, alert: Alert) -> bool:
        zone = next((z for z, d in enumerate(self.told_of) if d.id == alert.device), None)
        if zone is None:
            return False
        self.hold.adopt(zone)
        return True

    def state(self) -> dict[str, NDArray[np.generic]]:
        own: dict[str, NDArray[np.generic]] = {
            "device": np.array([d.number for d in self.told_of], np.int64),
            "figures": self.figures.T.copy(),
            "judged": self.judged.copy(),
            "missing": self.metering.numbers[self.missing],
        }
        return nested(own=own, metering=self.metering.state(), hold=self.hold.state())

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        del old, new  # it names its own devices
        own = part(state, "own")
        if not own:
            return
        self.metering.load(part(state, "metering"))
        place = {int(number): at for at, number in enumerate(own["device"])}
        pairs = [(place[d.number], z) for z, d in enumerate(self.told_of) if d.number in place]
        was, now = np.array(pairs, np.intp).reshape(-1, 2).T
        self.hold.load(part(state, "hold"), was, now)
        self.figures[:, now], self.judged[now] = own["figures"][was].T, own["judged"][was]
        self.missing = np.isin(self.metering.numbers, own["missing"])


def _all_over(value: float, limit: float | None) -> bool:
    return limit is None or value > limit


def _classes(rule: ZoneBalance) -> tuple[str, ...]:
    roles = (role.cls for role in (rule.outflow, rule.consumption) if role)
    return tuple(dict.fromkeys(cls for cls in roles if cls != rule.watch.cls))


def measured(_entry: Entry, _city: City) -> Iterator[Measured]:
    yield Measured(FLOW, (("above",), ("clear", "below")))


KIND = KindSpec(ZoneBalance, ZoneBalanceKind, check, classes=_classes, measured=measured)
