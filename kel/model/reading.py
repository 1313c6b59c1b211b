"""Readings beside the frames, and all that one commit of a worker carries."""

from collections import Counter
from dataclasses import dataclass, field

from kel.model.alert import Alert
from kel.model.frame import Frame
from kel.model.order import Reply
from kel.model.request import Contact, Reject, Request


@dataclass(frozen=True, slots=True)
class OtherReading:
    """A number that a known device sent and its class does not declare. `time` in µs."""

    device: int
    time: int
    metric: str
    value: float


@dataclass(frozen=True, slots=True)
class Status:
    """A device came or went, by last will, birth or death. `at` in µs."""

    device: str
    at: int
    online: bool


@dataclass(frozen=True, slots=True)
class Gauge:
    """What a part says of its own state, e.g. messages that the broker dropped. `at` in µs."""

    name: str
    at: int
    value: float


@dataclass(slots=True)
class Output:
    """The effects of one partition's records [first, next).

    `tick` (µs): the time it came to; `arrival` (µs): when the first of its messages came.
    """

    partition: int
    first: int
    next: int
    tick: int | None = None
    arrival: int | None = None
    frames: list[Frame] = field(default_factory=list)
    other: list[OtherReading] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    rebirths: list[str] = field(default_factory=list)  # edge nodes (group/node) to be asked for one
    gauges: list[Gauge] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)  # by reason: left out, or late

    @property
    def rows(self) -> int:
        return sum(map(len, self.frames)) + len(self.other) + len(self.rejects)

    def add(self, later: "Output") -> None:
        """Take over the effects of the records that follow these."""
        if later.first != self.next:
            raise ValueError(f"a gap: records to {self.next}, then from {later.first}")
        self.next = later.next
        if later.tick is not None:
            self.tick = later.tick
        if self.arrival is None:
            self.arrival = later.arrival
        for name in ("frames", "other", "alerts", "requests", "contacts", "replies", "statuses"):
            getattr(self, name).extend(getattr(later, name))
        for name in ("rejects", "rebirths", "gauges"):
            getattr(self, name).extend(getattr(later, name))
        self.dropped.update(later.dropped)
