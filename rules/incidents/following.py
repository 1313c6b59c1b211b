"""Incidents follow their orders: taken up, resolved, or left waiting. Pure.

Laws:
- an order seen again changes nothing;
- a completed order resolves the incident only where it was for what the incident still is;
- that an order was taken back is told with its reason, also of an incident that has ended, and so
  is what a crew has still done there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from kel.model.city import City
from kel.model.incident import Incident, IncidentState
from kel.model.labels import ORDER_LABEL, hours
from kel.model.order import OrderState, WorkOrder
from kel.model.situation import Changes, Situation
from rules.incidents.describe import category_of
from rules.incidents.growing import UNWORKED
from rules.incidents.work import KEL, Work


def follow_orders(
    city: City,
    situation: Situation,
    orders: Iterable[WorkOrder],
    now: datetime,
    reasons: Mapping[UUID, str] | None = None,
) -> Changes:
    """Move incidents as their orders moved: taken up → in progress, completed → resolved.

    `orders` are those that changed; seeing one again changes nothing. A refusal is told in the
    history and leaves the state: the next plan looks for another crew. `reasons`: why an order, by
    its id, was taken back.
    """
    work = Work.on(city, situation)
    for order in sorted(orders, key=lambda o: (o.made_at, o.id)):
        incident = work.situation.incidents.get(order.incident)
        if order.state is OrderState.WITHDRAWN:
            _tell(work, order, now, (reasons or {}).get(order.id, ""))
        elif incident is not None:
            _follow(work, incident, order, now)
        elif order.state is OrderState.COMPLETED:
            _tell_after(work, order, now)
    return work.changes


def tell_reported(
    city: City, situation: Situation, orders: Iterable[WorkOrder], now: datetime
) -> Changes:
    """Tell of parts that had ended without their crews' word, and have it now."""
    work = Work.on(city, situation)
    for order in sorted(orders, key=lambda o: (o.made_at, o.id)):
        why = f"{order.number}, {order.note}" if order.note else order.number
        work.tell_of(order.incident, now, "reported", why, about=order.id, who=order.crew)
    return work.changes


def _follow(work: Work, incident: Incident, order: WorkOrder, now: datetime) -> None:
    if order.state in (OrderState.ACCEPTED, OrderState.ARRIVED):
        _take_up(work, incident, order, now)
    elif order.state is OrderState.COMPLETED:
        at = order.completed_at or now
        if order.remaining and order.category == incident.category:
            _leave(work, _take_up(work, incident, order, now), order, at)
        elif incident.resolved_at is None or incident.resolved_at < at:
            _complete(work, _take_up(work, incident, order, now), order, at)
    elif order.state is not OrderState.SENT:
        _tell(work, order, now, order.note)


def _tell(work: Work, order: WorkOrder, now: datetime, reason: str) -> None:
    """An order that came to nothing; its incident may have ended before."""
    who = order.crew if order.state is OrderState.DECLINED else KEL
    why = f"{order.number}: {ORDER_LABEL[order.state]}"
    why = f"{why}, {reason}" if reason else why
    work.tell_of(order.incident, now, order.state.value, why, about=order.id, who=who)


def _tell_after(work: Work, order: WorkOrder, now: datetime) -> None:
    """What a crew completed of an incident that was closed meanwhile."""
    at, why = order.completed_at or now, f"{order.number}: μετά το κλείσιμο"
    why = f"{why}, {order.note}" if order.note else why
    what = "part_done" if order.remaining else "resolved"
    work.tell_of(order.incident, at, what, why, about=order.id, who=order.crew)


def _complete(work: Work, incident: Incident, order: WorkOrder, at: datetime) -> None:
    """Resolved; but where it has become another category since, the cause is still to do."""
    reopened = incident.reopened_at
    if order.category == incident.category:
        state, what, why = IncidentState.RESOLVED, "resolved", order.number
        why = f"{why}, {order.note}" if order.note else why
    else:
        label = category_of(work.city, order.category).label
        state, what, why = IncidentState.OPEN, "part_done", f"{order.number} ήταν για: {label}"
        reopened = at
    work.put(replace(incident, state=state, resolved_at=at, verified_at=None, reopened_at=reopened))
    work.tell(incident, at, what, why, about=order.id, who=order.crew)


def _leave(work: Work, incident: Incident, order: WorkOrder, at: datetime) -> None:
    """Its crew's hours are over: others go on, or where none is on the way it waits for them."""
    if incident.state is IncidentState.IN_PROGRESS and not work.on_the_way(incident):
        seen = incident.acknowledged_at is not None
        state = IncidentState.ACKNOWLEDGED if seen else IncidentState.OPEN
        work.put(replace(incident, state=state))
    why = f"{order.number}: παράδοση βάρδιας, μένουν {hours(order.remaining)}"
    why = f"{why}, {order.note}" if order.note else why
    work.tell(incident, at, "part_done", why, about=order.id, who=order.crew)


def _take_up(work: Work, incident: Incident, order: WorkOrder, now: datetime) -> Incident:
    if incident.state not in UNWORKED:
        return incident
    taken = replace(incident, state=IncidentState.IN_PROGRESS)
    work.put(taken)
    at = order.accepted_at or now
    work.tell(taken, at, "in_progress", order.number, about=order.id, who=order.crew)
    return taken
