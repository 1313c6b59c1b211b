"""What a change of rules would have brought: time, work and losses, by like incidents' prices.

Laws:
- signs are of the change: more hours, more € is positive;
- work is that of incidents gained less that of incidents lost, by the prices of like ones;
- detected earlier, an incident loses less water or energy: by what like ones lose in an hour; what
  gained and lost incidents stand for (`found`) is told apart, since it is lost whether seen or not;
- what no ledger knows is left out of a sum, and counted in `unpriced`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta

from kel.backtest.incidents import Difference, Formed, Moved
from kel.backtest.prices import Price
from kel.model.city import City

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Amounts:
    """People's hours, € of work; m³ of water and kWh of energy with their €."""

    hours: float = 0.0
    work: float = 0.0
    m3: float = 0.0
    water: float = 0.0
    kwh: float = 0.0
    energy: float = 0.0

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def __neg__(self) -> "Amounts":
        return Amounts(*(-getattr(self, f.name) for f in fields(self)))

    @property
    def euros(self) -> float:
        return self.work + self.water + self.energy


@dataclass(frozen=True, slots=True)
class Effect:
    """The sums: of `work`; of what is lost more by later detection, less by earlier (`delay`); of
    what gained less lost incidents stand for (`found`). `unpriced`: how many could not be told."""

    work: Amounts
    delay: Amounts
    found: Amounts
    unpriced: int

    @property
    def total(self) -> float:
        """€ that the change would have cost (negative: saved): work, and what is lost meanwhile."""
        return (self.work + self.delay).euros


def effect_of(city: City, difference: Difference, prices: Mapping[str, Price]) -> Effect:
    """The effect of a difference; `prices` has every category of it."""
    work, found, delay, unpriced = Amounts(), Amounts(), Amounts(), 0
    for formed in difference.gained:
        work, found = work + _work(prices, formed), found + _loss(prices, formed)
    for formed in difference.lost:
        work, found = work + -_work(prices, formed), found + -_loss(prices, formed)
    for formed in (*difference.gained, *difference.lost):
        unpriced += _unknown(prices[formed.incident.category])
    for moved in difference.moved:
        delay += shift(city, prices[moved.before.incident.category], moved)
        unpriced += _unknown(prices[moved.before.incident.category])
    return Effect(work, delay, found, unpriced)


def _work(prices: Mapping[str, Price], formed: Formed) -> Amounts:
    price = prices[formed.incident.category]
    return Amounts(price.hours, price.work)


def _loss(prices: Mapping[str, Price], formed: Formed) -> Amounts:
    p = prices[formed.incident.category]
    return Amounts(0.0, 0.0, p.m3 or 0.0, p.water or 0.0, p.kwh or 0.0, p.energy or 0.0)


def _unknown(price: Price) -> bool:
    return price.m3 is None or price.kwh is None


def shift(city: City, price: Price, moved: Moved) -> Amounts:
    """What it loses more (positive) or less, because it is detected later or earlier."""
    hours = -moved.earlier / HOUR
    m3, kwh = (hours * (rate or 0.0) for rate in (price.m3_per_hour, price.kwh_per_hour))
    water, energy = float(city.rates.water_eur_m3), float(city.rates.energy_eur_kwh)
    return Amounts(0.0, 0.0, m3, m3 * water, kwh, kwh * energy)


def categories_of(difference: Difference) -> list[str]:
    """All that must be priced."""
    formed: Iterable[Formed] = (
        *difference.gained,
        *difference.lost,
        *(moved.before for moved in difference.moved),
        *difference.joined,
        *difference.split,
    )
    return sorted({one.incident.category for one in formed})
