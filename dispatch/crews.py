"""Crews: where each one is, from when it is free, who of it goes and with which vehicles. Pure.

Laws:
- no live position of people is kept: a crew is where its last job is, and half an hour after it
  with nothing new back at its base;
- a crew goes out together, to one job after the other;
- the choice of people is the same for the same need: those with most of the skills, then by id.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kel.model.city import City
from kel.model.crew import Crew, Person, Vehicle
from kel.model.incident import Category
from kel.model.order import OPEN_ORDER, OrderState, WorkOrder
from kel.model.place import Point
from kel.model.situation import Situation, Whereabouts

BACK_AFTER = timedelta(minutes=30)  # after its last job a crew is taken to be back at its base
OVERDUE = timedelta(hours=1)  # what a job still takes that should have ended


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a crew is and when it is free; `order` is the open order that it is on, if any."""

    place: Point
    free_at: datetime
    order: WorkOrder | None = None
    overdue: bool = False


def standing(situation: Situation, crew: Crew, now: datetime) -> Standing:
    """Where the crew is at `now` and from when it can leave for another job."""
    own = [o for o in situation.orders.values() if o.crew == crew.id]
    current = [o for o in own if o.state in OPEN_ORDER]
    if current:
        last = max(current, key=lambda o: (expected_finish(o), o.id))
        finish = expected_finish(last)
        overdue = finish <= now
        return Standing(last.place, now + OVERDUE if overdue else finish, last, overdue)
    done = [situation.whereabouts[crew.id]] if crew.id in situation.whereabouts else []
    done += [
        Whereabouts(crew.id, o.place, o.completed_at)
        for o in own
        if o.state is OrderState.COMPLETED and o.completed_at is not None
    ]
    latest = max(done, key=lambda w: w.free_at, default=None)
    if latest is None or now - latest.free_at >= BACK_AFTER:
        return Standing(crew.base, now)
    return Standing(latest.place, max(latest.free_at, now))


def expected_finish(order: WorkOrder) -> datetime:
    """When an open order should end: as planned, or as long after the crew truly arrived.

    A part ends when it is to be handed over.
    """
    if order.arrived_at is None or order.remaining:
        return order.finish_at
    return order.arrived_at + (order.finish_at - order.arrive_at)


def choose_people(crew: Crew, category: Category) -> tuple[Person, ...]:
    """Who goes: all the skills covered by as few as can be seen, then up to the number needed.

    Empty where the crew lacks a skill or has too few people.
    """
    missing, left = set(category.skills), sorted(crew.people, key=lambda p: p.id)
    chosen: list[Person] = []
    while missing:
        best = max(left, key=lambda p: len(p.skills & missing), default=None)
        if best is None or not best.skills & missing:
            return ()
        chosen.append(best)
        left.remove(best)
        missing -= best.skills
    left.sort(key=lambda p: (-len(p.skills & category.skills), p.id))
    chosen += left[: max(category.people - len(chosen), 0)]
    if len(chosen) < category.people:
        return ()
    return tuple(sorted(chosen, key=lambda p: p.id))


def choose_vehicles(
    city: City, crew: Crew, category: Category, taken: frozenset[str]
) -> tuple[tuple[Vehicle, ...], str | None]:
    """The crew's vehicles for the job and the kind that is missing, if one is.

    `taken` are vehicles that another crew is out with. A category that asks for none takes the
    crew's first one: people have to get there.
    """
    free = [city.vehicles[v] for v in crew.vehicles if v in city.vehicles and v not in taken]
    chosen: list[Vehicle] = []
    for kind in category.vehicles:
        fitting = next((v for v in free if v.kind == kind and v not in chosen), None)
        if fitting is None:
            return (), kind
        chosen.append(fitting)
    return tuple(chosen or free[:1]), None


def speed_of(vehicles: Sequence[Vehicle]) -> float:
    """Mean km/h of vehicles that go together: the slowest one's, 0 without any."""
    return min((v.speed_kmh for v in vehicles), default=0.0)
