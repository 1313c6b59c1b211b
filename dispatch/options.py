"""What a crew could do about a job: its people, vehicles, materials, way and hours. Pure.

Laws:
- an option lacks nothing that the job takes; of what a crew lacks the first thing is the obstacle;
- nobody works beyond the end of their hours and their overtime.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from dispatch import reasons
from dispatch.board import Assignment, Board
from dispatch.crews import Standing, choose_people, choose_vehicles, speed_of
from dispatch.reasons import Obstacle
from dispatch.relief import part_of
from dispatch.shifts import Departure, beginning, departure, spans
from dispatch.stock import Gathered, gather
from dispatch.travel import LOADING, Trip, road_km, trip
from kel.model.alert import Severity
from kel.model.city import City
from kel.model.crew import Crew
from kel.model.incident import Category, Incident
from kel.model.order import OPEN_ORDER, OrderState
from kel.model.situation import Situation

OVERTIME = timedelta(hours=2)  # past the shift's end, for severity high and above
ASK_AGAIN = timedelta(hours=1)  # after its deadline or its end, who refused or left is asked again
REFUSED = frozenset({OrderState.DECLINED, OrderState.EXPIRED})


@dataclass(frozen=True, slots=True)
class Option:
    """A crew that could go, and what holds it until `assignment.depart_at` if anything does.

    `straight_at`: when it would be there if it had nothing to fetch.
    """

    assignment: Assignment
    held: Obstacle | None
    straight_at: datetime


@dataclass(frozen=True, slots=True)
class Begin:
    """It is enough to begin the job; `relief_at` is when others can be there, if any can."""

    relief_at: datetime | None


def is_urgent(incident: Incident, category: Category) -> bool:
    """A critical fire: the crew goes at once, whatever is missing follows."""
    return category.family == "fire" and incident.severity is Severity.CRITICAL


def option_of(
    board: Board,
    incident: Incident,
    category: Category,
    crew: Crew,
    begin: Begin | None = None,
) -> Option | Obstacle:
    """The crew's way to do the job, or the first constraint in its way.

    Where it is urgent, those of the crew who are not out on a job go at once, if they can do it.
    """
    if is_urgent(incident, category):
        at_hand, out = board.at_hand(crew)
        stands = Standing(crew.base, board.now)
        option = _go(board, incident, category, at_hand, stands, out, begin)
        if isinstance(option, Option):
            return option
    taken = board.vehicles_of_others(crew)
    return _go(board, incident, category, crew, board.standing[crew.id], taken, begin)


def _go(
    board: Board,
    incident: Incident,
    category: Category,
    crew: Crew,
    stands: Standing,
    taken: frozenset[str],
    begin: Begin | None,
) -> Option | Obstacle:
    """The way of this crew, from where it stands, without the vehicles that are taken."""
    city, now, urgent = board.city, board.now, is_urgent(incident, category)
    if category.skills - crew.skills:
        return reasons.no_skills(category)
    people = choose_people(crew, category)
    if not people:
        return reasons.few_people(crew, category)
    vehicles, missing = choose_vehicles(city, crew, category, taken)
    if missing is not None:
        return reasons.no_vehicle(crew, missing)
    again = _asked_again(board.situation, incident, crew)
    if again is not None and again > now:
        return reasons.declined(city, crew, again, now)
    gathered = gather(board.free, crew.id, category.materials)
    if gathered.short and not urgent:
        short = gathered.short[0]
        free = sum((i.planned for i in gathered.items if i.item == short.item), Decimal(0))
        return reasons.no_stock(city, short, free)
    out = _way(city, stands, incident, gathered, speed_of(vehicles), direct=urgent)
    part = part_of(board.situation, incident)
    if part is not None and part.state in OPEN_ORDER:  # those who began it stay until its end
        stands = replace(stands, free_at=max(stands.free_at, part.finish_at - out.time))
    hours = timedelta(hours=category.hours)
    going = _departure(city, crew, incident, out.time, hours, max(now, stands.free_at), begin)
    if going is None:
        return reasons.off_shift(city, crew, None, now)
    arrive = going.at + out.time
    finish = min(
        arrive + hours, going.latest if begin is None else _hand_over(going, begin.relief_at)
    )
    assignment = Assignment(
        incident=incident.id,
        crew=crew.id,
        people=tuple(p.id for p in people),
        vehicles=tuple(v.id for v in vehicles),
        items=gathered.items,
        depart_at=going.at,
        arrive_at=arrive,
        finish_at=finish,
        km=round(out.km + road_km(incident.place, crew.base), 1),
        remaining=arrive + hours - finish,
        continues=part.number if part else "",
    )
    straight = trip((stands.place, incident.place), speed_of(vehicles))
    held = _held(city, crew, stands, going.at, now)
    return Option(assignment, held, going.at + straight.time)


def _hand_over(going: Departure, relief_at: datetime | None) -> datetime:
    """When those who only begin hand over: at the end of their hours, or as soon after it as their
    relief can be there; after their overtime they leave all the same.
    """
    return going.latest if relief_at is None else min(max(going.end, relief_at), going.latest)


def _asked_again(situation: Situation, incident: Incident, crew: Crew) -> datetime | None:
    """When the crew that refused or left this incident may be asked again; None for any other.

    An order that an operator took back (its `note` says so) counts as refused.
    """
    own = [o for o in situation.orders_of(incident.id) if o.crew == crew.id]
    refused = [
        o.expires_at + ASK_AGAIN
        for o in own
        if o.state in REFUSED or (o.state is OrderState.WITHDRAWN and o.note)
    ]
    refused += [o.completed_at + ASK_AGAIN for o in own if o.completed_at and o.remaining]
    return max(refused, default=None)


def _way(
    city: City,
    stands: Standing,
    incident: Incident,
    gathered: Gathered,
    speed_kmh: float,
    *,
    direct: bool,
) -> Trip:
    """The way to the job, by the warehouse where something has to be fetched there first."""
    if not gathered.from_warehouse or direct:
        return trip((stands.place, incident.place), speed_kmh)
    out = trip((stands.place, city.warehouse, incident.place), speed_kmh)
    return Trip(out.km, out.time + LOADING)


def _departure(
    city: City,
    crew: Crew,
    incident: Incident,
    way: timedelta,
    work: timedelta,
    ready: datetime,
    begin: Begin | None,
) -> Departure | None:
    severe = incident.severity >= Severity.HIGH
    working = spans(crew, city.timezone, ready, on_call=severe)
    overtime = OVERTIME if severe else timedelta()
    if begin is not None:
        return beginning(working, ready, way, overtime)
    return departure(working, ready, way, work, overtime)


def _held(
    city: City, crew: Crew, stands: Standing, leave: datetime, now: datetime
) -> Obstacle | None:
    if leave > max(stands.free_at, now):
        return reasons.off_shift(city, crew, leave, now)
    if leave > now:
        until = None if stands.overdue else stands.free_at
        return reasons.busy(city, crew, stands.order, until, now)
    return None
