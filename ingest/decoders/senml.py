"""SenML in JSON: packs of measurements, from gateways that speak the IETF's format.

`senml/{gateway}/{device}` (topics of KEL's own choice): a list of records. Base fields (`bn`, `bt`,
`bu`, `bv`, `bs`, `bver`) hold from their record on; `n` is added to `bn`, `t` to `bt`, `v` to `bv`,
`s` to `bs`. A time below 2^28 counts in seconds from now, which is the message's arrival, and needs
no clock; neither `bt` nor `t` is now. A device's address is `gateway/device`.

A whole name is the metric's alone, or `{device}`, one of `: / _ . -`, and the metric's, which only
a URN may precede (`urn:dev:ow:`, `urn:dev:org:32473-`): a pack speaks for the device of its topic,
and a gateway sends one pack a device. `v` and `vb` are
values in the unit `u` (or `bu`), brought into the class's; a sum `s` becomes the other reading
`{metric}_sum`; `vs` is text, `vd` bytes, both counted and left out. A record without a value only
sets bases; `ut` changes nothing.
A version above 10, and a field that ends in `_` (to be understood or not taken), are refused.
Source: RFC 8428 (SenML), RFC 8798 (further units), RFC 9039 (device identifiers).
"""

import re
from collections.abc import Mapping
from typing import Any

from ingest.address import TopicCache
from ingest.checks import (
    in_time,
    kind_of,
    load_json,
    number_of,
    oldest_first,
    shown,
    time_of_seconds,
)
from ingest.registry import Registry
from ingest.scaling import Scaling
from ingest.sink import Sink, usable
from ingest.validate import Dropped, Reason, Refused
from kel.model.device import Clock, Device, DeviceClass
from kel.model.message import Message

BASES = frozenset({"bn", "bt", "bu", "bv", "bs", "bver"})
FIELDS = BASES | {"n", "t", "u", "v", "vs", "vb", "vd", "s", "ut"}
VERSION = 10
RELATIVE = 2**28  # seconds; below, a time is relative
BETWEEN = ":/_.-"  # a device's name and its metric's
BEFORE = re.compile(r"(?i:urn:[^/]*:|urn:dev:o(?:rg|s|ps):[0-9]+-)?")
LONGEST = 256  # characters of a whole name
MOST_NAMES = 65_536
LONGEST = 512  # characters of a name or a unit

Rows = dict[float, dict[str, object]]  # by SenML's time, in seconds


class Base:
    """What holds from record to record of one pack."""

    __slots__ = ("name", "sum", "time", "unit", "value")

    def __init__(self) -> None:
        self.name, self.unit = "", ""
        self.time, self.value, self.sum = 0.0, 0.0, 0.0

    def take(self, record: dict[str, Any]) -> None:
        """The base fields of a record."""
        if "bn" in record:
            self.name = _text(record["bn"], "bn")
        if "bu" in record:
            self.unit = _text(record["bu"], "bu")
        if "bt" in record:
            self.time = number_of(record["bt"], "bt")
        if "bv" in record:
            self.value = number_of(record["bv"], "bv")
        if "bs" in record:
            self.sum = number_of(record["bs"], "bs")
        if number_of(record.get("bver", VERSION), "bver") > VERSION:
            raise Refused(Reason.WRONG_TYPE, f"SenML of a version above {VERSION}")


