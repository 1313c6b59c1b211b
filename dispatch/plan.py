"""The plan: which crew goes where, when, with what; and for every other job why not. Pure.

Laws:
- jobs are taken by what waiting costs (€/h), then severity, then age; a critical fire goes first;
- a job gets the crew that it was assigned to, else the one that arrives first, then the one with
  fewer kilometres; what was handed on to others is no job;
- nothing is planned that cannot be done: skills, people, vehicles, shift and every material;
- a plan never takes more than is free: each job sees what the jobs before it left;
- every job is either assigned or told the smallest constraint in its way.

It is the greedy heuristic of list scheduling: no job is moved again for a later one.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from dispatch import reasons
from dispatch.crews import Standing, choose_people, choose_vehicles, speed_of, standing
from dispatch.reasons import Obstacle
from dispatch.shifts import departure, spans
from dispatch.stock import Gathered, gather
from dispatch.travel import LOADING, Trip, road_km, trip
from kel.model.alert import Severity
from kel.model.city import City
from kel.model.crew import Crew
from kel.model.incident import Category, Incident, IncidentState
from kel.model.order import OPEN_ORDER, OrderItem, OrderState
from kel.model.situation import Situation

AHEAD = timedelta(minutes=45)  # a job that cannot leave by then is not sent yet
OVERTIME = timedelta(hours=2)  # past the shift's end, for severity high and above
ASK_AGAIN = timedelta(hours=1)  # after an order's deadline, the crew that refused it is asked again
REFUSED = frozenset({OrderState.DECLINED, OrderState.EXPIRED})
WAITING = frozenset({IncidentState.OPEN, IncidentState.ACKNOWLEDGED, IncidentState.IN_PROGRESS})


@dataclass(frozen=True, slots=True)
class Assignment:
    incident: UUID
    crew: str
    people: tuple[str, ...]
    vehicles: tuple[str, ...]
    items: tuple[OrderItem, ...]
    depart_at: datetime
    arrive_at: datetime
    finish_at: datetime
    km: float  # the way out, by the warehouse where it has to, and back to the base


@dataclass(frozen=True, slots=True)
class Unplanned:
    """A job without a crew: `reason` for people (Greek), `constraint` a short word for counting."""

    incident: UUID
    reason: str
    constraint: str


@dataclass(frozen=True, slots=True)
class Plan:
    assignments: tuple[Assignment, ...]
    unplanned: tuple[Unplanned, ...]


def plan(city: City, situation: Situation, now: datetime) -> Plan:
    """Who goes to each incident that waits for work. Categories that take no people are no jobs."""
    board = _Board(city, situation, now)
    assignments: list[Assignment] = []
    unplanned: list[Unplanned] = []
    for incident, category in jobs(city, situation):
        found = _place(board, incident, category)
        if isinstance(found, Assignment):
            board.take(found)
            assignments.append(found)
        else:
            unplanned.append(Unplanned(incident.id, found.reason, found.constraint.code))
    return Plan(tuple(assignments), tuple(unplanned))


def jobs(city: City, situation: Situation) -> list[tuple[Incident, Category]]:
    """Incidents that wait for a crew, the one that is worst to leave waiting first."""
    found = [
        (incident, category)
        for incident in situation.incidents.values()
        if (category := city.categories.get(incident.category)) is not None
        and category.people > 0
        and incident.state in WAITING
        and incident.handed is None
        and not _served(situation, incident)
    ]

    def order(job: tuple[Incident, Category]) -> tuple[bool, Decimal, int, datetime, UUID]:
        incident, category = job
        urgent = is_urgent(incident, category)
        return not urgent, -category.waiting, -incident.severity, incident.opened_at, incident.id

    return sorted(found, key=order)


def is_urgent(incident: Incident, category: Category) -> bool:
    """A critical fire: the crew goes at once, whatever is missing follows."""
    return category.family == "fire" and incident.severity is Severity.CRITICAL


def _served(situation: Situation, incident: Incident) -> bool:
    """Whether an order of it is open, or was completed and nothing has doubted it since."""
    for order in situation.orders_of(incident.id):
        if order.state in OPEN_ORDER:
            return True
        done = order.completed_at if order.state is OrderState.COMPLETED else None
        if done is not None and (incident.resolved_at is None or incident.resolved_at < done):
            return True
    return False


class _Board:
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
                self._drive(order.crew, order.vehicles)
                self._busy.update(order.people)

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
        self._drive(assignment.crew, assignment.vehicles)
        self._busy.update(assignment.people)

    def _drive(self, crew: str, vehicles: tuple[str, ...]) -> None:
        for vehicle in vehicles:
            self._out.setdefault(vehicle, set()).add(crew)


@dataclass(frozen=True, slots=True)
class _Option:
    """A crew that could go, and what holds it until `assignment.depart_at` if anything does."""

    assignment: Assignment
    held: Obstacle | None


def _place(board: _Board, incident: Incident, category: Category) -> Assignment | Obstacle:
    if _passed(board.situation, incident):
        return reasons.cleared()
    crews = [c for c in board.crews if c.id == incident.assigned] or board.crews
    tried = [_try(board, incident, category, crew) for crew in crews]
    options = [t for t in tried if isinstance(t, _Option)]
    if options:
        best = min(
            options, key=lambda o: (o.assignment.arrive_at, o.assignment.km, o.assignment.crew)
        )
        soon = best.assignment.depart_at <= board.now + AHEAD
        if best.held is None or soon or is_urgent(incident, category):
            return best.assignment
        return best.held
    obstacles = [t for t in tried if isinstance(t, Obstacle)]
    return max(obstacles, key=lambda o: o.constraint, default=reasons.no_skills(category))


def _passed(situation: Situation, incident: Incident) -> bool:
    """Whether it seems over: every alert cleared, nobody asked for it, and it was not severe."""
    if incident.requests or incident.severity >= Severity.HIGH:
        return False
    return situation.quiet_since(incident) is not None


def _try(board: _Board, incident: Incident, category: Category, crew: Crew) -> _Option | Obstacle:
    """The crew's way to do the job, or the first constraint in its way.

    Where it is urgent, those of the crew who are not out on a job go at once, if they can do it.
    """
    if is_urgent(incident, category):
        at_hand, out = board.at_hand(crew)
        option = _go(board, incident, category, at_hand, Standing(crew.base, board.now), out)
        if isinstance(option, _Option):
            return option
    taken = board.vehicles_of_others(crew)
    return _go(board, incident, category, crew, board.standing[crew.id], taken)


def _go(
    board: _Board,
    incident: Incident,
    category: Category,
    crew: Crew,
    stands: Standing,
    taken: frozenset[str],
) -> _Option | Obstacle:
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
    leave = _departure(city, crew, incident, category, stands, out, now)
    if leave is None:
        return reasons.off_shift(city, crew, None, now)
    arrive = leave + out.time
    assignment = Assignment(
        incident=incident.id,
        crew=crew.id,
        people=tuple(p.id for p in people),
        vehicles=tuple(v.id for v in vehicles),
        items=gathered.items,
        depart_at=leave,
        arrive_at=arrive,
        finish_at=arrive + timedelta(hours=category.hours),
        km=round(out.km + road_km(incident.place, crew.base), 1),
    )
    return _Option(assignment, _held(city, crew, stands, leave, now))


def _asked_again(situation: Situation, incident: Incident, crew: Crew) -> datetime | None:
    """When the crew may be asked again that refused this incident; None where it never did.

    An order that an operator took back (its `note` says so) counts as refused.
    """
    refused = (
        o.expires_at + ASK_AGAIN
        for o in situation.orders_of(incident.id)
        if o.crew == crew.id
        and (o.state in REFUSED or (o.state is OrderState.WITHDRAWN and o.note))
    )
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
    category: Category,
    stands: Standing,
    out: Trip,
    now: datetime,
) -> datetime | None:
    severe = incident.severity >= Severity.HIGH
    working = spans(crew, city.timezone, now, on_call=severe)
    needed = out.time + timedelta(hours=category.hours)
    ready = max(now, stands.free_at)
    return departure(working, ready, needed, OVERTIME if severe else timedelta())


def _held(
    city: City, crew: Crew, stands: Standing, leave: datetime, now: datetime
) -> Obstacle | None:
    if leave > max(stands.free_at, now):
        return reasons.off_shift(city, crew, leave, now)
    if leave > now:
        until = None if stands.overdue else stands.free_at
        return reasons.busy(city, crew, stands.order, until, now)
    return None
