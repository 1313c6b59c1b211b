"""What stands in the city's files, entry by entry, as pydantic models.

Laws:
- one model per table or row, named after the word; its fields are the file's keys or columns;
- a key that no model knows is a mistake;
- a model checks what can be seen in one entry; what ties entries together is `links`.
"""

import re
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from kel.city.fields import (
    Amount,
    Clock,
    Count,
    Days,
    Duration,
    Euro,
    Finite,
    Id,
    Lat,
    Lon,
    MonthDay,
    Part,
    Positive,
    Tags,
    Text,
    TimeZone,
    Word,
)
from kel.model.alert import Severity
from kel.model.city import KEEP
from kel.model.cost import CostNature
from kel.model.device import Clock as DeviceClock
from kel.model.device import DeviceState
from kel.model.mapping import DEVICE, TimeForm, steps_of

# The decoders' names, and how a device's identity is written in each format.
ADDRESSES = {
    "kel": r"[^/+#\s]+",
    "chirpstack": r"[0-9a-f]{16}",  # DevEUI
    "things_stack": r"[^/+#\s]+/[^/+#\s]+",  # application[@tenant]/device
    "sparkplug": r"[^/+#]+/[^/+#]+(/[^/+#]+)?",  # group/edge node[/device]
    "ucifi": r"[^/+#]+/[^/+#]+",  # gateway/lamp
    "frigate": r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)?",  # the camera's name[/a zone of its picture]
    "onvif": r"[^/+#]+",  # the second level of the camera's topic prefix, onvif/{camera}
    "zigbee2mqtt": r"(?!bridge(/|$))[^+#]+",  # the friendly name, which may hold slashes
    "talq": r"[^/+#]+/.+",  # gateway/srcAddress
    "fiware": r"[^/+#]+/[^/+#]+",  # service/entity's id
    "senml": r"[^/+#]+/[^/+#]+",  # gateway/device
}
LEAST_KEPT = timedelta(days=30)
RESERVED_METRICS = frozenset({"time", "device", "arrival"})  # columns that every wide table has


_LITERAL = re.compile(r"[^/+#{}$\s][^/+#{}\s]*")


def _names(value: Any) -> Any:
    """One name stands for a list of one."""
    return (value,) if isinstance(value, str) else value


