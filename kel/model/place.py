"""Places of the city: communities, water zones, feeders."""

from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt

EARTH_RADIUS_M = 6_371_008.8  # mean radius, IUGG


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the ground, WGS 84 degrees."""

    lat: float
    lon: float

    def metres_to(self, other: "Point") -> float:
        """Metres on the sphere in a straight line: the haversine formula (Sinnott 1984)."""
        lat, other_lat = radians(self.lat), radians(other.lat)
        half = sin((other_lat - lat) / 2) ** 2
        half += cos(lat) * cos(other_lat) * sin(radians(other.lon - self.lon) / 2) ** 2
        return 2 * EARTH_RADIUS_M * asin(sqrt(half))


@dataclass(frozen=True, slots=True)
class Community:
    """One of the municipality's communities: a cost centre with a budget of its own."""

    id: str
    name: str
    centre: Point
    population: int


@dataclass(frozen=True, slots=True)
class Zone:
    """A water zone (district metered area): one inlet with a meter, known mains and connections."""

    id: str
    name: str
    community: str
    centre: Point
    connections: int
    people: int
    mains_km: float
    elevation_m: float
    station: str  # device id of the pumping station that feeds it


@dataclass(frozen=True, slots=True)
class Feeder:
    """A lighting feeder: one cabinet and the lamps behind it."""

    id: str
    name: str
    community: str
    centre: Point
