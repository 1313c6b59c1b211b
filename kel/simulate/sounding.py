"""Leak sensors: pressure at their own height and place, and the noise that a leak makes in a pipe.

Assumptions: a leak of q m³/h is heard as 58 + 9 log10(q) dB beside it, 0.045 dB less for each metre
of pipe; by day traffic and use cover it; noises add as powers. Near a burst the pipe loses more
pressure, falling off with 250 m.
"""

from collections.abc import Sequence

import numpy as np

from kel.model.city import City
from kel.model.device import Device
from kel.model.frame import Float64
from kel.simulate.block import Block
from kel.simulate.calendar import DAY_US
from kel.simulate.ground import metres_to
from kel.simulate.noise import Stream, between, keys, swing
from kel.simulate.schedule import Due
from kel.simulate.troubles import Kind, Trouble, of_kinds
from kel.simulate.water import BAR_M, FRICTION_EXPONENT, Network, growth

QUIET_DB = 22.0
BUSY_DB = 9.0
NOISE_AT_1_M3H = 58.0
NOISE_PER_DECADE = 9.0
NOISE_PER_METRE = 0.045
LOUDEST_DB = 95.0
NEAR_M = 250.0
NEAR_BAR_PER_M3H = 0.012
EMPTY_IN_DAYS = 3600.0  # some ten years
CHARGED_US = 1_767_225_600_000_000  # the charges are those of 1 January 2026


class Sounding:
    """The leak sensors, in the order given."""

    def __init__(self, city: City, seed: int, sensors: Sequence[Device], network: Network) -> None:
        self._seed, self._network = seed, network
        self._key = keys(d.id for d in sensors)
        self._zone = np.array([network.zones.index(d.zone or "") for d in sensors], np.intp)
        self._lat = np.array([d.place.lat for d in sensors])
        self._lon = np.array([d.place.lon for d in sensors])
        spread = between(-9.0, 9.0, seed, Stream.CITY, self._key, 8)
        base = np.array([city.zones[d.zone or ""].elevation_m for d in sensors])
        own = [d.attributes.get("elevation_m") for d in sensors]
        self._above = np.array([spread[i] if e is None else e - base[i] for i, e in enumerate(own)])
        self._along = between(0.1, 0.6, seed, Stream.CITY, self._key, 9)
        self._charge = between(45.0, 99.0, seed, Stream.CITY, self._key, 10)

    def read(self, due: Due, block: Block, troubles: Sequence[Trouble]) -> dict[str, Float64]:
        """pressure bar, noise dB, temperature °C, battery % of each report."""
        row, _ = block.rows(due)
        at, key = due.position, self._key[due.position]
        zone = self._zone[at]
        inlet, flow = block.water.pressure[row, zone], block.water.flow[row, zone]
        loss = self._network.friction[zone] * flow**FRICTION_EXPONENT * self._along[at]
        near, heard = self._leaks(due, block, troubles)
        pressure = inlet - (self._above[at] + loss) / BAR_M - near
        pressure += 0.03 * swing(self._seed, Stream.PRESSURE, key, due.time)
        hum = QUIET_DB + BUSY_DB * _bustle(block.local.hour[row])
        hum = hum + 1.8 * swing(self._seed, Stream.SOUND, key, due.time)
        noise = np.minimum(10 * np.log10(10 ** (hum / 10) + heard), LOUDEST_DB)
        warmth = 0.35 * block.weather.temperature[row] + 0.65 * block.weather.day_mean[row]
        return {
            "pressure": np.round(np.maximum(pressure, 0.0), 2),
            "noise": np.round(noise, 1),
            "temperature": np.round(warmth, 1),
            "battery": self.battery(due),
        }

    def battery(self, due: Due) -> Float64:
        """% left, falling over the years."""
        used = (due.time - CHARGED_US) / DAY_US / EMPTY_IN_DAYS * 100
        left: Float64 = np.clip(self._charge[due.position] - used, 3.0, 100.0)
        return np.round(left)

    def _leaks(
        self, due: Due, block: Block, troubles: Sequence[Trouble]
    ) -> tuple[Float64, Float64]:
        """Bar that nearby leaks take at each report's sensor, and the power of their noise."""
        near, heard = np.zeros(len(due.time)), np.zeros(len(due.time))
        row, _ = block.rows(due)
        for leak in of_kinds(troubles, Kind.BURST, Kind.SERVICE_LEAK):
            if leak.zone is None:
                continue
            column = self._network.zones.index(leak.zone)
            pressure = block.water.pressure[row, column]
            lost = leak.size * growth(block.minutes, leak)[row] * (pressure / 5.0) ** leak.exponent
            away = metres_to(self._lat, self._lon, leak.place)[due.position]
            same = self._zone[due.position] == column
            near += np.where(same, NEAR_BAR_PER_M3H * lost * np.exp(-away / NEAR_M), 0.0)
            level = NOISE_AT_1_M3H + NOISE_PER_DECADE * np.log10(np.maximum(lost, 1e-3))
            level -= NOISE_PER_METRE * away
            heard += np.where(same & (lost > 0.01), 10 ** (level / 10), 0.0)
        return near, heard


def _bustle(hour: Float64) -> Float64:
    """How much traffic and use there is, 0 in the night to 1 by day."""
    return 1 / (1 + np.exp(-(hour - 6.3) * 2)) - 1 / (1 + np.exp(-(hour - 23.0) * 2)) * 0.9
