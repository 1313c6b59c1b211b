"""Troubles: what goes wrong in the city, as physical causes with a beginning and an end.

Laws:
- a trouble acts from `starts_us` until it is mended, or until `ends_us` where it ends by itself;
- nobody in KEL sees a trouble: only its effects on readings, and what citizens report.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from kel.model.place import Point


class Kind(StrEnum):
    BURST = "burst"
    SERVICE_LEAK = "service_leak"
    PUMP_WEAR = "pump_wear"
    FEEDER_OUTAGE = "feeder_outage"
    LAMP_FAILURE = "lamp_failure"
    SMOKE = "smoke"
    SENSOR_SILENT = "sensor_silent"
    MATTER = "matter"  # seen by citizens only: a pothole, a full bin, a fallen branch


# Which causes a crew can end with a job of some category, the likeliest first; after them always
# a matter of that very category.
MENDS: dict[str, tuple[Kind, ...]] = {
    "main_burst": (Kind.BURST, Kind.SERVICE_LEAK),
    "service_leak": (Kind.SERVICE_LEAK, Kind.BURST),
    "low_pressure": (Kind.BURST, Kind.SERVICE_LEAK),
    "pump": (Kind.PUMP_WEAR,),
    "feeder": (Kind.FEEDER_OUTAGE,),
    "lamp": (Kind.LAMP_FAILURE,),
    "fire": (Kind.SMOKE,),
    "camera": (Kind.SMOKE,),
    "sensor": (Kind.SENSOR_SILENT,),
}


@dataclass(frozen=True, slots=True)
class Report:
    """A citizen telling of a trouble at a moment, if it is still there then."""

    at_us: int
    category: str
    text: str
    place: Point
    community: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """One cause. `size` by kind: burst, service_leak: m³/h at 5 bar; pump_wear: share of the head
    that is lost; smoke: % obscuration at the fire; else unused.

    `ramp_us` is how long it takes to grow to its size, `delay_us` (smoke) how long the smoke needs
    to a fire sensor, `exponent` the N1 of the burst's law (0.5 metal to 1.5 plastic), `signs` the
    places where its effects show, `devices` the pump, cabinet, lamp, camera or sensor concerned.
    """

    id: str
    kind: Kind
    starts_us: int
    place: Point
    ends_us: int | None = None
    size: float = 0.0
    ramp_us: int = 0
    delay_us: int = 0
    exponent: float = 1.0
    zone: str | None = None
    feeder: str | None = None
    devices: tuple[str, ...] = ()
    signs: tuple[Point, ...] = ()
    category: str = ""  # of a matter
    community: str = ""
    reports: tuple[Report, ...] = field(default=())

    def acts(self, since_us: int, until_us: int) -> bool:
        """Whether it is there at any moment of [since, until)."""
        return self.starts_us < until_us and (self.ends_us is None or self.ends_us > since_us)


def of_kinds(troubles: Iterable[Trouble], *kinds: Kind) -> list[Trouble]:
    """The troubles of some kinds, in their order."""
    return [trouble for trouble in troubles if trouble.kind in kinds]
