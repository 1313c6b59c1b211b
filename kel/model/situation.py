"""The situation the desk decides in, and the changes it makes.

Laws:
- the desk is a function: situation + inputs → changes; the store writes the changes in one
  transaction, and the same changes applied to the situation give the next one;
- changes carry whole new values (the incident as it is now), never increments, but for ledgers
  (events, movements, cost entries), which are appended.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from kel.model.alert import Alert
from kel.model.cost import CostEntry
from kel.model.incident import ACTIVE, Incident, IncidentEvent
from kel.model.order import OPEN_ORDER, OrderEvent, OrderState, Outgoing, Reply, WorkOrder
from kel.model.orders_by_incident import OrdersByIncident
from kel.model.place import Point
from kel.model.request import Reject, Request
from kel.model.silence import Hidden, Silence
from kel.model.stock import Movement, Reservation, Stock

# What waits in the store's inbox: fired, cleared (both of an alert), request, reply or command,
# and its id.
Waiting = tuple[str, UUID]


@dataclass(frozen=True, slots=True)
class Command:
    """What an operator asks of the desk: `what` is acknowledge, hand_on, silence, ….

    `incident` is its number, empty where it is about none; `detail` what else there is to say, as
    `rules.incidents.commands` reads it. An `Answer` comes of each.
    """

    id: UUID
    at: datetime
    who: str
    what: str
    incident: str
    why: str = ""
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command: done, or refused with the reason."""

    command: UUID
    at: datetime
    done: bool
    told: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that reached the desk up to `now`, each list in order of (moment, id)."""

    now: datetime
    alerts: tuple[Alert, ...] = ()  # fired, or cleared where `cleared_at` is set
    requests: tuple[Request, ...] = ()
    replies: tuple[Reply, ...] = ()
    commands: tuple[Command, ...] = ()
    taken: tuple[Waiting, ...] = ()  # what of the store's inbox this is, in the order it was read

    def only(self, waiting: Sequence[Waiting]) -> "Inputs":
        """Of these inputs the ones that `waiting` names."""
        kept = set(waiting)
        return Inputs(
            self.now,
            tuple(a for a in self.alerts if ("cleared" if a.cleared_at else "fired", a.id) in kept),
            tuple(r for r in self.requests if ("request", r.id) in kept),
            tuple(r for r in self.replies if ("reply", r.id) in kept),
            tuple(c for c in self.commands if ("command", c.id) in kept),
            tuple(waiting),
        )


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
    silences: dict[UUID, Silence] = field(default_factory=dict)
    hidden: dict[tuple[UUID, UUID], Hidden] = field(default_factory=dict)  # by alert and by what
    answers: list[Answer] = field(default_factory=list)

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
    """What is going on: active incidents, their alerts and requests, open orders, stock.

    `ended`: incidents that closed while an order of theirs was `awaited`: what its crew reports is
    still booked to them. `clock`: up to when it was decided; None before the first decision.
    """

    incidents: dict[UUID, Incident] = field(default_factory=dict)
    ended: dict[UUID, Incident] = field(default_factory=dict)
    alerts: dict[UUID, Alert] = field(default_factory=dict)  # of the active incidents, and hidden
    requests: dict[UUID, Request] = field(default_factory=dict)  # of the active incidents
    orders: OrdersByIncident = field(default_factory=OrdersByIncident)  # of these incidents
    reservations: dict[UUID, Reservation] = field(default_factory=dict)  # the open ones
    stock: dict[tuple[str, str], Stock] = field(default_factory=dict)
    whereabouts: dict[str, Whereabouts] = field(default_factory=dict)
    unplanned: dict[UUID, str] = field(default_factory=dict)  # incident → the last reason told
    counters: dict[str, int] = field(default_factory=dict)  # last number given, by word and year
    silences: dict[UUID, Silence] = field(default_factory=dict)  # that may still hide something
    hidden: dict[UUID, Hidden] = field(default_factory=dict)  # by alert
    overdue: dict[UUID, datetime] = field(default_factory=dict)  # open orders that were told to be
    clock: datetime | None = field(default=None, compare=False)

    def copy(self) -> "Situation":
        """A situation that can be changed without changing this one (the values are immutable)."""
        kept: dict[str, Any] = {name: copy(getattr(self, name)) for name in self.__slots__}
        return Situation(**kept)

    def orders_of(self, incident: UUID) -> list[WorkOrder]:
        return self.orders.of(incident)

    def parts_of(self, incident: Incident) -> list[WorkOrder]:
        """Its orders that leave work to others, in their order, since it was last repaired.

        Those that a crew has taken, for what the incident still is.
        """
        taken = {OrderState.ACCEPTED, OrderState.ARRIVED, OrderState.COMPLETED}
        parts = [
            o
            for o in self.orders_of(incident.id)
            if o.remaining and o.state in taken and o.category == incident.category
        ]
        if incident.resolved_at is not None:
            parts = [o for o in parts if o.made_at >= incident.resolved_at]
        return sorted(parts, key=lambda o: o.attempt)

    def relief_of(self, part: WorkOrder) -> WorkOrder | None:
        """The open order of the crew that is to take the part over."""
        orders = self.orders_of(part.incident)
        own = (o for o in orders if o.continues == part.number and o.state in OPEN_ORDER)
        return next(own, None)

    def stock_at(self, place: str, item: str) -> Stock:
        return self.stock.get((place, item), Stock(place, item, Decimal(0)))

    def quiet_since(self, incident: Incident) -> datetime | None:
        """When the last of the incident's alerts cleared; None while one is active or none is."""
        alerts = [self.alerts.get(a) for a in incident.alerts]
        cleared = [a.cleared_at for a in alerts if a is not None and a.cleared_at is not None]
        return max(cleared) if cleared and len(cleared) == len(alerts) else None

    def count(self, word: str, number: str) -> None:
        """Learn that `number` ("2026-0412", "Ε-2026-0031") was given to an incident or order."""
        *_, year, serial = number.split("-")
        key = f"{word}-{year}"
        self.counters[key] = max(self.counters.get(key, 0), int(serial))

    def next_number(self, word: str, year: int) -> str:
        """The number after the last one given in that (local) year, such as "2026-0413"."""
        return f"{year}-{self.counters.get(f'{word}-{year}', 0) + 1:04d}"

    def take(self, inputs: Inputs) -> None:
        """Keep what belongs to an active incident or is hidden, after correlating.

        A cleared alert stays so. What crews did not say in time of ended incidents is given up.
        """
        self.clock = inputs.now
        for order in list(self.orders.values()):
            if order.incident in self.ended and not order.awaited(inputs.now):
                self._forget_order(order)
        alerts = {a for i in self.incidents.values() for a in i.alerts} | self.hidden.keys()
        requests = {r for i in self.incidents.values() for r in i.requests}
        for alert in inputs.alerts:
            known = self.alerts.get(alert.id)
            again = known is not None and known.cleared_at is not None and alert.cleared_at is None
            if alert.id in alerts and not again:
                self.alerts[alert.id] = alert
        self.requests.update({r.id: r for r in inputs.requests if r.id in requests})

    def apply(self, changes: Changes) -> None:
        """Take over what was decided (and, where there is a store, committed)."""
        self.incidents.update(changes.incidents)
        self.orders.update(changes.orders)
        self.stock.update(changes.stock)
        self.reservations.update(changes.reservations)
        self._learn(changes)
        self._hush(changes)
        self._forget(i for i in changes.incidents.values() if i.state not in ACTIVE)
        for order in changes.orders.values():
            if order.state not in OPEN_ORDER:
                self.overdue.pop(order.id, None)
                if order.incident not in self.incidents and not order.unsaid:
                    self._forget_order(order)
        for reservation in changes.reservations.values():
            if not reservation.open:
                self.reservations.pop(reservation.id, None)

    def _forget_order(self, order: WorkOrder) -> None:
        self.orders.pop(order.id, None)
        if not self.orders_of(order.incident):
            self.ended.pop(order.incident, None)

    def _learn(self, changes: Changes) -> None:
        """What follows from the changes: numbers given, reasons told, where crews were last."""
        for incident in changes.incidents.values():
            self.count("incident", incident.number)
        for order in changes.orders.values():
            self.count("order", order.number)
            if order.state is OrderState.COMPLETED and order.completed_at is not None:
                last = self.whereabouts.get(order.crew)
                if last is None or last.free_at <= order.completed_at:
                    self.whereabouts[order.crew] = Whereabouts(
                        order.crew, order.place, order.completed_at
                    )
        for told in changes.order_events:
            if told.what == "overdue":
                self.overdue[told.order] = told.at
        for event in changes.incident_events:
            if event.what == "unplanned":
                self.unplanned[event.incident] = event.why
            elif event.what == "planned":
                self.unplanned.pop(event.incident, None)

    def _hush(self, changes: Changes) -> None:
        """What silences hide, and no longer."""
        for silence in changes.silences.values():
            self.count("silence", silence.number)
            if silence.ended_at is None:
                self.silences[silence.id] = silence
            else:
                self.silences.pop(silence.id, None)
        over = [h for h in changes.hidden.values() if h.over_at is not None]
        for one in over:
            if self.hidden.get(one.alert, one).by == one.by:
                self.hidden.pop(one.alert, None)
        self.hidden.update({h.alert: h for h in changes.hidden.values() if h.over_at is None})
        for one in over:
            if not one.spoke and one.alert not in self.hidden:
                self.alerts.pop(one.alert, None)

    def _forget(self, ended: Iterable[Incident]) -> None:
        for incident in ended:
            self.incidents.pop(incident.id, None)
            self.unplanned.pop(incident.id, None)
            for alert in incident.alerts:
                if alert not in self.hidden:
                    self.alerts.pop(alert, None)
            for request in incident.requests:
                self.requests.pop(request, None)
            for order in self.orders_of(incident.id):
                if order.state in OPEN_ORDER or order.unsaid:
                    self.ended[incident.id] = incident
                else:
                    del self.orders[order.id]
