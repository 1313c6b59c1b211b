"""The stock ledger: what is kept for orders, taken, used and brought back. Pure.

Laws:
- a plan reserves only what is free: `on_hand` and `reserved` never go below 0 by KEL's own doing;
- `on_hand` is always the sum of an item's movements at a place;
- a crew's true report is never refused: what it used and the ledger did not know to be there is
  booked as a difference first, then as used;
- what an order takes from the warehouse is issued to the crew's van, used from there, and the rest
  returned: the ledger tells the way of every unit.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from kel.model.ids import make_id
from kel.model.incident import Material
from kel.model.order import OrderItem, WorkOrder
from kel.model.situation import Changes, Situation
from kel.model.stock import WAREHOUSE, Movement, MovementKind, Reservation, Stock

NONE = Decimal(0)


class ShortageError(ValueError):
    """More was to be reserved than is free: the plan was made on other stock than there is."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """Where a job's materials come from, and what no place has (`short`, by item)."""

    items: tuple[OrderItem, ...]
    short: tuple[Material, ...]

    @property
    def from_warehouse(self) -> bool:
        return any(i.place == WAREHOUSE for i in self.items)


def gather(
    free: Callable[[str, str], Decimal], van: str, materials: Iterable[Material]
) -> Gathered:
    """Take each material from the van first, then from the warehouse.

    `free(place, item)` is what may be taken there; below 0 counts as nothing.
    """
    items: list[OrderItem] = []
    short: list[Material] = []
    for material in materials:
        left = material.quantity
        for place in (van, WAREHOUSE):
            part = min(left, max(free(place, material.item), NONE))
            if part > 0:
                items.append(OrderItem(material.item, place, part))
                left -= part
        if left > 0:
            short.append(Material(material.item, left))
    return Gathered(tuple(items), tuple(short))


def reserve(situation: Situation, order: UUID, items: Iterable[OrderItem]) -> Changes:
    """Keep the items for the order. Raises ShortageError where something is not free."""
    book = _Book(situation)
    for item in items:
        if item.planned <= 0:
            continue
        stock = book.at(item.place, item.item)
        if stock.free < item.planned:
            raise ShortageError(f"{item.item} at {item.place}: {stock.free} free")
        book.put(replace(stock, reserved=stock.reserved + item.planned))
        kept = make_id("reservation", order, item.place, item.item)
        book.changes.reservations[kept] = Reservation(
            kept, order, item.place, item.item, item.planned
        )
    return book.changes


def release(situation: Situation, order: UUID) -> Changes:
    """Free what is kept for the order; nothing where it keeps nothing (any more)."""
    book = _Book(situation)
    book.release(order)
    return book.changes


def use(
    situation: Situation,
    order: WorkOrder,
    used: Sequence[Material],
    at: datetime,
    late: str = "",
) -> tuple[tuple[OrderItem, ...], Changes]:
    """Book what a crew used and free the rest of what was kept for its order.

    Returns the order's items with what was used of each, and the changes. Only for an order that
    completes now: a second time would book again. `late`: a word that tells the movements of a
    report that came after the order's end from those of its end.
    """
    book = _Book(situation, late)
    book.release(order.id)
    quantities = {i.item: NONE for i in order.items}
    for material in used:
        if material.quantity > 0:
            known = quantities.get(material.item, NONE)
            quantities[material.item] = known + material.quantity
    items: list[OrderItem] = []
    for item in sorted(quantities):
        items += _use_one(book, order, item, quantities[item], at)
    return tuple(items), book.changes


def receive(situation: Situation, item: str, quantity: Decimal, at: datetime) -> Changes:
    """Book a delivery to the warehouse; its id is made of item and moment."""
    book = _Book(situation)
    stock = book.at(WAREHOUSE, item)
    book.put(replace(stock, on_hand=stock.on_hand + quantity))
    receipt = make_id("movement", "receipt", item, at)
    book.changes.movements.append(
        Movement(receipt, at, WAREHOUSE, item, quantity, MovementKind.RECEIPT)
    )
    return book.changes


def _use_one(
    book: "_Book", order: WorkOrder, item: str, quantity: Decimal, at: datetime
) -> list[OrderItem]:
    van = order.crew
    planned = {i.place: i.planned for i in order.items if i.item == item}
    own, fetched = planned.get(van, NONE), planned.get(WAREHOUSE, NONE)
    issued = min(fetched, book.at(WAREHOUSE, item).on_hand)
    book.carry(order.id, item, issued, WAREHOUSE, van, MovementKind.ISSUE, at)
    there = book.at(van, item).on_hand
    unknown = max(quantity - there, NONE)
    book.move(order.id, van, item, unknown, MovementKind.DIFFERENCE, at)
    book.move(order.id, van, item, -quantity, MovementKind.USE, at)
    of_fetched = min(fetched, max(quantity - own, NONE))
    back = min(max(issued - of_fetched, NONE), book.at(van, item).on_hand)
    book.carry(order.id, item, back, van, WAREHOUSE, MovementKind.RETURN, at)
    of_van = quantity - of_fetched
    lines = [OrderItem(item, van, own, of_van)] if van in planned or of_van > 0 else []
    if WAREHOUSE in planned:
        lines.append(OrderItem(item, WAREHOUSE, fetched, of_fetched))
    return lines


@dataclass(slots=True)
class _Book:
    """The stock as it becomes while one thing is booked."""

    situation: Situation
    late: str = ""
    changes: Changes = field(default_factory=Changes)

    def at(self, place: str, item: str) -> Stock:
        return self.changes.stock.get((place, item)) or self.situation.stock_at(place, item)

    def put(self, stock: Stock) -> None:
        self.changes.stock[stock.place, stock.item] = stock

    def release(self, order: UUID) -> None:
        kept = (r for r in self.situation.reservations.values() if r.order == order and r.open)
        for one in sorted(kept, key=lambda r: (r.place, r.item)):
            stock = self.at(one.place, one.item)
            self.put(replace(stock, reserved=max(stock.reserved - one.quantity, NONE)))
            self.changes.reservations[one.id] = replace(one, open=False)

    def move(
        self, order: UUID, place: str, item: str, by: Decimal, kind: MovementKind, at: datetime
    ) -> None:
        if not by:
            return
        stock = self.at(place, item)
        self.put(replace(stock, on_hand=stock.on_hand + by))
        told_apart = [self.late] if self.late else []
        moved = make_id("movement", order, kind.value, place, item, *told_apart)
        self.changes.movements.append(Movement(moved, at, place, item, by, kind, order))

    def carry(
        self,
        order: UUID,
        item: str,
        quantity: Decimal,
        from_place: str,
        to_place: str,
        kind: MovementKind,
        at: datetime,
    ) -> None:
        self.move(order, from_place, item, -quantity, kind, at)
        self.move(order, to_place, item, quantity, kind, at)
