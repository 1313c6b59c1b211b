"""KEL's own JSON, for gateways that the city configures itself.

`kel/v1/{community}/{device}/telemetry`: an object, or a list of objects, each
`{"ts": ISO 8601 with offset | Unix ms, "<metric>": number | boolean | text | null, …}`.
`ts` is required, but of a device without a clock of its own. `device` and `community` may be there
too, as text, and must then be the topic's.
`kel/v1/{community}/{device}/status`: the plain text `online` or `offline` (retained, last will).

Laws: the topic's community is the device's; a list is one message, taken or refused whole.
"""

from collections.abc import Mapping
from typing import Any

from ingest.address import TopicCache
from ingest.checks import in_time, kind_of, load_json, moment_of, plain_text, shown
from ingest.registry import Registry
from ingest.sink import Sink, usable
from ingest.validate import Reason, Refused
from kel.model.device import Device
from kel.model.message import Message


class KelJson:
    name = "kel"

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._senders = TopicCache(self._sender)

    def matches(self, topic: str) -> bool:
        match topic.split("/"):
            case ["kel", "v1", _, _, "telemetry" | "status"]:
                return True
        return False

    def decode(self, message: Message, sink: Sink) -> None:
        device, is_status = self._senders[message.topic]
        if is_status:
            _status(device, message, sink)
            return
        content, arrival = load_json(message.payload), message.arrival
        readings = content if type(content) is list else (content,)
        if not readings:
            raise Refused(Reason.EMPTY, "the list is empty")
        for reading in readings:
            if type(reading) is not dict:
                detail = f"a reading is an object, not {kind_of(reading)}"
                raise Refused(Reason.WRONG_TYPE, detail)
            ts = reading.pop("ts", None)
            if "device" in reading or "community" in reading:
                _same(device, reading)
            sink.row(device, moment_of(device, ts, arrival), reading)

    def _sender(self, topic: str) -> tuple[Device, bool]:
        _, _, community, name, kind = topic.split("/")
        device = usable(self._registry.find(self.name, name), self.name, name)
        if device.community != community:
            detail = f"{device.id} belongs to {device.community}, not to {shown(community)}"
            raise Refused(Reason.IDENTITY_MISMATCH, detail, device.id)
        return device, kind == "status"


def _same(device: Device, reading: dict[str, Any]) -> None:
    own: Mapping[str, str] = {"device": device.id, "community": device.community}
    for key, value in own.items():
        if reading.pop(key, value) != value:
            detail = f"the payload's {key} is not the topic's"
            raise Refused(Reason.IDENTITY_MISMATCH, detail)


def _status(device: Device, message: Message, sink: Sink) -> None:
    text = plain_text(message.payload, "status", Reason.BAD_STATUS)
    if text not in ("online", "offline"):
        raise Refused(Reason.BAD_STATUS, f"{shown(text)} is neither online nor offline")
    at = in_time(message.arrival, message.arrival)
    sink.status(device, at, text == "online")
