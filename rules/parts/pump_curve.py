"""What a pump should do at a flow: by its design point, or by its own first days.

Laws:
- `at` gives head (m) and efficiency (0–1) of each (slot, end, flow), NaN where it says nothing;
- a curve from history says nothing before its training is over, and learns nothing after; a span
  that was not well makes the training so much longer;
- with a floor it expects that share of the design curve at least: a pump that was failing already
  in its first days is not held to what it did then.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from kel.model.frame import Float64, Int64
from rules.core.by_slot import copies, remember
from rules.core.rows import NEVER, Bool, Roster, Slots
from rules.core.rule import Fraction, Shape, SomeDuration, microseconds
from rules.parts.pumping import SHUT_OFF, curve_efficiency, curve_head, efficiency

BINS = 64  # of flow, from 0
LEAST_SPANS = 3  # in a bin, for it to say anything
_ARRAYS = ("head", "share", "count", "began", "period", "heard")


class CurveShape(Shape):
    """What the pump should do at a flow, and how much less is too little."""

    from_: Literal["design", "history"] = Field(alias="from")
    head: Fraction | None = None
    efficiency: Fraction | None = None
    shut_off: float = Field(default=SHUT_OFF, strict=True, gt=1, le=3)
    floor: Fraction | None = None
    training: SomeDuration | None = None
    bin: float | None = Field(default=None, strict=True, gt=0, allow_inf_nan=False)


class Pumped(NamedTuple):
    """Spans of some pumps, (n,) each: where they end (µs), the means of flow and head, the
    efficiency, and of how many readings."""

    slot: Slots
    end: Int64
    flow: Float64
    head: Float64
    efficiency: Float64
    readings: Float64

    def take(self, these: Bool) -> "Pumped":
        return Pumped(
            self.slot[these],
            self.end[these],
            self.flow[these],
            self.head[these],
            self.efficiency[these],
            self.readings[these],
        )


class Curve(Protocol):
    def at(self, slot: Slots, end: Int64, flow: Float64) -> tuple[Float64, Float64]: ...

    def learn(self, span: Pumped, well: Bool) -> None:
        """Of spans, (n,), those that were well."""

    def forget(self, slot: Slots) -> None:
        """What these slots learned."""

    def learned(self, slot: int) -> tuple[int, int, float]:
        """From when to when a slot learned (µs), and of how many readings."""

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

    def learn(self, span: Pumped, well: Bool) -> None:
        """Nothing: the design stands."""

    def forget(self, slot: Slots) -> None:
        """Nothing was learned."""

    def learned(self, slot: int) -> tuple[int, int, float]:
        del slot
        return 0, 0, 0.0

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {}

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        """Nothing to remember."""


class HistoryCurve:
    """Means of `size` slots in bins of flow, `width` m³/h wide, over `training` µs of spans of
    `every` µs; never under `floor` of the design, where that is known."""

    def __init__(
        self, size: int, width: float, training: int, every: int, floor: tuple[float, Curve] | None
    ) -> None:
        self.width, self.training, self.every, self.floor = width, training, every, floor
        self.head, self.share, self.count = (np.zeros((size, BINS)) for _ in range(3))
        self.began = np.full(size, NEVER, np.int64)  # when a slot's first span ended, or later
        self.period, self.heard = np.zeros((size, 2), np.int64), np.zeros(size)

    def at(self, slot: Slots, end: Int64, flow: Float64) -> tuple[Float64, Float64]:
        bin_, inside = self._bin(flow)
        count = self.count[slot, bin_]
        speaks = inside & (count >= LEAST_SPANS) & self._over(slot, end)
        count = np.maximum(count, 1.0)
        head, share = self.head[slot, bin_] / count, self.share[slot, bin_] / count
        if self.floor:
            least, design = self.floor
            design_head, design_share = design.at(slot, end, flow)
            head, share = np.fmax(head, least * design_head), np.fmax(share, least * design_share)
        return np.where(speaks, head, np.nan), np.where(speaks, share, np.nan)

    def learn(self, span: Pumped, well: Bool) -> None:
        open_ = ~self._over(span.slot, span.end)
        begun = self.began[span.slot] != NEVER
        self.began[span.slot[open_ & begun & ~well]] += self.every
        span = span.take(open_ & well)
        fresh = self.began[span.slot] == NEVER
        self.began[span.slot[fresh]] = span.end[fresh]
        bin_, inside = self._bin(span.flow)
        at = span.slot[inside], bin_[inside]
        self.head[at] += span.head[inside]
        self.share[at] += span.efficiency[inside]
        self.count[at] += 1
        self._note(span)

    def _note(self, span: Pumped) -> None:
        """Of which time and readings it is."""
        first = self.heard[span.slot] == 0
        self.period[span.slot[first], 0] = span.end[first] - self.every
        self.period[span.slot, 1] = span.end
        self.heard[span.slot] += span.readings

    def forget(self, slot: Slots) -> None:
        for array in (self.head, self.share, self.count, self.heard):
            array[slot] = 0
        self.began[slot] = NEVER

    def learned(self, slot: int) -> tuple[int, int, float]:
        first, last = self.period[slot].tolist()
        return first, last, float(self.heard[slot])

    def _over(self, slot: Slots, end: Int64) -> Bool:
        began = self.began[slot]
        over: Bool = (began != NEVER) & (end - np.where(began == NEVER, end, began) > self.training)
        return over

    def _bin(self, flow: Float64) -> tuple[Slots, Bool]:
        bin_ = np.floor(flow / self.width)
        inside = (bin_ >= 0) & (bin_ < BINS)
        return np.where(inside, bin_, 0).astype(np.intp), inside

    def state(self) -> dict[str, NDArray[np.generic]]:
        return copies(self, _ARRAYS)

    def load(self, state: Mapping[str, NDArray[np.generic]], old: Slots, new: Slots) -> None:
        remember(self, _ARRAYS, state, old, new)


def curve_of(shape: CurveShape, roster: Roster, every: int) -> Curve:
    """The curve that a rule asks for; `every`: µs of a span."""
    design = DesignCurve(roster, shape.shut_off)
    if shape.from_ == "design" or not (shape.training and shape.bin):
        return design
    floor = (shape.floor, design) if shape.floor else None
    training = microseconds(shape.training)
    return HistoryCurve(len(roster), shape.bin, training, every, floor)
