"""ChirpStack v4 (LoRaWAN network server), JSON events.

`application/{applicationId}/device/{devEui}/event/{event}`:
- `up`: `time` (RFC 3339; the arrival where it is missing), `deviceInfo.devEui` (must be the
  topic's), `object`: what the device profile's codec made of the data, metric names with numbers;
  `rxInfo`: `rssi` and `snr` by gateway (see `lorawan`). An uplink without `data` only says that the
  device is heard;
- `status`: `batteryLevel` (%) → battery, unless it is marked as unavailable, negative or of a
  device with `externalPowerSource`; `margin` (dB) → margin;
- `join`: the device is online;
- `ack`, `txack`, `log`, `location`: counted and left out.

`time` is when the network server had it; gateways' own times are not relied on. The server tells
each uplink once (`fCnt`), however many gateways heard it. Nested objects of a codec are refused: a
codec for KEL gives one flat object.
Source: ChirpStack v4 documentation, "Event types"; its `integration.proto` and `gw.proto`, whose
JSON leaves out what is 0.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ingest.address import TopicCache
from ingest.checks import load_object, moment_or_arrival, number_of, shown
from ingest.decoders.lorawan import Radio
from ingest.registry import Registry
from ingest.sink import Sink, usable
from ingest.validate import Dropped, Reason, Refused
from kel.model.device import Device, DeviceClass
from kel.model.message import Message


class Sender(NamedTuple):
    device: Device
    dev_eui: str
    event: str


class ChirpStack:
    name = "chirpstack"

    def __init__(self, registry: Registry, classes: Mapping[str, DeviceClass]) -> None:
        self._registry = registry
        self._radio = Radio(classes)
        self._senders = TopicCache(self._sender)

    def matches(self, topic: str) -> bool:
        match topic.split("/"):
            case ["application", _, "device", _, "event", _]:
                return True
        return False

    def decode(self, message: Message, sink: Sink) -> None:
        device, dev_eui, event = self._senders[message.topic]
        if event not in ("up", "status", "join"):
            sink.drop(Dropped.NOT_NEEDED)
            return
        body = load_object(message.payload)
        _same(body.get("deviceInfo"), dev_eui)
        time = moment_or_arrival(device, body.get("time"), message.arrival)
        if event == "up":
            self._uplink(device, time, body, sink)
        elif event == "status":
            _status(device, time, body, sink)
        else:
            sink.status(device, time, True)

    def _sender(self, topic: str) -> Sender:
        levels = topic.split("/")
        dev_eui = levels[3].lower()
        device = usable(self._registry.find(self.name, dev_eui), self.name, dev_eui)
        return Sender(device, dev_eui, levels[5])

    def _uplink(self, device: Device, time: int, body: dict[str, Any], sink: Sink) -> None:
        heard, decoded = body.get("rxInfo"), body.get("object")
        if decoded is None and body.get("data"):
            raise Refused(Reason.NO_CODEC, "the uplink has data, but no decoded object")
        if decoded is None and not heard:
            raise Refused(Reason.EMPTY, "the uplink carries no data")
        if decoded is not None and type(decoded) is not dict:
            raise Refused(Reason.WRONG_TYPE, "object is not an object")
        values = self._radio.of(device.cls, heard)
        if decoded:
            values.update(decoded)
        if values or decoded is not None:
            sink.row(device, time, values)
        else:
            sink.drop(Dropped.NOT_NEEDED)


def _same(info: object, dev_eui: str) -> None:
    if info is None:
        return
    if type(info) is not dict:
        raise Refused(Reason.WRONG_TYPE, "deviceInfo is not an object")
    claimed = info.get("devEui", dev_eui)
    if type(claimed) is not str or claimed.lower() != dev_eui:
        raise Refused(Reason.IDENTITY_MISMATCH, f"devEui {shown(str(claimed))} is not the topic's")


def _status(device: Device, time: int, body: dict[str, Any], sink: Sink) -> None:
    margin, battery = body.get("margin"), body.get("batteryLevel")
    unknown = body.get("batteryLevelUnavailable") or body.get("externalPowerSource")
    if battery is not None and (unknown or number_of(battery, "batteryLevel") < 0):
        sink.drop(Dropped.NO_VALUE)
        battery = None
    elif unknown:
        sink.drop(Dropped.NO_VALUE)
    sink.row(device, time, {"battery": battery, "margin": margin})
