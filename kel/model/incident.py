"""Incidents: what an operator handles, made of alerts and requests of one cause."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from kel.model.alert import Severity
from kel.model.place import Point


@dataclass(frozen=True, slots=True)
class Material:
    """So much of an item that a job of some category usually takes."""

    item: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of incident, what it takes to end it, and what waiting costs.

    `family` ties categories whose signs go together (water, pump, light, fire, …): alerts and
    requests join an incident of their family. `rank` decides which category names the incident:
    the highest of its alerts. `waiting` is € per hour, sets the order of the plan.
    `loss` names what is lost meanwhile: water, energy or none.
    """

    id: str
    label: str
    family: str
    rank: int
    severity: Severity
    skills: frozenset[str]
    people: int
    hours: float
    vehicles: tuple[str, ...]  # kinds needed
    materials: tuple[Material, ...]
    waiting: Decimal
    loss: str = "none"
    account: str = ""  # the budget line's account that its cash costs go to
    radius_m: float = 300.0  # requests this near belong to it
    runbook: str = ""


class IncidentState(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    CLOSED = "closed"


ACTIVE = frozenset(
    {
        IncidentState.OPEN,
        IncidentState.ACKNOWLEDGED,
        IncidentState.IN_PROGRESS,
        IncidentState.RESOLVED,
    }
)


@dataclass(frozen=True, slots=True)
class Incident:
    id: UUID
    number: str  # what people say and type: "2026-0412"
    category: str
    severity: Severity
    state: IncidentState
    cause: str | None  # device id of the topmost device that explains it
    community: str
    place: Point
    opened_at: datetime
    started_at: datetime  # when the trouble began, by the earliest evidence
    title: str
    zone: str | None = None
    feeder: str | None = None
    alerts: tuple[UUID, ...] = ()
    requests: tuple[UUID, ...] = ()
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IncidentEvent:
    """One line of an incident's history: what, who, when, why. Append-only.

    `what`: opened, joined, hushed, raised, acknowledged, planned, in_progress, resolved, closed,
    unplanned (with the reason), restated, ….
    """

    id: UUID
    incident: UUID
    at: datetime
    what: str
    who: str
    why: str = ""
