"""ChirpStack v4 (LoRaWAN network server), JSON events.

`application/{applicationId}/device/{devEui}/event/{event}`:
- `up`: `time` (RFC 3339; the arrival where it is missing), `deviceInfo.devEui` (must be the
  topic's), `object`: what the device profile's codec made of the data, metric names with numbers;
- `status`: `batteryLevel` (%) → battery, `margin` (dB) → margin;
- `join`: the device is online;
- `ack`, `txack`, `log`, `location`: counted and left out.

Nested objects of a codec are refused: a codec for KEL gives one flat object.
Source: ChirpStack v4 documentation, "Event types".
"""

from typing import Any

from ingest.checks import load_object, shown, time_or_arrival
from ingest.registry import Registry
from ingest.sink import Sink, usable
from ingest.validate import Dropped, Reason, Refused
from kel.model.device import Device
from kel.model.message import Message


class ChirpStack:
    name = "chirpstack"

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def matches(self, topic: str) -> bool:
        match topic.split("/"):
            case ["application", _, "device", _, "event", _]:
                return True
        return False

    def decode(self, message: Message, sink: Sink) -> None:
        levels = message.topic.split("/")
        dev_eui, event = levels[3].lower(), levels[5]
        device = usable(self._registry.find(self.name, dev_eui), self.name, dev_eui)
        if event not in ("up", "status", "join"):
            sink.drop(Dropped.NOT_NEEDED)
            return
        body = load_object(message.payload)
        _same(body, dev_eui)
        time = time_or_arrival(body.get("time"), message.arrival)
        if event == "join":
            sink.status(device, time, True)
        elif event == "up":
            _uplink(device, time, body, sink)
        else:
            battery, margin = body.get("batteryLevel"), body.get("margin")
            sink.row(device, time, {"battery": battery, "margin": margin})


def _same(body: dict[str, Any], dev_eui: str) -> None:
    info = body.get("deviceInfo")
    if info is None:
        return
    if type(info) is not dict:
        raise Refused(Reason.WRONG_TYPE, "deviceInfo is not an object")
    claimed = info.get("devEui", dev_eui)
    if type(claimed) is not str or claimed.lower() != dev_eui:
        raise Refused(Reason.IDENTITY_MISMATCH, f"devEui {shown(str(claimed))} is not the topic's")


def _uplink(device: Device, time: int, body: dict[str, Any], sink: Sink) -> None:
    decoded = body.get("object")
    if decoded is None:
        if not body.get("data"):
            raise Refused(Reason.EMPTY, "the uplink carries no data")
        raise Refused(Reason.NO_CODEC, "the uplink has data, but no decoded object")
    if type(decoded) is not dict:
        raise Refused(Reason.WRONG_TYPE, "object is not an object")
    sink.row(device, time, decoded)
