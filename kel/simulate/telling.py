"""What devices tell: the readings of a span, from the city's state and its troubles.

Laws:
- a reading is what the instrument measures: the state of its minute, a small error, the
  instrument's own resolution;
- a device's report depends on its moment alone, never on the span that it was asked in.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kel.model.city import City
from kel.model.device import Device, DeviceState
from kel.model.frame import Float64, Frame
from kel.model.moment import MINUTE_US
from kel.simulate import fire
from kel.simulate.block import MILLION, Block
from kel.simulate.calendar import DAY_US
from kel.simulate.fire import ALARM, FireSensors, Sighting
from kel.simulate.lights import STAND_BY_W as LAMP_STAND_BY_W
from kel.simulate.lights import Lighting, active
from kel.simulate.noise import Stream, keys, swing
from kel.simulate.schedule import Due, Schedule, arrivals, merge
from kel.simulate.sounding import Sounding
from kel.simulate.troubles import Kind, Trouble, of_kinds
from kel.simulate.water import BAR_M, Network

STATUS_US = DAY_US  # how often a LoRaWAN sensor tells its battery by itself
STATUS_SHIFT_US = 100_000
CLASSES = ("pump", "zone", "leak", "lamp", "feeder", "camera", "fire")

Span = tuple[int, int]  # [since, until) in µs
Troubles = Sequence[Trouble]


class Teller:
    """The devices of the city, class by class, in order of their ids."""

    def __init__(self, city: City, seed: int, network: Network) -> None:
        self._city, self._seed = city, seed
        self._by_class = _devices_by_class(city)
        self._numbers = {
            cls: np.array([d.number for d in devices], np.int32)
            for cls, devices in self._by_class.items()
        }
        self._keys = {cls: keys(d.id for d in ds) for cls, ds in self._by_class.items()}
        self._period = {
            cls: int(c.every.total_seconds() * MILLION) for cls, c in city.classes.items()
        }
        self.lighting = Lighting(city, seed, self._by_class["lamp"])
        self._sounding = Sounding(city, seed, self._by_class["leak"], network)
        self._fire = FireSensors(seed, self._by_class["fire"])
        self._zone = _columns(network.zones, [d.zone for d in self._by_class["zone"]])
        self._feeder = _columns(self.lighting.feeders, [d.feeder for d in self._by_class["feeder"]])
        self._schedules: dict[tuple[str, int, int], Schedule] = {}

    def frames(
        self, span: Span, block: Block, troubles: Troubles, every: Mapping[str, int]
    ) -> list[Frame]:
        """The readings due in a span: one frame a class, in order of time; no empty ones."""
        told = [
            self._frame("pump", span, block, troubles, every, self._pump),
            self._frame("zone", span, block, troubles, every, self._read_zone),
            _together(
                self._frame("leak", span, block, troubles, every, self._sounding.read),
                self._leak_status(span, troubles),
            ),
            self._frame("lamp", span, block, troubles, every, self._lamp),
            self._frame("feeder", span, block, troubles, every, self._read_feeder),
            self._camera_frame(span, troubles),
            self._frame("fire", span, block, troubles, every, self._fire.read),
        ]
        return [frame for frame in told if len(frame)]

    def sightings(self, span: Span, troubles: Troubles) -> list[Sighting]:
        """What cameras tell in a span, also of what KEL drops."""
        cameras = self._by_class["camera"]
        silent = of_kinds(troubles, Kind.SENSOR_SILENT)
        return [
            s
            for s in fire.sightings(self._seed, cameras, troubles, *span)
            if not any(s.camera in t.devices and t.acts(s.at_us, s.at_us + 1) for t in silent)
        ]

    def _pump(self, due: Due, block: Block, _: Troubles) -> dict[str, Float64]:
        row, within = block.rows(due)
        at = (row, due.position)
        water = block.water
        jitter = swing(self._seed, Stream.SUCTION, self._keys["pump"][due.position], due.time)
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

    def _read_zone(self, due: Due, block: Block, _: Troubles) -> dict[str, Float64]:
        row, within = block.rows(due)
        zone = self._zone[due.position]
        return {
            "flow": np.round(block.water.flow[row, zone], 3),
            "pressure": np.round(block.water.pressure[row, zone], 3),
            "volume": np.round(block.volume.at(row, zone, within), 3),
        }

    def _lamp(self, due: Due, block: Block, troubles: Troubles) -> dict[str, Float64]:
        row, within = block.rows(due)
        feeder = self.lighting.feeder_of[due.position]
        dimming = block.lights.dimming[row]
        failed = self.lighting.failed(due.time, due.position, troubles)
        rated = self.lighting.rated[due.position]
        key = self._keys["lamp"][due.position]
        own = 1 + 0.015 * swing(self._seed, Stream.LAMP, key, due.time)
        burns = np.where(failed, 0.0, dimming)
        hours = self.lighting.hours[due.position] + block.lit.at(row, feeder, within)
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

    def _read_feeder(self, due: Due, block: Block, _: Troubles) -> dict[str, Float64]:
        row, within = block.rows(due)
        feeder = self._feeder[due.position]
        return {
            "voltage": np.round(block.lights.voltage[row, feeder], 1),
            "power": np.round(block.lights.power[row, feeder], 3),
            "energy": np.round(block.light_energy.at(row, feeder, within), 3),
            "door": np.zeros(len(due.time)),
        }

    def _frame(
        self,
        cls: str,
        span: Span,
        block: Block,
        troubles: Troubles,
        every: Mapping[str, int],
        read: Callable[[Due, Block, Troubles], dict[str, Float64]],
    ) -> Frame:
        due = self._schedule(cls, every.get(cls, self._period.get(cls, DAY_US))).due(*span)
        if cls == "lamp":
            due = self._with_voltage(due, block)
        if cls == "fire" and of_kinds(troubles, Kind.SMOKE):
            often = self._schedule(cls, MINUTE_US).due(*span)
            due = merge(due, often.only(self._fire.smoke(often, troubles) >= ALARM))
        due = self._without_silent(cls, due, troubles)
        return self._made(cls, due, read(due, block, troubles) if len(due.time) else {})

    def _with_voltage(self, due: Due, block: Block) -> Due:
        if block.lights.live.all():
            return due
        row, _ = block.rows(due)
        return due.only(block.lights.live[row, self.lighting.feeder_of[due.position]])

    def _without_silent(self, cls: str, due: Due, troubles: Troubles) -> Due:
        for trouble in of_kinds(troubles, Kind.SENSOR_SILENT):
            quiet = [i for i, d in enumerate(self._by_class[cls]) if d.id in trouble.devices]
            if quiet:
                due = due.only(~(np.isin(due.position, quiet) & active(due.time, trouble)))
        return due

    def _leak_status(self, span: Span, troubles: Troubles) -> Frame:
        due = self._schedule("leak", STATUS_US, STATUS_SHIFT_US).due(*span)
        due = self._without_silent("leak", due, troubles)
        return self._made("leak", due, {"battery": self._sounding.battery(due)})

    def _camera_frame(self, span: Span, troubles: Troubles) -> Frame:
        wanted = [m.name for m in self._city.classes["camera"].metrics]
        seen = [s for s in self.sightings(span, troubles) if s.label in wanted]
        number = np.array([self._city.devices[s.camera].number for s in seen], np.int32)
        time = np.array([s.at_us for s in seen], np.int64)
        metrics = {
            name: np.array([s.now if s.label == name else np.nan for s in seen]) for name in wanted
        }
        arrival = arrivals(self._seed, keys(s.camera for s in seen), time)
        return Frame("camera", time, arrival, number, metrics)

    def _made(self, cls: str, due: Due, metrics: Mapping[str, Float64]) -> Frame:
        arrival = arrivals(self._seed, self._keys[cls][due.position], due.time)
        return Frame(cls, due.time, arrival, self._numbers[cls][due.position], metrics)

    def _schedule(self, cls: str, period_us: int, shift_us: int = 0) -> Schedule:
        key = (cls, period_us, shift_us)
        if key not in self._schedules:
            self._schedules[key] = Schedule(self._by_class[cls], period_us, shift_us)
        return self._schedules[key]


def _devices_by_class(city: City) -> dict[str, list[Device]]:
    """Active devices of each class that this simulation knows, in order of their ids."""
    found: dict[str, list[Device]] = {cls: [] for cls in CLASSES}
    for device in sorted(city.devices.values(), key=lambda d: d.id):
        if device.state is DeviceState.ACTIVE and device.cls in found:
            found[device.cls].append(device)
    return found


def _together(one: Frame, other: Frame) -> Frame:
    """Both in order of time; NaN where one does not report what the other does."""
    if not len(one) or not len(other):
        return one if len(one) else other
    order = np.argsort(np.append(one.time, other.time), kind="stable")
    nothing = [np.full(len(frame), np.nan) for frame in (one, other)]
    return Frame(
        one.cls,
        np.append(one.time, other.time)[order],
        np.append(one.arrival, other.arrival)[order],
        np.append(one.device, other.device)[order],
        {
            name: np.append(one.metrics.get(name, nothing[0]), other.metrics.get(name, nothing[1]))[
                order
            ]
            for name in dict.fromkeys((*one.metrics, *other.metrics))
        },
    )


def _columns(names: Sequence[str], wanted: Sequence[str | None]) -> NDArray[np.intp]:
    """Which column of the blocks each meter or cabinet is about."""
    return np.array([names.index(name or "") for name in wanted], np.intp)
