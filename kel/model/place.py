"""Places of the city: communities, water zones, feeders."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the ground, WGS 84 degrees."""

    lat: float
    lon: float


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
