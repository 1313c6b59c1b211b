"""Labour: each person's hours by pay band.

price = hourly × (1 + overtime + night + sunday), each premium where the band has it. Premiums
are added, not multiplied (after Law 4354/2015 art. 20; the shares are settings of the city).
"""

from datetime import datetime
from decimal import Decimal

from kel.costs.bands import Band, hours_by_band
from kel.costs.entry import make_entry, to_hours
from kel.costs.work import Outing
from kel.model.city import City
from kel.model.cost import CostEntry, CostKind, CostNature
from kel.model.crew import Rates
from kel.model.incident import Incident
from kel.model.order import WorkOrder


def hourly_price(rates: Rates, grade: str, band: Band) -> Decimal | None:
    """€/h of a grade in a band; None where the city's rates lack the grade."""
    base = rates.hourly.get(grade)
    if base is None:
        return None
    share = Decimal(1)
    share += rates.overtime if band.overtime else 0
    share += rates.night if band.night else 0
    share += rates.sunday if band.sunday else 0
    return base * share


def nature_of(band: Band) -> CostNature:
    """Cash outside the normal shift; in it the wage is paid whatever happens."""
    return CostNature.CASH if band.overtime else CostNature.MANAGEMENT


def labour_costs(
    city: City, order: WorkOrder, incident: Incident, outing: Outing, at: datetime
) -> list[CostEntry]:
    """One entry per person and pay band."""
    crew = city.crews.get(order.crew)
    shifts = crew.shifts if crew else ()
    grades = {p.id: p.grade for p in crew.people} if crew else {}
    bands = hours_by_band(outing.left, outing.back, shifts, city.timezone)
    entries = []
    for person in dict.fromkeys(order.people):
        grade = grades.get(person, "")
        for band, span in bands.items():
            price = hourly_price(city.rates, grade, band)
            basis = {"person": person, "grade": grade, "band": band.name, **outing.basis}
            if price is None:
                basis["unpriced"] = "no hourly rate for this person's grade"
            entries.append(
                make_entry(
                    incident,
                    city.categories.get(incident.category),
                    about=order.id,
                    at=at,
                    kind=CostKind.LABOUR,
                    nature=nature_of(band),
                    name=f"{person}/{band.name}",
                    quantity=to_hours(span),
                    unit="h",
                    price=price or Decimal(0),
                    basis=basis,
                    order=order.id,
                )
            )
    return entries
