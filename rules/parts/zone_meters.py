"""Which meters bring water into a zone, which take it out of it, and which measure what is used.

Laws:
- a zone's meters are those with its `zone`; one that has a role is no inflow;
- a zone with neither outflow nor consumption has no balance.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kel.model.city import City
from kel.model.device import Device
from rules.core.kind import Scene
from rules.core.rows import Bool, Slots
from rules.core.rule import Shape, Watch


class Role(Shape):
    """Meters of a class, by a metric, and where `devices` are named only these."""

    cls: str = Field(alias="class")
    metric: str
    devices: tuple[str, ...] | None = None

    def takes(self, device: Device) -> bool:
        return device.cls == self.cls and (self.devices is None or device.id in self.devices)


class ZoneMeters:
    """Per meter its device, which of the `zones` (in order of their ids) it is of, and which side
    it is on: 0 inflow, 1 outflow, 2 consumption. `told_of`: each zone's first inflow meter."""

    def __init__(self, watch: Watch, roles: Iterable[Role | None], scene: Scene) -> None:
        roles = tuple(roles)
        inflow = [
            d
            for d, taken in zip(scene.devices, scene.watched.tolist(), strict=True)
            if taken and d.zone and not any(role and role.takes(d) for role in roles)
        ]
        others = [
            [d for d in scene.rosters[role.cls].devices if role.takes(d)] if role else []
            for role in roles
        ]
        left = {d.zone for role in others for d in role}
        self.zones = sorted({d.zone for d in inflow if d.zone in left and d.zone})
        place = {zone: at for at, zone in enumerate(self.zones)}
        sides = [[d for d in side if d.zone in place] for side in (inflow, *others)]
        self.devices = [d for side in sides for d in side]
        self.numbers = np.array([d.number for d in self.devices], np.int64)
        self.zone_of = np.array([place[d.zone or ""] for d in self.devices], np.intp)
        self.side_of = np.repeat(np.arange(len(sides)), [len(side) for side in sides])
        self.told_of = [next(d for d in sides[0] if d.zone == zone) for zone in self.zones]
        read = [(watch.cls, watch.metric or ""), *((r.cls, r.metric) if r else None for r in roles)]
        self.reads = self._places(scene, read)
        counts = [side is not None and _counts(scene.city, *side) for side in read]
        self.counter: Bool = np.array(counts)[self.side_of]

    def _places(
        self, scene: Scene, read: list[tuple[str, str] | None]
    ) -> list[tuple[str, str, Slots]]:
        """By class and metric, which meter each slot of the class is, or -1."""
        found = []
        for side, names in enumerate(read):
            meters = np.flatnonzero(self.side_of == side)
            if names and len(meters):
                roster = scene.rosters[names[0]]
                of: NDArray[np.intp] = np.full(len(roster), -1, np.intp)
                of[[roster.slot_of[self.devices[m].id] for m in meters.tolist()]] = meters
                found.append((*names, of))
        return found


def _counts(city: City, cls: str, metric: str) -> bool:
    found = city.classes[cls].metric(metric) if cls in city.classes else None
    return found is not None and found.unit == "m³"
