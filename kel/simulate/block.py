"""A block: the city's state for whole minutes, from which readings of any moment in it are taken.

Laws:
- a row is a minute since 1970 UTC; what happens within a minute is what stands in its row;
- a counter is the exact sum of (row × its part of the minute), in whole millionths of its unit, so
  that adding never depends on how the time was cut.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kel.model.frame import Float64, Int64
from kel.model.moment import HOUR_US, MINUTE_US
from kel.simulate.calendar import LocalTime
from kel.simulate.lights import Lights
from kel.simulate.schedule import Due
from kel.simulate.water import Water
from kel.simulate.weather import Weather

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Counter:
    """A meter's count: `total` (m + 1, n) at each minute's begin and at the last one's end, in
    millionths; `rate` (m, n) an hour."""

    total: Int64
    rate: Float64

    def at(self, row: NDArray[np.intp], column: NDArray[np.intp], within_us: Int64) -> Float64:
        """The count `within_us` after the begin of each row's minute."""
        part = np.rint(self.rate[row, column] * within_us * (MILLION / HOUR_US))
        return (self.total[row, column] + part.astype(np.int64)) / MILLION


def count(carry: Int64, rate: Float64) -> Counter:
    """The counter that stands at `carry` before the first minute."""
    steps = np.rint(rate * (MILLION * MINUTE_US / HOUR_US)).astype(np.int64)
    return Counter(np.cumsum(np.vstack([carry[None, :], steps]), axis=0), rate)


@dataclass(frozen=True, slots=True)
class Block:
    """Minutes (m,) and all that is so in each of them."""

    minutes: Int64
    local: LocalTime
    weather: Weather
    water: Water
    lights: Lights
    volume: Counter  # m³ by zone
    pump_energy: Counter  # kWh by station
    light_energy: Counter  # kWh by feeder
    lit: Counter  # hours that each feeder's lamps were on

    def rows(self, due: Due) -> tuple[NDArray[np.intp], Int64]:
        """The row of each report's minute, and how far into that minute it is (µs)."""
        first = int(self.minutes[0])
        row = (due.time - first) // MINUTE_US
        return row, due.time - first - row * MINUTE_US
