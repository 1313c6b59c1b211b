"""What a batch of messages turned out to be."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kel.model.frame import Frame
from kel.model.order import Reply
from kel.model.reading import Gauge, OtherReading, Status
from kel.model.request import Contact, Reject, Request


@dataclass(frozen=True, slots=True)
class Taken:
    """All that one call of `Intake.take` found. Lists are in the order of the messages.

    frames: one per class present, rows in order of (device, time), every declared metric a column;
    rejects: refused messages, whole; dropped: what was left out on purpose, counted by
    `ingest.validate.Dropped`; rebirths: Sparkplug edge nodes (`group/node`) to be asked for one;
    messages: how many were taken in, whatever became of them.
    """

    messages: int = 0
    frames: tuple[Frame, ...] = ()
    other: tuple[OtherReading, ...] = ()
    requests: tuple[Request, ...] = ()
    contacts: tuple[Contact, ...] = ()
    replies: tuple[Reply, ...] = ()
    statuses: tuple[Status, ...] = ()
    rejects: tuple[Reject, ...] = ()
    rebirths: tuple[str, ...] = ()
    gauges: tuple[Gauge, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)
