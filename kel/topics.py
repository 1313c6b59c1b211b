"""The names of the stream: MQTT topics of KEL's own, Kafka topics, and who goes to which partition.

Laws:
- `kel.raw` is keyed by locality group; the number of partitions is fixed when it is created;
- `partition_of` never changes: it decides where a group's past lies.
"""

from zlib import crc32

RAW = "kel.raw"

MQTT_ROOT = "kel/v1"
CLOCK = f"{MQTT_ROOT}/clock"
BRIDGE = f"{MQTT_ROOT}/bridge/status"  # retained: online, or offline by its last will
TELEMETRY = MQTT_ROOT + "/{community}/{device}/telemetry"
STATUS = MQTT_ROOT + "/{community}/{device}/status"
REQUESTS = MQTT_ROOT + "/{community}/requests"
ORDERS = MQTT_ROOT + "/crews/{crew}/orders"
REPLIES = MQTT_ROOT + "/crews/{crew}/replies"

# What the bridge subscribes to: everything that devices, citizens and crews send.
UPLINK = (
    TELEMETRY.format(community="+", device="+"),
    STATUS.format(community="+", device="+"),
    REQUESTS.format(community="+"),
    REPLIES.format(crew="+"),
    "spBv1.0/#",
    "application/+/device/+/event/+",
    "ucifi/#",
    "frigate/#",
)


def partition_of(group: str, partitions: int) -> int:
    """The partition of a locality group: CRC-32, alike on every machine and in every version."""
    return crc32(group.encode()) % partitions
