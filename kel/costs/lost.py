"""What an ended incident lost, by the readings that are stored. Pure.

Laws:
- water is lost by the meter of the incident's zone, energy by the pump that is its cause; where
  nobody measures it, nothing is said to be lost;
- it is lost from the incident's start to its repair, or to its end where no repair held.
"""

from datetime import datetime
from functools import reduce
from zoneinfo import ZoneInfo

import numpy as np

from kel.costs.loss import Loss, energy_wasted, loss_costs, water_lost
from kel.costs.readings import Readings
from kel.model.city import City
from kel.model.cost import CostEntry, CostKind
from kel.model.incident import Incident

FLOW = "flow"
PUMPING = ("power", FLOW, "head")  # the metrics that a pump's loss is reckoned from

Span = tuple[datetime, datetime]


def lost(city: City, incident: Incident, readings: Readings, now: datetime) -> list[CostEntry]:
    """The entries of the water or energy that an ended incident lost, from its start to its end.

    A `resolved_at` says that the repair held.
    """
    meter = _meter_of(city, incident)
    if meter is None:
        return []
    kind, device = meter
    loss = measured(city, kind, device, span_of(incident, now), readings, city.rates.efficiency)
    return loss_costs(city, incident, loss, now)


def span_of(incident: Incident, now: datetime) -> Span:
    """From when to when an ended incident lost something."""
    return incident.started_at, incident.resolved_at or incident.closed_at or now


def measures(city: City, kind: CostKind, device: str) -> bool:
    """Whether the device (still) reports all that a loss of that kind is reckoned from."""
    known = city.devices.get(device)
    if known is None:
        return False
    if kind is CostKind.WATER:
        return known.cls == "zone"
    cls = city.classes.get(known.cls)
    return cls is not None and {m.name for m in cls.metrics}.issuperset(PUMPING)


def measured(
    city: City, kind: CostKind, device: str, span: Span, readings: Readings, efficiency: float
) -> Loss:
    """The loss on that span by a device that `measures` it; `efficiency` is a good pump's."""
    if kind is CostKind.WATER:
        usual = readings.typical(device, FLOW, *span, ZoneInfo(city.timezone))
        return water_lost(*readings.series(device, FLOW, *span), *usual, device=device)
    # over the moments at which all three metrics were reported
    series = {m: readings.series(device, m, *span) for m in PUMPING}
    times = reduce(np.intersect1d, [times for times, _ in series.values()])
    power, flow, head = (v[np.isin(t, times)] for t, v in series.values())
    return energy_wasted(times, power, flow, head, efficiency, device=device)


def _meter_of(city: City, incident: Incident) -> tuple[CostKind, str] | None:
    """What the incident loses and the device that measures it; None where nobody does."""
    category = city.categories.get(incident.category)
    loss = category.loss if category else "none"
    if loss == "water" and incident.zone:
        zone = (d for d in city.devices.values() if d.zone == incident.zone)
        meter = next((d.id for d in zone if measures(city, CostKind.WATER, d.id)), None)
        return (CostKind.WATER, meter) if meter else None
    if loss == "energy" and incident.cause and measures(city, CostKind.ENERGY, incident.cause):
        return CostKind.ENERGY, incident.cause
    return None
