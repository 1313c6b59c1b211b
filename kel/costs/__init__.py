"""What an incident costs: labour, vehicles, materials, lost water and wasted energy. Pure.

Laws:
- every euro is a cost entry, made once from a completed order or a measured loss; entries of one
  order or incident have ids made from what they are about, so that a replay makes the same;
- an entry is never changed: `correct` books the difference as an entry that names the first, and
  `restate` does where late readings change what was lost;
- **cash** is what the municipality pays because of this incident: hours outside the crew's normal
  shift (with their premiums) and the kilometres driven (fuel, tyres). **Management cost** is what
  is paid anyway or was paid before: wages in normal hours (with the premiums of a roster that
  includes nights or Sundays), a vehicle's hours, materials from the warehouse, and lost water and
  wasted energy, which are estimates from sensors whose bills come on accounts of their own;
- what the city's files no longer know (a person who left, an item taken out) is booked at a price
  of 0 with `unpriced` in its basis: found and corrected later, never lost, never in the way.
"""

from kel.costs.correction import correct
from kel.costs.loss import Loss, energy_wasted, loss_costs, water_lost
from kel.costs.order import order_costs
from kel.costs.restated import Late, restate

__all__ = [
    "Late",
    "Loss",
    "correct",
    "energy_wasted",
    "loss_costs",
    "order_costs",
    "restate",
    "water_lost",
]
