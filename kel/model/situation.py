"""The situation the desk decides in, and the changes it makes.

Laws:
- the desk is a function: situation + inputs → changes; the store writes the changes in one
  transaction, and the same changes applied to the situation give the next one;
- changes carry whole new values (the incident as it is now), never increments, but for ledgers
  (events, movements, cost entries), which are appended.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from kel.model.alert import Alert
from kel.model.cost import CostEntry
from kel.model.incident import ACTIVE, Incident, IncidentEvent
from kel.model.order import OPEN_ORDER, OrderEvent, Outgoing, Reply, WorkOrder
from kel.model.place import Point
from kel.model.request import Reject, Request
from kel.model.stock import Movement, Reservation, Stock


@dataclass(frozen=True, slots=True)
class Command:
    """What an operator asks of the desk: `what` is acknowledge, …; answered by an incident event."""

    id: UUID
    at: datetime
    who: str
    what: str
    incident: str  # its number
    why: str = ""


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that reached the desk up to `now`, each list in order of (moment, id)."""

    now: datetime
    alerts: tuple[Alert, ...] = ()  # fired, or cleared where `cleared_at` is set
    requests: tuple[Request, ...] = ()
    replies: tuple[Reply, ...] = ()
    commands: tuple[Command, ...] = ()


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a crew is by its last job (no live position is kept), and from when it is free."""

    crew: str
    place: Point
    free_at: datetime


@dataclass(slots=True)
class Changes:
    incidents: dict[UUID, Incident] = field(default_factory=dict)
    orders: dict[UUID, WorkOrder] = field(default_factory=dict)
    stock: dict[tuple[str, str], Stock] = field(default_factory=dict)
    reservations: dict[UUID, Reservation] = field(default_factory=dict)
    incident_events: list[IncidentEvent] = field(default_factory=list)
    order_events: list[OrderEvent] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)
    costs: list[CostEntry] = field(default_factory=list)
    outbox: list[Outgoing] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)  # replies that were refused

    def add(self, other: "Changes") -> None:
        """Take over the changes of a later stage: newer values win, ledgers grow."""
        for name in self.__slots__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if isinstance(mine, dict):
                mine.update(theirs)
            else:
                mine.extend(theirs)

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)


@dataclass(slots=True)
class Situation:
    """What is going on: active incidents, their alerts and requests, open orders, stock."""

    incidents: dict[UUID, Incident] = field(default_factory=dict)
    alerts: dict[UUID, Alert] = field(default_factory=dict)  # of the active incidents
    requests: dict[UUID, Request] = field(default_factory=dict)  # of the active incidents
    orders: dict[UUID, WorkOrder] = field(default_factory=dict)  # of the active incidents
    reservations: dict[UUID, Reservation] = field(default_factory=dict)  # the open ones
    stock: dict[tuple[str, str], Stock] = field(default_factory=dict)
    whereabouts: dict[str, Whereabouts] = field(default_factory=dict)
    unplanned: dict[UUID, str] = field(default_factory=dict)  # incident → the last reason told
    counters: dict[str, int] = field(default_factory=dict)  # last number given, by word and year

    def copy(self) -> "Situation":
        """A situation that can be changed without changing this one (the values are immutable)."""
        return Situation(**{name: dict(getattr(self, name)) for name in self.__slots__})

    def orders_of(self, incident: UUID) -> list[WorkOrder]:
        return [o for o in self.orders.values() if o.incident == incident]

    def stock_at(self, place: str, item: str) -> Stock:
        return self.stock.get((place, item), Stock(place, item, Decimal(0)))

    def apply(self, changes: Changes) -> None:
        """Take over what was decided (and, where there is a store, committed)."""
        self.incidents.update(changes.incidents)
        self.orders.update(changes.orders)
        self.stock.update(changes.stock)
        self.reservations.update(changes.reservations)
        self._forget(i for i in changes.incidents.values() if i.state not in ACTIVE)
        for reservation in changes.reservations.values():
            if not reservation.open:
                self.reservations.pop(reservation.id, None)

    def _forget(self, ended: Iterable[Incident]) -> None:
        for incident in ended:
            self.incidents.pop(incident.id, None)
            self.unplanned.pop(incident.id, None)
            for alert in incident.alerts:
                self.alerts.pop(alert, None)
            for request in incident.requests:
                self.requests.pop(request, None)
            for order in self.orders_of(incident.id):
                if order.state not in OPEN_ORDER:
                    del self.orders[order.id]


