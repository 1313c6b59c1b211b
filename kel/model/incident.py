"""Incidents: what an operator handles, made of alerts and requests of one cause."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    the highest of its alerts. `waiting` is € per hour, sets the order of the plan. `hours` is how
    long all `people` work on the spot, by the clock; person-hours are people × hours.
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
    HANDED_ON = "handed_on"  # it belongs to somebody else, who was told
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"  # the work is done; whether it helped is not known yet
    VERIFIED = "verified"  # the sensors agree
    CLOSED = "closed"


ACTIVE = frozenset(IncidentState) - {IncidentState.CLOSED}
REPAIRED = frozenset({IncidentState.RESOLVED, IncidentState.VERIFIED})


@dataclass(frozen=True, slots=True)
class Handover:
    """To whom an incident was handed on, under which number of theirs, and when to ask again.

    `ask_at` is None once it was asked for. While an incident has a handover, nobody is sent.
    """

    to: str
    protocol: str
    at: datetime
    ask_at: datetime | None


@dataclass(frozen=True, slots=True)
class Incident:
    """What an operator handles. `assigned`: the person or party that is responsible for it.

    `crew`: id of the one crew that an operator wants for it; None: the plan chooses.
    `acknowledged_at`: when it was first acknowledged; `seen_at`: when an operator last acknowledged
    it, handed it on or assigned it. `reopened_at`: when it last came back to attention; `called`:
    when each contact was last called about it; `flapping_at`: since when an alert of it comes and
    goes.
    """

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
    verified_at: datetime | None = None
    reopened_at: datetime | None = None
    handed: Handover | None = None
    assigned: str | None = None
    flapping_at: datetime | None = None
    crew: str | None = None
    called: Mapping[str, datetime] = field(default_factory=dict)
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IncidentEvent:
    """One line of an incident's history: what, who, when, why. Append-only.

    `what`: opened, joined, hushed, raised, acknowledged, handed_on, planned, in_progress, resolved,
    verified, closed, unplanned (with the reason), restated, …: all in `EVENT_LABEL`.
    """

    id: UUID
    incident: UUID
    at: datetime
    what: str
    who: str
    why: str = ""
