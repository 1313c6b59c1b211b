"""When a crew was out for an order.

Assumptions, because no live position of a crew is kept:
- it left when the plan said, or when it accepted if that was later; had it arrived by then, it
  left the planned travel time before it arrived;
- it worked until it reported completion;
- the way back takes as long as the planned way there. It counts for every order: a crew that goes
  straight to its next job is charged its way back and its way there.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from kel.model.order import OrderState, WorkOrder


@dataclass(frozen=True, slots=True)
class Outing:
    """From leaving to being back, and how long the way back was taken to be."""

    left: datetime
    back: datetime
    way_back: timedelta

    @property
    def basis(self) -> dict[str, object]:
        return {
            "since": self.left.isoformat(),
            "until": self.back.isoformat(),
            "way_back_min": round(self.way_back.total_seconds() / 60, 1),
        }


def outing_of(order: WorkOrder) -> Outing:
    """The outing of a completed order; ValueError for an order that nobody has completed."""
    if order.state is not OrderState.COMPLETED or order.completed_at is None:
        raise ValueError(f"order {order.number} is not completed: it has no cost yet")
    travel = max(order.arrive_at - order.depart_at, timedelta())
    left = max(order.depart_at, order.accepted_at or order.depart_at)
    if order.arrived_at is not None and order.arrived_at < left:
        left = order.arrived_at - travel
    left = min(left, order.completed_at)
    return Outing(left, order.completed_at + travel, travel)
