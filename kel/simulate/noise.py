"""Randomness by counting: a number for every (seed, stream, id, step), whatever is asked before.

Laws:
- nothing here has state, so a day cut into steps is the day in one piece, byte by byte;
- a stream is a small number that keeps subjects apart (demand, delays, …), see `Stream`.

The hash is the finaliser of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
generators, OOPSLA 2014), applied once for each of the counted numbers.
"""

from collections.abc import Iterable
from enum import IntEnum, auto
from zlib import crc32

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kel.model.frame import Float64, Int64

UInt64 = NDArray[np.uint64]

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)
_TO_UNIT = 1.0 / (1 << 53)


class Stream(IntEnum):
    """What a random number is for. Add at the end: a number's place decides the day's bytes."""

    CITY = auto()
    DELAY = auto()
    DEMAND = auto()
    DEMAND_DAY = auto()
    SUCTION = auto()
    PRESSURE = auto()
    SOUND = auto()
    LAMP = auto()
    VOLTAGE = auto()
    SMOKE = auto()
    AIR = auto()
    WEATHER_DAY = auto()
    WEATHER_HOUR = auto()
    CLOUD = auto()
    WIND = auto()
    CAMERA = auto()
    RADIO = auto()
    CREW = auto()


def keys(ids: Iterable[str]) -> Int64:
    """A number for each id, which never changes, whatever else the city has."""
    return np.array([crc32(known.encode()) for known in ids], np.int64)


def _mix(value: UInt64) -> UInt64:
    value = (value ^ (value >> np.uint64(30))) * _MIX1
    value = (value ^ (value >> np.uint64(27))) * _MIX2
    return value ^ (value >> np.uint64(31))


def _as_uint(value: ArrayLike) -> UInt64:
    return np.atleast_1d(np.asarray(value, dtype=np.int64)).view(np.uint64)


def bits(seed: int, stream: Stream, ids: ArrayLike, steps: ArrayLike = 0) -> UInt64:
    """64 random bits for each pair of `ids` and `steps` (int64, broadcast together)."""
    with np.errstate(over="ignore"):
        key = _mix(_as_uint(seed) + _GAMMA * np.uint64(stream))
        key = _mix(key + _GAMMA * _as_uint(ids))
        return _mix(key + _GAMMA * _as_uint(steps))


def uniform(seed: int, stream: Stream, ids: ArrayLike, steps: ArrayLike = 0) -> Float64:
    """Evenly in [0, 1)."""
    return (bits(seed, stream, ids, steps) >> np.uint64(11)).astype(np.float64) * _TO_UNIT


def between(
    low: float, high: float, seed: int, stream: Stream, ids: ArrayLike, steps: ArrayLike = 0
) -> Float64:
    """Evenly in [low, high)."""
    return low + (high - low) * uniform(seed, stream, ids, steps)


def swing(seed: int, stream: Stream, ids: ArrayLike, steps: ArrayLike = 0) -> Float64:
    """Evenly in [-1, 1): the noise of an instrument, before it is scaled."""
    return 2.0 * uniform(seed, stream, ids, steps) - 1.0


def smooth(seed: int, stream: Stream, ids: ArrayLike, times: Int64, knot_us: int) -> Float64:
    """A wandering value in [-1, 1] for each of `times` (rows) and `ids` (columns).

    Random knots every `knot_us`, joined by the smoothstep curve: no jumps, no memory.
    """
    column = np.atleast_1d(np.asarray(ids, dtype=np.int64))
    knot = times // knot_us
    first = int(knot.min()) if len(knot) else 0
    last = int(knot.max()) if len(knot) else 0
    knots = np.arange(first, last + 2, dtype=np.int64)
    values = swing(seed, stream, column[None, :], knots[:, None])
    share = (times - knot * knot_us) / knot_us
    weight = (share * share * (3.0 - 2.0 * share))[:, None]
    row = knot - first
    before = values[row]
    return before + (values[row + 1] - before) * weight
