"""With what a device's readings are compared: its peers or its parent, as of then. Pure."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kel.model.frame import Float64
from rules.core.kind import Scene
from rules.core.rows import Bool, Rows
from rules.parts.asof import AsOf, Readings
from rules.parts.peers import Peers, group_key


class Against(Protocol):
    """With what readings are compared."""

    def add(self, rows: Rows) -> None: ...

    def settle(self, settled: Readings, now: int, wanted: Bool) -> tuple[Float64, Float64]:
        """For each reading, (n,): what it is compared with, NaN for nothing, and of how many.

        Of readings that are not `wanted` nothing need be told.
        """
        ...

    def state(self) -> dict[str, NDArray[np.generic]]: ...

    def load(self, state: Mapping[str, NDArray[np.generic]]) -> None: ...


class Median:
    """The median of each device's peers in its feeder, zone or community."""

    def __init__(self, against: str, fresh: int, own: AsOf) -> None:
        keys = (group_key(d, against) for d in own.roster.devices)
        self.own, self.peers = own, Peers(keys, fresh)

    def add(self, rows: Rows) -> None:
        """The device's own class is all that it needs."""

    def settle(self, settled: Readings, now: int, wanted: Bool) -> tuple[Float64, Float64]:
        del now
        return self.peers.medians(self.own, settled, wanted)

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {}

    def load(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        del state


class Parent:
    """The metric of each device's parent; `fresh`: µs, as of `Peers`."""

    def __init__(self, cls: str, metric: str, fresh: int, scene: Scene) -> None:
        self.fresh, roster = fresh, scene.rosters[cls]
        self.known = AsOf(roster, metric)
        parents = (roster.slot_of.get(d.parent or "", -1) for d in scene.devices)
        self.parent = np.fromiter(parents, np.intp, len(scene.roster))
        self.state, self.load = self.known.state, self.known.load

    def add(self, rows: Rows) -> None:
        if rows.cls == self.known.roster.cls:
            self.known.add(rows)

    def settle(self, settled: Readings, now: int, wanted: Bool) -> tuple[Float64, Float64]:
        del wanted
        due = self.known.due(now)
        time, value = self.known.at(due, self.parent[settled.slot], settled.time)
        self.known.keep(due)
        value[time < settled.time - self.fresh] = np.nan
        return value, (~np.isnan(value)).astype(np.float64)
