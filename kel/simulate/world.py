"""The city as it goes on by itself: true readings of all devices, and what citizens tell.

Laws:
- the same city, seed, start and troubles give the same bytes, however the time is cut;
- time goes forward: a span that begins before the last one's end is refused, because counters
  (m³, kWh, hours) have gone on;
- a crew that mends a trouble changes what comes after, never what was told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from kel.model.city import City
from kel.model.frame import Frame, Int64
from kel.model.moment import MINUTE_US, from_us, to_us
from kel.model.place import Point
from kel.simulate import citizens
from kel.simulate.block import MILLION, Block, count
from kel.simulate.calendar import DAY_US, local_time
from kel.simulate.demand import Demand
from kel.simulate.fire import Sighting
from kel.simulate.mending import found
from kel.simulate.noise import Stream, uniform
from kel.simulate.telling import Teller
from kel.simulate.troubles import Trouble
from kel.simulate.water import Hydraulics, build_network
from kel.simulate.weather import weather


@dataclass(frozen=True, slots=True)
class Step:
    """All that happens in [since, until)."""

    frames: list[Frame]
    sightings: list[Sighting]
    requests: list[citizens.Payload]


class World:
    """The city from `start` on; `counters` carries an earlier world's meters on."""

    def __init__(
        self,
        city: City,
        seed: int,
        start: datetime,
        troubles: Sequence[Trouble] = (),
        counters: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        self.city, self.seed = city, seed
        self._troubles = {t.id: t for t in troubles}
        demand = Demand(city, seed)
        self.network = build_network(city, seed, demand)
        self._hydraulics = Hydraulics(self.network, demand, seed)
        self._teller = Teller(city, seed, self.network)
        self._told = to_us(start)
        self._counters = self._first_counters(counters)

    # What happens

    def advance(self, until_us: int) -> None:
        """Let time go on to `until_us` without telling anything."""
        while self._told < until_us:
            self._go_on(min(until_us, self._told + DAY_US))

    def step(self, since_us: int, until_us: int, every: Mapping[str, int] | None = None) -> Step:
        """Readings, cameras' sightings and citizens' requests of [since, until)."""
        seen = self.sightings(since_us, until_us)
        told = self.requests(since_us, until_us)
        return Step(self.frames(since_us, until_us, every), seen, told)

    def frames(
        self, since_us: int, until_us: int, every: Mapping[str, int] | None = None
    ) -> list[Frame]:
        """The readings due in [since, until): one frame a class in order of time, no empty ones.

        `every`: a period in µs by class, where it is not the class's own. Raises `ValueError`
        where the span begins before the last one's end.
        """
        if since_us < self._told:
            raise ValueError(f"the city has gone on to {from_us(self._told)} already")
        if until_us <= since_us:
            return []
        self.advance(since_us)
        block = self._go_on(until_us)
        span = (since_us, until_us)
        return self._teller.frames(span, block, self._telling(since_us, until_us), every or {})

    def sightings(self, since_us: int, until_us: int) -> list[Sighting]:
        """What cameras tell in [since, until), also of what KEL drops."""
        span = (since_us, until_us)
        return self._teller.sightings(span, self._telling(since_us, until_us))

    def requests(self, since_us: int, until_us: int) -> list[citizens.Payload]:
        """Citizens' requests made in [since, until)."""
        return citizens.requests(self.troubles, since_us, until_us)

    # What people do about it

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        return tuple(self._troubles.values())

    def ongoing(self, at_us: int) -> list[Trouble]:
        """The troubles that are there at that moment."""
        return self._acting(at_us, at_us + 1)

    def mend(
        self,
        category: str,
        at_us: int,
        *,
        place: Point | None = None,
        device: str | None = None,
        zone: str | None = None,
        feeder: str | None = None,
    ) -> Trouble | None:
        """A crew ended a job of `category`: the cause it found there is gone from `at_us` on.

        The cause is the first of the kinds that such a job ends, on that device, else on that
        feeder or zone, else the one whose signs are nearest to `place`. None where there is none.
        """
        mended = found(self.ongoing(at_us), category, place, device, zone, feeder)
        if mended is None:
            return None
        ended = replace(mended, ends_us=max(at_us, self._told))
        self._troubles[ended.id] = ended
        return ended

    def _acting(self, since_us: int, until_us: int) -> list[Trouble]:
        return [t for t in self.troubles if t.acts(since_us, until_us)]

    def _telling(self, since_us: int, until_us: int) -> list[Trouble]:
        """Also what ended just before: its minute is not over, a camera tells its end late."""
        return self._acting(since_us - MINUTE_US, until_us)

    def counters(self) -> dict[str, list[int]]:
        """Where the meters stand, in millionths: a later world's `counters`."""
        return {name: [int(v) for v in values] for name, values in self._counters.items()}

    # The state of whole minutes

    def state(self, until_us: int) -> Block:
        """The physical state from the minute that the city has come to, up to `until_us`.

        Looks ahead: changes nothing.
        """
        first = self._told // MINUTE_US * MINUTE_US
        minutes = np.arange(first, until_us, MINUTE_US, dtype=np.int64)
        local = local_time(minutes, self.city.timezone)
        air = weather(self.seed, minutes, local)
        troubles = self._acting(first, until_us)
        water = self._hydraulics.solve(minutes, local, air.day_mean, troubles)
        lights = self._teller.lighting.solve(minutes, local, troubles)
        lit = ((lights.dimming > 0)[:, None] & lights.live).astype(np.float64)
        return Block(
            minutes,
            local,
            air,
            water,
            lights,
            count(self._counters["volume"], water.flow),
            count(self._counters["pump_energy"], water.power),
            count(self._counters["light_energy"], lights.power),
            count(self._counters["lit"], lit),
        )

    def _go_on(self, until_us: int) -> Block:
        block = self.state(until_us)
        row = (until_us - int(block.minutes[0])) // MINUTE_US
        self._counters = {
            "volume": block.volume.total[row],
            "pump_energy": block.pump_energy.total[row],
            "light_energy": block.light_energy.total[row],
            "lit": block.lit.total[row],
        }
        self._told = until_us
        return block

    def _first_counters(self, given: Mapping[str, Sequence[int]] | None) -> dict[str, Int64]:
        if given is not None:
            return {name: np.array(values, np.int64) for name, values in given.items()}
        sizes = {
            "volume": (len(self.network.zones), 12, 400_000),
            "pump_energy": (len(self.network.stations), 13, 900_000),
            "light_energy": (len(self._teller.lighting.feeders), 14, 60_000),
            "lit": (len(self._teller.lighting.feeders), 15, 0),
        }
        return {
            name: (uniform(self.seed, Stream.CITY, np.arange(n), what) * most).astype(np.int64)
            * MILLION
            for name, (n, what, most) in sizes.items()
        }
