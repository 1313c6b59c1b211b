"""When which device reports: a fixed period, and for each device its own place within it.

Laws:
- a device's moments are k × period + offset since 1970 UTC, whatever span is asked for;
- offsets follow the golden ratio, so that any run of devices spreads evenly over the period;
- moments are whole quarters of a second, which every format carries exactly (a `shift_us` moves
  all of them, where a device has two kinds of reports that must not meet).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kel.model.device import Device
from kel.model.frame import Int64
from kel.simulate.noise import Stream, uniform

GOLDEN = 0.6180339887498949
QUARTER_US = 250_000
SLOWEST_US = 900_000  # of a message's way from device to broker
FASTEST_US = 40_000


@dataclass(frozen=True, slots=True)
class Due:
    """Reports due, in order of (time, place in the period): the moment of each, and the position
    of its device in the list the schedule was made from."""

    time: Int64
    position: NDArray[np.intp]

    def only(self, rows: NDArray[np.bool_]) -> "Due":
        return Due(self.time[rows], self.position[rows])


class Schedule:
    """The moments at which `devices` report every `period_us`."""

    def __init__(self, devices: Sequence[Device], period_us: int, shift_us: int = 0) -> None:
        share = np.arange(len(devices)) * GOLDEN % 1.0
        quarters = (share * (period_us // QUARTER_US)).astype(np.int64)
        self.period_us = period_us
        self._order = np.argsort(quarters, kind="stable")
        self._offsets = quarters[self._order] * QUARTER_US + shift_us

    def due(self, since_us: int, until_us: int) -> Due:
        """All reports with since ≤ time < until."""
        steps = np.arange(since_us // self.period_us - 1, (until_us - 1) // self.period_us + 1)
        time = (steps[:, None] * self.period_us + self._offsets).ravel()
        inside = slice(*np.searchsorted(time, (since_us, until_us)))
        return Due(time[inside], np.tile(self._order, len(steps))[inside])


def merge(one: Due, other: Due) -> Due:
    """Both, in order of (time, position), each report once."""
    pairs = np.stack([np.append(one.time, other.time), np.append(one.position, other.position)])
    time, position = np.unique(pairs, axis=1)
    return Due(time, position.astype(np.intp))


def arrivals(seed: int, key: Int64, time: Int64) -> Int64:
    """When each report of the devices of these keys reaches the broker: the network is quick."""
    share = uniform(seed, Stream.DELAY, key, time)
    return time + FASTEST_US + (share * (SLOWEST_US - FASTEST_US)).astype(np.int64)
