"""A feeder's lamps, laid out by its row in `feeders.csv`: streets side by side, lamps along them.

A city that knows each lamp lists them in `devices/lamp.csv` instead and writes 0 in `lamps`.
"""

from collections.abc import Iterator
from math import cos, radians, sin

from kel.city.entries import FeederEntry
from kel.model.device import Device
from kel.model.place import Point

LAMP = "lamp"
SOURCE = "ucifi"
METRES_PER_DEGREE = 111_320.0  # of latitude, and of longitude at the equator


def lamp_id(feeder: str, n: int) -> str:
    """The n-th lamp (from 1) of feeder f01 is la-01-001."""
    return f"la-{feeder.removeprefix('f')}-{n:03d}"


def lamps_of(feeder: FeederEntry, first_number: int) -> Iterator[Device]:
    """The feeder's lamps, numbered from `first_number`; the cabinet stands in their middle."""
    for n in range(feeder.lamps):
        id_ = lamp_id(feeder.id, n + 1)
        yield Device(
            id=id_,
            number=first_number + n,
            cls=LAMP,
            name=f"Φωτιστικό {n + 1}, {feeder.name}",
            community=feeder.community,
            place=_place(feeder, n),
            source=SOURCE,
            address=f"{feeder.id}/{id_}",
            feeder=feeder.id,
            parent=feeder.cabinet,
            attributes={"rated_power": feeder.lamp_watts},
        )


def _place(feeder: FeederEntry, n: int) -> Point:
    streets = -(-feeder.lamps // feeder.per_street)
    street, lamp = divmod(n, feeder.per_street)
    along = (lamp - (feeder.per_street - 1) / 2) * feeder.spacing_m
    aside = (street - (streets - 1) / 2) * feeder.street_gap_m
    turn = radians(feeder.bearing)
    north = along * cos(turn) - aside * sin(turn)
    east = along * sin(turn) + aside * cos(turn)
    return Point(
        round(feeder.lat + north / METRES_PER_DEGREE, 6),
        round(feeder.lon + east / (METRES_PER_DEGREE * cos(radians(feeder.lat))), 6),
    )
