"""The desk's decision: situation and inputs in, changes out. Pure.

The one place that ties incidents, orders, costs and the plan together, in this order: what
happened, what crews answered, what it cost, what lapsed, what to do next. Live running, the
offline history, a replay and a test all call `decide`.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from dispatch import orders
from dispatch.commanded import commanded
from dispatch.plan import plan
from dispatch.relief import over
from kel.costs.lost import losses
from kel.costs.material import material_costs
from kel.costs.order import order_costs
from kel.costs.readings import Readings
from kel.model.city import City
from kel.model.cost import CostEntry
from kel.model.incident import REPAIRED, Incident, IncidentState
from kel.model.order import OrderState, WorkOrder
from kel.model.situation import Changes, Inputs, Situation
from rules.incidents.correlate import correlate
from rules.incidents.following import follow_orders, tell_reported
from rules.incidents.overdue import overdue
from rules.incidents.work import KEL

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
            reasons = {e.order: e.why for e in more.order_events}
            stage(follow_orders(city, work, more.orders.values(), now, reasons))

    stage(correlate(city, work, inputs))
    work.take(inputs)
    asked = commanded(city, work, inputs.commands, now)
    stage(Changes(answers=asked.answers))
    said = (*inputs.replies, *asked.replies)
    said += tuple(over(work, now, {r.order for r in said}))
    homes, before = {**work.incidents, **work.ended}, dict(work.orders)
    answered = stage(orders.answer(city, work, said, now))
    changes.costs += _work_costs(city, homes, before, answered, now)
    follow(_moved(before, answered))
    if late := [o for o in answered.orders.values() if before[o.id].unsaid and not o.unsaid]:
        stage(tell_reported(city, work, late, now))
    follow(stage(orders.expire(city, work, now)))
    words = _said(changes)
    follow(stage(orders.withdraw(city, work, now, asked.taken_back, words)))
    stage(overdue(city, work, now))
    ended = [
        i if _repaired(i, situation, changes) else replace(i, resolved_at=None)
        for i in changes.incidents.values()
        if _has_ended(i)
    ]
    # what was lost meanwhile, once the sensors agree that it has ended
    changes.costs += losses(city, ended, readings, now)
    stage(orders.dispatch(city, work, plan(city, work, now), now))
    return changes


def _said(changes: Changes) -> dict[tuple[UUID, str], str]:
    """Who made of an incident what it is, and why, by incident and word of its history."""
    events = (e for e in changes.incident_events if e.who != KEL)
    return {(e.incident, e.what): f"{e.who}: {e.why}" for e in events}


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


def _moved(before: Mapping[UUID, WorkOrder], answered: Changes) -> Changes:
    """Of what was answered the orders that came to another state."""
    moved = {
        o.id: o
        for o in answered.orders.values()
        if o.id not in before or before[o.id].state is not o.state
    }
    return Changes(orders=moved, order_events=answered.order_events)


def _work_costs(
    city: City,
    homes: Mapping[UUID, Incident],
    before: Mapping[UUID, WorkOrder],
    answered: Changes,
    now: datetime,
) -> list[CostEntry]:
    """What the orders cost that were completed just now, and what was reported late of others.

    `homes`: the incidents, also those that were closed meanwhile: the work was done all the same.
    """
    costs: list[CostEntry] = []
    for order in answered.orders.values():
        if order.state is not OrderState.COMPLETED or order.completed_at is None:
            continue
        if before[order.id].state is OrderState.COMPLETED:
            costs += material_costs(city, order, homes[order.incident], now)
        else:
            costs += order_costs(city, order, homes[order.incident], order.completed_at)
    return costs
