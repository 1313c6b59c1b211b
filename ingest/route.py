"""Which locality group a message belongs to, by its topic alone.

Laws: the same topic always gives the same group; nothing ever raises; a group is short and valid
UTF-8, so that it can key a record.
"""

from ingest.address import TopicCache
from ingest.registry import Registry

LONGEST = 200  # characters of a group


class Router:
    """Topics to groups, remembered for the next message of the same topic."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._cache = TopicCache(self._find)

    def group(self, topic: str) -> str:
        """The locality group: a known device's own, else by the kind of topic, else `topic:…`."""
        return self._cache[topic]

    def _find(self, topic: str) -> str:
        group = (
            self._device_group(topic) or self._registry.shared_group(topic) or _topic_group(topic)
        )
        return group[:LONGEST].encode("utf-8", "replace").decode()

    def _device_group(self, topic: str) -> str | None:
        address = self._registry.address_of(topic)
        device = self._registry.find(*address) if address else None
        return device.group if device else None


def _topic_group(topic: str) -> str:
    match topic.split("/"):
        case ["spBv1.0", group, _, node, *_]:
            return f"edge:{group}/{node}"
        case ["talq", gateway, *_]:
            return f"gateway:{gateway}"
        case ["kel", "v1", "crews", crew, _]:
            return f"crew:{crew}"
        case ["kel", "v1", community, "requests"]:
            return f"community:{community}"
        case ["frigate" | "$SYS" as root, *_]:
            return f"topic:{root}"
        case levels:
            return "topic:" + "/".join(levels[:3])
