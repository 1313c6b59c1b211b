"""Water by physics: pumps, tanks, zones, leaks and bursts in balance, minute by minute.

Laws, for every station and minute:
- pump flow = flows into its zones + what its tank takes;
- a zone's flow = what people use + irrigation + background leakage × (p/5)^1.15 + bursts
  C × (p/5)^N1 (FAVAD: May 1994; van Zyl & Clayton 2007), C in m³/h at 5 bar;
- pressure at a zone's inlet = station's head − the rise to the zone (ground and reducing valve)
  − k × Q^1.852 (Hazen–Williams);
- pump: H = H0 − a × Q²; power = 0.002725 × Q × H / η kW.
Flow and pressure are found by Newton's method with a fixed number of steps, the same for each cell
of the (minutes × zones) arrays, so that a cell never depends on which others are asked with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kel.model.city import City
from kel.model.frame import Float64, Int64
from kel.model.moment import HOUR_US, MINUTE_US
from kel.simulate.calendar import LocalTime
from kel.simulate.demand import Demand
from kel.simulate.noise import Stream, between, keys, smooth
from kel.simulate.troubles import Kind, Trouble, of_kinds

BAR_M = 10.197  # metres of water in a bar
REFERENCE_BAR = 5.0
LEAK_EXPONENT = 1.15
FRICTION_EXPONENT = 1.852
STEPS = 7
KWH_PER_M3_M = 0.002725
SHUT_OFF = 1.08  # head at no flow over the design head: a flat curve, as of a booster pump
BEST_EFFICIENCY = 0.68
TANK_SHARE = 0.6  # how much of the day's swing the tank takes off the pump
TANK_MEAN_M = 3.0
LEAK_PER_KM = 0.030  # m³/h at 5 bar: 30 l/km/h
LEAK_PER_CONNECTION = 0.002  # 2 l/connection/h


@dataclass(frozen=True, slots=True)
class Network:
    """The unchanging side: arrays by zone (Z,) and by station (S,). Flows m³/h, heads m."""

    zones: tuple[str, ...]
    stations: tuple[str, ...]
    station_of: NDArray[np.intp]  # (Z,) index into stations
    ranks: tuple[NDArray[np.intp], ...]  # zones by their place among those of their station
    leak: Float64  # (Z,) m³/h at 5 bar
    friction: Float64  # (Z,) k
    rise: Float64  # (Z,) m from the pump's grade to the zone's inlet
    usual_bar: Float64  # (Z,)
    shut_off: Float64  # (S,) H0
    curve: Float64  # (S,) a
    design_flow: Float64  # (S,)
    suction: Float64  # (S,) bar
    tank_flow: Float64  # (S,) m³/h of the day's swing that the tank takes
    tank_area: Float64  # (S,) m²


@dataclass(frozen=True, slots=True)
class Water:
    """The network's state: (minutes × zones) or (minutes × stations)."""

    flow: Float64  # into each zone, m³/h
    pressure: Float64  # at each zone's inlet, bar
    pumped: Float64  # by each station, m³/h
    filling: Float64  # into each station's tank, m³/h
    level: Float64  # of each tank, m
    suction: Float64  # bar
    head: Float64  # of each pump, m
    power: Float64  # kW


def build_network(city: City, seed: int, demand: Demand) -> Network:
    """The network of the city's zones and the stations that feed them."""
    zones = [city.zones[z] for z in sorted(city.zones)]
    pumps = sorted(d.id for d in city.devices.values() if d.cls == "pump")
    of = np.array([pumps.index(z.station) for z in zones], dtype=np.intp)
    ids = keys(z.id for z in zones)
    leak = np.array([LEAK_PER_KM * z.mains_km + LEAK_PER_CONNECTION * z.connections for z in zones])
    usual = between(3.9, 4.7, seed, Stream.CITY, ids, 1)
    mean = demand.mean + leak * (usual / REFERENCE_BAR) ** LEAK_EXPONENT
    friction = between(3.0, 5.0, seed, Stream.CITY, ids, 2) / (2 * mean) ** FRICTION_EXPONENT
    total = np.bincount(of, mean, len(pumps))
    design_flow = np.maximum(_attribute(city, pumps, "design_flow", 40.0), 1.25 * total)
    design_head = _attribute(city, pumps, "design_head", 60.0)
    shut_off = SHUT_OFF * design_head
    curve = (SHUT_OFF - 1) * design_head / design_flow**2
    suction = between(0.8, 1.5, seed, Stream.CITY, keys(pumps), 3)
    grade = suction * BAR_M + shut_off - curve * total**2
    rise = grade[of] - friction * mean**FRICTION_EXPONENT - usual * BAR_M
    rank = np.array([np.count_nonzero(of[:i] == of[i]) for i in range(len(of))], dtype=np.intp)
    use = np.bincount(of, demand.mean, len(pumps)).astype(np.float64)
    area: Float64 = np.maximum(TANK_SHARE * use * 2.2, 20.0)  # the day's swing is some 2 m
    return Network(
        tuple(z.id for z in zones),
        tuple(pumps),
        of,
        tuple(np.flatnonzero(rank == r) for r in range(int(rank.max(initial=-1)) + 1)),
        leak,
        friction,
        rise,
        usual,
        shut_off,
        curve,
        design_flow,
        suction,
        TANK_SHARE * use,
        area,
    )


def _attribute(city: City, devices: Sequence[str], name: str, usual: float) -> Float64:
    return np.array([city.devices[d].attributes.get(name, usual) for d in devices])


