"""event: cases and reference."""

import math
from typing import Any

from kel.model.city import City
from kel.model.device import Device
from tests.builders.calendars import Clockwork
from tests.builders.kinds.case import NAN, US, Timer, Told, Values, case, singly

MINUTE = 60_000_000
CAMERAS = (61, 62, 777)
SMOKE = '{class="camera", metric="smoke"}'
CASES = {
    "seen twice, or once beyond doubt": case(
        "event",
        CAMERAS,
        {"smoke": (0.0, 0.2, 0.5, 0.7, 0.8, 0.95, NAN), "fire": (0.0, 1.0, NAN)},
        watch=SMOKE,
        score="0.7",
        unit='"0-1"',
        times="2",
        within='"10m"',
        at_once="0.9",
        clear='{below=0.3, for="10m"}',
    ),
    "seen three times, apart": case(
        "event",
        CAMERAS,
        {"smoke": (0.0, 0.5, 0.6, NAN)},
        watch='{class="camera", metric="smoke", devices=["cam-01"]}',
        score="0.5",
        unit='"0-1"',
        times="3",
        within='"40m"',
        apart='"10m"',
    ),
    "seen in spells": case(
        "event",
        CAMERAS,
        {"smoke": (0.0, 0.8, NAN)},
        watch=SMOKE,
        score="70",
        unit='"%"',
        times="2",
        within='"20m"',
        clear='{below=30, for="6m"}',
        when='"spells"',
        step=3 * MINUTE,
        steps=45,
    ),
    "seen once": case(
        "event",
        CAMERAS,
        {"fire": (0.0, 0.9)},
        watch=SMOKE.replace("smoke", "fire"),
        score="0.9",
        unit='"0-1"',
        clear='{for="20m"}',
    ),
}


class EventOf:
    def __init__(self, rule: Any, device: Device, city: City) -> None:
        self.rule, self.told = rule, Told(rule.id, device.id)
        self.clockwork = Clockwork(rule, device.community, city)
        self.timer = Timer(self.told, 0 * US, rule.clear.for_, self.clockwork)
        self.sightings: list[int] = []

    def row(self, now: int, values: Values) -> None:
        rule = self.rule
        score = values.get(rule.watch.metric, math.nan)
        if math.isnan(score):
            return
        self.timer.come_to(now)
        if not self.clockwork.open(now):
            return
        self.sightings = [s for s in self.sightings if self.clockwork.turn(s, False) > now]
        if self.told.firing:
            below = rule.score if rule.clear.below is None else rule.clear.below
            self.timer.hear(now, "clear" if score < below else "between")
            return
        if score < rule.score:
            return
        if not self.sightings or now - self.sightings[-1] >= rule.apart // US:
            self.sightings.append(now)
        within = rule.within // US if rule.within else 0
        recent = [s for s in self.sightings if now - s <= within]
        if len(recent) >= rule.times:
            self.fire(recent[-rule.times], now)
        elif rule.at_once is not None and score >= rule.at_once:
            self.fire(min(recent, default=now), now)

    def fire(self, since: int, now: int) -> None:
        self.told.fire(since, now)
        self.timer.clear_at = None
        self.timer.shuts = self.clockwork.turn(now, False)
        self.sightings = []

    def tick(self, now: int) -> None:
        self.timer.come_to(now)


BUILD = singly(EventOf)
