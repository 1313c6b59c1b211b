"""What travels before anything is understood: messages, batches of them, and ticks."""

from dataclasses import dataclass, field
from typing import NamedTuple


class Message(NamedTuple):
    """One MQTT message as it came. `arrival`: µs since 1970 UTC by the clock in force.

    A tuple, because a city makes some tens of thousands of them a second.
    """

    topic: str
    payload: bytes
    arrival: int


@dataclass(frozen=True, slots=True)
class Batch:
    """One Kafka record: messages of one partition in their order, then perhaps a tick.

    A `tick` (microseconds) says: everything that arrived at this `bridge` before it has been handed
    on; time has come this far for its senders, also where nothing arrived.
    """

    messages: tuple[Message, ...] = field(default=())
    tick: int | None = None
    bridge: str = ""  # which of the city's bridges wrote it