class Hydraulics:
    """Solves the network for any minutes."""

    def __init__(self, network: Network, demand: Demand, seed: int) -> None:
        self.network = network
        self._demand = demand
        self._seed = seed

    def solve(
        self, times: Int64, local: LocalTime, warmth: Float64, troubles: Sequence[Trouble]
    ) -> Water:
        """The state at each of `times` (m,), µs UTC; `warmth` is the day's mean in °C (m,)."""
        net = self.network
        use = self._demand.at(times, local, warmth)
        suction = net.suction + 0.06 * smooth(
            self._seed, Stream.SUCTION, keys(net.stations), times, HOUR_US
        )
        share, store = self._demand.tank_course(times)
        filling = net.tank_flow * share[:, None]
        level = TANK_MEAN_M + net.tank_flow * store[:, None] / net.tank_area
        health = self._health(times, troubles)
        shut_off, curve = net.shut_off * health, np.broadcast_to(net.curve, health.shape)
        bursts = self._bursts(times, troubles)
        pressure = np.broadcast_to(net.usual_bar, use.shape)
        for _ in range(STEPS):
            pressure = self._improve(pressure, use, bursts, suction, shut_off, curve, filling)
        flow, _ = self._draw(pressure, use, bursts)
        pumped = self._pumped(flow, filling)
        head = np.maximum(shut_off - curve * pumped**2, 0.0)
        power = KWH_PER_M3_M * pumped * head / self._efficiency(pumped, health)
        return Water(flow, pressure, pumped, filling, level, suction, head, power)

    def _improve(
        self,
        pressure: Float64,
        use: Float64,
        bursts: "list[Burst]",
        suction: Float64,
        shut_off: Float64,
        curve: Float64,
        filling: Float64,
    ) -> Float64:
        """One step of Newton's method, each zone by its own slope."""
        net, of = self.network, self.network.station_of
        flow, slope = self._draw(pressure, use, bursts)
        pumped = self._pumped(flow, filling)
        head = np.maximum(shut_off - curve * pumped**2, 0.0)
        loss = net.friction * np.maximum(flow, 1e-6) ** (FRICTION_EXPONENT - 1)
        there = (suction * BAR_M + head)[:, of] - net.rise - loss * flow
        falls = (2 * (curve * pumped)[:, of] + FRICTION_EXPONENT * loss) / BAR_M
        step = (there / BAR_M - pressure) / (1 + falls * slope)
        return np.maximum(pressure + step, 0.0)

    def _draw(
        self, pressure: Float64, use: Float64, bursts: "list[Burst]"
    ) -> tuple[Float64, Float64]:
        """Each zone's flow at `pressure`, and how much it grows with a bar more.

        Below 1 bar taps give less than people want, in proportion.
        """
        leak = self.network.leak * (pressure / REFERENCE_BAR) ** LEAK_EXPONENT
        flow = use * np.minimum(pressure, 1.0) + leak
        over = np.maximum(pressure, 0.05)
        slope = LEAK_EXPONENT * leak / over + use * (pressure < 1.0)
        for burst in bursts:
            at = (burst.rows, burst.zone)
            lost = burst.size * (pressure[at] / REFERENCE_BAR) ** burst.exponent
            flow[at] += lost
            slope[at] += burst.exponent * lost / over[at]
        return flow, slope

    def _pumped(self, flow: Float64, filling: Float64) -> Float64:
        """Added zone by zone: a matrix product may round otherwise for other shapes."""
        pumped = filling.copy()
        for columns in self.network.ranks:
            pumped[:, self.network.station_of[columns]] += flow[:, columns]
        return pumped

    def _efficiency(self, pumped: Float64, health: Float64) -> Float64:
        off = pumped / self.network.design_flow - 0.9
        return np.clip(BEST_EFFICIENCY * (1 - 0.45 * off**2), 0.25, 1.0) * (0.4 + 0.6 * health)

    def _health(self, times: Int64, troubles: Sequence[Trouble]) -> Float64:
        """What is left of each pump's head, 1 when well (m, S)."""
        health = np.ones((len(times), len(self.network.stations)))
        for trouble in of_kinds(troubles, Kind.PUMP_WEAR):
            for pump in trouble.devices:
                column = self.network.stations.index(pump)
                health[:, column] *= 1 - trouble.size * growth(times, trouble)
        return health

    def _bursts(self, times: Int64, troubles: Sequence[Trouble]) -> "list[Burst]":
        bursts = []
        for trouble in of_kinds(troubles, Kind.BURST, Kind.SERVICE_LEAK):
            grown = growth(times, trouble)
            rows = np.flatnonzero(grown)
            if len(rows) and trouble.zone is not None:
                span = slice(int(rows[0]), int(rows[-1]) + 1)
                zone = self.network.zones.index(trouble.zone)
                bursts.append(Burst(span, zone, trouble.size * grown[span], trouble.exponent))
        return bursts


@dataclass(frozen=True, slots=True)
class Burst:
    """Water that leaves a pipe: rows of minutes, the zone's column, m³/h at 5 bar (n,), N1."""

    rows: slice
    zone: int
    size: Float64
    exponent: float


def growth(times: Int64, trouble: Trouble) -> Float64:
    """How far a trouble has grown at each moment, 0–1; 0 before it and after its end."""
    age = (times - trouble.starts_us + MINUTE_US) / max(trouble.ramp_us, MINUTE_US)
    grown = np.clip(age, 0.0, 1.0) * (times >= trouble.starts_us)
    if trouble.ends_us is not None:
        grown = grown * (times < trouble.ends_us)
    return grown
