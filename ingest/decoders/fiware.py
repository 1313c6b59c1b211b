"""FIWARE Streetlight: entities of a context broker, as its notifications come over MQTT.

`fiware/{service}/{entity}` (a custom notification's topic, `fiware/${service}/${id}` in Orion):
the entity, or a notification with entities in `data`. An entity is NGSI-v2 or NGSI-LD, normalized,
concise or as key-values; its `id` must be the topic's. A device's address is `service/entity`.

`status`: ok is failure 0; defectiveLamp and brokenLantern 1; columnIssue is column_issue 1, and
the lamp is not judged. `powerState`: on and low are state 1, off 0. `illuminanceLevel` 0 to 1 is
dimming in %. `powerConsumption` W is power. Other numbers and booleans keep their names; a unit is
the attribute's `unitCode` (UN/CEFACT). Texts, references such as `refStreetlightControlCabinet`,
and places describe the lamp and are passed over: the city's files say where it belongs.

The time is the attribute's own (`observedAt`, or the metadata `TimeInstant` or `timestamp`), else
the entity's `dateLastReported`, `observationDateTime`, `TimeInstant` or `dateObserved`, else the
arrival. What is null says nothing.
Source: Smart Data Models, Streetlighting/Streetlight; ETSI GS CIM 009 (NGSI-LD); FIWARE-NGSI v2.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ingest.address import TopicCache
from ingest.checks import kind_of, load_object, moment_of, moment_or_arrival, shown
from ingest.registry import Registry
from ingest.scaling import Scaling
from ingest.sink import Sink, usable
from ingest.validate import Reason, Refused
from kel.model.device import Device, DeviceClass
from kel.model.message import Message

STATUS = {
    "ok": {"failure": 0.0, "column_issue": 0.0},
    "defectiveLamp": {"failure": 1.0},
    "brokenLantern": {"failure": 1.0},
    "columnIssue": {"column_issue": 1.0},
}
POWER_STATE = {"on": 1.0, "low": 1.0, "off": 0.0}
UNITS = {"illuminanceLevel": "0-1", "powerConsumption": "W"}
TIMES = ("dateLastReported", "observationDateTime", "TimeInstant", "dateObserved")
NULL = "urn:ngsi-ld:null"  # of NGSI-LD: an attribute that is gone
STAMPS = ("TimeInstant", "timestamp")  # metadata of NGSI-v2
NO_METRIC = frozenset({"id", "type", "@context", *TIMES})

NUMBERS = (int, float, bool)

Said = tuple[object, str, object]  # value, unit, time of an attribute


class Fiware:
    name = "fiware"

    def __init__(self, registry: Registry, classes: Mapping[str, DeviceClass]) -> None:
        self._registry = registry
        self._scaling = Scaling(classes)
        self._senders = TopicCache(self._sender)

    def matches(self, topic: str) -> bool:
        match topic.split("/"):
            case ["fiware", _, _]:
                return True
        return False

    def decode(self, message: Message, sink: Sink) -> None:
        device, entity = self._senders[message.topic]
        body = load_object(message.payload)
        told = body.get("data")
        entities = told if type(told) is list else (body,)
        if not entities:
            raise Refused(Reason.EMPTY, "the notification holds no entity")
        for one in entities:
            if type(one) is not dict:
                raise Refused(Reason.WRONG_TYPE, f"an entity is an object, not {kind_of(one)}")
            if one.get("id", entity) != entity:
                detail = f"the entity {shown(str(one['id']))} is not the topic's"
                raise Refused(Reason.IDENTITY_MISMATCH, detail, device.id)
            for time, values in self._rows(device, one, message.arrival).items():
                sink.row(device, time, values)

    def _sender(self, topic: str) -> tuple[Device, str]:
        address = topic.removeprefix("fiware/")
        device = usable(self._registry.find(self.name, address), self.name, address)
        return device, address.partition("/")[2]

    def _rows(
        self, device: Device, entity: dict[str, Any], arrival: int
    ) -> dict[int, dict[str, object]]:
        usual = _usual_time(device, entity, arrival)
        rows: dict[int, dict[str, object]] = {usual: {}}
        for attribute, raw in entity.items():
            if attribute in NO_METRIC:
                continue
            value, code, at = _said(raw)
            if value is None:
                continue
            known = KNOWN.get(attribute)
            if known:
                told = known(value)
            elif type(value) in NUMBERS:
                told = {attribute: value}
            else:
                continue
            if code or attribute in UNITS:
                told = self._scaled(device, code or UNITS[attribute], told)
            at = _inner(at)
            time = usual if at is None else moment_of(device, at, arrival)
            rows.setdefault(time, {}).update(told)
        if len(rows) > 1 and not rows[usual]:
            del rows[usual]
        return rows

    def _scaled(self, device: Device, unit: str, told: Mapping[str, object]) -> dict[str, object]:
        cls, value = device.cls, self._scaling.value
        return {metric: value(cls, metric, unit, v) for metric, v in told.items() if v is not None}


def _status(value: object) -> Mapping[str, object]:
    told: dict[str, object] = {}
    for one in value if type(value) is list else (value,):
        if type(one) is not str or one not in STATUS:
            raise Refused(Reason.BAD_STATUS, f"status {shown(str(one))} is not known")
        told.update(STATUS[one])
    return told


def _power_state(value: object) -> Mapping[str, object]:
    return {"state": POWER_STATE.get(value) if type(value) is str else None}


KNOWN: Mapping[str, Callable[[object], Mapping[str, object]]] = {
    "status": _status,
    "powerState": _power_state,
    "illuminanceLevel": lambda value: {"dimming": value},
    "powerConsumption": lambda value: {"power": value},
}


def _said(raw: object) -> Said:
    """Value, unit code and time of an attribute in any of NGSI's forms."""
    if type(raw) is not dict:
        return _present(raw), "", None
    at, unit, metadata = raw.get("observedAt"), raw.get("unitCode"), raw.get("metadata")
    if metadata and type(metadata) is dict:
        at = next((_inner(metadata[name]) for name in STAMPS if name in metadata), at)
        unit = _inner(metadata.get("unitCode")) or unit
    return _present(raw.get("value")), unit if type(unit) is str else "", at


def _inner(raw: object) -> object:
    """A value, or what an attribute or a typed value of JSON-LD holds."""
    if type(raw) is dict:
        return _inner(raw.get("value", raw.get("@value")))
    return _present(raw)


def _present(value: object) -> object:
    return None if value == NULL else value


def _usual_time(device: Device, entity: dict[str, Any], arrival: int) -> int:
    stamps = (_inner(entity.get(name)) for name in TIMES)
    return moment_or_arrival(device, next((s for s in stamps if s is not None), None), arrival)
