"""MQTT: the one package that imports paho.

`link` is a client of the broker as KEL uses it; `bulk` reads what comes, many messages at once.
"""

from kel.mqtt.bulk import Chunk
from kel.mqtt.link import (
    LARGEST_PAYLOAD,
    BrokerError,
    Link,
    Received,
    RefusedError,
)

__all__ = [
    "LARGEST_PAYLOAD",
    "BrokerError",
    "Chunk",
    "Link",
    "Received",
    "RefusedError",
]
