"""Crews, vehicles, machinery and rates."""

from dataclasses import dataclass
from datetime import time
from decimal import Decimal

from kel.model.place import Point


@dataclass(frozen=True, slots=True)
class Shift:
    """Working hours on some weekdays (0 = Monday), local time; end before start runs past midnight.

    `on_call` hours are worked only for incidents of severity HIGH and above.
    """

    days: frozenset[int]
    start: time
    end: time
    on_call: bool = False


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    name: str
    crew: str
    skills: frozenset[str]
    grade: str  # key of the hourly rate


@dataclass(frozen=True, slots=True)
class Vehicle:
    """A vehicle or a machine; `kind` is what a category asks for (van, digger, bucket_truck, …)."""

    id: str
    name: str
    kind: str
    eur_per_km: Decimal
    eur_per_hour: Decimal
    speed_kmh: float


@dataclass(frozen=True, slots=True)
class Crew:
    """People who go out together. Its van is a place of stock, named as the crew is."""

    id: str
    name: str
    base: Point
    people: tuple[Person, ...]
    shifts: tuple[Shift, ...]
    vehicles: tuple[str, ...]

    @property
    def skills(self) -> frozenset[str]:
        return frozenset().union(*(p.skills for p in self.people)) if self.people else frozenset()


@dataclass(frozen=True, slots=True)
class Rates:
    """Prices of work, energy and water; every one a setting of the city (`rates.toml`)."""

    hourly: dict[str, Decimal]  # €/h by grade, employer's cost
    night: Decimal  # share added 22:00–06:00
    sunday: Decimal  # share added on Sundays and holidays
    overtime: Decimal  # share added outside the crew's shift
    water_eur_m3: Decimal  # bulk price: what lost water costs (real losses)
    energy_eur_kwh: Decimal
    efficiency: float  # good pumping efficiency, 0–1, that waste is measured against