Names = Annotated[
    tuple[str, ...],
    BeforeValidator(_names),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


def _pointer(value: str) -> str:
    steps_of(value)
    return value


class Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PlaceEntry(Entry):
    lat: Lat
    lon: Lon


class Box(Entry):
    """The rectangle around the municipality: no place of the city lies outside it."""

    south: Lat
    north: Lat
    west: Lon
    east: Lon

    def holds(self, lat: float, lon: float) -> bool:
        return self.south <= lat <= self.north and self.west <= lon <= self.east

    @field_validator("north", "east")
    @classmethod
    def _beyond_its_start(cls, end: float, info: ValidationInfo) -> float:
        start = info.data.get("south" if info.field_name == "north" else "west")
        if start is not None and end <= start:
            raise ValueError(f"the box ends at or before its start, {start}")
        return end


class CityEntry(Entry):
    id: Id
    name: Text
    timezone: TimeZone
    box: Box
    warehouse: PlaceEntry
    disorder: Duration = timedelta(0)  # a device's readings may overtake each other by so much
    keep: Duration = KEEP  # readings are kept for so long
    assumptions: tuple[Text, ...] = ()  # for the reader: what in this folder is not established

    @field_validator("keep")
    @classmethod
    def _long_enough(cls, keep: timedelta) -> timedelta:
        if keep < LEAST_KEPT:
            raise ValueError(f"costing compares with the last {LEAST_KEPT.days} days")
        return keep


class MetricEntry(Entry):
    name: Word
    unit: Text
    label: Text
    low: Finite | None = None
    high: Finite | None = None

    @field_validator("name")
    @classmethod
    def _free(cls, name: str) -> str:
        if name in RESERVED_METRICS:
            raise ValueError(f"{name} is a column of KEL's own")
        return name

    @field_validator("high")
    @classmethod
    def _above_low(cls, high: float | None, info: ValidationInfo) -> float | None:
        low = info.data.get("low")
        if high is not None and low is not None and high <= low:
            raise ValueError(f"the range ends at or below its low, {low:g}")
        return high


class ClassEntry(Entry):
    id: Word
    label: Text
    every: Duration
    attributes: tuple[Word, ...] = ()  # further columns that each device of the class must fill
    metrics: tuple[MetricEntry, ...] = Field(min_length=1)


class CommunityEntry(PlaceEntry):
    id: Id
    name: Text
    population: Count


class ZoneEntry(Entry):
    """A zone's `properties` in the GeoJSON; its place is the feature's point."""

    id: Id
    name: Text
    community: str
    connections: Count
    people: Count
    mains_km: Positive
    elevation_m: Finite
    station: str


class Geometry(Entry):
    type: Literal["Point"]
    coordinates: tuple[Lon, Lat]  # in this order (RFC 7946)


class ZoneFeature(Entry):
    type: Literal["Feature"]
    geometry: Geometry
    properties: ZoneEntry

    @property
    def id(self) -> str:
        return self.properties.id


class FeederEntry(PlaceEntry):
    """A cabinet's feeder and the lamps behind it, in streets side by side around the cabinet."""

    id: Id
    name: Text
    community: str
    cabinet: str
    lamps: Count
    lamp_watts: Positive = 50.0
    spacing_m: Positive = 30.0
    per_street: Annotated[int, Field(gt=0)] = 13
    street_gap_m: Positive = 45.0
    bearing: Annotated[float, Field(ge=0, lt=360)] = 0.0  # of the streets, degrees from north


class DeviceEntry(PlaceEntry):
    id: Id
    name: Text
    community: str
    source: str  # a decoder's name or a mapping's id
    address: str = Field(default="", validate_default=True)  # empty: the device's id
    zone: str | None = None
    feeder: str | None = None
    parent: str | None = None
    state: DeviceState = DeviceState.ACTIVE
    clock: DeviceClock = DeviceClock.OWN
    tags: Tags = frozenset()
    attributes: dict[str, Finite] = Field(default_factory=dict)

    @field_validator("address")
    @classmethod
    def _as_its_source_writes_it(cls, address: str, info: ValidationInfo) -> str:
        source = info.data.get("source", "")
        identity = address or info.data.get("id", "")
        form = ADDRESSES.get(source)
        if form and identity and not re.fullmatch(form, identity):
            raise ValueError(f"{identity} is not an address as {source} writes it")
        return address

    @property
    def identity(self) -> str:
        return self.address or self.id


Pointer = Annotated[str, AfterValidator(_pointer)]


class MappedMetricEntry(Entry):
    at: Pointer
    metric: Word
    unit: str = ""  # empty: the class's own
    scale: Annotated[float, Field(allow_inf_nan=False)] = 1.0
    offset: Finite = 0.0
    values: dict[str, Finite] = Field(default_factory=dict)

    @field_validator("scale")
    @classmethod
    def _keeps_the_value(cls, scale: float) -> float:
        if scale == 0:
            raise ValueError("a scale of 0 makes every value the same")
        return scale


class MappedTimeEntry(Entry):
    at: Pointer
    form: TimeForm


class MappingEntry(Entry):
    """A vendor's JSON as the city declares it."""

    id: Id
    label: Text
    device: Pointer | None = None
    topic: str
    time: MappedTimeEntry | None = None  # none: the arrival counts
    readings: Pointer | None = None
    metrics: tuple[MappedMetricEntry, ...] = Field(min_length=1)

    @field_validator("topic")
    @classmethod
    def _a_pattern(cls, topic: str, info: ValidationInfo) -> str:
        levels = topic.split("/")
        if not _LITERAL.fullmatch(levels[0]) or len(levels) < 2:
            raise ValueError("a topic pattern begins with a name, as in vendor/{device}/data")
        for level in levels[1:]:
            if level not in ("+", DEVICE, "#") and not _LITERAL.fullmatch(level):
                raise ValueError(f"{level!r} is neither a name nor +, {DEVICE} or #")
        if "#" in levels[:-1] or levels.count(DEVICE) > 1:
            raise ValueError(f"# may stand last only, {DEVICE} only once")
        named = DEVICE in levels
        if "device" in info.data and named == (info.data["device"] is not None):
            raise ValueError(
                f"either {DEVICE} is a level of the topic, or `device` says where it is"
            )
        return topic


class PersonEntry(Entry):
    id: Id
    name: Text
    grade: str
    skills: tuple[str, ...] = ()


class ShiftEntry(Entry):
    days: Days
    start: Clock
    end: Clock
    on_call: bool = False

    @field_validator("end")
    @classmethod
    def _later_or_past_midnight(cls, end: time, info: ValidationInfo) -> time:
        if end == info.data.get("start"):
            raise ValueError("a shift that ends when it starts has no length")
        return end


class CrewEntry(Entry):
    id: Id
    name: Text
    base: PlaceEntry
    vehicles: tuple[str, ...] = ()
    shifts: tuple[ShiftEntry, ...] = Field(min_length=1)
    people: tuple[PersonEntry, ...] = Field(min_length=1)


class VehicleEntry(Entry):
    id: Id
    name: Text
    kind: Word
    eur_per_km: Euro
    eur_per_hour: Euro
    speed_kmh: Annotated[float, Field(gt=0, le=130)]


class ItemEntry(Entry):
    id: Id
    name: Text
    unit: Text
    price: Euro
    reorder: Amount
    lead_days: Count
    group: Text
    opening: Amount


class VanStockEntry(Entry):
    crew: str
    item: str
    quantity: Amount


class MaterialEntry(Entry):
    item: str
    quantity: Annotated[Decimal, Field(gt=0, le=10**9, decimal_places=6)]


class CategoryEntry(Entry):
    id: Word
    label: Text
    family: Word
    rank: Count
    severity: Literal["info", "low", "medium", "high", "critical"]
    skills: tuple[str, ...] = ()
    people: Annotated[int, Field(gt=0)]
    hours: Positive  # on the spot by the clock, with all of them at work
    vehicles: tuple[str, ...] = ()
    materials: tuple[MaterialEntry, ...] = ()
    waiting: Euro
    loss: Literal["water", "energy", "none"] = "none"
    account: str
    radius_m: Positive = 300.0
    runbook: Text

    @property
    def level(self) -> Severity:
        return Severity[self.severity.upper()]


class CalendarEntry(Entry):
    """Times by which rules may be judged; all that is said must hold at once."""

    id: Id
    label: Text
    hours: tuple[Clock, Clock] | None = Field(
        default=None, description="from, included, to, excluded; perhaps past midnight"
    )
    days: Days | None = Field(default=None, description="days of the week")
    season: tuple[MonthDay, MonthDay] | None = Field(
        default=None, description="first and last day, both included; perhaps over the new year"
    )
    holidays: bool | None = Field(
        default=None, description="on public holidays of Greece, or on all other days"
    )
    fire_risk: Annotated[int, Field(ge=1, le=5)] | None = Field(
        default=None, description="at least this level on the day's map (fire_risk.csv)"
    )
    all: Names = Field(default=(), description="these calendars hold")
    any: Names = Field(default=(), description="one of these calendars holds")
    none: Names = Field(default=(), alias="not", description="none of these calendars holds")

    @field_validator("hours")
    @classmethod
    def _some_length(cls, hours: tuple[time, time] | None) -> tuple[time, time] | None:
        if hours is not None and hours[0] == hours[1]:
            raise ValueError("hours that end when they begin have no length")
        return hours


class FireRiskEntry(Entry):
    """A day's level of the official fire-risk map; `date` is the day it is meant for."""

    date: date
    level: Annotated[int, Field(ge=1, le=5)]
    community: str | None = None


class RatesEntry(Entry):
    hourly: dict[Word, Euro] = Field(min_length=1)
    night: Part
    sunday: Part
    overtime: Part
    water_eur_m3: Euro
    energy_eur_kwh: Euro
    efficiency: Annotated[float, Field(gt=0, lt=1)]


class BudgetEntry(Entry):
    """One account's credit for a year; `amounts` has a column for each community."""

    year: Annotated[int, Field(ge=2000, le=2100)]
    account: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z.-]+$")]
    label: Text
    nature: CostNature
    amounts: dict[str, Euro]
