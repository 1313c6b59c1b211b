"""What crews are sent of their orders, through every channel: for the outbox. Pure.

Laws:
- ids are made of what is said: a replay sends the same, and nothing twice;
- the crew of an open part hears who takes it over as soon as that is known, and when it no longer
  is.
"""

from datetime import datetime, timedelta

from dispatch.channels import CHANNELS
from kel.model.city import City
from kel.model.ids import make_id
from kel.model.order import OPEN_ORDER, Outgoing, WorkOrder
from kel.model.situation import Situation

SOON = timedelta(hours=1)


def messages(
    city: City,
    situation: Situation,
    order: WorkOrder,
    now: datetime,
    expires_at: datetime,
    why: str = "",
) -> list[Outgoing]:
    """An order that is sent or over, and to the crew of the part that it continues what follows."""
    part = _part(situation, order)
    made = _made(city, situation, order, part, now, expires_at, why, order.state.value)
    if part is not None and part.state in OPEN_ORDER:
        made += part_told(city, situation, order, now)
    return made


def part_told(city: City, situation: Situation, relief: WorkOrder, now: datetime) -> list[Outgoing]:
    """To the crew of the open part that `relief` continues: that it comes, or no longer does."""
    part = _part(situation, relief)
    if part is None or part.state not in OPEN_ORDER:
        return []
    comes = relief if relief.state in OPEN_ORDER else None
    expires_at, about = max(part.finish_at, now + SOON), f"{relief.number}/{relief.state.value}"
    return _made(city, situation, part, comes, now, expires_at, "", about)


def _part(situation: Situation, relief: WorkOrder) -> WorkOrder | None:
    if not relief.continues:
        return None
    orders = situation.orders_of(relief.incident)
    return next((o for o in orders if o.number == relief.continues), None)


def _made(
    city: City,
    situation: Situation,
    order: WorkOrder,
    beside: WorkOrder | None,
    now: datetime,
    expires_at: datetime,
    why: str,
    about: str,
) -> list[Outgoing]:
    incident = situation.incidents.get(order.incident)
    return [
        Outgoing(
            id=make_id("outgoing", order.id, about, number),
            topic=channel.topic(order),
            payload=channel.render(city, order, incident, why, beside),
            made_at=now,
            expires_at=expires_at,
        )
        for number, channel in enumerate(CHANNELS)
    ]
