"""Losses that late readings change: measured again, and the difference booked. Pure.

Laws:
- an entry and its corrections add up to what would have been booked with all readings known;
- late readings change the quantity alone: meter, price, a good pump's efficiency, place, account
  and what is left out for other incidents stay as booked, whatever the city's files say by now;
- a loss that nobody had measured when its incident closed is booked when the readings have come;
- less than a cent is no correction, so that looking again changes nothing;
- a loss is never made anew of fewer readings than it was, nor where nothing usual is left to
  compare with: the others are gone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from kel.costs.correction import correct
from kel.costs.entry import fine
from kel.costs.loss import basis_of
from kel.costs.lost import billing, left_out, lost, measured, measures, span_of
from kel.costs.readings import Readings
from kel.model.city import City
from kel.model.cost import CENT, CostEntry, euros
from kel.model.ids import make_id
from kel.model.incident import Incident, IncidentEvent
from kel.model.labels import KIND_LABEL
from kel.model.situation import Changes

KEL = "kel"
RESTATED = "restated"
POINTS = str.maketrans(",.", ".,")  # Greek numbers: 1.234,50


@dataclass(frozen=True, slots=True)
class Late:
    """Late readings of one device on the span of an incident's loss, and when they came."""

    device: str
    count: int
    first: datetime
    last: datetime

    @property
    def basis(self) -> dict[str, object]:
        return {
            "late": self.count,
            "late_since": self.first.isoformat(),
            "late_until": self.last.isoformat(),
        }


def restate(
    city: City,
    incident: Incident,
    booked: Sequence[CostEntry],
    late: Late,
    readings: Readings,
    now: datetime,
) -> Changes:
    """The correction that late readings ask for and the line of history that tells it; or nothing.

    incident: closed, with a `resolved_at` only where the repair held. booked: the entry of what
    `late.device` measured of it, then its corrections; empty where nothing was lost.
    """
    if booked:
        entry = _correction(city, incident, booked, late, readings, now)
    else:
        entry = _first(city, incident, late, readings, now)
    if entry is None or abs(entry.amount) < CENT:
        return Changes()
    was = sum((e.amount for e in booked), Decimal(0))
    return Changes(costs=[entry], incident_events=[_event(incident, entry, was, late, now)])


def _correction(
    city: City,
    incident: Incident,
    booked: Sequence[CostEntry],
    late: Late,
    readings: Readings,
    now: datetime,
) -> CostEntry | None:
    entry, *earlier = booked
    if not measures(city, entry.kind, late.device):
        return None
    efficiency = float(str(entry.basis.get("efficiency", city.rates.efficiency)))
    span, without = span_of(incident, now), left_out(entry.basis)
    loss = measured(city, entry.kind, late.device, span, readings, efficiency, without)
    if "note" in loss.facts or float(loss.facts["readings"]) < max(map(_readings, booked)):
        return None
    quantity = fine(Decimal(str(loss.quantity)))
    new = replace(
        entry,
        at=now,
        quantity=quantity,
        amount=euros(quantity * entry.price),
        basis={**basis_of(loss), **billing(span, without), **late.basis, "quantity": str(quantity)},
    )
    return correct(entry, new, earlier)


def _first(
    city: City, incident: Incident, late: Late, readings: Readings, now: datetime
) -> CostEntry | None:
    found = lost(city, incident, readings, now)
    return next(
        (
            replace(e, basis={**e.basis, **late.basis})
            for e in found
            if e.basis["device"] == late.device
        ),
        None,
    )


def _readings(entry: CostEntry) -> float:
    return float(str(entry.basis.get("readings", 0)))


def _event(
    incident: Incident, entry: CostEntry, was: Decimal, late: Late, now: datetime
) -> IncidentEvent:
    came = "μετρήσεις που ήρθαν" if late.count > 1 else "μέτρηση που ήρθε"
    why = (
        f"{KIND_LABEL[entry.kind]}: από {_euros(was)} σε {_euros(was + entry.amount)}, "
        f"με {late.count} {came} αργά"
    )
    event = make_id("incident_event", incident.id, RESTATED, entry.id)
    return IncidentEvent(event, incident.id, now, RESTATED, KEL, why)


def _euros(amount: Decimal) -> str:
    return f"{amount:,.2f} €".translate(POINTS)
