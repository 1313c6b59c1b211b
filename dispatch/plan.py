"""The plan: which crew goes where, when, with what; and for every other job why not. Pure.

Laws:
- jobs are taken by what waiting costs (€/h), then severity, then age; a critical fire goes first;
- a job gets the crew that it was assigned to, else the one that arrives first, then the one with
  fewer kilometres; what was handed on to others is no job;
- nothing is planned that cannot be done: skills, people, vehicles, shift and every material;
- nobody works beyond their hours and overtime: what is severe is begun all the same where waiting
  for those who can end it is dear, and handed over to them on the spot (`dispatch/relief.py`);
- a plan never takes more than is free: each job sees what the jobs before it left;
- every job is either assigned or told the smallest constraint in its way.

It is the greedy heuristic of list scheduling: no job is moved again for a later one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from dispatch import reasons
from dispatch.board import Assignment, Board
from dispatch.options import Begin, Option, is_urgent, option_of
from dispatch.reasons import Obstacle
from dispatch.relief import HOUR, left_of, part_of, served
from kel.model.alert import Severity
from kel.model.city import City
from kel.model.crew import Crew
from kel.model.incident import Category, Incident, IncidentState
from kel.model.order import OPEN_ORDER
from kel.model.situation import Situation

__all__ = ["Assignment", "Plan", "Unplanned", "plan"]

AHEAD = timedelta(minutes=45)  # a job that cannot leave by then is not sent yet
SECOND_WAY = Decimal(50)  # €: roughly what a second crew's way costs, for severity high
WAITING = frozenset({IncidentState.OPEN, IncidentState.ACKNOWLEDGED, IncidentState.IN_PROGRESS})


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
    board = Board(city, situation, now)
    assignments: list[Assignment] = []
    unplanned: list[Unplanned] = []
    for incident, category in jobs(city, situation):
        found = _place(board, incident, category)
        part = part_of(situation, incident)
        if isinstance(found, Assignment):
            board.take(found)
            assignments.append(found)
        elif part is None or part.state not in OPEN_ORDER or part.finish_at <= now:
            unplanned.append(Unplanned(incident.id, found.reason, found.constraint.code))
    return Plan(tuple(assignments), tuple(unplanned))


def jobs(city: City, situation: Situation) -> list[tuple[Incident, Category]]:
    """Incidents that wait for a crew, the one that is worst to leave waiting first.

    With what each of them takes: its category, or what is left of it for a relief.
    """
    found = [
        (incident, left_of(situation, incident, category))
        for incident in situation.incidents.values()
        if (category := city.categories.get(incident.category)) is not None
        and category.people > 0
        and incident.state in WAITING
        and incident.handed is None
        and not served(situation, incident)
    ]

    def order(job: tuple[Incident, Category]) -> tuple[bool, Decimal, int, datetime, UUID]:
        incident, category = job
        urgent = is_urgent(incident, category)
        return not urgent, -category.waiting, -incident.severity, incident.opened_at, incident.id

    return sorted(found, key=order)


def _place(board: Board, incident: Incident, category: Category) -> Assignment | Obstacle:
    if _passed(board.situation, incident):
        return reasons.cleared()
    crews = [c for c in board.crews if c.id == incident.crew] or board.crews
    tried = [option_of(board, incident, category, crew) for crew in crews]
    best = _best(tried)
    if incident.severity >= Severity.HIGH:
        best = _sooner(board, incident, category, crews, best)
    if best is not None:
        soon = best.assignment.depart_at <= board.now + AHEAD
        if best.held is None or soon or is_urgent(incident, category):
            return best.assignment
        return best.held
    obstacles = [t for t in tried if isinstance(t, Obstacle)]
    return max(obstacles, key=lambda o: o.constraint, default=reasons.no_skills(category))


def _best(tried: Iterable[Option | Obstacle]) -> Option | None:
    """The crew that arrives first, then the one with fewer kilometres."""
    options = [t for t in tried if isinstance(t, Option)]
    return min(
        options,
        key=lambda o: (o.assignment.arrive_at, o.assignment.km, o.assignment.crew),
        default=None,
    )


def _sooner(
    board: Board,
    incident: Incident,
    category: Category,
    crews: Sequence[Crew],
    whole: Option | None,
) -> Option | None:
    """A crew that begins, where that spares enough waiting for the one that can end the job.

    A critical job is begun where those would come later than `AHEAD`; a high one only where the
    waiting that it spares (€/h) is worth the second crew's way too.
    """
    relief = Begin(whole.straight_at if whole else None)
    begun = _best(option_of(board, incident, category, crew, relief) for crew in crews)
    if begun is None or whole is None:
        return begun or whole
    spared = whole.assignment.arrive_at - begun.assignment.arrive_at
    worth = category.waiting * Decimal(spared / HOUR) >= SECOND_WAY
    dear = worth or incident.severity is Severity.CRITICAL
    return begun if spared > AHEAD and dear else whole


def _passed(situation: Situation, incident: Incident) -> bool:
    """Whether it seems over: every alert cleared, nobody asked for it, and it was not severe.

    What a crew has begun is not over.
    """
    if incident.requests or incident.severity >= Severity.HIGH or situation.parts_of(incident):
        return False
    return situation.quiet_since(incident) is not None
