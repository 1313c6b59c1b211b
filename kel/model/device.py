"""Devices and their classes.

Laws:
- a device has one identity in KEL (`id`), one small `number` for columns and tables, and one
  `address` within the format (`source`) that it speaks;
- its `group` is where it belongs in the stream: all that a rule over a zone or a feeder needs
  shares one group, and so one partition;
- `parent` is the device whose failure explains this one's (a feeder's cabinet for its lamps, a
  zone's meter for its sensors, a station's pump for the zones it feeds).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from kel.model.place import Point


class DeviceState(StrEnum):
    ACTIVE = "active"
    DRAFT = "draft"  # heard, but not yet adopted by anybody
    RETIRED = "retired"


class Clock(StrEnum):
    """Whose time a device's readings carry."""

    OWN = "own"  # the device's, as its messages say
    ARRIVAL = "arrival"  # ours, of a device whose clock cannot be trusted


@dataclass(frozen=True, slots=True)
class Metric:
    """What a device of some class measures, in KEL's own unit, with the range that is possible."""

    name: str
    unit: str
    label: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class DeviceClass:
    """Devices that measure the same: one wide table (`reading_<id>`), one column a metric."""

    id: str
    label: str
    metrics: tuple[Metric, ...]
    every: timedelta  # how often such a device reports

    def metric(self, name: str) -> Metric | None:
        return next((m for m in self.metrics if m.name == name), None)


@dataclass(frozen=True, slots=True)
class Device:
    id: str
    number: int
    cls: str
    name: str
    community: str
    place: Point
    source: str  # the decoder's name, e.g. chirpstack, or a mapping's of the city's own
    address: str  # its identity in that format, e.g. a DevEUI
    zone: str | None = None
    feeder: str | None = None
    parent: str | None = None
    state: DeviceState = DeviceState.ACTIVE
    attributes: Mapping[str, float] = field(default_factory=dict)
    clock: Clock = Clock.OWN
    tags: frozenset[str] = frozenset()  # words of the city's own, for rules to choose by
    shares: str | None = None  # the group of all senders of its mapping, where payloads name them

    @property
    def witness(self) -> str:
        """Whose seeing it is: a camera and the zones of its picture are one witness."""
        return f"frigate:{self.address.split('/')[0]}" if self.source == "frigate" else self.id

    @property
    def group(self) -> str:
        """The locality group, which decides the partition, so that one worker sees all of it.

        A Sparkplug edge node is a group of its own, since its aliases are known to one decoder
        only; so are Frigate's cameras, which all speak on one topic, the lamps of a TALQ gateway,
        which reports for all of them, and the devices of a mapping whose topics name no device.
        """
        if self.shares:
            return self.shares
        if self.source == "frigate":
            return "topic:frigate"
        if self.source == "sparkplug":
            return f"edge:{'/'.join(self.address.split('/')[:2])}"
        if self.source == "talq":
            return f"gateway:{self.address.split('/', 1)[0]}"
        if self.zone:
            return f"zone:{self.zone}"
        if self.feeder:
            return f"feeder:{self.feeder}"
        return f"community:{self.community}"
