"""TALQ 2 street lights: log reports, as a gateway hands them on over MQTT.

TALQ is REST; KEL hears its log reports on `talq/{gateway}/log`, a topic of KEL's own choice:
`{"address": …, "entries": [{"cmsRefId": …, "data": {"type", "srcAddress", "timestamp",
"attributeName", "attributeValue" | "eventType", "startEndFlag", "info"}}]}`.
One report speaks for many lamps: a lamp's address is `gateway/srcAddress`; where that is unknown,
what stands before the address's last colon counts (a function of a device, `lamp-7:lampMonitor`),
for a stranger's draft too.
Entries of the gateway itself (its name, or the report's own address) are not needed.

An attribute is a number, a boolean or a number in quotes: `activePower` W, `activeEnergy` kWh,
`operatingHours` h. An event is 1 from its start and 0 from its end (`startEndFlag`; without one it
is a start): `lampFailure`, `supplyLoss`, `lampUnexpectedOn`, `cyclingFailure`. Of one event's start
and end at one moment the last one counts. Any other name becomes an other reading. `timestamp`: ISO
8601 with an offset.

Law: every entry stands for itself. What is right of devices that may speak is taken, whatever else
is in the report; a report with an entry that is wrong or a stranger's is kept as a reject too, so
that it is found when the stranger is adopted.
Source: TALQ Specification 2.x, data log and event log messages.
"""

from collections.abc import Mapping
from functools import reduce
from typing import Any

from ingest.checks import (
    kind_of,
    load_object,
    moment_of,
    number_of,
    oldest_first,
    shown,
    text_of,
)
from ingest.registry import Registry
from ingest.scaling import Scaling
from ingest.sink import Sink, usable
from ingest.validate import Dropped, Reason, Refused
from kel.model.device import Clock, Device, DeviceClass
from kel.model.message import Message

METRICS = {
    "activePower": "power",
    "activeEnergy": "energy",
    "operatingHours": "hours",
    "lampFailure": "failure",
    "supplyLoss": "supply_loss",
    "lampUnexpectedOn": "day_burner",
    "cyclingFailure": "cycling_failure",
}
UNITS = {"power": "W", "energy": "kWh", "hours": "h"}
FLAGS: dict[object, float] = {"start": 1.0, "end": 0.0, True: 1.0, False: 0.0, None: 1.0}

Values = dict[str, object]
Rows = dict[tuple[int, object], tuple[Device, object, Values]]  # by device, and moment or stamp


class Talq:
    name = "talq"

    def __init__(self, registry: Registry, classes: Mapping[str, DeviceClass]) -> None:
        self._registry = registry
        self._scaling = Scaling(classes, UNITS)

    def matches(self, topic: str) -> bool:
        match topic.split("/"):
            case ["talq", _, "log"]:
                return True
        return False

    def decode(self, message: Message, sink: Sink) -> None:
        gateway = message.topic.split("/")[1]
        report = load_object(message.payload)
        entries = report.get("entries")
        if type(entries) is not list:
            raise Refused(Reason.WRONG_TYPE, f"entries: a list is wanted, not {kind_of(entries)}")
        own = (gateway, report.get("address"))
        rows: Rows = {}
        strays: list[Refused] = []
        for entry in entries:
            try:
                data, address = _data(entry)
                if address in own:
                    sink.drop(Dropped.NOT_NEEDED)
                else:
                    self._gather(self._device(gateway, address), data, message.arrival, rows, sink)
            except Refused as why:
                strays.append(why)
        told = self._tell(rows, message.arrival, strays, sink)
        if strays and not told:
            raise reduce(Refused.joined, strays)
        if not told and not sink.reported():
            raise Refused(Reason.EMPTY, "no entry has a value")
        for stray in strays:
            sink.stray(stray)

    def _gather(
        self, device: Device, data: Mapping[str, Any], arrival: int, rows: Rows, sink: Sink
    ) -> None:
        """Add what an entry says to the row of its device and moment."""
        try:
            stamp = data.get("timestamp")
            if type(stamp) is not str:
                raise Refused(Reason.NO_TIME, "an entry has no timestamp")
            at = moment_of(device, stamp, arrival) if device.clock is Clock.OWN else stamp
            name, said, lasts = _said(data)
            one: Values = {name: said}
            self._scaling.apply(device.cls, one)
            value = one[name]
            sink.check(device, name, value)
            _, _, values = rows.setdefault((device.number, at), (device, stamp, {}))
            if lasts:
                values[name] = value
            elif values.setdefault(name, value) != value:
                raise Refused(Reason.CONTRADICTION, f"{shown(name)} has two values at one moment")
        except Refused as why:
            why.sender = self.name, device.address
            raise

    def _tell(self, rows: Rows, arrival: int, strays: list[Refused], sink: Sink) -> int:
        """Put the rows into the sink; how many it took."""
        told = 0
        for device, stamp, values in oldest_first([*rows.values()]):
            try:
                sink.row(device, moment_of(device, stamp, arrival), values)
                told += 1
            except Refused as why:
                if why.reason is Reason.TOO_MANY:  # of the message, not of this row
                    raise
                why.sender = self.name, device.address
                strays.append(why)
        return told

    def _device(self, gateway: str, address: str) -> Device:
        """The device itself, or the one whose function the address is."""
        full = f"{gateway}/{address}"
        found = self._registry.find(self.name, full)
        if found is None and ":" in address:
            full = full.rpartition(":")[0]  # what a stranger is to be adopted as, too
            found = self._registry.find(self.name, full)
        return usable(found, self.name, full)


def _data(entry: Any) -> tuple[dict[str, Any], str]:
    """What an entry holds, and whom it speaks of."""
    data = entry.get("data") if type(entry) is dict else None
    if type(data) is not dict:
        raise Refused(Reason.WRONG_TYPE, "an entry has no data object")
    address = data.get("srcAddress")
    if type(address) is not str or not address:
        raise Refused(Reason.WRONG_TYPE, "srcAddress is no text")
    return data, address


def _said(data: Mapping[str, Any]) -> tuple[str, float, bool]:
    """The metric's name, its value, and whether the last one of a moment counts."""
    attribute = data.get("attributeName")
    if attribute is not None:
        name = text_of(attribute, "attributeName", 128, Reason.BAD_NAME)
        return METRICS.get(name, name), _number(data.get("attributeValue"), name), False
    name = text_of(data.get("eventType"), "eventType", 128, Reason.BAD_NAME)
    if not name:
        raise Refused(Reason.EMPTY, "an entry names neither an attribute nor an event")
    flag = data.get("startEndFlag")
    flag = flag.lower() if type(flag) is str else flag
    if type(flag) not in (str, bool, type(None)) or flag not in FLAGS:
        raise Refused(Reason.BAD_EVENT, f"startEndFlag {shown(str(flag))} is neither start nor end")
    return METRICS.get(name, name), FLAGS[flag], True


def _number(value: Any, name: str) -> float:
    if type(value) is str:
        try:
            value = float(value)
        except ValueError:
            raise Refused(
                Reason.WRONG_TYPE, f"{shown(name)}: {shown(value)} is no number"
            ) from None
    return number_of(value, name)
