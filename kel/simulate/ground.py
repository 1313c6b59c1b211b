"""Distances on the ground: the city is small, a plane will do (error below 0.1 % over 20 km)."""

import numpy as np
from numpy.typing import ArrayLike

from kel.model.frame import Float64
from kel.model.place import Point

METRES_PER_DEGREE = 111_195.0  # of latitude, on a sphere of 6,371 km


def metres(a: Point, b: Point) -> float:
    """Straight metres between two places."""
    return float(metres_to(np.array([a.lat]), np.array([a.lon]), b)[0])


def metres_to(lat: ArrayLike, lon: ArrayLike, place: Point) -> Float64:
    """Straight metres from each of the places given in degrees to `place`."""
    north = (np.asarray(lat, dtype=np.float64) - place.lat) * METRES_PER_DEGREE
    east = (np.asarray(lon, dtype=np.float64) - place.lon) * METRES_PER_DEGREE
    away: Float64 = np.hypot(north, east * np.cos(np.radians(place.lat)))
    return away


def beside(place: Point, north_m: float, east_m: float) -> Point:
    """The place so many metres north and east of `place`."""
    lat = place.lat + north_m / METRES_PER_DEGREE
    lon = place.lon + east_m / (METRES_PER_DEGREE * np.cos(np.radians(place.lat)))
    return Point(round(lat, 6), round(float(lon), 6))
