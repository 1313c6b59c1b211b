"""What is still free while a plan is made: crews, people, vehicles, stock. Pure.

Law: each job sees what the jobs before it left.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from dispatch.crews import Standing, standing
from kel.model.city import City
from kel.model.crew import Crew
from kel.model.order import OPEN_ORDER, OrderItem
from kel.model.situation import Situation


@dataclass(frozen=True, slots=True)
class Assignment:
    """A crew's way to do a job, or a part of it; the fields are those of the order it becomes."""

    incident: UUID
    crew: str
    people: tuple[str, ...]
    vehicles: tuple[str, ...]
    items: tuple[OrderItem, ...]
    depart_at: datetime
    arrive_at: datetime
    finish_at: datetime
    km: float  # the way out, by the warehouse where it has to, and back to the base
    remaining: timedelta = timedelta(0)
    continues: str = ""


class Board:
    """What is still free while the plan is made."""

    def __init__(self, city: City, situation: Situation, now: datetime) -> None:
        self.city, self.situation, self.now = city, situation, now
        self.crews = sorted(city.crews.values(), key=lambda c: c.id)
        self.standing = {c.id: standing(situation, c, now) for c in self.crews}
        self._taken: dict[tuple[str, str], Decimal] = {}
        self._out: dict[str, set[str]] = {}  # vehicle → crews that are out with it
        self._busy: set[str] = set()  # people on a job
        for order in situation.orders.values():
            if order.state in OPEN_ORDER:
                self._drive(order.crew, order.people, order.vehicles)

    def free(self, place: str, item: str) -> Decimal:
        taken = self._taken.get((place, item), Decimal(0))
        return max(self.situation.stock_at(place, item).free - taken, Decimal(0))

    def vehicles_of_others(self, crew: Crew) -> frozenset[str]:
        return frozenset(v for v, crews in self._out.items() if crews - {crew.id})

    def at_hand(self, crew: Crew) -> tuple[Crew, frozenset[str]]:
        """The crew without its people who are on a job, and all vehicles that are out."""
        people = tuple(p for p in crew.people if p.id not in self._busy)
        return replace(crew, people=people), frozenset(self._out)

    def take(self, assignment: Assignment) -> None:
        for item in assignment.items:
            key = item.place, item.item
            self._taken[key] = self._taken.get(key, Decimal(0)) + item.planned
        place = self.situation.incidents[assignment.incident].place
        self.standing[assignment.crew] = Standing(place, assignment.finish_at)
        self._drive(assignment.crew, assignment.people, assignment.vehicles)

    def _drive(self, crew: str, people: tuple[str, ...], vehicles: tuple[str, ...]) -> None:
        self._busy.update(people)
        for vehicle in vehicles:
            self._out.setdefault(vehicle, set()).add(crew)
