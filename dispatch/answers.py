"""What crews reply, and what it makes of their orders. Pure.

Laws:
- an order goes sent → accepted → arrived → completed; a later step implies the ones before it,
  so that a tap lost on a bad connection stops nothing;
- only the crew that has the order moves it, and only while it is open; every reply that cannot be
  taken is rejected with a reason, a reply that only repeats what is known changes nothing;
- what a completed order used is booked as reported, what it did not use is free again, or kept for
  the crew that goes on;
- who completes a part when the relief is there has left the rest to it: the relief ends the job;
- what the crew of a part that was over without its word says later is booked, once.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from dispatch import relief, stock
from dispatch.messages import part_told
from kel.model.city import City
from kel.model.ids import make_id
from kel.model.incident import Material
from kel.model.order import (
    ENDS_ORDER,
    OPEN_ORDER,
    Action,
    OrderEvent,
    OrderState,
    Reply,
    WorkOrder,
)
from kel.model.request import Reject
from kel.model.situation import Changes, Situation

SAID_LATE = "δηλώθηκε αργότερα"  # the order's history has it, its incident's has `reported`
TOPIC = "kel/v1/crews/{crew}/replies"

# How far an order has come, and what a reply brings it to.
PROGRESS = (OrderState.SENT, OrderState.ACCEPTED, OrderState.ARRIVED, OrderState.COMPLETED)
REACHES = {
    Action.ACCEPT: OrderState.ACCEPTED,
    Action.ARRIVE: OrderState.ARRIVED,
    Action.COMPLETE: OrderState.COMPLETED,
    Action.LEAVE: OrderState.COMPLETED,
    Action.DECLINE: OrderState.DECLINED,
}


def answer(city: City, situation: Situation, replies: Iterable[Reply], now: datetime) -> Changes:
    """Move orders by their crews' replies, taken in order of (moment, id).

    Rejects have the reasons `unknown_order`, `wrong_crew` and `order_closed`. A moment after
    `now` or before the order was made is taken as the nearest one that can be.
    """
    work = _Work(city, situation.copy(), now)
    for reply in sorted(replies, key=lambda r: (r.at, r.id)):
        _answer(work, reply)
    return work.changes


@dataclass(slots=True)
class _Work:
    city: City
    situation: Situation
    now: datetime
    changes: Changes = field(default_factory=Changes)

    def take(self, changes: Changes) -> None:
        self.changes.add(changes)
        self.situation.apply(changes)

    def put(self, order: WorkOrder) -> None:
        self.take(Changes(orders={order.id: order}))

    def tell(self, order: WorkOrder, at: datetime, what: OrderState, why: str) -> None:
        event = make_id("order_event", order.id, what.value)
        self.changes.order_events.append(
            OrderEvent(event, order.id, at, what.value, order.crew, why)
        )

    def reject(self, reply: Reply, reason: str, detail: str) -> None:
        payload = _payload(reply)
        self.changes.rejects.append(
            Reject(
                id=make_id("reject", reply.id, reason),
                arrival=reply.arrival,
                topic=TOPIC.format(crew=reply.crew),
                payload=payload,
                size=len(payload),
                reason=reason,
                detail=detail,
            )
        )


def _answer(work: _Work, reply: Reply) -> None:
    order = work.situation.orders.get(reply.order)
    if order is None:
        work.reject(reply, "unknown_order", f"no current order {reply.order}")
    elif order.crew != reply.crew:
        work.reject(
            reply, "wrong_crew", f"order {order.number} is of {order.crew}, not of {reply.crew}"
        )
    elif order.unsaid and reply.action in ENDS_ORDER:
        _report_late(work, order, reply)
    elif _repeats(order, reply, _moment(order, reply, work.now)):
        return
    elif order.state not in OPEN_ORDER:
        detail = f"order {order.number} is {order.state.value}: tell the control centre by phone"
        work.reject(reply, "order_closed", detail)
    else:
        _move(work, order, reply)


def _repeats(order: WorkOrder, reply: Reply, at: datetime) -> bool:
    """Whether the reply says only what is known of the order already."""
    reached = REACHES[reply.action]
    if reached is OrderState.COMPLETED:
        return order.state is OrderState.COMPLETED and order.completed_at == at
    if reached is OrderState.DECLINED or order.state not in PROGRESS:
        return order.state is reached
    return PROGRESS.index(order.state) >= PROGRESS.index(reached)


def _move(work: _Work, order: WorkOrder, reply: Reply) -> None:
    at = _moment(order, reply, work.now)
    if reply.action is Action.DECLINE:
        work.put(replace(order, state=OrderState.DECLINED, note=reply.note or order.note))
        work.take(stock.release(work.situation, order.id))
        work.tell(order, at, OrderState.DECLINED, reply.note)
        declined = work.situation.orders[order.id]
        work.changes.outbox += part_told(work.city, work.situation, declined, work.now)
        return
    reached = REACHES[reply.action]
    if reached is OrderState.COMPLETED:
        order = _end_part(work, order, at)
    for state in PROGRESS[PROGRESS.index(order.state) + 1 : PROGRESS.index(reached)]:
        order = _reach(order, state, _implied(order, state, at))
        work.tell(order, at, state, f"συνάγεται: {reached.value}")
    order = _reach(order, reached, at)
    why = reply.note
    if reached is OrderState.COMPLETED:
        left = _left(work, order, reply, at)
        order = replace(order, remaining=left, unsaid=reply.unsaid)
        order, why = _complete(work, order, reply, at)
    work.put(order)
    work.tell(order, at, reached, why)
    if order.state is OrderState.COMPLETED and order.remaining:
        work.take(relief.pass_on(work.situation, order, work.city.categories.get(order.category)))


def _report_late(work: _Work, order: WorkOrder, reply: Reply) -> None:
    """Book what a crew used of a part that has ended; when it ended and its hours stay."""
    at = _moment(order, reply, work.now)
    named = {m.item for m in reply.used}
    of_these = replace(order, items=tuple(i for i in order.items if i.item in named), note="")
    after, why = _complete(work, of_these, reply, at, late="late")
    others = tuple(i for i in order.items if i.item not in named)
    work.put(replace(order, items=others + after.items, note=after.note, unsaid=False))
    event = make_id("order_event", order.id, "late")
    told = f"{SAID_LATE}· {why}" if why else SAID_LATE
    work.changes.order_events.append(
        OrderEvent(event, order.id, at, order.state.value, order.crew, told)
    )


def _end_part(work: _Work, order: WorkOrder, at: datetime) -> WorkOrder:
    """End the part that this order took over where nobody has spoken of it: it ended by then.

    Returns the order as it is after that.
    """
    part = relief.relieved_by(work.situation, order)
    if part is not None:
        _move(work, part, relief.leaving(part, order.arrived_at or at))
    return work.situation.orders[order.id]


def _left(work: _Work, order: WorkOrder, reply: Reply, at: datetime) -> timedelta:
    """What the end of an order leaves to others; nothing where it ended the job."""
    others = work.situation.relief_of(order)
    came = others.arrived_at if others else None
    there = came is not None and came <= at  # whenever the two taps were heard
    left = reply.action is Action.LEAVE or there
    return relief.remaining_at(order, at) if left else timedelta(0)


def _reach(order: WorkOrder, state: OrderState, at: datetime) -> WorkOrder:
    if state is OrderState.ACCEPTED:
        return replace(order, state=state, accepted_at=at)
    if state is OrderState.ARRIVED:
        return replace(order, state=state, arrived_at=at)
    return replace(order, state=state, completed_at=at)


def _implied(order: WorkOrder, state: OrderState, at: datetime) -> datetime:
    """When a step was taken that nobody reported: as planned, before the one reported `at`."""
    planned = order.depart_at if state is OrderState.ACCEPTED else order.arrive_at
    return min(max(planned, order.accepted_at or order.made_at), at)


def _complete(
    work: _Work, order: WorkOrder, reply: Reply, at: datetime, late: str = ""
) -> tuple[WorkOrder, str]:
    """Book what was used. What the city has no item for is told in the history, not booked."""
    known = [m for m in reply.used if m.item in work.city.items]
    unknown = [m for m in reply.used if m.item not in work.city.items]
    items, changes = stock.use(work.situation, order, known, at, late)
    work.take(changes)
    km = order.km if reply.km is None else reply.km
    order = replace(order, items=items, km=km, note=reply.note or order.note)
    told = [reply.note] if reply.note else []
    told += [f"άγνωστο υλικό {m.item}: {m.quantity}" for m in unknown]
    return order, "· ".join(told)


def _moment(order: WorkOrder, reply: Reply, now: datetime) -> datetime:
    """When it happened: the crew's own time, within what can be true."""
    earliest = max(m for m in (order.made_at, order.accepted_at, order.arrived_at) if m)
    return max(min(reply.at, reply.arrival, now), min(earliest, now))


def _payload(reply: Reply) -> bytes:
    """The reply as its crew sent it, but for what nobody reads; numbers as text."""
    said: dict[str, object] = {
        "id": str(reply.id),
        "order": str(reply.order),
        "action": reply.action.value,
        "ts": reply.at.isoformat(),
        "used": [_used(m) for m in reply.used],
        "note": reply.note,
    }
    if reply.km is not None:
        said["km"] = reply.km
    return json.dumps(said, ensure_ascii=False, sort_keys=True).encode()


def _used(material: Material) -> dict[str, str]:
    return {"item": material.item, "quantity": str(Decimal(material.quantity))}
