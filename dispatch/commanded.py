"""What operators say about orders: taken back, or completed on behalf of a crew. Pure.

Laws:
- a word for a crew goes the way of the crew's own reply, with the operator's name in its note;
- nobody's order is taken back once the crew is at work;
- where a crew is at work and another is to take over from it, the one at work is completed and the
  other taken back;
- every such command has an answer, and a reason;
- what was booked cannot be taken back: a quantity that can hardly be true is taken only with
  `force`.

`detail` of complete holds: `used` ("sand=4,clamp=1"), `force`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from uuid import UUID

from dispatch.reasons import quantity_label
from kel.model.city import City
from kel.model.ids import make_id
from kel.model.incident import Material
from kel.model.order import OPEN_ORDER, Action, OrderState, Reply, WorkOrder
from kel.model.situation import Answer, Command, Situation
from kel.model.stock import WAREHOUSE

COMPLETE, WITHDRAW = "complete", "withdraw"
MOST = 3  # times what was planned that a job may take without anybody asking
BETWEEN = re.compile(r",(?=[^,]*=)")  # two materials; «diesel=12,5» has a decimal comma


class _RefusedError(Exception):
    """Why it cannot be done, in one line."""


@dataclass(slots=True)
class Commanded:
    """What follows from operators' commands: replies for crews, orders to take back and why."""

    city: City
    situation: Situation = field(compare=False, repr=False)
    replies: list[Reply] = field(default_factory=list)
    taken_back: dict[UUID, str] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)


def commanded(
    city: City, situation: Situation, commands: Iterable[Command], now: datetime
) -> Commanded:
    """The commands about orders; all others are passed over."""
    found = Commanded(city, situation)
    for command in commands:
        take = _TAKEN.get(command.what)
        if take is None:
            continue
        try:
            told, done = take(found, _order(situation, command), command, now), True
        except _RefusedError as error:
            told, done = str(error), False
        found.answers.append(Answer(command.id, command.at, done, told))
    return found


def _order(situation: Situation, command: Command) -> WorkOrder:
    incidents = (*situation.incidents.values(), *situation.ended.values())
    incident = next((i for i in incidents if i.number == command.incident), None)
    if incident is None:
        raise _RefusedError(f"δεν υπάρχει ενεργό συμβάν {command.incident}")
    completes = command.what == COMPLETE  # else who goes on, before who is to begin
    orders = situation.orders_of(incident.id)
    found = [o for o in orders if o.state in OPEN_ORDER]
    if completes and not found:  # what a crew says by phone of a part that ended without its word
        found = [o for o in orders if o.unsaid]
    if not found:
        raise _RefusedError(f"{command.incident}: δεν έχει ανοικτή εντολή")
    order = max(found, key=lambda o: ((o.state is OrderState.ARRIVED) is completes, o.attempt))
    if not command.why.strip():
        raise _RefusedError("γιατί; το ιστορικό χρειάζεται αιτία (--why)")
    return order


def _complete(found: Commanded, order: WorkOrder, command: Command, now: datetime) -> str:
    at, used = min(command.at, now), tuple(_used(found.city, command))
    if not command.detail.get("force"):
        for one in used:
            _likely(found, order, one)
    found.replies.append(
        Reply(
            id=make_id("reply", command.id),
            order=order.id,
            crew=order.crew,
            action=Action.COMPLETE,
            at=at,
            arrival=at,
            used=used,
            note=f"{command.who}: {command.why}",
        )
    )
    told = ", ".join(_spoken(found.city, m) for m in used)
    materials = f"υλικά: {told}" if told else "χωρίς υλικά"
    ends = "τελείωσε, " if order.state in OPEN_ORDER else ""
    return f"{order.number}: {ends}δηλώθηκε από {command.who} · {materials}"


def _used(city: City, command: Command) -> Iterator[Material]:
    """What the detail `used` says, each item once: "sand=4,clamp=1"."""
    sums: dict[str, Decimal] = {}
    for part in filter(None, BETWEEN.split(command.detail.get("used", ""))):
        item, _, quantity = part.partition("=")
        item = item.strip()
        try:
            amount = Decimal(quantity.strip().replace(",", "."))
        except InvalidOperation:
            amount = Decimal(-1)
        if not item or not amount.is_finite() or amount <= 0:
            raise _RefusedError(f"«{part}» δεν είναι υλικό και ποσότητα· γράψτε sand=4")
        if item not in city.items:
            raise _RefusedError(f"η αποθήκη δεν έχει {item}: δείτε items.csv")
        sums[item] = sums.get(item, Decimal(0)) + amount
    yield from (Material(item, amount) for item, amount in sums.items())


def _likely(found: Commanded, order: WorkOrder, used: Material) -> None:
    """Refuse what is far more than was planned, or than van and warehouse hold."""
    planned = sum((i.planned for i in order.items if i.item == used.item), Decimal(0))
    places = (found.situation.stock_at(place, used.item) for place in (order.crew, WAREHOUSE))
    there = sum((max(stock.on_hand, Decimal(0)) for stock in places), Decimal(0))
    if used.quantity <= there and (not planned or used.quantity <= MOST * planned):
        return
    said, unit = _spoken(found.city, used), found.city.items[used.item].unit
    plan = f"είχαν σχεδιαστεί {quantity_label(planned)} {unit}" if planned else "εκτός σχεδίου"
    raise _RefusedError(
        f"{said}: {plan}, όχημα και αποθήκη έχουν {quantity_label(there)} {unit}· η εγγραφή δεν "
        "αλλάζει μετά: αν είναι σωστό, γράψτε --force"
    )


def _spoken(city: City, material: Material) -> str:
    item = city.items[material.item]
    return f"{item.name} {quantity_label(material.quantity)} {item.unit}"


def _withdraw(found: Commanded, order: WorkOrder, command: Command, _now: datetime) -> str:
    if order.state is OrderState.ARRIVED:
        raise _RefusedError(f"το συνεργείο της {order.number} εργάζεται: γράψτε complete")
    found.taken_back[order.id] = f"{command.who}: {command.why}"
    return f"{order.number}: αποσύρθηκε"


_TAKEN: Mapping[str, Callable[[Commanded, WorkOrder, Command, datetime], str]] = {
    COMPLETE: _complete,
    WITHDRAW: _withdraw,
}
