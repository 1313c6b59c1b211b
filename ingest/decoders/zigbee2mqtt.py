"""Zigbee2MQTT: small lamps, plugs, valves and leak sensors of buildings and squares.

`zigbee2mqtt/{name}`: an object of what the device exposes; a name may hold `/` and is the device's
address. Numbers and booleans are metrics by the names that Zigbee2MQTT gives them, but
`brightness` (0 to 254) is `dimming` in %, and 0 where `state` is `OFF`; `ON`, `OFF`, `OPEN` and
`CLOSE` are 1 and 0. Objects and lists (colour, update) are passed over. `last_seen` is the time, as
ISO 8601 or Unix milliseconds; the arrival where it is not switched on. `voltage` is mV where the
device also tells its battery, V elsewhere.
`zigbee2mqtt/{name}/availability`: `{"state": "online" | "offline"}`, or that word alone.
`zigbee2mqtt/bridge/state`: the same of the gateway: offline, and all devices of it are. Online says
nothing of them. Everything else below `bridge/` is not needed; `…/set` and `…/get` are commands.
Source: Zigbee2MQTT documentation, "MQTT topics and messages"; units as "Exposes" has them.
"""

from collections.abc import Mapping
from typing import Any

from ingest.address import TopicCache, address_of
from ingest.checks import in_time, load_object, moment_of, number_of, plain_text, shown
from ingest.registry import Registry
from ingest.scaling import Scaling
from ingest.sink import Sink, usable
from ingest.validate import Dropped, Reason, Refused
from kel.model.device import Device, DeviceClass, DeviceState
from kel.model.message import Message

ROOT = "zigbee2mqtt/"
GATEWAY = ROOT + "bridge/"
GATEWAY_STATE = GATEWAY + "state"
COMMANDS = frozenset({"set", "get"})
SAYS = {"ON": 1.0, "OFF": 0.0, "OPEN": 1.0, "CLOSE": 0.0}
BRIGHTEST = 254
UNITS = {
    "dimming": "%",
    "power": "W",
    "energy": "kWh",
    "current": "A",
    "voltage": "V",
    "temperature": "°C",
    "humidity": "%",
    "soil_moisture": "%",
    "pressure": "hPa",
    "battery": "%",
    "flow": "m³/h",
    "illuminance": "lx",
}

Told = tuple[str, Device | None]  # what a topic is about (below), and its device


class Zigbee2Mqtt:
    name = "zigbee2mqtt"

    def __init__(self, registry: Registry, classes: Mapping[str, DeviceClass]) -> None:
        self._registry = registry
        self._scaling = Scaling(classes, UNITS)
        self._topics = TopicCache(self._told)

    def matches(self, topic: str) -> bool:
        return topic.startswith(ROOT) and len(topic) > len(ROOT)

    def decode(self, message: Message, sink: Sink) -> None:
        about, device = self._topics[message.topic]
        if about == "gateway":
            self._gateway(message, sink)
        elif about == "availability" and device:
            at = in_time(message.arrival, message.arrival)
            sink.status(device, at, _online(message.payload))
        elif about == "state" and device:
            self._state(device, message, sink)
        else:
            sink.drop(Dropped.COMMAND if about == "command" else Dropped.NOT_NEEDED)

    def _told(self, topic: str) -> Told:
        levels = topic.split("/")[1:]
        if topic.startswith(GATEWAY) or levels == ["bridge"]:
            return "gateway" if topic == GATEWAY_STATE else "other", None
        if not COMMANDS.isdisjoint(levels[1:][-2:]):  # …/set, …/get/brightness
            return "command", None
        _, address = address_of(topic) or ("", topic)
        device = usable(self._registry.find(self.name, address), self.name, address)
        return ("availability" if levels[-1] == "availability" else "state"), device

    def _state(self, device: Device, message: Message, sink: Sink) -> None:
        body = load_object(message.payload)
        seen, arrival = body.pop("last_seen", None), message.arrival
        time = in_time(arrival, arrival) if seen is None else moment_of(device, seen, arrival)
        values = {name: _value(value) for name, value in body.items() if not _nested(value)}
        brightness = values.pop("brightness", None)
        if "brightness" in body and body.get("state") == "OFF":
            values["dimming"] = 0.0  # what it says of brightness is what it will have when on again
        elif brightness is not None:
            values["dimming"] = number_of(brightness, "brightness") / BRIGHTEST * 100
        if "battery" in values and values.get("voltage") is not None:
            values["voltage"] = number_of(values["voltage"], "voltage") / 1000
        self._scaling.apply(device.cls, values)
        sink.row(device, time, values)

    def _gateway(self, message: Message, sink: Sink) -> None:
        if _online(message.payload):
            sink.drop(Dropped.NOT_NEEDED)
            return
        at = in_time(message.arrival, message.arrival)
        for device in self._registry.by_source(self.name):
            if device.state is DeviceState.ACTIVE:
                sink.status(device, at, False)


def _online(payload: bytes) -> bool:
    text: Any = plain_text(payload, "availability", Reason.BAD_STATUS).strip()
    if text.startswith("{"):
        text = load_object(payload).get("state")
    if text not in ("online", "offline"):
        raise Refused(Reason.BAD_STATUS, f"{shown(str(text))} is neither online nor offline")
    return bool(text == "online")


def _nested(value: object) -> bool:
    return type(value) in (dict, list)


def _value(value: Any) -> Any:
    return SAYS.get(value, value) if type(value) is str else value
