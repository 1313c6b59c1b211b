"""What stands in `story.toml`, table by table, as pydantic models.

Laws:
- one model a kind of trouble, listed in `MODELS`; a key that no model knows is a mistake;
- an entry knows what of the city it names (`names`) and the cause that it means (`cause`).
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from kel.city.fields import Clock, Duration, Finite, Id, Lat, Lon, Text
from kel.model.city import City
from kel.model.place import Point
from kel.simulate import causes
from kel.simulate.bad import Fault
from kel.simulate.troubles import Kind, Trouble

Named = tuple[str, str, bool]  # field, what it names, whether the city has it


class Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ReportEntry(Entry):
    """A citizen's report; without a place it is near the trouble, in its community."""

    at: Clock
    category: str
    text: Text
    lat: Lat | None = None
    lon: Lon | None = None


class BadEntry(Entry):
    at: Clock
    fault: Fault


class TroubleEntry(Entry):
    """What all troubles have. `ramp`: how long it takes to grow to its size."""

    id: Id
    kind: Kind
    at: Clock
    ramp: Duration | None = None
    reports: tuple[ReportEntry, ...] = ()

    @property
    def place(self) -> Point | None:
        return None

    def names(self, city: City) -> Iterator[Named]:
        """What of the city this entry names."""
        for i, report in enumerate(self.reports):
            yield f"reports.{i}.category", report.category, report.category in city.categories

    def cause(self, city: City, bare: Trouble) -> Trouble:
        """The whole cause, from a bare one with id, kind, times and reports to come."""
        raise NotImplementedError


class Placed(TroubleEntry):
    lat: Lat | None = None
    lon: Lon | None = None

    @property
    def place(self) -> Point | None:
        return None if self.lat is None or self.lon is None else Point(self.lat, self.lon)


class WaterEntry(Placed):
    """A burst or a service leak. `size`: m³/h at 5 bar; `exponent`: 0.5 metal to 1.5 plastic."""

    kind: Literal[Kind.BURST, Kind.SERVICE_LEAK]
    zone: str
    size: Annotated[float, Field(gt=0, le=150)]
    exponent: Annotated[float, Field(ge=0.5, le=1.5)] = 1.0

    def names(self, city: City) -> Iterator[Named]:
        yield from super().names(city)
        yield "zone", self.zone, self.zone in city.zones

    def cause(self, city: City, bare: Trouble) -> Trouble:
        return causes.water(city, bare, self.zone, self.place, self.size, self.exponent)


class PumpWearEntry(TroubleEntry):
    """`size`: the share of its head that the pump loses."""

    kind: Literal[Kind.PUMP_WEAR]
    device: str
    size: Annotated[float, Field(gt=0, le=0.5)]

    def names(self, city: City) -> Iterator[Named]:
        yield from super().names(city)
        yield "device", self.device, _is(city, self.device, "pump")

    def cause(self, city: City, bare: Trouble) -> Trouble:
        return causes.pump(city, bare, self.device, self.size)


class FeederOutageEntry(TroubleEntry):
    kind: Literal[Kind.FEEDER_OUTAGE]
    feeder: str

    def names(self, city: City) -> Iterator[Named]:
        yield from super().names(city)
        yield "feeder", self.feeder, self.feeder in city.feeders

    def cause(self, city: City, bare: Trouble) -> Trouble:
        return causes.outage(city, bare, self.feeder)


class LampFailureEntry(TroubleEntry):
    kind: Literal[Kind.LAMP_FAILURE]
    device: str

    def names(self, city: City) -> Iterator[Named]:
        yield from super().names(city)
        yield "device", self.device, _is(city, self.device, "lamp")

    def cause(self, city: City, bare: Trouble) -> Trouble:
        return causes.lamp(city, bare, self.device)


class SmokeEntry(Placed):
    """`size`: % obscuration beside the fire; `delay`: until the smoke drifts to a fire sensor."""

    kind: Literal[Kind.SMOKE]
    camera: str
    size: Annotated[float, Field(gt=0, le=100)]
    delay: Duration | None = None

    def names(self, city: City) -> Iterator[Named]:
        yield from super().names(city)
        yield "camera", self.camera, _is(city, self.camera, "camera")

    def cause(self, city: City, bare: Trouble) -> Trouble:
        return causes.smoke(city, bare, self.camera, self.place, self.size, self.delay)


class SensorSilentEntry(TroubleEntry):
    kind: Literal[Kind.SENSOR_SILENT]
    device: str

    def names(self, city: City) -> Iterator[Named]:
        yield from super().names(city)
        yield "device", self.device, self.device in city.devices

    def cause(self, city: City, bare: Trouble) -> Trouble:
        return causes.silence(city, bare, self.device)


class MatterEntry(Placed):
    """What only citizens see, in a community."""

    kind: Literal[Kind.MATTER]
    category: str
    community: str

    def names(self, city: City) -> Iterator[Named]:
        yield from super().names(city)
        yield "category", self.category, self.category in city.categories
        yield "community", self.community, self.community in city.communities

    def cause(self, city: City, bare: Trouble) -> Trouble:
        return causes.matter(city, bare, self.category, self.community, self.place)


class CauseEntry(Entry):
    """How often something happens in the weeks before. `size` from–to as its kind has it;
    `reports` from–to citizens tell of it, in the words of `texts`."""

    kind: Kind
    per_week: Annotated[float, Field(ge=0, le=500)]
    size: tuple[Finite, Finite] = (0.0, 0.0)
    ramp: Duration | None = None
    category: str
    reports: tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0, le=9)]] = (0, 0)
    texts: tuple[Text, ...] = ()

    def names(self, city: City) -> Iterator[Named]:
        """What of the city this entry names."""
        yield "category", self.category, self.category in city.categories


class HistoryEntry(Entry):
    days: Annotated[int, Field(ge=0, le=400)]
    found_after: Duration
    cause: tuple[dict[str, Any], ...] = ()


class StoryEntry(Entry):
    """The file as a whole; its tables are checked one by one after it."""

    date: date
    seed: int
    trouble: tuple[dict[str, Any], ...] = ()
    bad: tuple[dict[str, Any], ...] = ()
    history: dict[str, Any]


MODELS: Mapping[str, type[TroubleEntry]] = {
    Kind.BURST: WaterEntry,
    Kind.SERVICE_LEAK: WaterEntry,
    Kind.PUMP_WEAR: PumpWearEntry,
    Kind.FEEDER_OUTAGE: FeederOutageEntry,
    Kind.LAMP_FAILURE: LampFailureEntry,
    Kind.SMOKE: SmokeEntry,
    Kind.SENSOR_SILENT: SensorSilentEntry,
    Kind.MATTER: MatterEntry,
}


def _is(city: City, device: str, cls: str) -> bool:
    return device in city.devices and city.devices[device].cls == cls
