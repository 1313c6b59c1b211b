"""What an incident of a category comes to, by the ledger of those that were worked on and closed.

Laws:
- the median of like incidents, each measure for itself; how many they were is always told;
- where the ledger has none, the category's own needs at the city's rates, and that is told too;
- such needs say nothing of lost water or energy: it is then unknown, not none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from statistics import fmean, median

from kel.model.city import City
from kel.model.cost import CostKind
from rules.incidents.describe import category_of

WORK = (CostKind.LABOUR, CostKind.VEHICLE, CostKind.MATERIAL)


@dataclass(frozen=True, slots=True)
class Settled:
    """A closed incident that was worked on: what its cost entries add up to, by kind.

    `lasted`: from its start to its repair; `took`: from its opening to that (None: no repair).
    `amounts` in €; `quantities`: hours of labour, m³ of water, kWh of energy.
    """

    category: str
    lasted: timedelta
    took: timedelta | None
    amounts: Mapping[CostKind, Decimal]
    quantities: Mapping[CostKind, Decimal]


@dataclass(frozen=True, slots=True)
class Price:
    """One incident of a category: people's hours, work and loss in €, m³, kWh; and per hour of
    duration. `incidents`: of how many it is the median, 0 where it is the category's own needs."""

    category: str
    incidents: int
    hours: float
    work: float
    m3: float | None
    water: float | None
    kwh: float | None
    energy: float | None
    m3_per_hour: float | None = None
    kwh_per_hour: float | None = None


def price_of(city: City, settled: Iterable[Settled], category: str) -> Price:
    """The price of one incident of that category."""
    like = [s for s in settled if s.category == category]
    if not like:
        return _needs(city, category)
    loses = category_of(city, category).loss
    water, energy = CostKind.WATER, CostKind.ENERGY
    return Price(
        category,
        len(like),
        hours=_median(like, CostKind.LABOUR),
        work=median(float(sum(s.amounts.get(k, Decimal(0)) for k in WORK)) for s in like),
        m3=_median(like, water) if loses == "water" else 0.0,
        water=_median(like, water, euros=True) if loses == "water" else 0.0,
        kwh=_median(like, energy) if loses == "energy" else 0.0,
        energy=_median(like, energy, euros=True) if loses == "energy" else 0.0,
        m3_per_hour=_rate(like, water) if loses == "water" else 0.0,
        kwh_per_hour=_rate(like, energy) if loses == "energy" else 0.0,
    )


def usual_times(settled: Iterable[Settled]) -> dict[str, timedelta]:
    """Category → the median from opening to repair, where any was repaired."""
    took: dict[str, list[timedelta]] = {}
    for one in settled:
        if one.took is not None:
            took.setdefault(one.category, []).append(one.took)
    return {
        category: timedelta(seconds=median(t.total_seconds() for t in times))
        for category, times in took.items()
    }


def _median(like: Iterable[Settled], kind: CostKind, euros: bool = False) -> float:
    values = (one.amounts if euros else one.quantities for one in like)
    return median(float(v.get(kind, Decimal(0))) for v in values)


def _rate(like: Iterable[Settled], kind: CostKind) -> float | None:
    """The loss in an hour that the trouble goes on; None where none lasted."""
    rates = [
        float(one.quantities.get(kind, Decimal(0))) / (one.lasted / timedelta(hours=1))
        for one in like
        if one.lasted > timedelta(0)
    ]
    return median(rates) if rates else None


def _needs(city: City, category: str) -> Price:
    """By what the category says that one takes, at mean rates: no way there, no premium."""
    known = category_of(city, category)
    hourly = fmean(map(float, city.rates.hourly.values())) if city.rates.hourly else 0.0
    hours = known.hours * known.people
    work = hours * hourly
    for kind in known.vehicles:
        rates = [float(v.eur_per_hour) for v in city.vehicles.values() if v.kind == kind]
        work += (fmean(rates) if rates else 0.0) * known.hours
    for material in known.materials:
        item = city.items.get(material.item)
        work += float(material.quantity * item.price) if item else 0.0
    water = None if known.loss == "water" else 0.0
    energy = None if known.loss == "energy" else 0.0
    return Price(category, 0, hours, work, water, water, energy, energy, water, energy)
