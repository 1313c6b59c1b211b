"""What was lost while an incident lasted: water above the usual flow, energy above a good pump's.

Laws:
- a loss is the trapezoid integral of max(measured − expected, 0) over the readings that exist;
- a gap of more than 30 minutes between readings counts as nothing: what nobody measured is not
  guessed, its length is told (`gap_hours`);
- where nothing says what is usual, the loss is 0 and says so (`note`), not the whole flow;
- what is lost between two readings is lost once: `without` leaves out what other incidents of the
  same device were billed for, and nothing beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from kel.costs.entry import make_entry
from kel.costs.readings import Billed
from kel.model.city import City
from kel.model.cost import CostEntry, CostKind, CostNature
from kel.model.frame import Float64, Int64
from kel.model.incident import Incident
from kel.model.moment import HOUR_US, MINUTE_US, from_us, to_us

MAX_GAP_US = 30 * MINUTE_US
NOTHING: Mapping[str, object] = MappingProxyType({})
KWH_PER_M3_M = 0.002725  # to lift 1 m³ of water by 1 m: ρ·g / 3.6e6, at an efficiency of 1


@dataclass(frozen=True, slots=True)
class Loss:
    """What was lost: `kind` WATER in m³ or ENERGY in kWh, and the readings that it came from.

    `since` and `until` are the first and last reading used; None where there was none.
    """

    kind: CostKind
    quantity: float
    unit: str
    device: str
    metric: str
    since: datetime | None
    until: datetime | None
    facts: Mapping[str, float | str] = field(default_factory=dict)


def water_lost(
    times: Int64,
    flow: Float64,
    expected_times: Int64,
    expected: Float64,
    *,
    device: str = "",
    metric: str = "flow",
    without: Sequence[Billed] = (),
) -> Loss:
    """m³ above the expected flow.

    times, expected_times: int64 µs, rising; flow, expected: m³/h, NaN where not reported. What is
    expected between two of its points lies on the line between them, outside them at the nearest.
    """
    keep = ~np.isnan(flow)
    times, flow = times[keep], flow[keep]
    known = ~np.isnan(expected)
    if not known.any():
        nothing = np.zeros(len(times))
        told: dict[str, float | str] = {"note": "no usual"}
        return _loss(CostKind.WATER, "m³", device, metric, times, nothing, told, without)
    usual = np.interp(times, expected_times[known], expected[known])
    facts: dict[str, float | str] = {}
    if len(times):
        facts = {"highest": round(float(flow.max()), 3), "usual": round(float(usual.mean()), 3)}
    return _loss(CostKind.WATER, "m³", device, metric, times, flow - usual, facts, without)


def energy_wasted(
    times: Int64,
    power: Float64,
    flow: Float64,
    head: Float64,
    efficiency: float,
    *,
    device: str = "",
    metric: str = "power",
    without: Sequence[Billed] = (),
) -> Loss:
    """kWh above what a pump of the good `efficiency` (0 < η ≤ 1) takes for the same work.

    times: int64 µs, rising; power kW, flow m³/h, head m, of the same moments, NaN where not
    reported. Needed is 0.002725 · Q · H / η kW. Raises ValueError on an impossible efficiency.
    """
    if not 0 < efficiency <= 1:
        raise ValueError(f"an efficiency lies above 0 and not above 1, not at {efficiency}")
    keep = ~(np.isnan(power) | np.isnan(flow) | np.isnan(head))
    times, power = times[keep], power[keep]
    needed = KWH_PER_M3_M * flow[keep] * head[keep] / efficiency
    facts: dict[str, float | str] = {"efficiency": efficiency}
    if len(times):
        facts["needed_kw"] = round(float(needed.mean()), 3)
        facts["taken_kw"] = round(float(power.mean()), 3)
    return _loss(CostKind.ENERGY, "kWh", device, metric, times, power - needed, facts, without)


def loss_costs(
    city: City,
    incident: Incident,
    loss: Loss,
    at: datetime,
    about: Mapping[str, object] = NOTHING,
) -> list[CostEntry]:
    """The entry of a loss, management cost; none where nothing was lost. `about`: what its basis
    says beside how the loss was measured.

    One per incident, kind and device: a loss measured again is a correction of the first.
    """
    prices = {
        CostKind.WATER: city.rates.water_eur_m3,
        CostKind.ENERGY: city.rates.energy_eur_kwh,
    }
    entry = make_entry(
        incident,
        city.categories.get(incident.category),
        about=incident.id,
        at=at,
        kind=loss.kind,
        nature=CostNature.MANAGEMENT,
        name=loss.device,
        quantity=Decimal(str(loss.quantity)),
        unit=loss.unit,
        price=prices[loss.kind],
        basis={**basis_of(loss), **about},
    )
    return [entry] if entry.quantity else []


def basis_of(loss: Loss) -> dict[str, object]:
    """What an entry of this loss says of how it came about."""
    basis: dict[str, object] = {"device": loss.device, "metric": loss.metric, **loss.facts}
    if loss.since and loss.until:
        basis |= {"since": loss.since.isoformat(), "until": loss.until.isoformat()}
    return basis


def _loss(
    kind: CostKind,
    unit: str,
    device: str,
    metric: str,
    times: Int64,
    above: NDArray[np.float64],
    facts: dict[str, float | str],
    without: Sequence[Billed],
) -> Loss:
    quantity, gaps = _integral(times, np.maximum(above, 0.0), without)
    return Loss(
        kind=kind,
        quantity=quantity,
        unit=unit,
        device=device,
        metric=metric,
        since=from_us(times[0]) if len(times) else None,
        until=from_us(times[-1]) if len(times) else None,
        facts={**facts, "readings": float(len(times)), "gap_hours": gaps},
    )


def _integral(
    times: Int64, rate: NDArray[np.float64], without: Sequence[Billed]
) -> tuple[float, float]:
    """The trapezoid integral of a rate per hour over spans without gaps, and the gaps' hours."""
    spans, own = np.diff(times), np.ones(max(len(times) - 1, 0), np.bool_)
    for other in without:
        begins, ends = to_us(other.begins), to_us(other.ends)
        own &= ~((times[:-1] >= begins) & (times[1:] < ends))
    near = spans <= MAX_GAP_US
    hours = spans / HOUR_US
    mean = (rate[:-1] + rate[1:]) / 2
    return float((mean * hours)[near & own].sum()), float(hours[~near & own].sum())
