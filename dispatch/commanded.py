"""What operators say about orders: taken back, or completed on behalf of a crew. Pure.

Laws:
- a word for a crew goes the way of the crew's own reply, with the operator's name in its note;
- nobody's order is taken back once the crew is at work;
- every such command has an answer, and a reason.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from uuid import UUID

from kel.model.city import City
from kel.model.ids import make_id
from kel.model.incident import Material
from kel.model.order import OPEN_ORDER, Action, OrderState, Reply, WorkOrder
from kel.model.situation import Answer, Command, Situation

COMPLETE, WITHDRAW = "complete", "withdraw"


class _RefusedError(Exception):
    """Why it cannot be done, in one line."""


@dataclass(slots=True)
class Commanded:
    """What follows from operators' commands: replies for crews, orders to take back and why."""

    city: City
    replies: list[Reply] = field(default_factory=list)
    taken_back: dict[UUID, str] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)


def commanded(
    city: City, situation: Situation, commands: Iterable[Command], now: datetime
) -> Commanded:
    """The commands about orders; all others are passed over."""
    found = Commanded(city)
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
    incidents = situation.incidents.values()
    incident = next((i for i in incidents if i.number == command.incident), None)
    if incident is None:
        raise _RefusedError(f"there is no active incident {command.incident}")
    order = next((o for o in situation.orders_of(incident.id) if o.state in OPEN_ORDER), None)
    if order is None:
        raise _RefusedError(f"{command.incident} has no open order")
    if not command.why.strip():
        raise _RefusedError("why? the history needs a reason")
    return order


def _complete(found: Commanded, order: WorkOrder, command: Command, now: datetime) -> str:
    at = min(command.at, now)
    found.replies.append(
        Reply(
            id=make_id("reply", command.id),
            order=order.id,
            crew=order.crew,
            action=Action.COMPLETE,
            at=at,
            arrival=at,
            used=tuple(_used(found.city, command)),
            note=f"{command.who}: {command.why}",
        )
    )
    return f"{order.number}: τελείωσε, δηλώθηκε από {command.who}"


def _used(city: City, command: Command) -> Iterator[Material]:
    """What the detail `used` says: "sand=4,clamp=1"."""
    for part in filter(None, command.detail.get("used", "").split(",")):
        item, _, quantity = part.partition("=")
        try:
            amount = Decimal(quantity)
        except InvalidOperation:
            amount = Decimal(-1)
        if not item or not amount.is_finite() or amount <= 0:
            raise _RefusedError(f"{part!r} is no material and quantity; write sand=4")
        if item.strip() not in city.items:
            raise _RefusedError(f"the warehouse has no {item.strip()}: see items.csv")
        yield Material(item.strip(), amount)


def _withdraw(found: Commanded, order: WorkOrder, command: Command, _now: datetime) -> str:
    if order.state is OrderState.ARRIVED:
        raise _RefusedError(f"the crew of {order.number} is at work: complete it instead")
    found.taken_back[order.id] = f"{command.who}: {command.why}"
    return f"{order.number}: αποσύρθηκε"


_TAKEN: Mapping[str, Callable[[Commanded, WorkOrder, Command, datetime], str]] = {
    COMPLETE: _complete,
    WITHDRAW: _withdraw,
}
