"""Readings beside the frames, and all that one commit of a worker carries."""

from collections import Counter
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

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
    """What a part says of its own state, e.g. messages that the broker dropped. `at` in µs.

    `part`: of which one, where there are several (a partition, a worker, a bridge).
    """

    name: str
    at: int
    value: float
    part: str = ""


@dataclass(frozen=True, slots=True)
class Doubted:
    """Rows that the store may hold already: their device was heard of at that time, or later.

    late: (n,) whether the rules had passed their moment; newest: (n,) whether they are of the
    newest moment of their device.
    """

    frame: Frame
    late: NDArray[np.bool_]
    newest: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rebirth:
    """A Sparkplug edge node (`group/node`) is to introduce itself again. `at` in µs.

    payload: the command's bytes, as its format has it.
    """

    node: str
    at: int
    payload: bytes


@dataclass(slots=True)
class Output:
    """The effects of one partition's records [first, next).

    `tick` (µs): the time it came to; `arrival`, `last_arrival` (µs): when the first and the last of
    its messages came. frames: readings that nobody can have stored yet; doubted: the others.
    """

    partition: int
    first: int
    next: int
    tick: int | None = None
    arrival: int | None = None
    last_arrival: int | None = None
    messages: int = 0
    frames: list[Frame] = field(default_factory=list)
    doubted: list[Doubted] = field(default_factory=list)
    other: list[OtherReading] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    rebirths: list[Rebirth] = field(default_factory=list)
    gauges: list[Gauge] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)  # by reason: left out on purpose

    @property
    def rows(self) -> int:
        """Readings and rejects: what of it can be many."""
        readings = sum(map(len, self.frames)) + sum(len(d.frame) for d in self.doubted)
        return readings + len(self.other) + len(self.rejects)

    @property
    def bytes(self) -> int:
        """About how much memory it holds on to."""
        frames = [*self.frames, *(d.frame for d in self.doubted)]
        readings = sum(len(f) * 8 * (3 + len(f.metrics)) for f in frames)
        return readings + sum(len(r.payload) for r in self.rejects) + 500 * len(self.rejects)

    def add(self, later: "Output") -> None:
        """Take over the effects of the records that follow these."""
        if later.first != self.next:
            raise ValueError(f"a gap: records to {self.next}, then from {later.first}")
        self.next = later.next
        if later.tick is not None:
            self.tick = later.tick
        if self.arrival is None:
            self.arrival = later.arrival
        if later.last_arrival is not None:
            self.last_arrival = later.last_arrival
        self.messages += later.messages
        for name in LISTS:
            getattr(self, name).extend(getattr(later, name))
        self.dropped.update(later.dropped)


LISTS = tuple(f.name for f in fields(Output) if f.default_factory is list)
