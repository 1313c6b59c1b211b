"""The sun over a place: how high it stands, and whether it is surely up or down. Pure.

Formulae: NOAA Global Monitoring Laboratory, "Solar Calculation Details" (the spreadsheets of its
solar calculator), after Meeus, "Astronomical Algorithms"; good between 1901 and 2099, sunrise and
sunset to two minutes, up to 60° of latitude. Heights are geometric: without the air's refraction,
which is part of `HORIZON`.

Laws:
- the sun is followed minute by minute: all moments of one minute of UTC are judged alike;
- within `margin` of a sunrise or a sunset it is neither up nor down.
"""

import numpy as np

from kel.model.frame import Float64, Int64
from kel.model.moment import MINUTE_US
from kel.model.place import Point
from rules.core.rows import ENDLESS, Bool

HORIZON = -0.833  # degrees: its upper edge at the horizon, as refraction lifts it
J2000_MINUTE = 15_778_800  # 2000-01-01T12:00Z, minutes since 1970; terrestrial time's 64 s apart
CENTURY = 36_525 * 24 * 60.0  # minutes of a Julian century
AHEAD = 26 * 60  # minutes in which a day or a night outside of the polar circles ends


def elevation(place: Point, minute: Int64) -> Float64:
    """The height of the sun's centre, degrees, at each minute (n,) since 1970 UTC."""
    century = (minute - J2000_MINUTE) / CENTURY
    mean_longitude = np.radians((280.46646 + century * (36_000.76983 + century * 0.0003032)) % 360)
    anomaly = np.radians(357.52911 + century * (35_999.05029 - 0.0001537 * century))
    eccentricity = 0.016708634 - century * (0.000042037 + 0.0000001267 * century)
    centre = np.sin(anomaly) * (1.914602 - century * (0.004817 + 0.000014 * century))
    centre += np.sin(2 * anomaly) * (0.019993 - 0.000101 * century)
    centre += np.sin(3 * anomaly) * 0.000289
    node = np.radians(125.04 - 1934.136 * century)
    longitude = mean_longitude + np.radians(centre - 0.00569 - 0.00478 * np.sin(node))
    tilt = 23.0 + (26.0 + (21.448 - century * (46.815 + century * 0.00059)) / 60) / 60
    tilt = np.radians(tilt + 0.00256 * np.cos(node))
    declination = np.arcsin(np.sin(tilt) * np.sin(longitude))
    half = np.tan(tilt / 2) ** 2
    equation = (  # of time: how far the sun's clock is before the mean one, radians
        half * np.sin(2 * mean_longitude)
        - 2 * eccentricity * np.sin(anomaly)
        + 4 * eccentricity * half * np.sin(anomaly) * np.cos(2 * mean_longitude)
        - half**2 / 2 * np.sin(4 * mean_longitude)
        - 1.25 * eccentricity**2 * np.sin(2 * anomaly)
    )
    hour_angle = np.radians(minute % 1440 / 4 + place.lon - 180) + equation
    lat = np.radians(place.lat)
    height = np.sin(lat) * np.sin(declination)
    height += np.cos(lat) * np.cos(declination) * np.cos(hour_angle)
    found: Float64 = np.degrees(np.arcsin(np.clip(height, -1, 1)))
    return found


class Sun:
    """Whether the sun is surely up (or, for not `up`, surely down) over a place."""

    def __init__(self, place: Point, *, up: bool, margin: int) -> None:
        self.place, self.up = place, up
        self.margin = -(-margin // MINUTE_US)
        self._asked = 0, 0

    def inside(self, times: Int64) -> Bool:
        """Whether it is so at each moment, (n,) µs."""
        minutes, where = np.unique(times // MINUTE_US, return_inverse=True)
        found: Bool = self._minutes(minutes)[where]
        return found

    def _minutes(self, minutes: Int64) -> Bool:
        so = np.ones(len(minutes), np.bool_)
        for near in {-self.margin, 0, self.margin}:
            so &= (elevation(self.place, minutes + near) > HORIZON) == self.up
        return so

    def end_after(self, moment: int) -> int:
        """The moment (µs) at which it ends to be so that is so at `moment`."""
        begin, end = self._asked  # many devices ask in the same hours
        if not begin <= moment < end:
            minutes = np.arange(AHEAD, dtype=np.int64) + moment // MINUTE_US
            over = np.flatnonzero(~self._minutes(minutes))
            end = int(minutes[over[0]]) * MINUTE_US if len(over) else ENDLESS
            self._asked = moment, end
        return end
