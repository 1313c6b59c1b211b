"""Cost entries and budget lines.

Laws:
- an entry is never changed: a correction is a new entry that names the old one;
- amount = quantity × price, rounded half up to the cent, once, here and nowhere else;
- cash (paid because of this incident) and management cost (wages in normal hours, stock bought
  before, lost water) are told apart and never added twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from uuid import UUID

CENT = Decimal("0.01")


def euros(amount: Decimal) -> Decimal:
    """The amount in whole cents, half up, as the municipality's accounts round."""
    return amount.quantize(CENT, ROUND_HALF_UP)


class CostKind(StrEnum):
    LABOUR = "labour"
    VEHICLE = "vehicle"
    MATERIAL = "material"
    WATER = "water"
    ENERGY = "energy"


class CostNature(StrEnum):
    CASH = "cash"
    MANAGEMENT = "management"


@dataclass(frozen=True, slots=True)
class CostEntry:
    id: UUID
    at: datetime
    kind: CostKind
    nature: CostNature
    amount: Decimal
    quantity: Decimal
    unit: str
    price: Decimal
    incident: UUID
    community: str
    category: str
    account: str
    order: UUID | None = None
    item: str | None = None
    basis: Mapping[str, object] = field(default_factory=dict)  # how the quantity came about
    corrects: UUID | None = None


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """A year's credit of one account (ΑΛΕ, P.D. 54/2018) for one community as cost centre."""

    year: int
    account: str
    label: str
    community: str
    amount: Decimal
    nature: CostNature
