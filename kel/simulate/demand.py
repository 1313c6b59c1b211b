"""What people use: by hour, weekday, season and warmth; and the course of the stations' tanks.

Assumptions: 165 l a head and day; the night's floor of the daily course is the legitimate night
use (6 % of people awake × 10 l); gardens are watered at night from May to September.
"""

import numpy as np

from kel.model.city import City
from kel.model.frame import Float64, Int64
from kel.model.moment import HOUR_US, MINUTE_US
from kel.simulate.calendar import DAY_US, LocalTime
from kel.simulate.noise import Stream, between, keys, smooth

LITRES_A_DAY = 165.0
TANK_CLOCK_US = 2 * HOUR_US  # the stations' clocks keep winter time, and so whole days

# Share of the mean use at each local hour.
_WORKDAY = np.array(
    [
        [0.30, 0.14, 0.09, 0.08, 0.09, 0.22, 0.80, 1.60, 1.75, 1.45, 1.22, 1.15],
        [1.20, 1.30, 1.25, 1.05, 0.95, 1.00, 1.22, 1.52, 1.80, 1.72, 1.25, 0.68],
    ]
)
_WEEKEND = np.array(
    [
        [0.38, 0.18, 0.10, 0.08, 0.09, 0.14, 0.35, 0.80, 1.30, 1.65, 1.68, 1.55],
        [1.50, 1.52, 1.42, 1.15, 1.00, 1.02, 1.20, 1.45, 1.66, 1.60, 1.20, 0.72],
    ]
)
# Litres an hour and connection for gardens, at the height of the night's watering.
_GARDENS = {5: 0.5, 6: 1.2, 7: 1.8, 8: 1.8, 9: 0.9}
_WATERING = ((0.0, 20.0, 22.0, 24.0), (0.0, 0.0, 1.0, 1.0))
_MORNING = ((0.0, 4.0, 6.5, 24.0), (1.0, 1.0, 0.0, 0.0))


def _course(hours: Float64) -> Float64:
    """The daily course at each minute, of mean 1, closed at midnight."""
    at_hours = np.append(hours, hours[0, 0])
    minutes = np.interp(np.arange(1440) / 60, np.arange(25), at_hours)
    return np.asarray(minutes / minutes.mean(), np.float64)


class Demand:
    """Use of every zone (columns, in order of the zones' ids)."""

    def __init__(self, city: City, seed: int) -> None:
        zones = [city.zones[z] for z in sorted(city.zones)]
        self._seed = seed
        self._ids = keys(z.id for z in zones)
        people = np.array([z.people for z in zones], dtype=np.float64)
        habit = between(0.92, 1.08, seed, Stream.CITY, self._ids, 4)
        self.mean = people * LITRES_A_DAY / 24_000 * habit  # m³/h
        self._gardens = np.array([z.connections for z in zones]) / 1000.0
        self._gardens = self._gardens * between(0.8, 1.1, seed, Stream.CITY, self._ids, 5)
        self._courses = np.stack([_course(_WORKDAY), _course(_WEEKEND)])
        filling = 1.0 - self._courses[0]
        stored = np.concatenate([[0.0], np.cumsum(filling)])[:-1] / 60
        self._filling, self._stored = filling, stored - float(stored.mean())
        self._monthly = np.array([_GARDENS.get(month, 0.0) for month in range(13)])

    def at(self, times: Int64, local: LocalTime, warmth: Float64) -> Float64:
        """m³/h that people want at each of `times`: (m, Z)."""
        weekend = (local.weekday >= 5).astype(np.int64)
        minute = np.minimum((local.hour * 60).astype(np.int64), 1439)
        course = self._courses[weekend, minute]
        heat = 1 + 0.012 * np.maximum(warmth - 18.0, 0.0)
        wander = 1 + 0.07 * smooth(self._seed, Stream.DEMAND, self._ids, times, 10 * MINUTE_US)
        wander *= 1 + 0.04 * smooth(self._seed, Stream.DEMAND_DAY, self._ids, times, DAY_US)
        height = self._monthly[local.month] * np.maximum(
            np.interp(local.hour, *_WATERING), np.interp(local.hour, *_MORNING)
        )
        wanted: Float64 = self.mean * (course * heat)[:, None] + self._gardens * height[:, None]
        return wanted * wander

    def tank_course(self, times: Int64) -> tuple[Float64, Float64]:
        """What a tank takes, as a share of the station's mean use, and what it so has gained, in
        hours of that mean: the second is the sum of the first, minute by minute."""
        clock = (times + TANK_CLOCK_US) % DAY_US
        minute = clock // MINUTE_US
        within = (clock - minute * MINUTE_US) / HOUR_US
        return self._filling[minute], self._stored[minute] + self._filling[minute] * within
