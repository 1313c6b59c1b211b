"""The desk's decision: situation and inputs in, changes out. Pure.

The one place that ties incidents, orders, costs and the plan together, in this order: what
happened, what crews answered, what it cost, what lapsed, what to do next. Live running, the
offline history, a replay and a test all call `decide`.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import reduce
from zoneinfo import ZoneInfo

import numpy as np

from dispatch import orders
from dispatch.plan import plan
from kel.costs.loss import Loss, energy_wasted, loss_costs, water_lost
from kel.costs.order import order_costs
from kel.costs.readings import Readings
from kel.model.city import City
from kel.model.cost import CostEntry
from kel.model.incident import Incident, IncidentState
from kel.model.order import OrderState, WorkOrder
from kel.model.situation import Changes, Inputs, Situation
from rules import incidents
from rules.describe import category_of

PUMPING = ("power", "flow", "head")  # the metrics that a pump's loss is reckoned from
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
            stage(incidents.follow_orders(city, work, more.orders.values(), now))

    stage(incidents.correlate(city, work, inputs))
    work.take(inputs)
    answered = stage(orders.answer(city, work, inputs.replies, now))
    stage(_work_costs(city, work, answered.orders.values()))
    follow(answered)
    follow(stage(orders.expire(city, work, now)))
    follow(stage(orders.withdraw(city, work, now)))
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
    held = before is not None and before.state is IncidentState.RESOLVED
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


def lost(city: City, incident: Incident, readings: Readings, now: datetime) -> list[CostEntry]:
    """The entries of the water or energy that an ended incident lost, from its start to its end."""
    category = category_of(city, incident.category)
    until = incident.resolved_at or incident.closed_at or now
    span = (incident.started_at, until)
    if category.loss == "water" and incident.zone:
        meter = _meter_of(city, incident.zone)
        if meter is None:
            return []
        usual = readings.typical(meter, "flow", *span, ZoneInfo(city.timezone))
        loss = water_lost(*readings.series(meter, "flow", *span), *usual, device=meter)
    elif category.loss == "energy" and incident.cause and _is_pump(city, incident.cause):
        loss = _pump_loss(city, incident.cause, span, readings)
    else:
        return []
    return loss_costs(city, incident, loss, now)


def _meter_of(city: City, zone: str) -> str | None:
    """The zone's inlet meter, where it has one: without it nobody knows what was lost."""
    meters = (d.id for d in city.devices.values() if d.cls == "zone" and d.zone == zone)
    return next(meters, None)


def _is_pump(city: City, device: str) -> bool:
    """Whether the device reports all that the energy of pumping is reckoned from."""
    known = city.devices.get(device)
    cls = city.classes.get(known.cls) if known else None
    return cls is not None and {m.name for m in cls.metrics}.issuperset(PUMPING)


def _pump_loss(city: City, pump: str, span: tuple[datetime, datetime], readings: Readings) -> Loss:
    """Energy above a good pump's, over the moments at which all three metrics were reported."""
    series = {m: readings.series(pump, m, *span) for m in PUMPING}
    times = reduce(np.intersect1d, [times for times, _ in series.values()])
    power, flow, head = (v[np.isin(t, times)] for t, v in series.values())
    return energy_wasted(times, power, flow, head, city.rates.efficiency, device=pump)
