"""Ways on the road: kilometres and minutes between places. Pure.

Assumption: a road is 1.35 times as long as the straight line. Such a factor ("circuity") is the
usual stand-in where no road network is at hand; Ballou, Rahardja and Sakai (Transportation
Research A 36, 2002) measured 1.2 to 1.6 for most countries. A vehicle keeps its own mean speed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from math import ceil

from kel.model.place import Point

ROAD_FACTOR = 1.35
LOADING = timedelta(minutes=15)  # to collect materials at the warehouse
WALKING_KMH = 5.0  # for a crew without any vehicle


@dataclass(frozen=True, slots=True)
class Trip:
    """A way by road: kilometres, and how long it takes in whole minutes."""

    km: float
    time: timedelta


def road_km(a: Point, b: Point) -> float:
    """Estimated kilometres by road between two places."""
    return a.metres_to(b) / 1000 * ROAD_FACTOR


def trip(stops: Sequence[Point], speed_kmh: float) -> Trip:
    """The way along `stops` at a mean speed (km/h, above 0; else on foot), minutes rounded up."""
    km = sum(road_km(a, b) for a, b in pairwise(stops))
    speed = speed_kmh if speed_kmh > 0 else WALKING_KMH
    return Trip(km, timedelta(minutes=ceil(km / speed * 60)))
