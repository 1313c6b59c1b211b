"""The desk's decision: situation and inputs in, changes out. Pure.

The one place that ties incidents, orders, costs and the plan together, in this order: what
happened, what crews answered, what it cost, what lapsed, what to do next. Live running, the
offline history, a replay and a test all call `decide`.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from dispatch import orders
from dispatch.commanded import commanded
from dispatch.plan import plan
from kel.costs.lost import lost
from kel.costs.order import order_costs
from kel.costs.readings import Readings
from kel.model.city import City
from kel.model.incident import REPAIRED, Incident, IncidentState
from kel.model.order import OrderState, WorkOrder
from kel.model.situation import Changes, Inputs, Situation
from rules.incidents.calls import overdue
from rules.incidents.correlate import correlate
from rules.incidents.following import follow_orders

REPAIR_FAILED = ("part_done", "reopened", "still_active")  # events after which trouble goes on


def decide(city: City, situation: Situation, inputs: Inputs, readings: Readings) -> Changes:
    """All that follows from the inputs; `situation` is left as it is."""
    now = inputs.now
    work, changes = situation.copy(), Changes()

    def stage(more: Changes) -> Changes:
        changes.add(more)
        work.apply(more)
        return more

    def follow(more: Changes) -> None:
        if more.orders:
            stage(follow_orders(city, work, more.orders.values(), now))

    stage(correlate(city, work, inputs))
    work.take(inputs)
    asked = commanded(city, work, inputs.commands, now)
    stage(Changes(answers=asked.answers))
    answered = stage(orders.answer(city, work, (*inputs.replies, *asked.replies), now))
    stage(_work_costs(city, work, answered.orders.values()))
    follow(answered)
    follow(stage(orders.expire(city, work, now)))
    follow(stage(orders.withdraw(city, work, now, asked.taken_back)))
    stage(overdue(city, work, now))
    ended = [
        i if _repaired(i, situation, changes) else replace(i, resolved_at=None)
        for i in changes.incidents.values()
        if _has_ended(i)
    ]
    changes.add(_loss_costs(city, ended, readings, now))
    stage(orders.dispatch(city, work, plan(city, work, now), now))
    return changes


def _has_ended(incident: Incident) -> bool:
    """Closed for good; one that was merged into another has no signs left, and lost nothing."""
    return incident.state is IncidentState.CLOSED and bool(incident.alerts or incident.requests)


def _repaired(ended: Incident, situation: Situation, changes: Changes) -> bool:
    """Whether its repair held until it closed; else the trouble went on after `resolved_at`."""
    before = situation.incidents.get(ended.id)
    held = before is not None and before.state in REPAIRED
    for event in changes.incident_events:
        if event.incident == ended.id and event.what in ("resolved", *REPAIR_FAILED):
            held = event.what == "resolved"
    return held


def _work_costs(city: City, work: Situation, answered: Iterable[WorkOrder]) -> Changes:
    """What the orders cost that were completed just now."""
    changes = Changes()
    for order in answered:
        if order.state is OrderState.COMPLETED and order.completed_at:
            incident = work.incidents[order.incident]
            changes.costs += order_costs(city, order, incident, order.completed_at)
    return changes


def _loss_costs(
    city: City, ended: Iterable[Incident], readings: Readings, now: datetime
) -> Changes:
    """What was lost meanwhile, once the sensors agree that it has ended."""
    changes = Changes()
    for incident in ended:
        changes.costs += lost(city, incident, readings, now)
    return changes
