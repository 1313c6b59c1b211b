"""Street lights: lamps that burn from sunset to sunrise, their dimming, their feeders.

Laws:
- a lamp's power = rated power × dimming + stand-by; a feeder's power = the sum of its lamps' and
  its cabinet's own;
- behind a feeder that is out no lamp says anything; its cabinet lives on a battery and says 0 V.

Assumption: full light in the evening, half after midnight, 80 % from five o'clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kel.model.city import City
from kel.model.device import Device
from kel.model.frame import Float64, Int64
from kel.model.moment import HOUR_US
from kel.model.place import Point
from kel.simulate.calendar import LocalTime
from kel.simulate.noise import Stream, between, keys, smooth, uniform
from kel.simulate.sun import is_night
from kel.simulate.troubles import Kind, Trouble, of_kinds

Bool = NDArray[np.bool_]

STAND_BY_W = 0.4
CABINET_W = 15.0
STEPS = ((0.0, 5.0, 12.0), (50.0, 80.0, 100.0))  # from each local hour, dimming %
SWITCH_HOURS_A_YEAR = 4200.0


@dataclass(frozen=True, slots=True)
class Lights:
    """By minute (m,) or minute × feeder (m, F)."""

    dimming: Float64  # %, (m,), 0 by day
    live: Bool  # the feeder has voltage
    power: Float64  # kW
    voltage: Float64  # V


class Lighting:
    """The feeders (columns, in order of their ids) with the lamps behind them."""

    def __init__(self, city: City, seed: int, lamps: Sequence[Device]) -> None:
        self.feeders = tuple(sorted(city.feeders))
        self.lamps = tuple(lamps)
        self.feeder_of = np.array([self.feeders.index(d.feeder or "") for d in lamps], np.intp)
        key = keys(d.id for d in lamps)
        usual = between(24.0, 80.0, seed, Stream.CITY, key, 6)
        self.rated = np.array(
            [d.attributes.get("rated_power", usual[i]) for i, d in enumerate(lamps)]
        )
        self.hours = np.rint(uniform(seed, Stream.CITY, key, 7) * 3 * SWITCH_HOURS_A_YEAR)
        self._sum = np.bincount(self.feeder_of, self.rated, len(self.feeders))
        self._count = np.bincount(self.feeder_of, minlength=len(self.feeders))
        self._row_of = {d.id: i for i, d in enumerate(lamps)}
        self._place = centre(city)
        self._seed = seed

    def solve(self, times: Int64, local: LocalTime, troubles: Sequence[Trouble]) -> Lights:
        """The lights in each of the minutes that begin at `times` (m,)."""
        step = np.searchsorted(np.array(STEPS[0]), local.hour, side="right") - 1
        dimming = np.array(STEPS[1])[step] * is_night(times, self._place)
        shape = (len(times), len(self.feeders))
        live = np.ones(shape, bool)
        burning = np.broadcast_to(self._sum, shape).copy()
        for trouble in of_kinds(troubles, Kind.FEEDER_OUTAGE):
            if trouble.feeder is not None:
                live[active(times, trouble), self.feeders.index(trouble.feeder)] = False
        for trouble in of_kinds(troubles, Kind.LAMP_FAILURE):
            rows = active(times, trouble)
            for lamp in map(self._row_of.__getitem__, trouble.devices):
                burning[rows, self.feeder_of[lamp]] -= self.rated[lamp]
        watts = burning * (dimming / 100)[:, None] + self._count * STAND_BY_W + CABINET_W
        sag = 3.5 * smooth(self._seed, Stream.VOLTAGE, keys(self.feeders), times, HOUR_US)
        busy = 2.5 * np.exp(-(((local.hour - 20.5) / 2.5) ** 2))
        voltage = 231.0 + sag - busy[:, None]
        return Lights(dimming, live, live * watts / 1000, live * voltage)

    def failed(self, times: Int64, position: NDArray[np.intp], troubles: Sequence[Trouble]) -> Bool:
        """Which of the reports (a moment and a lamp's position each) come from a failed lamp."""
        failed = np.zeros(len(times), bool)
        for trouble in of_kinds(troubles, Kind.LAMP_FAILURE):
            lamps = [self._row_of[d] for d in trouble.devices]
            failed |= np.isin(position, lamps) & active(times, trouble)
        return failed


def active(times: Int64, trouble: Trouble) -> Bool:
    """Whether the trouble is there at each of `times`."""
    there = times >= trouble.starts_us
    return there if trouble.ends_us is None else there & (times < trouble.ends_us)


def centre(city: City) -> Point:
    """The middle of the communities: where the city's sun is reckoned."""
    places = [c.centre for c in city.communities.values()]
    return Point(sum(p.lat for p in places) / len(places), sum(p.lon for p in places) / len(places))
