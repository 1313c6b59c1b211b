"""The sun's height, for switching lamps and for the warmth of the day.

Source: NOAA Global Monitoring Laboratory, "General Solar Position Calculations" (fractional year,
equation of time, declination, hour angle); good to a fraction of a degree.
"""

import numpy as np
from numpy.typing import NDArray

from kel.model.frame import Float64, Int64
from kel.model.moment import HOUR_US
from kel.model.place import Point

SUNSET_DEGREES = -0.833  # refraction and the sun's radius
DAY_US = 24 * HOUR_US


def elevation(times: Int64, place: Point) -> Float64:
    """Degrees of the sun above the horizon at each of `times` (µs UTC)."""
    day = times // DAY_US
    date = day.astype("datetime64[D]")
    new_year = date.astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
    hour = (times - day * DAY_US) / HOUR_US
    year = 2 * np.pi / 365 * (day - new_year + (hour - 12) / 24)
    cos1, sin1, cos2, sin2 = np.cos(year), np.sin(year), np.cos(2 * year), np.sin(2 * year)
    minutes = 229.18 * (
        0.000075 + 0.001868 * cos1 - 0.032077 * sin1 - 0.014615 * cos2 - 0.040849 * sin2
    )
    declination = (
        0.006918
        - 0.399912 * cos1
        + 0.070257 * sin1
        - 0.006758 * cos2
        + 0.000907 * sin2
        - 0.002697 * np.cos(3 * year)
        + 0.00148 * np.sin(3 * year)
    )
    solar_minutes = hour * 60 + minutes + 4 * place.lon
    angle = np.radians(solar_minutes / 4 - 180)
    latitude = np.radians(place.lat)
    sine = np.sin(latitude) * np.sin(declination)
    sine = sine + np.cos(latitude) * np.cos(declination) * np.cos(angle)
    degrees: Float64 = np.degrees(np.arcsin(np.clip(sine, -1, 1)))
    return degrees


def is_night(times: Int64, place: Point) -> NDArray[np.bool_]:
    """Between sunset and sunrise."""
    return elevation(times, place) < SUNSET_DEGREES
