"""What the MQTT broker says of itself: Mosquitto's `$SYS` tree, plain numbers as text.

Source: mosquitto(8), "Broker Status". Mosquitto republishes a value every `sys_interval` (10 s)
where it has changed, retained, and counts from 0 after its start.

Laws: a few topics are gauges, all others below `$SYS` are of no use here and dropped; a value that
is no plain number of 0 or more is refused; the moment is the message's arrival, since the broker
names none.
"""

import re

from ingest.checks import shown
from ingest.sink import Sink
from ingest.validate import Dropped, Reason, Refused
from kel.model.message import Message

ROOT = "$SYS/"

# Counters and levels of the broker, by what KEL calls them.
GAUGES = {
    "$SYS/broker/publish/messages/dropped": "broker_dropped",  # queue full; since its start
    "$SYS/broker/messages/stored": "broker_stored",  # retained, and queued for who is away
    "$SYS/broker/store/messages/count": "broker_stored",  # the newer name of the same
    "$SYS/broker/store/messages/bytes": "broker_stored_bytes",
    "$SYS/broker/clients/connected": "broker_clients",
    "$SYS/broker/heap/current": "broker_heap",  # bytes
}

NUMBER = re.compile(rb"[0-9]{1,18}(\.[0-9]{1,18})?")


class Broker:
    """The broker's own state into gauges; no device speaks here."""

    name = "broker"

    def matches(self, topic: str) -> bool:
        return topic.startswith(ROOT)

    def decode(self, message: Message, sink: Sink) -> None:
        gauge = GAUGES.get(message.topic)
        if gauge is None:
            sink.drop(Dropped.NOT_NEEDED)
            return
        payload = bytes(message.payload)
        if not NUMBER.fullmatch(payload):
            text = shown(payload[:64].decode("utf-8", "replace"))
            raise Refused(Reason.WRONG_TYPE, f"{gauge}: {text} is no plain number")
        sink.gauge(gauge, message.arrival, float(payload))
