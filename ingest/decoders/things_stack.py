"""The Things Stack v3 (LoRaWAN network server), JSON events.

`v3/{application}[@{tenant}]/devices/{device}/{event}`; a device's address is
`{application}[@{tenant}]/{device}`, for the DevEUI does not stand in the topic:
- `up`: `uplink_message.decoded_payload`: what the payload formatter made of the data, metric names
  with numbers; `uplink_message.received_at` (RFC 3339): when the network server had it, else the
  outer `received_at`, else the arrival; `rx_metadata`: `rssi` and `snr` by gateway (see `lorawan`).
  An uplink without `frm_payload` only says that the device is heard;
- `last_battery_percentage` → battery, where it came with this very uplink (its `f_cnt`), the class
  declares it and the formatter does not tell it;
- `join`: the device is online;
- all else (`down/…`, `service/data`, `location/solved`): counted and left out.

Laws: `end_device_ids` must be the topic's; what is 0, false or empty is left out of the JSON, so a
missing `f_cnt` is 0; a `simulated` uplink is nobody's reading: counted and left out.
The server's MQTT knows QoS 0 only: what is lost between it and the broker, nobody sends again.
Source: The Things Stack documentation, "Data Formats" and "MQTT Server".
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ingest.address import TopicCache
from ingest.checks import kind_of, load_object, moment_or_arrival
from ingest.decoders.lorawan import Radio
from ingest.registry import Registry
from ingest.sink import Sink, usable
from ingest.validate import Dropped, Reason, Refused
from kel.model.device import Device, DeviceClass
from kel.model.message import Message

BATTERY = "battery"


class Sender(NamedTuple):
    device: Device
    ids: tuple[str, str]  # application without its tenant, device
    event: str


class ThingsStack:
    name = "things_stack"

    def __init__(self, registry: Registry, classes: Mapping[str, DeviceClass]) -> None:
        self._registry = registry
        self._radio = Radio(classes)
        self._tell_battery = {c.id for c in classes.values() if c.metric(BATTERY)}
        self._senders = TopicCache(self._sender)

    def matches(self, topic: str) -> bool:
        match topic.split("/"):
            case ["v3", _, "devices", _, _, *_]:
                return True
        return False

    def decode(self, message: Message, sink: Sink) -> None:
        device, ids, event = self._senders[message.topic]
        if event not in ("up", "join"):
            sink.drop(Dropped.NOT_NEEDED)
            return
        body = load_object(message.payload)
        _same(body.get("end_device_ids"), ids)
        if body.get("simulated"):
            sink.drop(Dropped.SIMULATED)
            return
        part = _part(body, "uplink_message" if event == "up" else "join_accept")
        received = part.get("received_at") or body.get("received_at")
        time = moment_or_arrival(device, received, message.arrival)
        if event == "join":
            sink.status(device, time, True)
        else:
            self._uplink(device, time, part, sink)

    def _sender(self, topic: str) -> Sender:
        _, application, _, name, *event = topic.split("/")
        address = f"{application}/{name}"
        device = usable(self._registry.find(self.name, address), self.name, address)
        return Sender(device, (application.partition("@")[0], name), "/".join(event))

    def _uplink(self, device: Device, time: int, uplink: dict[str, Any], sink: Sink) -> None:
        heard, decoded = uplink.get("rx_metadata"), uplink.get("decoded_payload")
        if decoded is None and uplink.get("frm_payload"):
            raise Refused(Reason.NO_CODEC, "the uplink has data, but no decoded payload")
        if decoded is None and not heard:
            raise Refused(Reason.EMPTY, "the uplink carries no data")
        if decoded is not None and type(decoded) is not dict:
            raise Refused(Reason.WRONG_TYPE, "decoded_payload is not an object")
        values = self._radio.of(device.cls, heard)
        if device.cls in self._tell_battery:
            values.update(_battery(uplink))
        if decoded:
            values.update(decoded)
        if values or decoded is not None:
            sink.row(device, time, values)
        else:
            sink.drop(Dropped.NOT_NEEDED)


def _same(claimed: object, ids: tuple[str, str]) -> None:
    """Whether the payload speaks for the topic's device; it must say so."""
    if type(claimed) is not dict:
        raise Refused(Reason.WRONG_TYPE, f"end_device_ids is {kind_of(claimed)}, not an object")
    application = claimed.get("application_ids")
    if type(application) is not dict:
        raise Refused(Reason.WRONG_TYPE, "application_ids is not an object")
    if (application.get("application_id"), claimed.get("device_id")) != ids:
        raise Refused(Reason.IDENTITY_MISMATCH, "end_device_ids are not the topic's")


def _part(body: dict[str, Any], name: str) -> dict[str, Any]:
    part = body.get(name)
    if type(part) is not dict:
        raise Refused(Reason.WRONG_TYPE, f"{name} is {kind_of(part)}, not an object")
    return part


def _battery(uplink: dict[str, Any]) -> dict[str, object]:
    """What the device answered to the network's question, if it did so with this uplink."""
    told = uplink.get("last_battery_percentage")
    if type(told) is not dict or told.get("f_cnt", 0) != uplink.get("f_cnt", 0):
        return {}
    return {BATTERY: told.get("value", 0)}
