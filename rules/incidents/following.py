"""Incidents follow their orders: taken up, resolved, or left waiting. Pure.

Laws:
- an order seen again changes nothing;
- a completed order resolves the incident only where it was for what the incident still is.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from kel.model.city import City
from kel.model.incident import Incident, IncidentState
from kel.model.labels import ORDER_LABEL
from kel.model.order import OrderState, WorkOrder
from kel.model.situation import Changes, Situation
from rules.incidents.describe import category_of
from rules.incidents.growing import UNWORKED
from rules.incidents.work import KEL, Work


def follow_orders(
    city: City, situation: Situation, orders: Iterable[WorkOrder], now: datetime
) -> Changes:
    """Move incidents as their orders moved: taken up → in progress, completed → resolved.

    `orders` are those that changed; seeing one again changes nothing. A refusal is told in the
    history and leaves the state: the next plan looks for another crew.
    """
    work = Work.on(city, situation)
    for order in sorted(orders, key=lambda o: (o.made_at, o.id)):
        incident = work.situation.incidents.get(order.incident)
        if incident is not None:
            _follow(work, incident, order, now)
    return work.changes


def _follow(work: Work, incident: Incident, order: WorkOrder, now: datetime) -> None:
    if order.state in (OrderState.ACCEPTED, OrderState.ARRIVED):
        _take_up(work, incident, order, now)
    elif order.state is OrderState.COMPLETED:
        at = order.completed_at or now
        if incident.resolved_at is None or incident.resolved_at < at:
            _complete(work, _take_up(work, incident, order, now), order, at)
    elif order.state is not OrderState.SENT:
        who = order.crew if order.state is OrderState.DECLINED else KEL
        why = f"{order.number}: {ORDER_LABEL[order.state]}"
        why = f"{why}, {order.note}" if order.note else why
        work.tell(incident, now, order.state.value, why, about=order.id, who=who)


def _complete(work: Work, incident: Incident, order: WorkOrder, at: datetime) -> None:
    """Resolved; but where it has become another category since, the cause is still to do."""
    if order.category == incident.category:
        state, what, why = IncidentState.RESOLVED, "resolved", order.number
        why = f"{why}, {order.note}" if order.note else why
    else:
        label = category_of(work.city, order.category).label
        state, what, why = IncidentState.OPEN, "part_done", f"{order.number} ήταν για: {label}"
    work.put(replace(incident, state=state, resolved_at=at, verified_at=None))
    work.tell(incident, at, what, why, about=order.id, who=order.crew)


def _take_up(work: Work, incident: Incident, order: WorkOrder, now: datetime) -> Incident:
    if incident.state not in UNWORKED:
        return incident
    taken = replace(incident, state=IncidentState.IN_PROGRESS)
    work.put(taken)
    at = order.accepted_at or now
    work.tell(taken, at, "in_progress", order.number, about=order.id, who=order.crew)
    return taken
