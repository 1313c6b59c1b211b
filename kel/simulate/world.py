"""The city as it goes on by itself: true readings of all devices, and what citizens tell.

Laws:
- the same city, seed, start and troubles give the same bytes, however the time is cut;
- time goes forward: a span that begins before the last one's end is refused, because counters
  (m³, kWh, hours) have gone on;
- a crew that mends a trouble changes what comes after, never what was told.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from kel.model.city import City
from kel.model.device import Device, DeviceState
from kel.model.frame import Float64, Frame, Int64
from kel.model.moment import MINUTE_US, from_us, to_us
from kel.model.place import Point
from kel.simulate import citizens, fire
from kel.simulate.block import MILLION, Block, count
from kel.simulate.calendar import DAY_US, local_time
from kel.simulate.demand import Demand
from kel.simulate.fire import ALARM, FireSensors, Sighting
from kel.simulate.ground import metres
from kel.simulate.lights import Lighting, active
from kel.simulate.lights import STAND_BY_W as LAMP_STAND_BY_W
from kel.simulate.noise import Stream, keys, swing, uniform
from kel.simulate.schedule import Due, Schedule, arrivals, merge
from kel.simulate.sounding import Sounding
from kel.simulate.troubles import MENDS, Kind, Trouble, of_kinds
from kel.simulate.water import BAR_M, Hydraulics, build_network
from kel.simulate.weather import weather

NEAREST_M = 2000.0  # a crew at a place finds a trouble whose signs are this near
STATUS_US = DAY_US  # how often a LoRaWAN sensor tells its battery by itself
STATUS_SHIFT_US = 100_000
CLASSES = ("pump", "zone", "leak", "lamp", "feeder", "camera", "fire")

Read = Callable[[Due, Block], dict[str, Float64]]


@dataclass(frozen=True, slots=True)
class Step:
    """All that happens in [since, until)."""

    frames: list[Frame]
    sightings: list[Sighting]
    requests: list[citizens.Payload]


class World:
    """The city from `start` on, with `troubles`; `counters` carries an earlier world's meters on."""

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
        self._by_class = _devices_by_class(city)
        self._numbers = {
            cls: np.array([d.number for d in devices], np.int32)
            for cls, devices in self._by_class.items()
        }
        self._keys = {cls: keys(d.id for d in ds) for cls, ds in self._by_class.items()}
        demand = Demand(city, seed)
        self.network = build_network(city, seed, demand)
        self._hydraulics = Hydraulics(self.network, demand, seed)
        self._lighting = Lighting(city, seed, self._by_class["lamp"])
        self._sounding = Sounding(city, seed, self._by_class["leak"], self.network)
        self._fire = FireSensors(seed, self._by_class["fire"])
        self._column = self._columns()
        self._schedules: dict[tuple[str, int, int], Schedule] = {}
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
        """The readings due in [since, until): frames in order of time, empty ones left out.

        `every`: a period in µs by class, where it is not the class's own. Raises `ValueError`
        where the span begins before the last one's end.
        """
        if since_us < self._told:
            raise ValueError(f"the city has gone on to {from_us(self._told)} already")
        if until_us <= since_us:
            return []
        self.advance(since_us)
        block = self._go_on(until_us)
        period = {
            cls: int(c.every.total_seconds() * MILLION) for cls, c in self.city.classes.items()
        }
        period.update(every or {})
        span = (since_us, until_us)
        frames = [
            self._frame("pump", span, period, block, self._pump),
            self._frame("zone", span, period, block, self._zone),
            self._frame("leak", span, period, block, self._leak),
            self._leak_status(span),
            self._frame("lamp", span, period, block, self._lamp),
            self._frame("feeder", span, period, block, self._feeder),
            self._camera_frame(span),
            self._frame("fire", span, period, block, self._fire_sensor),
        ]
        return [frame for frame in frames if len(frame)]

    def sightings(self, since_us: int, until_us: int) -> list[Sighting]:
        """What cameras tell in [since, until), also of what KEL drops."""
        cameras = self._by_class["camera"]
        return [
            s
            for s in fire.sightings(self.seed, cameras, self.troubles, since_us, until_us)
            if not self._is_silent(s.camera, s.at_us)
        ]

    def requests(self, since_us: int, until_us: int) -> list[citizens.Payload]:
        """Citizens' requests made in [since, until)."""
        return citizens.requests(self.troubles, since_us, until_us)

    # What people do about it

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        return tuple(self._troubles.values())

    def ongoing(self, at_us: int) -> list[Trouble]:
        """The troubles that are there at that moment."""
        return [t for t in self.troubles if t.acts(at_us, at_us + 1)]

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
        kinds = (*MENDS.get(category, ()), Kind.MATTER)
        here = [t for t in self.ongoing(at_us) if t.kind in kinds]
        here = [t for t in here if t.kind is not Kind.MATTER or t.category == category]
        ranked = [
            (kinds.index(t.kind), fit, t.starts_us, t.id)
            for t in here
            if (fit := _fit(t, place, device, zone, feeder)) is not None
        ]
        if not ranked:
            return None
        ended = replace(self._troubles[min(ranked)[3]], ends_us=max(at_us, self._told))
        self._troubles[ended.id] = ended
        return ended

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
        troubles = [t for t in self.troubles if t.acts(first, until_us)]
        water = self._hydraulics.solve(minutes, local, air.day_mean, troubles)
        lights = self._lighting.solve(minutes, local, troubles)
        lit = (lights.dimming > 0)[:, None] * lights.live.astype(np.float64)
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
            "light_energy": (len(self._lighting.feeders), 14, 60_000),
            "lit": (len(self._lighting.feeders), 15, 0),
        }
        return {
            name: (uniform(self.seed, Stream.CITY, np.arange(n), what) * most).astype(np.int64)
            * MILLION
            for name, (n, what, most) in sizes.items()
        }

    # Readings, class by class: metric → value of each report due

    def _pump(self, due: Due, block: Block) -> dict[str, Float64]:
        row, within = block.rows(due)
        at = (row, due.position)
        water = block.water
        jitter = swing(self.seed, Stream.SUCTION, self._keys["pump"][due.position], due.time)
        head = water.head[at] * (1 + 0.002 * jitter)
        return {
            "flow": np.round(water.pumped[at], 2),
            "suction": np.round(water.suction[at], 2),
            "discharge": np.round(water.suction[at] + head / BAR_M, 2),
            "head": np.round(head, 2),
            "power": np.round(water.power[at], 2),
            "energy": np.round(block.pump_energy.at(row, due.position, within), 2),
            "running": (water.pumped[at] > 0).astype(np.float64),
            "tank_level": np.round(water.level[at], 3),
        }

    def _zone(self, due: Due, block: Block) -> dict[str, Float64]:
        row, within = block.rows(due)
        zone = self._column["zone"][due.position]
        return {
            "flow": np.round(block.water.flow[row, zone], 3),
            "pressure": np.round(block.water.pressure[row, zone], 3),
            "volume": np.round(block.volume.at(row, zone, within), 3),
        }

    def _leak(self, due: Due, block: Block) -> dict[str, Float64]:
        return self._sounding.read(due, block, self.troubles)

    def _lamp(self, due: Due, block: Block) -> dict[str, Float64]:
        row, within = block.rows(due)
        feeder = self._lighting.feeder_of[due.position]
        dimming = block.lights.dimming[row]
        failed = self._lighting.failed(due.time, due.position, self.troubles)
        rated = self._lighting.rated[due.position]
        key = self._keys["lamp"][due.position]
        own = 1 + 0.015 * swing(self.seed, Stream.LAMP, key, due.time)
        burns = np.where(failed, 0.0, dimming)
        hours = self._lighting.hours[due.position] + block.lit.at(row, feeder, within)
        zeros = np.zeros(len(due.time))
        return {
            "command": dimming,
            "dimming": burns,
            "power": np.round(rated * burns / 100 * own + LAMP_STAND_BY_W, 1),
            "failure": failed.astype(np.float64),
            "gear_failure": zeros,
            "day_burner": zeros,
            "hours": np.round(hours, 1),
        }

    def _feeder(self, due: Due, block: Block) -> dict[str, Float64]:
        row, within = block.rows(due)
        feeder = self._column["feeder"][due.position]
        return {
            "voltage": np.round(block.lights.voltage[row, feeder], 1),
            "power": np.round(block.lights.power[row, feeder], 3),
            "energy": np.round(block.light_energy.at(row, feeder, within), 3),
            "door": np.zeros(len(due.time)),
        }

    def _fire_sensor(self, due: Due, block: Block) -> dict[str, Float64]:
        return self._fire.read(due, block, self.troubles)

    # Frames

    def _frame(
        self, cls: str, span: tuple[int, int], period: Mapping[str, int], block: Block, read: Read
    ) -> Frame:
        due = self._without_silent(cls, self._due(cls, span, period, block))
        return self._made(cls, due, read(due, block) if len(due.time) else {})

    def _due(self, cls: str, span: tuple[int, int], period: Mapping[str, int], block: Block) -> Due:
        due = self._schedule(cls, period.get(cls, DAY_US)).due(*span)
        if cls == "lamp" and not block.lights.live.all():
            row, _ = block.rows(due)
            return due.only(block.lights.live[row, self._lighting.feeder_of[due.position]])
        if cls == "fire" and of_kinds(self._acting(span), Kind.SMOKE):
            often = self._schedule(cls, MINUTE_US).due(*span)
            return merge(due, often.only(self._fire.smoke(often, self.troubles) >= ALARM))
        return due

    def _leak_status(self, span: tuple[int, int]) -> Frame:
        due = self._schedule("leak", STATUS_US, STATUS_SHIFT_US).due(*span)
        due = self._without_silent("leak", due)
        return self._made("leak", due, {"battery": self._sounding.battery(due)})

    def _camera_frame(self, span: tuple[int, int]) -> Frame:
        wanted = [m.name for m in self.city.classes["camera"].metrics]
        seen = [s for s in self.sightings(*span) if s.label in wanted]
        number = np.array([self.city.devices[s.camera].number for s in seen], np.int32)
        time = np.array([s.at_us for s in seen], np.int64)
        metrics = {
            name: np.array([s.now if s.label == name else np.nan for s in seen]) for name in wanted
        }
        arrival = arrivals(self.seed, keys(s.camera for s in seen), time)
        return Frame("camera", time, arrival, number, metrics)

    def _made(self, cls: str, due: Due, metrics: Mapping[str, Float64]) -> Frame:
        number = self._numbers[cls][due.position]
        arrival = arrivals(self.seed, self._keys[cls][due.position], due.time)
        return Frame(cls, due.time, arrival, number, metrics)

    def _schedule(self, cls: str, period_us: int, shift_us: int = 0) -> Schedule:
        key = (cls, period_us, shift_us)
        if key not in self._schedules:
            self._schedules[key] = Schedule(self._by_class[cls], period_us, shift_us)
        return self._schedules[key]

    def _acting(self, span: tuple[int, int]) -> list[Trouble]:
        return [t for t in self.troubles if t.acts(*span)]

    def _without_silent(self, cls: str, due: Due) -> Due:
        if not len(due.time):
            return due
        span = (int(due.time[0]), int(due.time[-1]) + 1)
        for trouble in of_kinds(self._acting(span), Kind.SENSOR_SILENT):
            quiet = [i for i, d in enumerate(self._by_class[cls]) if d.id in trouble.devices]
            if quiet:
                due = due.only(~(np.isin(due.position, quiet) & active(due.time, trouble)))
        return due

    def _is_silent(self, device: str, at_us: int) -> bool:
        silent = of_kinds(self._acting((at_us, at_us + 1)), Kind.SENSOR_SILENT)
        return any(device in trouble.devices for trouble in silent)

    def _columns(self) -> dict[str, NDArray[np.intp]]:
        """Which column of the blocks each meter and cabinet is about."""
        zones = [self.network.zones.index(d.zone or "") for d in self._by_class["zone"]]
        feeders = [self._lighting.feeders.index(d.feeder or "") for d in self._by_class["feeder"]]
        return {"zone": np.array(zones, np.intp), "feeder": np.array(feeders, np.intp)}


def _devices_by_class(city: City) -> dict[str, list[Device]]:
    """Active devices of each class that this simulation knows, in order of their ids."""
    found: dict[str, list[Device]] = {cls: [] for cls in CLASSES}
    for device in sorted(city.devices.values(), key=lambda d: d.id):
        if device.state is DeviceState.ACTIVE and device.cls in found:
            found[device.cls].append(device)
    return found


def _fit(
    trouble: Trouble,
    place: Point | None,
    device: str | None,
    zone: str | None,
    feeder: str | None,
) -> tuple[int, float] | None:
    """How well a job fits a trouble, the smaller the better; None where it does not."""
    if device is not None and device in trouble.devices:
        return (0, 0.0)
    if feeder is not None and feeder == trouble.feeder:
        return (1, 0.0)
    if zone is not None and zone == trouble.zone:
        return (1, 0.0)
    if place is None:
        return None
    away = min(metres(place, sign) for sign in (trouble.place, *trouble.signs))
    return (2, away) if away <= NEAREST_M else None
