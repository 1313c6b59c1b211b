"""What a pump should do at a flow: by its design point, or by its own first days.

Laws: `at` gives head (m) and efficiency (0–1) for each (slot, end, flow), NaN where nothing can be
said; a curve from history says nothing before its training is over, and learns nothing after.
"""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kel.model.frame import Float64, Int64
from rules.core.rows import NEVER, Roster, Slots
from rules.parts.pumping import curve_efficiency, curve_head, efficiency

BINS = 64  # of flow, from 0
LEAST_SPANS = 3  # in a bin, for it to say anything
_ARRAYS = ("head", "share", "count", "began")


class Curve(Protocol):
    def at(self, slot: Slots, end: Int64, flow: Float64) -> tuple[Float64, Float64]: ...

    def learn(
        self, slot: Slots, end: Int64, flow: Float64, head: Float64, found: Float64
    ) -> None: ...

    def state(self) -> dict[str, NDArray[np.generic]]: ...

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None: ...


class DesignCurve:
    """Through each device's design_flow, design_head and rated_power."""

    def __init__(self, roster: Roster, shut_off: float) -> None:
        def column(name: str) -> Float64:
            values = [d.attributes.get(name, 0.0) or np.nan for d in roster.devices]
            return np.array(values, np.float64)

        self.flow, self.head = column("design_flow"), column("design_head")
        self.best = efficiency(self.flow, self.head, column("rated_power"))
        self.shut_off = shut_off

    def at(self, slot: Slots, end: Int64, flow: Float64) -> tuple[Float64, Float64]:
        del end
        head = curve_head(flow, self.flow[slot], self.head[slot], self.shut_off)
        return head, curve_efficiency(flow, self.flow[slot], self.best[slot])

    def learn(self, slot: Slots, end: Int64, flow: Float64, head: Float64, found: Float64) -> None:
        """Nothing: the design stands."""

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {}

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        """Nothing to remember."""


class HistoryCurve:
    """Means of `size` slots in bins of flow, `width` m³/h wide, over `training` µs."""

    def __init__(self, size: int, width: float, training: int) -> None:
        self.width, self.training = width, training
        self.head, self.share, self.count = (np.zeros((size, BINS)) for _ in range(3))
        self.began = np.full(size, NEVER, np.int64)  # when a slot's first span ended

    def at(self, slot: Slots, end: Int64, flow: Float64) -> tuple[Float64, Float64]:
        bin_, inside = self._bin(flow)
        count = self.count[slot, bin_]
        speaks = inside & (count >= LEAST_SPANS) & self._over(slot, end)
        count = np.maximum(count, 1.0)
        head = np.where(speaks, self.head[slot, bin_] / count, np.nan)
        return head, np.where(speaks, self.share[slot, bin_] / count, np.nan)

    def learn(self, slot: Slots, end: Int64, flow: Float64, head: Float64, found: Float64) -> None:
        new = self.began[slot] == NEVER
        self.began[slot[new]] = end[new]
        bin_, inside = self._bin(flow)
        taken = inside & ~self._over(slot, end)
        at = slot[taken], bin_[taken]
        self.head[at] += head[taken]
        self.share[at] += found[taken]
        self.count[at] += 1

    def _over(self, slot: Slots, end: Int64) -> NDArray[np.bool_]:
        began = self.began[slot]
        over: NDArray[np.bool_] = (began != NEVER) & (
            end - np.where(began == NEVER, end, began) > self.training
        )
        return over

    def _bin(self, flow: Float64) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        bin_ = np.floor(flow / self.width)
        inside = (bin_ >= 0) & (bin_ < BINS)
        return np.where(inside, bin_, 0).astype(np.intp), inside

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {name: getattr(self, name).copy() for name in _ARRAYS}

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        for name in _ARRAYS:
            getattr(self, name)[new] = state[name][old]
