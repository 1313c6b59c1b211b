"""How one cost entry is made.

Laws:
- quantities and prices are rounded to four decimals before they meet, so that what is stored says
  exactly how the amount came about: amount = euros(quantity × price);
- quantity and price are never negative here; only a correction may be.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from kel.model.cost import CostEntry, CostKind, CostNature, euros
from kel.model.ids import make_id
from kel.model.incident import Category, Incident
from kel.model.moment import HOUR_US, MICROSECOND

FINE = Decimal("0.0001")


def fine(value: Decimal) -> Decimal:
    """The value in ten-thousandths, half up: 0.36 s of an hour, 0.1 litre of a m³."""
    return value.quantize(FINE, ROUND_HALF_UP)


def to_hours(span: timedelta) -> Decimal:
    """Hours of a span, in ten-thousandths."""
    return fine(Decimal(span // MICROSECOND) / HOUR_US)


def make_entry(
    incident: Incident,
    category: Category | None,
    *,
    about: UUID,
    at: datetime,
    kind: CostKind,
    nature: CostNature,
    name: str,
    quantity: Decimal,
    unit: str,
    price: Decimal,
    basis: Mapping[str, object],
    order: UUID | None = None,
    item: str | None = None,
) -> CostEntry:
    """An entry of `about` (an order or an incident), told apart within it by kind and `name`.

    The account is the category's. Raises ValueError on a negative quantity or price.
    """
    if quantity < 0 or price < 0:
        raise ValueError(f"{kind} {name}: a cost has no negative quantity or price")
    quantity, price = fine(quantity), fine(price)
    return CostEntry(
        id=make_id("cost", about, kind, name),
        at=at,
        kind=kind,
        nature=nature,
        amount=euros(quantity * price),
        quantity=quantity,
        unit=unit,
        price=price,
        incident=incident.id,
        community=incident.community,
        category=incident.category,
        account=category.account if category else "",
        order=order,
        item=item,
        basis=basis,
    )
