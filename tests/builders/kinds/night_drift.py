"""night_drift: cases and reference."""

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from kel.model.city import City
from kel.model.device import Device
from tests.builders.kinds.case import US, Values, case, singly
from tests.builders.kinds.spans import SpansOf, mean, middle
from tests.builders.rules_city import HOUR, at

ZONES = (11, 12)
FLOWS = {"flow": (4.0, 4.5, 5.0, 6.0, 9.0, 14.0, 30.0)}
# A night of half a day in six parts, so that few readings make many nights.
LONG = {
    "watch": '{class="zone", metric="flow"}',
    "nights": "3",
    "least_spread": "0.25",
    "step_": "{above=1.0, sigmas=1.0}",
}
CASES = {
    "nights, by step and drift": case(
        "night_drift",
        ZONES,
        FLOWS,
        start=at("2026-10-18T12:00"),  # summer time ends on the 25th
        step=2 * HOUR,
        steps=150,
        window='["18:30", "06:30"]',
        lowest='"8h"',
        legitimate="2.0",
        season="{10=1.5, 11=0.5}",
        drift="{slack=0.25, limit=1.25}",
        clear='{below=1.0, for="20h"}',
        **LONG,
    ),
    "nights, by step": case(
        "night_drift",
        ZONES,
        FLOWS,
        start=at("2026-03-22T12:00"),
        step=2 * HOUR,
        steps=150,
        window='["12:00", "23:00"]',
        lowest='"8h"',
        for_='"26h"',
        clear="{below=1.0}",
        **LONG,
    ),
    "nights, anew from a day": case(
        "night_drift",
        ZONES,
        FLOWS,
        start=at("2026-10-18T12:00"),
        step=2 * HOUR,
        steps=150,
        window='["18:30", "06:30"]',
        lowest='"8h"',
        learn_from='"2026-10-24"',
        drift="{slack=0.25, limit=1.25}",
        clear='{below=1.0, for="20h"}',
        **LONG,
    ),
}


class NightDriftOf(SpansOf):
    def __init__(self, rule: Any, device: Device, city: City) -> None:
        super().__init__(rule, device, city)
        self.zone = city.zones.get(device.zone or "")
        self.past: list[float] = []
        self.lately: list[tuple[int, float]] = []  # of all nights: when each ended, and its figure
        self.sum, self.since, self.drifts = 0.0, 0, False
        self.history: list[tuple[int, int]] = []
        start, end = rule.window
        minutes = (end.hour - start.hour) * 60 + end.minute - start.minute
        self.length = minutes % 1440 * 60_000_000

    def end_of(self, now: int) -> int | None:
        if self.zone is None or not self.inside(now):
            return None
        end = now  # windows of the tests begin and end at whole quarters of an hour
        while self.inside(end):
            end += HOUR // 4 - end % (HOUR // 4)
        return end

    def inside(self, now: int) -> bool:
        start, end = self.rule.window
        clock = self.local(now).time()
        return start <= clock < end if start < end else clock >= start or clock < end

    def value(self, values: Values, now: int) -> Any:
        flow = values.get("flow", math.nan)
        if math.isnan(flow) or not self.inside(now):
            return None
        local, start = self.local(now), self.rule.window[0]
        since = timedelta(hours=local.hour - start.hour, minutes=local.minute - start.minute)
        quarter = (since % timedelta(days=1)) // (self.rule.lowest / 4)
        return quarter, flow

    def season(self, end: int) -> float:
        """Between the middles of two months the straight line from one factor to the other."""
        local = self.local(end).replace(tzinfo=None)
        begin = local.replace(day=1, hour=0, minute=0)
        after = (begin + timedelta(days=32)).replace(day=1)
        share = (local - begin) / (after - begin)
        other = (begin - timedelta(days=1) if share < 0.5 else after).month
        own, near = (self.rule.season.get(m, 1.0) for m in (local.month, other))
        weight = abs(share - 0.5)
        return float(own * (1 - weight) + near * weight)

    def span(self, end: int, rows: Sequence[Any]) -> None:
        quarters = {q: mean([f for at, f in rows if at == q]) for q, _ in rows}
        hours = [
            mean([quarters[q + i] for i in range(4)])
            for q in quarters
            if all(q + i in quarters for i in range(4))
        ]
        if not hours:
            return
        assert self.zone
        used = self.rule.legitimate * self.zone.connections * self.season(end) / 1000
        figure, nights = min(hours) - used, self.rule.nights
        self.lately = [*self.lately, (end, figure)][-2 * nights :]
        ready = len(self.past) >= nights
        if ready:
            self.judge(end, figure)
        if (not ready or self.idle) and self.of_now(end - self.length):
            self.past = [*self.past, figure][-2 * nights :]

    def anew(self) -> None:
        """The nights since the day, as far as they are kept, are the first."""
        self.past = [figure for end, figure in self.lately if self.of_now(end - self.length)]
        self.sum, self.drifts = 0.0, False

    def judge(self, end: int, figure: float) -> None:
        rule = self.rule
        newer, spread = self.usual(self.past[-rule.nights :])
        older, older_spread = self.usual(self.past[: rule.nights])
        self.come_to(end)
        raised = bool(
            rule.step
            and figure - newer > rule.step.above
            and figure - newer > rule.step.sigmas * spread
        )
        if rule.drift:
            z = min((figure - older) / older_spread, 4.0)
            after = max(0.0, min(self.sum + z - rule.drift.slack, rule.drift.limit))
            if self.sum == 0 and after > 0:
                self.since = end - self.length
            self.sum = after
            near = figure - older <= rule.clear.below
            if self.drifts and near:
                self.sum = 0.0
            self.drifts = (self.drifts or self.sum >= rule.drift.limit) and not near
        back = figure - (older if self.drifts else newer) <= rule.clear.below
        since = self.since if self.drifts else end - self.length
        self.history.append((end, since))
        raised = raised or self.drifts
        self.hear(end, "set" if raised else "clear" if back else "between")

    def usual(self, nights: Sequence[float]) -> tuple[float, float]:
        centre = middle(nights)
        spread = 1.4826 * middle([abs(n - centre) for n in nights])
        return centre, max(spread, self.rule.least_spread)

    def began(self, since: int) -> int:
        due = since + self.rule.for_ // US
        shown = [b for at, b in self.history if at < due or (at == due and not self.rule.for_)]
        return max(min(shown[-1], since - self.length), self.ended)


BUILD = singly(NightDriftOf)
