"""Orders that crews leave open: nobody accepted them in time, or they stay out too long. Pure.

Laws:
- an order that stays out is told in its incident's history, once; a part whose relief is there
  ends with that, and is nobody's worry;
- somebody is called about either until the crew answers, or an operator has taken it up since.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from kel.model.city import City
from kel.model.ids import make_id
from kel.model.incident import Incident, IncidentEvent, IncidentState
from kel.model.labels import ORDER_LABEL, clock
from kel.model.order import OrderEvent, OrderState, WorkOrder
from kel.model.situation import Changes, Situation
from rules.incidents.work import KEL, WORKED, Work

OUT = frozenset({OrderState.ACCEPTED, OrderState.ARRIVED})
WAITING = frozenset({IncidentState.OPEN, IncidentState.ACKNOWLEDGED, IncidentState.IN_PROGRESS})


@dataclass(frozen=True, slots=True)
class Left:
    """An order that its crew has left open since `at`, in words."""

    at: datetime
    told: str


def left_open(work: Work, incident: Incident) -> Iterator[Left]:
    """What crews have left open of the incident, and no operator has taken up since."""
    if incident.handed is not None:
        return
    waits = incident.state in WAITING
    for left in (*_late(work, incident), *(_unanswered(work, incident) if waits else ())):
        if incident.seen_at is None or incident.seen_at < left.at:
            yield left


def _late(work: Work, incident: Incident) -> Iterator[Left]:
    for order in work.orders.get(incident.id, ()):
        told_at, at = (
            work.situation.overdue.get(order.id),
            late_at(work.city, work.situation, order),
        )
        if told_at is not None and at is not None:
            yield Left(max(told_at, at), late_words(work.city, order))


def _unanswered(work: Work, incident: Incident) -> Iterator[Left]:
    """The last order that nobody accepted, where no crew has taken one since."""
    orders = work.orders.get(incident.id, ())
    lapsed = [o for o in orders if o.state is OrderState.EXPIRED]
    if not lapsed:
        return
    last = max(lapsed, key=lambda o: o.attempt)
    if not any(o.state in WORKED and o.attempt > last.attempt for o in orders):
        told = f"{last.number}: {_crew(work.city, last)}, {ORDER_LABEL[last.state]}"
        yield Left(last.expires_at, told)


def late_at(city: City, situation: Situation, order: WorkOrder) -> datetime | None:
    """From when on an order that its crew has accepted counts as late; None where it never does."""
    margin, relief = city.escalation.margin, situation.relief_of(order)
    if margin is None or order.state not in OUT or (relief and relief.arrived_at):
        return None
    return order.finish_at + margin


def late_words(city: City, order: WorkOrder) -> str:
    planned = clock(order.finish_at, ZoneInfo(city.timezone))
    return f"{order.number}: {_crew(city, order)}, έπρεπε να τελειώσει {planned}"


def _crew(city: City, order: WorkOrder) -> str:
    crew = city.crews.get(order.crew)
    return crew.name if crew else order.crew


def overdue(city: City, situation: Situation, now: datetime) -> Changes:
    """Tell of orders that were accepted and should have been completed by now, each once."""
    changes = Changes()
    for order in sorted(situation.orders.values(), key=lambda o: (o.finish_at, o.id)):
        at = late_at(city, situation, order)
        if at is None or order.id in situation.overdue:
            continue
        if at <= now and order.incident in situation.incidents:
            why, about = late_words(city, order), order.incident
            known = make_id("incident_event", about, "overdue", order.id)
            changes.incident_events.append(IncidentEvent(known, about, at, "overdue", KEL, why))
            told = make_id("order_event", order.id, "overdue")
            changes.order_events.append(OrderEvent(told, order.id, at, "overdue", KEL))
    return changes
