"""The weather over the city: seeded, by season and hour, without jumps.

Assumptions, for the hills north of Athens (350–500 m): yearly mean 16.5 °C, swing ±9.5 °C with the
warmest days at the end of July, daily swing ±3 to ±6 °C (less under cloud), warmest about 15:00.
Humidity follows from a dew point that changes slowly (Magnus formula, Alduchov & Eskridge 1996).
"""

from dataclasses import dataclass

import numpy as np

from kel.model.frame import Float64, Int64
from kel.model.moment import HOUR_US
from kel.simulate.calendar import DAY_US, LocalTime
from kel.simulate.noise import Stream, smooth


@dataclass(frozen=True, slots=True)
class Weather:
    """Columns: temperature °C, humidity %, wind km/h, cloud 0–1, and the day's mean °C."""

    temperature: Float64
    humidity: Float64
    wind: Float64
    cloud: Float64
    day_mean: Float64


def _vapour(celsius: Float64) -> Float64:
    return np.exp(17.625 * celsius / (243.04 + celsius))


def weather(seed: int, times: Int64, local: LocalTime) -> Weather:
    """The weather at each of `times` (µs UTC), whose local time is `local`."""
    day_noise = smooth(seed, Stream.WEATHER_DAY, [0, 1], times, DAY_US)
    hour_noise = smooth(seed, Stream.WEATHER_HOUR, [0, 1], times, 2 * HOUR_US)
    cloud = np.clip(0.4 + 0.6 * smooth(seed, Stream.CLOUD, 0, times, 9 * HOUR_US)[:, 0], 0, 1)
    season = np.cos(2 * np.pi * (local.year_share - 0.565))
    day_mean = 16.5 + 9.5 * season + 3.5 * day_noise[:, 0]
    amplitude = 6.0 - 3.0 * cloud
    course = np.cos(2 * np.pi * (local.hour - 15.0) / 24)
    temperature = day_mean + amplitude * course + 0.5 * hour_noise[:, 0]
    dew = day_mean - 9.0 + 3.0 * day_noise[:, 1] + 4.0 * cloud
    humidity = np.clip(100 * _vapour(dew) / _vapour(temperature), 12, 99)
    gust = smooth(seed, Stream.WIND, [0, 1], times, 5 * HOUR_US)
    wind = np.clip(12 + 9 * gust[:, 0] + 5 * course + 3 * gust[:, 1], 0, None)
    return Weather(temperature, humidity, wind, cloud, day_mean)
