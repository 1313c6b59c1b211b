"""What travels before anything is understood: messages, batches of them, and ticks."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Message:
    """One MQTT message as it came. `arrival`: µs since 1970 UTC by the clock in force."""

    topic: str
    payload: bytes
    arrival: int


@dataclass(frozen=True, slots=True)
class Batch:
    """One Kafka record: messages of one partition in their order, then perhaps a tick.

    A `tick` (microseconds) says: everything that arrived before it has been handed on; time has
    come this far, also where nothing arrived.
    """

    messages: tuple[Message, ...] = field(default=())
    tick: int | None = None
