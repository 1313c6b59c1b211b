"""Mappings: any vendor's JSON, read as the city's `mappings.toml` says; one decoder a mapping.

What a mapping can say stands in `kel.model.mapping`. Values are numbers, booleans, or numbers in
quotes, or what the mapping's `values` list; null and what is not there are not reported. The value
× scale + offset is in the mapping's unit, and is then brought into the unit of the device's class;
of a metric that the class does not declare it becomes an other reading as it is.

Laws: worked out once for each class of device; a list of readings is one message, taken or refused
whole, but that of several devices those are taken which may speak, as with any gateway that speaks
for many (`Sink.stray`).
Source: RFC 6901 (JSON pointers); the rest is KEL's own.
"""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

from ingest.address import TopicCache
from ingest.checks import (
    in_time,
    kind_of,
    load_json,
    number_of,
    oldest_first,
    shown,
    time_of,
    time_of_seconds,
)
from ingest.registry import Registry
from ingest.sink import Sink, usable
from ingest.validate import Reason, Refused
from kel.model.device import Clock, Device, DeviceClass
from kel.model.mapping import DEVICE, JsonMapping, MappedMetric, steps_of
from kel.model.message import Message
from kel.model.units import linear

Steps = tuple[str, ...]
Plan = tuple[tuple[Steps, str, float, float, dict[object, float]], ...]


class Mapped:
    """One mapping's decoder. Raises UnitError where a unit cannot become a class's."""

    def __init__(
        self, registry: Registry, classes: Mapping[str, DeviceClass], mapping: JsonMapping
    ) -> None:
        self.name = mapping.id
        self.matches = mapping.matches
        self._registry = registry
        self._mapping = mapping
        self._device = steps_of(mapping.device or "")
        self._time = None if mapping.time is None else steps_of(mapping.time)
        self._moment = MOMENTS[mapping.time_form]
        self._readings = None if mapping.readings is None else steps_of(mapping.readings)
        used = {device.cls for device in registry.by_source(self.name)}
        self._plans = {cls: _plan(mapping, classes[cls]) for cls in used}
        self._senders = TopicCache(self._sender)

    def decode(self, message: Message, sink: Sink) -> None:
        sender = self._senders[message.topic]
        body = load_json(message.payload)
        if self._readings is None:
            device = sender or self._named(body, body)
            self._reading(device, body, body, message.arrival, sink)
            return
        readings = find(body, self._readings)
        if type(readings) is not list:
            detail = f"readings: a list is wanted, not {kind_of(readings)}"
            raise Refused(Reason.WRONG_TYPE, detail)
        if not readings:
            raise Refused(Reason.EMPTY, "the list of readings is empty")
        self._list(sender, readings, body, message.arrival, sink)

    def _list(
        self, sender: Device | None, readings: list[Any], body: Any, arrival: int, sink: Sink
    ) -> None:
        strays: list[Refused] = []
        told: list[tuple[Device, object, Any]] = []
        for reading in readings:
            try:
                device = sender or self._named(reading, body)
            except Refused as why:
                if why.sender is None:
                    raise
                strays.append(why)
                continue
            stamp = _either(reading, body, self._time) if self._time is not None else None
            told.append((device, stamp, reading))
        if not told:
            raise reduce(Refused.joined, strays)
        for device, _, reading in oldest_first(told):
            self._reading(device, reading, body, arrival, sink)
        for stray in strays:
            sink.stray(stray)

    def _sender(self, topic: str) -> Device | None:
        """The device that the topic names; None where payloads do."""
        address = self._mapping.address_in(topic) or ""
        if DEVICE not in self._mapping.topic:
            return None
        return usable(self._registry.find(self.name, address), self.name, address)

    def _named(self, reading: Any, body: Any) -> Device:
        """The device that the payload names."""
        address = _either(reading, body, self._device)
        if type(address) is int:
            address = str(address)
        if type(address) is not str or not address:
            detail = f"the device's address is text or a whole number, not {kind_of(address)}"
            raise Refused(Reason.WRONG_TYPE, detail)
        return usable(self._registry.find(self.name, address), self.name, address)

    def _reading(self, device: Device, reading: Any, body: Any, arrival: int, sink: Sink) -> None:
        if self._time is None or device.clock is Clock.ARRIVAL:
            time = in_time(arrival, arrival)
        else:
            stamp = _either(reading, body, self._time)
            if stamp is None:
                raise Refused(Reason.NO_TIME, f"{self._mapping.time} holds no time")
            time = self._moment(stamp, arrival)
        values: dict[str, object] = {}
        for steps, metric, scale, offset, words in self._plans[device.cls]:
            value = find(reading, steps)
            if value is None:
                continue
            if words or type(value) is str:
                value = _meant(value, words, metric)
            values[metric] = number_of(value, metric) * scale + offset
        sink.row(device, time, values)


def find(value: Any, steps: Steps) -> Any:
    """What stands at a JSON pointer's steps, or None."""
    for step in steps:
        if type(value) is dict:
            value = value.get(step)
        elif type(value) is list and step.isdecimal() and len(step) < 7:
            index = int(step)
            value = value[index] if index < len(value) else None
        else:
            return None
    return value


def _either(reading: Any, body: Any, steps: Steps) -> Any:
    found = find(reading, steps)
    return find(body, steps) if found is None else found


def _plan(mapping: JsonMapping, cls: DeviceClass) -> Plan:
    """Each metric's place, name, and what makes its value one of the class's."""
    return tuple(_of_metric(metric, cls) for metric in mapping.metrics)


def _of_metric(
    mapped: MappedMetric, cls: DeviceClass
) -> tuple[Steps, str, float, float, dict[object, float]]:
    declared = cls.metric(mapped.metric)
    scale, offset = 1.0, 0.0
    if declared and mapped.unit:
        scale, offset = linear(mapped.unit, declared.unit)
    words: dict[object, float] = dict(mapped.values.items())
    return (
        steps_of(mapped.at),
        mapped.metric,
        mapped.scale * scale,
        mapped.offset * scale + offset,
        words,
    )


def _meant(value: Any, words: Mapping[object, float], metric: str) -> float:
    """What a word of the mapping stands for, or the number in quotes."""
    key = value if type(value) is str else _as_text(value)
    if words:
        if key not in words:
            detail = f"{shown(metric)}: the mapping has no value for {shown(str(key))}"
            raise Refused(Reason.WRONG_TYPE, detail)
        return words[key]
    try:
        return float(value)
    except ValueError:
        detail = f"{shown(metric)}: {shown(value)} is no number"
        raise Refused(Reason.WRONG_TYPE, detail) from None


def _as_text(value: Any) -> str | None:
    """A JSON number or boolean as the keys of `values` write it."""
    if type(value) is bool:
        return "true" if value else "false"
    return f"{value:g}" if type(value) in (int, float) else None


def _iso(value: Any, arrival: int) -> int:
    if type(value) is not str:
        raise Refused(Reason.BAD_TIME, f"ISO 8601 text is wanted, not {kind_of(value)}")
    return time_of(value, arrival)


def _milliseconds(value: Any, arrival: int) -> int:
    if type(value) is str:
        raise Refused(Reason.BAD_TIME, "Unix milliseconds are wanted, not text")
    return time_of(value, arrival)


MOMENTS: Mapping[str, Callable[[Any, int], int]] = {
    "iso": _iso,
    "unix_s": time_of_seconds,
    "unix_ms": _milliseconds,
}
