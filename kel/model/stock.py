"""Items, stock, reservations and movements.

Laws:
- stock lives at a place: `warehouse` or a crew's id (its van);
- `reserved` never exceeds `on_hand` by KEL's own doing; a crew's true report is booked as it is,
  and what the ledger did not know becomes a `difference` for the storekeeper;
- the sum of an item's movements at a place is its on_hand: the ledger explains every unit.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

WAREHOUSE = "warehouse"


@dataclass(frozen=True, slots=True)
class Item:
    id: str
    name: str
    unit: str
    price: Decimal  # € per unit before VAT
    reorder: Decimal
    lead_days: int
    group: str
    opening: Decimal  # in the warehouse on the first day


@dataclass(frozen=True, slots=True)
class Stock:
    """What stands at one place of one item."""

    place: str
    item: str
    on_hand: Decimal
    reserved: Decimal = Decimal(0)

    @property
    def free(self) -> Decimal:
        return self.on_hand - self.reserved


@dataclass(frozen=True, slots=True)
class Reservation:
    """So much of an item at a place is kept for an order, until used or released."""

    id: UUID
    order: UUID
    place: str
    item: str
    quantity: Decimal
    open: bool = True


class MovementKind(StrEnum):
    OPENING = "opening"
    ISSUE = "issue"  # from warehouse to van, two movements: out and in
    USE = "use"
    RETURN = "return"
    RECEIPT = "receipt"
    DIFFERENCE = "difference"


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of the stock ledger; `quantity` is signed, append-only."""

    id: UUID
    at: datetime
    place: str
    item: str
    quantity: Decimal
    kind: MovementKind
    order: UUID | None = None
    note: str = ""
