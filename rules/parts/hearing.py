"""What a composition hears of its members: each of their alerts begin and end, in its places.

Laws:
- an alert is heard to begin once, and to end only if it was heard to begin;
- what was heard waits for the tick that settles its moment; what is told late counts from the last
  tick.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kel.model.city import City
from kel.model.device import Device
from rules.core.event import Cleared, Event, Fired
from rules.parts.places import By, place_of
from rules.parts.sequence import Heard, table


class Hearing:
    """The alerts of `members` in the `places`, which are told by their names."""

    def __init__(self, members: Sequence[str], by: By, places: Collection[str], city: City) -> None:
        self.members, self.by, self.city = members, by, city
        self.places = {name: place for place, name in enumerate(places)}
        self.devices = {d.number: d for d in city.devices.values()}
        self.told: dict[tuple[int, int], int] = {}  # alerts heard to begin and not to end, and when
        self.waiting: list[Heard] = []

    def place(self, device: int) -> int:
        """The place of a device, by its number."""
        return self.places[place_of(self.by, self.devices[device]) or ""]

    def hear(self, rule: str, event: Event) -> None:
        key = self._key(rule, event.device)
        if key is None:
            return
        if isinstance(event, Cleared):
            if key in self.told:
                at = max(event.at, self.told.pop(key))
                self.waiting.append(Heard(at, *key, 0, at))
        elif key not in self.told:
            self.waiting.append(self._begun(key, event))

    def recall(self, rule: str, event: Fired) -> Heard | None:
        """An alert that is active already; None: it is nobody's here, or was heard."""
        key = self._key(rule, event.device)
        return self._begun(key, event) if key is not None and key not in self.told else None

    def _key(self, rule: str, device: Device) -> tuple[int, int] | None:
        here = rule in self.members and place_of(self.by, device) in self.places
        return (self.members.index(rule), device.number) if here else None

    def _begun(self, key: tuple[int, int], event: Fired) -> Heard:
        at = self.told[key] = event.detected
        metrics = [m.name for m in self.city.classes[event.device.cls].metrics]
        metric = event.evidence.metric  # not always the device's own: a share's is its lamps'
        shown = metrics.index(metric) if metric in metrics else 0
        return Heard(at, *key, 1, at, event.started, shown)

    def due(self, now: int, clock: int) -> list[Heard]:
        """What is settled at a tick, in order; `clock`: the last one."""
        due = [h._replace(at=max(h.at, clock)) for h in self.waiting if h.at <= now]
        self.waiting = [h for h in self.waiting if h.at > now]
        # stable: what is told of one alert stays in its order
        return sorted(due, key=lambda h: h[:3])

    def state(self) -> NDArray[np.generic]:
        """What waits; what was heard to begin is what waits and what is on."""
        return table(self.waiting)

    def load(
        self, on: NDArray[np.generic], waiting: NDArray[np.generic]
    ) -> Mapping[tuple[int, int], Heard]:
        """What is on, of devices that are still in a place of this partition."""
        begun = {(h.member, h.device): h for h in self._known(on)}
        self.told |= {key: heard.at for key, heard in begun.items()}
        self.waiting = self._known(waiting)
        for heard in self.waiting:
            if heard.begun:
                self.told[heard.member, heard.device] = heard.at
            else:
                self.told.pop((heard.member, heard.device), None)
        return begun

    def _known(self, table: NDArray[np.generic]) -> list[Heard]:
        found = [Heard(*row) for row in table.tolist()]
        here = (d.number for d in self.devices.values() if place_of(self.by, d) in self.places)
        numbers = set(here)
        return [heard for heard in found if heard.device in numbers]
