"""uCIFI street lights: LwM2M objects as JSON, one message a lamp's report.

`ucifi/{gateway}/{lamp}`: `{"ts": …, "<object>": {"<instance>": {"<resource>": value, …}}}`, e.g.
`{"ts": "2026-05-04T21:00:00Z", "3416": {"0": {"1": 100, "3": 80, "5": false, "7": false,
"10": false, "15": 12345.5}}, "3305": {"0": {"5800": 36.5}}}`. `ts` as in KEL's own JSON; the
arrival where it is missing, for LwM2M reports need not carry a time. `lamp`, if there, is text
and must be the topic's. Values are numbers or booleans.

Known resources of instance 0: 3416 outdoor lamp controller /1 command %, /3 dimming %, /5 lamp
failure, /7 control gear failure, /10 day burner, /15 operating hours; 3305 power measurement
/5800 active power W, /5805 active energy Wh (kept as kWh); 3424 water meter /1 volume m³,
/9 leak suspected, /10 leak detected, /11 backflow. Any other becomes an other reading named
`object/instance/resource`.
Source: uCIFI data model (OMA LwM2M registry 3416, 3424), IPSO Smart Objects (3305).
"""

from collections.abc import Iterator
from typing import Any

from ingest.checks import kind_of, load_object, number_of, shown, time_or_arrival
from ingest.registry import Registry
from ingest.sink import Sink, usable
from ingest.validate import Reason, Refused
from kel.model.message import Message

METRICS = {
    "3416/0/1": "command",
    "3416/0/3": "dimming",
    "3416/0/5": "failure",
    "3416/0/7": "gear_failure",
    "3416/0/10": "day_burner",
    "3416/0/15": "hours",
    "3305/0/5800": "power",
    "3305/0/5805": "energy",
    "3424/0/1": "volume",
    "3424/0/9": "leak_suspected",
    "3424/0/10": "leak_detected",
    "3424/0/11": "backflow",
}
WATT_HOURS = "3305/0/5805"


class Ucifi:
    name = "ucifi"

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def matches(self, topic: str) -> bool:
        match topic.split("/"):
            case ["ucifi", _, _]:
                return True
        return False

    def decode(self, message: Message, sink: Sink) -> None:
        address = message.topic[len("ucifi/") :]
        device = usable(self._registry.find(self.name, address), self.name, address)
        body = load_object(message.payload)
        time = time_or_arrival(body.pop("ts", None), message.arrival)
        lamp = address.rsplit("/", 1)[1]
        if body.pop("lamp", lamp) != lamp:
            raise Refused(Reason.IDENTITY_MISMATCH, "the payload's lamp is not the topic's")
        sink.row(device, time, {METRICS.get(path, path): value for path, value in _paths(body)})


def _paths(objects: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """`object/instance/resource` with its value, in KEL's units."""
    for number, instances in objects.items():
        for instance, resources in _inside(instances, number).items():
            path = f"{number}/{instance}"
            for resource, value in _inside(resources, path).items():
                yield _in_unit(f"{path}/{resource}", value)


def _in_unit(path: str, value: object) -> tuple[str, object]:
    if path == WATT_HOURS and value is not None:
        return path, number_of(value, path) / 1000
    return path, value


def _inside(value: object, path: str) -> dict[str, Any]:
    if type(value) is not dict:
        raise Refused(
            Reason.WRONG_TYPE, f"{shown(path)}: an object is wanted, not {kind_of(value)}"
        )
    return value
