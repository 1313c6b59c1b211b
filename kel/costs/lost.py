"""What an ended incident lost, by the readings that are stored. Pure.

Laws:
- water is lost by the meter of the incident's zone, energy by the pump that is its cause; where
  nobody measures it, nothing is said to be lost;
- it is lost from the incident's start to its repair, or to its end where no repair held;
- of incidents that one device measures at the same time the one that is booked first counts it,
  the others leave it out and say so (`without`): nothing is lost twice.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import reduce
from typing import cast
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np

from kel.costs.loss import Loss, energy_wasted, loss_costs, water_lost
from kel.costs.readings import Billed, Readings
from kel.model.city import City
from kel.model.cost import CostEntry, CostKind
from kel.model.incident import Incident

FLOW = "flow"
PUMPING = ("power", FLOW, "head")  # the metrics that a pump's loss is reckoned from

Span = tuple[datetime, datetime]
Bill = tuple[str, Billed]  # and the device


def losses(
    city: City, ended: Iterable[Incident], readings: Readings, now: datetime
) -> list[CostEntry]:
    """What incidents that ended in one decision lost; the one that closed first is booked first."""
    entries: list[CostEntry] = []
    together: list[Bill] = []
    for incident in sorted(ended, key=lambda i: (i.closed_at or now, i.number)):
        own = lost(city, incident, readings, now, together)
        entries += own
        together += bills(own, {incident.id: incident.number})
    return entries


def lost(
    city: City,
    incident: Incident,
    readings: Readings,
    now: datetime,
    together: Sequence[Bill] = (),
) -> list[CostEntry]:
    """The entries of the water or energy that an ended incident lost, from its start to its end.

    A `resolved_at` says that the repair held. `together`: what was booked in the same decision.
    """
    meter = _meter_of(city, incident)
    if meter is None:
        return []
    kind, device = meter
    span = span_of(incident, now)
    known = [*readings.billed(device, *span), *overlapping(together, device, *span)]
    billed = [b for b in known if b.incident != incident.number]
    loss = measured(city, kind, device, span, readings, city.rates.efficiency, billed)
    return loss_costs(city, incident, loss, now, billing(span, billed))


def billing(span: Span, without: Sequence[Billed]) -> dict[str, object]:
    """What a loss's basis says of the span that it is billed for, and of what others were."""
    begins, ends = (moment.isoformat() for moment in span)
    others = [
        {"incident": b.incident, "begins": b.begins.isoformat(), "ends": b.ends.isoformat()}
        for b in without
    ]
    return {"begins": begins, "ends": ends, **({"without": others} if others else {})}


def bills(entries: Iterable[CostEntry], numbers: Mapping[UUID, str]) -> Iterator[Bill]:
    """What entries of losses were billed for, each with its device; `numbers` of incidents."""
    for entry in entries:
        number, basis = numbers.get(entry.incident), entry.basis
        if number and entry.corrects is None and {"device", "begins", "ends"} <= basis.keys():
            yield str(basis["device"]), _billed({**basis, "incident": number})


def overlapping(
    bills: Iterable[Bill], device: str, since: datetime, until: datetime
) -> list[Billed]:
    """Those of the device that overlap [since, until), the earliest first."""
    found = (b for d, b in bills if d == device and b.begins < until and b.ends > since)
    return sorted(found, key=lambda b: (b.begins, b.incident))


def left_out(basis: Mapping[str, object]) -> list[Billed]:
    """What an entry of that basis was booked `without`."""
    return [_billed(b) for b in cast("list[dict[str, object]]", basis.get("without", []))]


def _billed(told: Mapping[str, object]) -> Billed:
    begins, ends = (datetime.fromisoformat(str(told[k])) for k in ("begins", "ends"))
    return Billed(str(told["incident"]), begins, ends)


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
    city: City,
    kind: CostKind,
    device: str,
    span: Span,
    readings: Readings,
    efficiency: float,
    without: Sequence[Billed] = (),
) -> Loss:
    """The loss on that span by a device that `measures` it; `efficiency` is a good pump's."""
    if kind is CostKind.WATER:
        usual = readings.typical(device, FLOW, *span, ZoneInfo(city.timezone))
        flows = readings.series(device, FLOW, *span)
        return water_lost(*flows, *usual, device=device, without=without)
    # over the moments at which all three metrics were reported
    series = {m: readings.series(device, m, *span) for m in PUMPING}
    times = reduce(np.intersect1d, [times for times, _ in series.values()])
    power, flow, head = (v[np.isin(t, times)] for t, v in series.values())
    return energy_wasted(times, power, flow, head, efficiency, device=device, without=without)


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
