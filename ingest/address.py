"""What a topic alone says about its sender.

Laws: pure text, no registry; a topic that says nothing gives None, and nothing ever raises.
"""

from collections.abc import Callable
from typing import TypeVar

V = TypeVar("V")

OF_ZIGBEE = frozenset({"availability", "set", "get"})  # what may follow a device's name

Address = tuple[str, str]  # source (the decoder's name), address in that format


def address_of(topic: str) -> Address | None:
    """The device that a topic speaks of, or None where topics do not name one (e.g. cameras)."""
    match topic.split("/"):
        case ["kel", "v1", _, device, "telemetry" | "status"]:
            return "kel", device
        case ["application", _, "device", dev_eui, "event", _]:
            return "chirpstack", dev_eui.lower()
        case ["ucifi", gateway, lamp]:
            return "ucifi", f"{gateway}/{lamp}"
        case ["spBv1.0", group, _, node, device]:
            return "sparkplug", f"{group}/{node}/{device}"
        case ["spBv1.0", group, "NBIRTH" | "NDATA" | "NDEATH", node]:
            return "sparkplug", f"{group}/{node}"
        case ["v3", application, "devices", device, _, *_]:
            return "things_stack", f"{application}/{device}"
        case ["onvif", camera, "onvif-ej", *_]:
            return "onvif", camera
        case ["zigbee2mqtt", first, *rest] if first != "bridge":
            name = [first, *rest[:-1]] if rest[-1:] and rest[-1] in OF_ZIGBEE else [first, *rest]
            return "zigbee2mqtt", "/".join(name)
        case ["fiware", service, entity]:
            return "fiware", f"{service}/{entity}"
        case ["senml", gateway, device]:
            return "senml", f"{gateway}/{device}"
    return None


class TopicCache(dict[str, V]):
    """What was found out about a topic, for the next message: `cache[topic]`.

    Bounded: when `limit` topics are known, all are forgotten and learned again; topics longer
    than 512 characters are never kept, and neither is an answer that was an exception.
    """

    def __init__(self, find: Callable[[str], V], limit: int = 65_536) -> None:
        super().__init__()
        self._find = find
        self._limit = limit

    def __missing__(self, topic: str) -> V:
        found = self._find(topic)
        if len(topic) <= 512:
            if len(self) >= self._limit:
                self.clear()
            self[topic] = found
        return found
