"""The names of the stream: MQTT topics of KEL's own, Kafka topics, and who goes to which partition.

Laws:
- `kel.raw` is keyed by locality group; the number of partitions is fixed when it is created;
- `partition_of` never changes: it decides where a group's past lies.
"""

from itertools import zip_longest
from zlib import crc32

RAW = "kel.raw"

MQTT_ROOT = "kel/v1"
CLOCK = f"{MQTT_ROOT}/clock"
BRIDGE = MQTT_ROOT + "/bridge/{bridge}/state"  # retained: online, or offline by its last will
TELEMETRY = MQTT_ROOT + "/{community}/{device}/telemetry"
STATUS = MQTT_ROOT + "/{community}/{device}/status"
REQUESTS = MQTT_ROOT + "/{community}/requests"
ORDERS = MQTT_ROOT + "/crews/{crew}/orders"
REPLIES = MQTT_ROOT + "/crews/{crew}/replies"
CALLS = MQTT_ROOT + "/calls/{who}"

# What the bridge subscribes to: everything that devices, citizens and crews send.
UPLINK = (
    TELEMETRY.format(community="+", device="+"),
    STATUS.format(community="+", device="+"),
    REQUESTS.format(community="+"),
    REPLIES.format(crew="+"),
    "spBv1.0/#",
    "application/+/device/+/event/+",
    "v3/+/devices/#",
    "ucifi/#",
    "frigate/events",
    "frigate/reviews",
    "frigate/available",
    "onvif/+/onvif-ej/#",
    "zigbee2mqtt/#",
    "talq/+/log",
    "fiware/+/+",
    "senml/+/+",
)

# All else of Frigate is pictures, names and plates, which nobody of us may hear (P.D. 75/2020).
NOT_HEARD = "frigate/+/#"
UNHEARD = ("frigate/#",)  # what bridges subscribed once: their sessions leave it

# What Mosquitto says of itself, for the bridge that has no name of its own.
BROKER = (
    "$SYS/broker/publish/messages/dropped",
    "$SYS/broker/messages/stored",
    "$SYS/broker/store/messages/bytes",
    "$SYS/broker/clients/connected",
    "$SYS/broker/heap/current",
)


def filter_mistake(topics: str) -> str | None:
    """Why this is no topic filter for a bridge, or None (MQTT 5.0, 4.7)."""
    levels = topics.split("/")
    if not topics or len(topics.encode()) > 65_535 or "\0" in topics:
        return "it is empty, too long or holds a zero"
    if any("#" in level and level != "#" for level in levels) or "#" in levels[:-1]:
        return "# stands alone, at the end"
    if any("+" in level and level != "+" for level in levels):
        return "+ stands alone in its level"
    if levels[0] == "$share":
        return "a shared subscription would spread one device over several bridges"
    if topics not in UPLINK and overlap(topics, NOT_HEARD):
        return "it would bring cameras' pictures; of Frigate, name frigate/events and the like"
    return None


def overlap(one: str, other: str) -> bool:
    """Whether some topic matches both filters."""
    pairs = list(zip_longest(one.split("/"), other.split("/")))
    if {level[:1] for level in pairs[0]} in ({"$", "+"}, {"$", "#"}):
        return False  # wildcards do not match what the broker says of itself
    for a, b in pairs:
        if "#" in (a, b):
            return True
        if a != b and (a is None or b is None or "+" not in (a, b)):
            return False
    return True


def text_of(topic: bytes) -> str:
    """A topic as text; what is not UTF-8 is escaped."""
    return topic.decode("utf-8", "backslashreplace")


def partition_of(group: str, partitions: int) -> int:
    """The partition of a locality group: CRC-32, alike on every machine and in every version."""
    return crc32(group.encode()) % partitions
