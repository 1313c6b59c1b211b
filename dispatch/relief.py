"""Relief: work that its crew cannot end in its hours, and the crew that takes it over. Pure.

Laws:
- a part (an order with work `remaining`) and its relief are the only orders that are open together;
- the relief gets the hours that are left, and the materials that no part has brought: nothing is
  reserved or used twice;
- a tap that was lost holds up nothing: a part ends half an hour after its relief has arrived, or
  where none came two hours after it should have ended.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from dispatch import stock
from kel.model.ids import make_id
from kel.model.incident import Category, Incident, Material
from kel.model.order import OPEN_ORDER, Action, OrderState, Reply, WorkOrder
from kel.model.situation import Changes, Situation

HANDING_OVER = timedelta(minutes=30)  # how long a crew shows its relief what is to do
LEAST = timedelta(minutes=30)  # what is left at least, where a crew says that something is
UNHEARD = timedelta(hours=2)  # after its planned end a part that nobody speaks of is over
HOUR = timedelta(hours=1)
UNSAID = "χωρίς δήλωση"  # the note of a part that was over without a word of its crew


def served(situation: Situation, incident: Incident) -> bool:
    """Whether nobody is to be sent: somebody was, or it is done and nothing has doubted it since.

    A part that is being worked on wants one more crew: its relief.
    """
    orders = situation.orders_of(incident.id)
    current = [o for o in orders if o.state in OPEN_ORDER]
    if current:
        return len(current) > 1 or current[0] not in situation.parts_of(incident)
    done = (o.completed_at for o in orders if o.state is OrderState.COMPLETED and not o.remaining)
    return any(
        at is not None and (incident.resolved_at is None or incident.resolved_at < at)
        for at in done
    )


def part_of(situation: Situation, incident: Incident) -> WorkOrder | None:
    """The last part of the incident, which the next order continues; None where there is none."""
    return next(reversed(situation.parts_of(incident)), None)


def relieved_by(situation: Situation, relief: WorkOrder) -> WorkOrder | None:
    """The part that this order takes over, while it is still open."""
    orders = situation.orders_of(relief.incident)
    return next((o for o in orders if o.number == relief.continues and o.state in OPEN_ORDER), None)


def left_of(situation: Situation, incident: Incident, category: Category) -> Category:
    """The category with the hours and materials that its parts have left."""
    parts = situation.parts_of(incident)
    if not parts:
        return category
    last = parts[-1]
    left = last.remaining if last.completed_at else remaining_at(last, last.finish_at)
    return replace(category, hours=left / HOUR, materials=_missing(category, parts))


def remaining_at(order: WorkOrder, at: datetime) -> timedelta:
    """What is left of an order's work at `at`: of all its hours those that nobody worked."""
    whole = order.finish_at - order.arrive_at + order.remaining
    worked = max(at - (order.arrived_at or order.arrive_at), timedelta())
    return max(whole - worked, LEAST)


def pass_on(situation: Situation, part: WorkOrder, category: Category | None) -> Changes:
    """Keep for the relief what its part did not use: it lies there, and is nobody else's.

    What no place has of it (any more) is left out; the relief reports what it uses all the same.
    """
    relief, incident = situation.relief_of(part), situation.incidents.get(part.incident)
    if relief is None or incident is None or category is None:
        return Changes()
    parts = [o for o in situation.parts_of(incident) if o.attempt <= part.attempt]
    planned = {line.item for line in relief.items}
    missing = [m for m in _missing(category, parts) if m.item not in planned]
    gathered = stock.gather(lambda p, i: situation.stock_at(p, i).free, relief.crew, missing)
    changes = stock.reserve(situation, relief.id, gathered.items)
    changes.orders[relief.id] = replace(relief, items=relief.items + gathered.items)
    return changes


def over(situation: Situation, now: datetime, heard: Collection[UUID]) -> Iterator[Reply]:
    """For parts that should have ended, in their crews' stead, that they do.

    Not for orders of which something was just `heard`.
    """
    for order in situation.orders.values():
        if order.state not in OPEN_ORDER or not order.remaining or order.id in heard:
            continue
        relief, by = situation.relief_of(order), ends_by(situation, order)
        if by is None or by > now:
            continue
        came = relief.arrived_at if relief else None
        relieved = came is not None and came + HANDING_OVER <= now
        yield leaving(order, max(came, order.made_at) if came and relieved else order.finish_at)


def ends_by(situation: Situation, part: WorkOrder) -> datetime | None:
    """When an open part is over though its crew says nothing; None where nothing ends it."""
    relief = situation.relief_of(part)
    came = relief.arrived_at if relief else None
    moments = [came + HANDING_OVER] if came is not None else []
    moments += [part.finish_at + UNHEARD] if part.state is not OrderState.SENT else []
    return min(moments, default=None)


def leaving(order: WorkOrder, at: datetime) -> Reply:
    """What a crew says that leaves the rest to others, said for it. It used what is not known."""
    known = make_id("reply", order.id, "over")
    return Reply(known, order.id, order.crew, Action.LEAVE, at, at, note=UNSAID, unsaid=True)


def _missing(category: Category, parts: Iterable[WorkOrder]) -> tuple[Material, ...]:
    """What the category takes and no part has brought: planned while it is open, else used."""
    brought: dict[str, Decimal] = {}
    for order in parts:
        for line in order.items:
            of = line.planned if order.state in OPEN_ORDER else line.used
            brought[line.item] = brought.get(line.item, Decimal(0)) + (of or Decimal(0))
    left = ((m.item, m.quantity - brought.get(m.item, Decimal(0))) for m in category.materials)
    return tuple(Material(item, quantity) for item, quantity in left if quantity > 0)
