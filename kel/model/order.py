"""Work orders, the crews' replies, and what goes out to the world."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from kel.model.incident import Material
from kel.model.place import Point


class OrderState(StrEnum):
    SENT = "sent"  # written to the outbox with the plan that made it
    ACCEPTED = "accepted"
    ARRIVED = "arrived"
    COMPLETED = "completed"
    DECLINED = "declined"
    EXPIRED = "expired"  # nobody answered in time
    WITHDRAWN = "withdrawn"


OPEN_ORDER = frozenset({OrderState.SENT, OrderState.ACCEPTED, OrderState.ARRIVED})
AWAITED_FOR = timedelta(days=30)  # the word of a crew whose part ended without it


@dataclass(frozen=True, slots=True)
class OrderItem:
    """A material of an order: from which place it comes, how much was planned and used."""

    item: str
    place: str
    planned: Decimal
    used: Decimal | None = None


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """What a crew is asked to do. One with work `remaining` is a part: others end what it began.

    `remaining`: what is left for them after `finish_at`, as planned; of a completed order what was
    left indeed, 0 where the crew ended the job. `continues`: number of the part that this order
    relieves, or empty. `unsaid`: a part that is over without a word of its crew: what it used is
    not known.
    """

    id: UUID
    number: str
    incident: UUID
    category: str
    crew: str
    people: tuple[str, ...]
    vehicles: tuple[str, ...]
    items: tuple[OrderItem, ...]
    state: OrderState
    place: Point
    made_at: datetime
    expires_at: datetime
    depart_at: datetime
    arrive_at: datetime  # as planned
    finish_at: datetime  # as planned
    km: float
    attempt: int = 1
    accepted_at: datetime | None = None
    arrived_at: datetime | None = None
    completed_at: datetime | None = None
    note: str = ""
    remaining: timedelta = timedelta(0)
    continues: str = ""
    unsaid: bool = False

    def awaited(self, now: datetime) -> bool:
        """Whether its crew may still say what comes of it, or what it used."""
        ended = self.completed_at
        late = self.unsaid and ended is not None and now - ended < AWAITED_FOR
        return self.state in OPEN_ORDER or late


class Action(StrEnum):
    ACCEPT = "accept"
    DECLINE = "decline"
    ARRIVE = "arrive"
    COMPLETE = "complete"
    LEAVE = "leave"  # the crew's hours are over: what is left is for others


# What ends an order, and so reports material.
ENDS_ORDER = frozenset({Action.COMPLETE, Action.LEAVE})


@dataclass(frozen=True, slots=True)
class Reply:
    """What a crew answers. `crew` is the topic's, so the login's; `used` only on an order's end."""

    id: UUID
    order: UUID
    crew: str
    action: Action
    at: datetime
    arrival: datetime
    used: tuple[Material, ...] = ()
    km: float | None = None
    note: str = ""
    unsaid: bool = False  # nobody said it: it is taken to be so


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One line of an order's history. Append-only."""

    id: UUID
    order: UUID
    at: datetime
    what: str
    who: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message for the outbox: written with what caused it, sent after, at least once.

    raw: its bytes, where it is no JSON; such a one is worth nothing once it has expired.
    """

    id: UUID
    topic: str
    payload: Mapping[str, object]
    made_at: datetime
    expires_at: datetime
    raw: bytes | None = None
