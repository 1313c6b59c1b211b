"""uCIFI lights, water meters and pressure sensors: LwM2M objects as JSON, a message a report.

`ucifi/{gateway}/{lamp}`: `{"ts": …, "<object>": {"<instance>": {"<resource>": value, …}}}`, e.g.
`{"ts": "2026-05-04T21:00:00Z", "3416": {"0": {"1": 100, "3": 80, "5": false, "7": false,
"10": false, "15": 12345.5}}, "3305": {"0": {"5800": 36.5}}}`. `ts` as in KEL's own JSON. Where it
is missing, an object's own time counts (/5518 Unix seconds, /6050 their fraction), else the
arrival, for LwM2M reports need not carry a time. `lamp`, if there, is text and must be the topic's.
Values are numbers or booleans.

`RESOURCES` says which resources of instance 0 are which metric, and their unit; a metric is told in
the unit of the device's class. What the class does not declare becomes an other reading named
`object/instance/resource`, in the unit of its object.
Source: OMA LwM2M registry: uCIFI objects 3416 (2.0), 3424 (1.1) and 3427 (1.0), IPSO object 3305
(1.0).
"""

from collections.abc import Mapping
from typing import Any

from ingest.address import TopicCache
from ingest.checks import (
    in_time,
    kind_of,
    load_object,
    moment_of,
    number_of,
    shown,
    time_of_seconds,
)
from ingest.registry import Registry
from ingest.scaling import Scaling
from ingest.sink import LONGEST_NAME, Sink, usable
from ingest.validate import Reason, Refused
from kel.model.device import Clock, Device, DeviceClass
from kel.model.message import Message

RESOURCES = {  # object/instance/resource: metric, unit ("" is 0 or 1)
    "3416/0/1": ("command", "%"),
    "3416/0/3": ("dimming", "%"),  # as the controller measures it
    "3416/0/5": ("failure", ""),  # of the lamp
    "3416/0/7": ("gear_failure", ""),
    "3416/0/9": ("relay_failure", ""),
    "3416/0/10": ("day_burner", ""),
    "3416/0/11": ("cycling", ""),  # on and off too often
    "3416/0/15": ("hours", "h"),  # with light
    "3416/0/21": ("gear_temperature", "°C"),
    "3305/0/5800": ("power", "W"),
    "3305/0/5805": ("energy", "Wh"),
    "3424/0/1": ("volume", "m³"),
    "3424/0/7": ("flow_least", "m³/s"),  # since the last report
    "3424/0/8": ("flow_most", "m³/s"),
    "3424/0/9": ("leak_suspected", ""),
    "3424/0/10": ("leak_detected", ""),
    "3424/0/11": ("backflow", ""),
    "3424/0/12": ("blocked", ""),
    "3424/0/13": ("fraud", ""),
    "3427/0/1": ("pressure", "Pa"),
}
TIME, FRACTION = "5518", "6050"  # of any object


class Names(dict[str, str]):
    """What the resources of one object's instance are called, for one class of devices."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path

    def __missing__(self, resource: str) -> str:
        return f"{self.path}/{resource}"


Objects = dict[str, dict[str, Names]]  # by object and instance
NOT_LISTED: dict[str, Names] = {}


class Ucifi:
    name = "ucifi"

    def __init__(self, registry: Registry, classes: Mapping[str, DeviceClass]) -> None:
        self._registry = registry
        self._objects = {cls.id: _objects(cls) for cls in classes.values()}
        self._scaling = Scaling(classes, {m: unit for m, unit in RESOURCES.values() if unit})
        self._senders = TopicCache(self._sender)

    def matches(self, topic: str) -> bool:
        match topic.split("/"):
            case ["ucifi", _, _]:
                return True
        return False

    def decode(self, message: Message, sink: Sink) -> None:
        device, lamp = self._senders[message.topic]
        body, arrival = load_object(message.payload), message.arrival
        ts = body.pop("ts", None)
        if body.pop("lamp", lamp) != lamp:
            raise Refused(Reason.IDENTITY_MISMATCH, "the payload's lamp is not the topic's")
        objects = self._objects[device.cls]
        if ts is None and device.clock is Clock.OWN:
            rows = _timed(objects, body, arrival)
        else:
            rows = {moment_of(device, ts, arrival): _flat(objects, body)}
        for time, row in rows.items():
            self._scaling.apply(device.cls, row)
            sink.row(device, time, row)

    def _sender(self, topic: str) -> tuple[Device, str]:
        address = topic[len("ucifi/") :]
        device = usable(self._registry.find(self.name, address), self.name, address)
        return device, address.rsplit("/", 1)[1]


def _objects(cls: DeviceClass) -> Objects:
    """What the class declares of the known resources."""
    objects: Objects = {}
    for path, (metric, _) in RESOURCES.items():
        number, instance, resource = path.split("/")
        names = objects.setdefault(number, {}).setdefault(instance, Names(f"{number}/{instance}"))
        if cls.metric(metric):
            names[resource] = metric
    return objects


def _flat(objects: Objects, body: dict[str, Any]) -> dict[str, object]:
    """The values of all objects, by metric."""
    row: dict[str, object] = {}
    for number, instances in body.items():
        if type(instances) is not dict:
            raise _misfit(number, instances)
        named = objects.get(number, NOT_LISTED)
        for instance, resources in instances.items():
            if type(resources) is not dict:
                raise _misfit(f"{number}/{instance}", resources)
            names = named.get(instance)
            if names is None:
                if len(number) + len(instance) > LONGEST_NAME:  # a key would be made of each value
                    raise Refused(Reason.BAD_NAME, f"{shown(number)} is no object")
                names = Names(f"{number}/{instance}")
            for resource, value in resources.items():
                row[names[resource]] = value
    return row


def _timed(objects: Objects, body: dict[str, Any], arrival: int) -> dict[int, dict[str, object]]:
    """The values by the time (µs) that their object says, else by their arrival."""
    rows: dict[int, dict[str, object]] = {}
    for number, instances in body.items():
        for instance, resources in instances.items() if type(instances) is dict else ():
            if type(resources) is dict:
                seconds, fraction = resources.pop(TIME, None), resources.pop(FRACTION, None)
                if seconds is not None:
                    time = _moment(seconds, fraction, arrival)
                    part = _flat(objects, {number: {instance: instances[instance]}})
                    rows.setdefault(time, {}).update(part)
                    instances[instance] = {}
    rest = _flat(objects, body)
    if rest or not rows:
        rows.setdefault(in_time(arrival, arrival), {}).update(rest)
    return rows


def _moment(seconds: object, fraction: object, arrival: int) -> int:
    if fraction is not None:
        return time_of_seconds(number_of(seconds, TIME) + number_of(fraction, FRACTION), arrival)
    return time_of_seconds(seconds, arrival)


def _misfit(path: str, value: object) -> Refused:
    detail = f"{shown(path)}: an object is wanted, not {kind_of(value)}"
    return Refused(Reason.WRONG_TYPE, detail)
