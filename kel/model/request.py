"""Citizens' requests, and what is rejected of all that arrives."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kel.model.place import Point


@dataclass(frozen=True, slots=True)
class Request:
    """What a citizen reports. Who that is lives apart (`Contact`), so that it can be erased."""

    id: UUID
    at: datetime
    arrival: datetime
    community: str
    category: str
    text: str
    place: Point | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """The person behind a request: erasable, never part of any history."""

    request: UUID
    name: str
    phone: str


@dataclass(frozen=True, slots=True)
class Reject:
    """A message that could not be taken, whole, with a reason that tells what to do.

    `reason` is one of a fixed list of short words (`ingest.validate.Reason`), `detail` a sentence.
    `source` and `address`: who spoke, as the format calls it, where the message tells; of a sender
    that nobody knows they are what its draft is found by.
    """

    id: UUID
    arrival: datetime
    topic: str
    payload: bytes  # cut at 64 KiB; `size` is the whole
    size: int
    reason: str
    detail: str
    device: str | None = None
    source: str | None = None
    address: str | None = None
    strangers: tuple[tuple[str, str], ...] = ()  # all in it that nobody knows: source, address
    partly: bool = False  # what else is in it was taken