class SenMl:
    name = "senml"

    def __init__(self, registry: Registry, classes: Mapping[str, DeviceClass]) -> None:
        self._registry = registry
        self._scaling = Scaling(classes)
        self._senders = TopicCache(self._sender)
        self._metrics: dict[tuple[str, str], str] = {}  # device and whole name → metric

    def matches(self, topic: str) -> bool:
        match topic.split("/"):
            case ["senml", _, _]:
                return True
        return False

    def decode(self, message: Message, sink: Sink) -> None:
        device, name = self._senders[message.topic]
        pack = load_json(message.payload)
        if type(pack) is not list:
            raise Refused(Reason.WRONG_TYPE, f"a pack is a list, not {kind_of(pack)}")
        base = Base()
        rows: Rows = {}
        for record in pack:
            if type(record) is not dict:
                raise Refused(Reason.WRONG_TYPE, f"a record is an object, not {kind_of(record)}")
            if not FIELDS.issuperset(record) and any(key[-1:] == "_" for key in record):
                raise Refused(Reason.WRONG_TYPE, "a field that must be understood is not known")
            if not BASES.isdisjoint(record):
                base.take(record)
            self._take(device, name, record, base, rows, sink)
        if not rows and not sink.reported():
            raise Refused(Reason.EMPTY, "no record has a value")
        arrival = message.arrival
        for _, seconds, values in oldest_first([(device, at, said) for at, said in rows.items()]):
            relative = seconds < RELATIVE and seconds != 0
            sink.row(device, _time(device, seconds, arrival), values, relative)

    def _sender(self, topic: str) -> tuple[Device, str]:
        address = topic.removeprefix("senml/")
        device = usable(self._registry.find(self.name, address), self.name, address)
        return device, address.partition("/")[2]

    def _take(
        self,
        device: Device,
        name: str,
        record: dict[str, Any],
        base: Base,
        rows: Rows,
        sink: Sink,
    ) -> None:
        """Add what the record says to the row of its moment."""
        value, total = record.get("v", record.get("vb")), record.get("s")
        if value is None and total is None:
            if "vs" in record or "vd" in record:
                sink.drop(Dropped.TEXT_VALUE if "vs" in record else Dropped.NOT_NEEDED)
            return
        own = record.get("n", "")
        whole = base.name + (own if type(own) is str else _text(own, "n"))
        metric = self._metrics.get((name, whole)) or self._metric(name, whole)
        seconds = base.time + number_of(record["t"], "t") if "t" in record else base.time
        values = rows.setdefault(seconds, {})
        if value is not None:
            _put(values, metric, self._value(device, metric, record, base, value))
        if total is not None:
            _put(values, f"{metric}_sum", number_of(total, "s") + base.sum)

    def _value(
        self, device: Device, metric: str, record: dict[str, Any], base: Base, value: object
    ) -> object:
        if "v" not in record:
            if type(value) is not bool:
                raise Refused(Reason.WRONG_TYPE, f"vb: a boolean is wanted, not {kind_of(value)}")
            return value
        number = number_of(value, metric) + base.value
        unit = _text(record.get("u", base.unit), "u")
        return self._scaling.value(device.cls, metric, unit, number) if unit else number

    def _metric(self, device: str, whole: str) -> str:
        """The metric that a whole name speaks of."""
        if len(whole) > LONGEST:
            raise Refused(Reason.BAD_NAME, f"a name of {len(whole)} characters, {LONGEST} at most")
        metric = metric_of(device, whole)
        if not metric:
            raise Refused(Reason.BAD_NAME, f"{shown(whole)} names no metric of {shown(device)}")
        if len(self._metrics) >= MOST_NAMES:
            self._metrics.clear()
        self._metrics[device, whole] = metric
        return metric


def metric_of(device: str, whole: str) -> str:
    """The metric's own name in a whole one; refuses one that speaks of another device."""
    named = False
    at = whole.rfind(device)
    while at >= 0:
        before, after = whole[:at], whole[at + len(device) :]
        if before[-1:] in BETWEEN and after[:1] in BETWEEN:  # as is the end of the text
            if BEFORE.fullmatch(before):
                return after[1:]
            named = True
        at = whole.rfind(device, 0, at + len(device) - 1)
    if named or ":" in whole or "/" in whole:
        detail = f"{shown(whole)} does not speak of {shown(device)}"
        raise Refused(Reason.IDENTITY_MISMATCH, detail)
    return whole


def _put(values: dict[str, object], metric: str, value: object) -> None:
    if values.setdefault(metric, value) != value:
        raise Refused(Reason.CONTRADICTION, f"{shown(metric)} has two values at one moment")


def _time(device: Device, seconds: float, arrival: int) -> int:
    if seconds < RELATIVE:
        return in_time(arrival + round(seconds * 1_000_000), arrival)
    if device.clock is Clock.ARRIVAL:
        return in_time(arrival, arrival)
    return time_of_seconds(seconds, arrival)


def _text(value: object, what: str) -> str:
    if type(value) is not str:
        raise Refused(Reason.WRONG_TYPE, f"{what}: text is wanted, not {kind_of(value)}")
    if len(value) > LONGEST:  # whole names are made of two for each record
        raise Refused(Reason.BAD_NAME, f"{what}: {shown(value)} is too long")
    return value
