"""Crews' replies to their orders, as KEL's own JSON.

`kel/v1/crews/{crew}/replies`: `{"id"?: uuid, "order": uuid, "action": accept | decline | arrive |
complete | leave, "ts"?: …, "used"?: [{"item": text, "quantity": number}, …], "km"?: number,
"note"?: text}`; the arrival stands in for `ts`.

Laws: the crew is the topic's, and so the login's; whether the order is its own is for the desk to
say; only `complete` and `leave` report material. A reply's id is made of crew and given id, so
that no crew takes another's; without one of order, crew and action: a crew says the same thing
once.
"""

from decimal import Decimal
from typing import Any
from uuid import UUID

from ingest.checks import kind_of, load_object, number_of, shown, text_of, time_or_arrival
from ingest.sink import Sink
from ingest.validate import Reason, Refused
from kel.model.ids import make_id
from kel.model.incident import Material
from kel.model.message import Message
from kel.model.moment import from_us
from kel.model.order import ENDS_ORDER, Action, Reply

BAD = Reason.BAD_REPLY
MOST_USED = 10_000  # of one item, in all; times its price it must stay an amount of money
MOST_KM = 10_000


class Crews:
    name = "crews"

    def matches(self, topic: str) -> bool:
        match topic.split("/"):
            case ["kel", "v1", "crews", crew, "replies"]:
                return bool(crew)
        return False

    def decode(self, message: Message, sink: Sink) -> None:
        crew = message.topic.split("/")[3]
        body = load_object(message.payload)
        order, action = _uuid(body.get("order"), "order"), _action(body.get("action"))
        given = body.get("id")
        used = _used(body.get("used"))
        if used and action not in ENDS_ORDER:
            raise Refused(BAD, "only complete and leave report material")
        about = (order, crew, action) if given is None else (crew, _uuid(given, "id"))
        reply = Reply(
            id=make_id("reply", *about),
            order=order,
            crew=crew,
            action=action,
            at=from_us(time_or_arrival(body.get("ts"), message.arrival)),
            arrival=from_us(message.arrival),
            used=used,
            km=None if body.get("km") is None else _amount(body["km"], "km", MOST_KM),
            note=text_of(body.get("note"), "note", 2000, BAD),
        )
        sink.reply(reply)


def _uuid(value: object, what: str) -> UUID:
    try:
        return UUID(value) if type(value) is str else UUID("")
    except ValueError:
        raise Refused(BAD, f"{what}: {shown(str(value))} is no UUID") from None


def _action(value: object) -> Action:
    try:
        return Action(str(value))
    except ValueError:
        raise Refused(BAD, f"action: {shown(str(value))} is none of {', '.join(Action)}") from None


def _used(value: object) -> tuple[Material, ...]:
    if value is None:
        return ()
    if type(value) is not list:
        raise Refused(BAD, f"used: a list is wanted, not {kind_of(value)}")
    used = tuple(map(_material, value))
    for item, quantity in _in_all(used).items():
        if quantity > MOST_USED:
            raise Refused(BAD, f"used: {quantity} of {shown(item)}, {MOST_USED} at most")
    return used


def _in_all(used: tuple[Material, ...]) -> dict[str, Decimal]:
    """How much of each item, over all lines."""
    total: dict[str, Decimal] = {}
    for line in used:
        total[line.item] = total.get(line.item, Decimal(0)) + line.quantity
    return total


def _material(line: Any) -> Material:
    if type(line) is not dict:
        raise Refused(BAD, f"used: a line is an object, not {kind_of(line)}")
    item = text_of(line.get("item"), "item", 64, BAD)
    if not item:
        raise Refused(BAD, "used: item is missing")
    quantity = line.get("quantity")
    _amount(quantity, "quantity", MOST_USED)
    return Material(item, Decimal(str(quantity)))


def _amount(value: object, what: str, most: float) -> float:
    """A number that counts something: neither below zero nor beyond belief."""
    amount = number_of(value, what)
    if type(value) is bool or not 0 <= amount <= most:
        raise Refused(BAD, f"{what}: {value} is not between 0 and {most}")
    return amount
