"""Which incident a new sign belongs to: an alert or a request, by cause, place and time. Pure.

Laws:
- the strongest tie wins: the same device, then topology, then a shared zone or feeder, then two
  sources of one fire, then what citizens had reported before the sensors saw it;
- of several incidents that fit equally the one that was opened first is taken, then by id;
- what nobody could classify (`other`) joins nothing: nobody knows that it is the same.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from kel.model.alert import Alert
from kel.model.city import City
from kel.model.incident import Incident
from kel.model.place import Point
from kel.model.request import Request
from kel.model.situation import Situation
from rules.incidents.describe import FIRE, OTHER, Members, category_of
from rules.incidents.roll import Roll, roll_of
from rules.incidents.topology import ancestors, children, explains, related, subtree

SAME_PLACE = timedelta(hours=2)  # since the last sign, for a shared zone or feeder
SAME_FIRE = timedelta(minutes=30)  # between two sources of one fire
SAME_FIRE_M = 1_500.0
SAME_REPORT = timedelta(hours=6)  # since the last sign, for citizens' requests

# Families whose signs share a cause where they share this place of theirs.
SHARED: Mapping[str, str] = {"water": "zone", "light": "feeder"}
SHARED_LABEL: Mapping[str, str] = {"zone": "ίδια ζώνη", "feeder": "ίδια γραμμή"}


@dataclass(frozen=True, slots=True)
class Tie:
    """Why a sign belongs to an incident: `what` is the event's word (joined, hushed)."""

    incident: UUID
    what: str
    why: str


@dataclass(slots=True)
class View:
    """The situation as joining looks at it; what is worked out of it is made when first needed."""

    city: City
    situation: Situation
    _tree: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _above: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _rolls: dict[UUID, Roll] = field(default_factory=dict)

    @property
    def tree(self) -> Mapping[str, tuple[str, ...]]:
        if not self._tree:
            self._tree = children(self.city)
        return self._tree

    def above(self, device: str) -> tuple[str, ...]:
        """The devices above this one, nearest first."""
        if device not in self._above:
            self._above[device] = ancestors(self.city, device)
        return self._above[device]

    def active(self) -> list[Incident]:
        """Active incidents, first opened first."""
        return sorted(self.situation.incidents.values(), key=lambda i: (i.opened_at, i.id))

    def roll(self, incident: Incident) -> Roll:
        """The incident's alerts; kept until it has others or one of them changes."""
        kept = self._rolls.get(incident.id)
        if kept is None or kept.ids is not incident.alerts:
            kept = self._rolls[incident.id] = roll_of(incident.alerts, self.situation.alerts)
        return kept

    def forget_roll(self, incident: UUID) -> None:
        self._rolls.pop(incident, None)

    def alerts_of(self, incident: Incident) -> Sequence[Alert]:
        return self.roll(incident).alerts

    def requests_of(self, incident: Incident) -> list[Request]:
        known = (self.situation.requests.get(r) for r in incident.requests)
        return sorted((r for r in known if r), key=lambda r: (r.arrival, r.id))

    def members(self, incident: Incident) -> Members:
        return Members(self.alerts_of(incident), self.requests_of(incident))

    def family(self, category: str) -> str:
        return category_of(self.city, category).family

    def last_sign(self, incident: Incident) -> datetime:
        """When the incident last heard of its trouble: an alert detected or a request come."""
        detected = self.roll(incident).latest or incident.opened_at
        requests = (self.situation.requests.get(r) for r in incident.requests)
        return max([incident.opened_at, detected, *(r.arrival for r in requests if r)])

    def place_of(self, alert: Alert) -> Point | None:
        device = self.city.devices.get(alert.device)
        return device.place if device else None


def home_of_alert(
    view: View, alert: Alert, moment: datetime, but: UUID | None = None
) -> Tie | None:
    """The incident that an alert belongs to, or None where it is a cause of its own.

    `moment` is when it is heard: when it was detected, or later, after it had been hushed or
    hidden. `but` is the incident that it has just left.
    """
    incidents = [i for i in view.active() if i.id != but]
    if moment > alert.detected_at:
        incidents = [i for i in incidents if not outlives(view, i, alert)]
    ties: tuple[Callable[[View, Incident, Alert, datetime], Tie | None], ...] = (
        _same_device,
        _explained,
        _same_place,
        _same_fire,
        _reported,
    )
    for tie in ties:
        for incident in incidents:
            found = tie(view, incident, alert, moment)
            if found is not None:
                return found
    return None


def outlives(view: View, incident: Incident, alert: Alert) -> bool:
    """Whether the incident holds causes of the alert and every one of them is over."""
    causes = causes_of(view, incident, alert)
    return bool(causes) and all(a.cleared_at is not None for a in causes)


def causes_of(view: View, incident: Incident, alert: Alert) -> list[Alert]:
    """The incident's alerts that explain this one, nearest device first."""
    above = view.roll(incident).at(view.above(alert.device))
    return [a for a in above if explains(view.city, a, alert)]


def home_of_request(view: View, request: Request) -> Tie | None:
    """The nearest incident that a citizen's request belongs to, or None."""
    near = [
        (distance, number, incident)
        for number, incident in enumerate(view.active())
        if (distance := request_distance(view, incident, request)) is not None
    ]
    if not near:
        return None
    distance, _, incident = min(near, key=lambda n: n[:2])
    why = f"αίτημα πολίτη, {distance:.0f} m" if distance else "αίτημα πολίτη"
    return Tie(incident.id, "joined", why)


def request_distance(view: View, incident: Incident, request: Request) -> float | None:
    """Metres from the incident where the request belongs to it (0 without a place), else None."""
    theirs, own = (
        category_of(view.city, request.category),
        category_of(view.city, incident.category),
    )
    if theirs.family == OTHER or not (theirs.family == own.family or related(own, theirs)):
        return None
    if abs(request.arrival - view.last_sign(incident)) > SAME_REPORT:
        return None
    if request.place is None or _placeless(view, incident):
        return 0.0 if request.community == incident.community else None
    distance = min(request.place.metres_to(p) for p in _points(view, incident))
    return distance if distance <= own.radius_m else None


def _placeless(view: View, incident: Incident) -> bool:
    """Whether nobody knows more of its place than the community."""
    return not incident.alerts and not any(r.place for r in view.requests_of(incident))


def _points(view: View, incident: Incident) -> Iterator[Point]:
    """Where it may be: its place, and every device behind the one that explains it."""
    yield incident.place
    for device in subtree(view.tree, incident.cause) if incident.cause else ():
        if device in view.city.devices:
            yield view.city.devices[device].place


def _same_device(view: View, incident: Incident, alert: Alert, _moment: datetime) -> Tie | None:
    family = view.family(alert.category)
    for other in view.roll(incident).at([alert.device]):
        if view.family(other.category) == family:
            return Tie(incident.id, "joined", "ίδια συσκευή")
    return None


def _explained(view: View, incident: Incident, alert: Alert, _moment: datetime) -> Tie | None:
    causes = causes_of(view, incident, alert)
    if not causes:
        return None
    first = min(causes, key=lambda a: (a.detected_at, a.id))
    return Tie(incident.id, "hushed", explanation(view, first))


def explanation(view: View, parent: Alert) -> str:
    """The sentence that says which parent's trouble explains a child's."""
    device = view.city.devices.get(parent.device)
    name = device.name if device else parent.device
    return f"το εξηγεί: {category_of(view.city, parent.category).label} — {name}"


def _same_place(view: View, incident: Incident, alert: Alert, moment: datetime) -> Tie | None:
    family = view.family(alert.category)
    shared = SHARED.get(family)
    if shared is None or view.family(incident.category) != family:
        return None
    place = getattr(alert, shared)
    if place is None or getattr(incident, shared) != place:
        return None
    if abs(moment - view.last_sign(incident)) > SAME_PLACE:
        return None
    return Tie(incident.id, "joined", SHARED_LABEL[shared])


def _same_fire(view: View, incident: Incident, alert: Alert, _moment: datetime) -> Tie | None:
    here = view.place_of(alert)
    if view.family(alert.category) != FIRE or here is None:
        return None
    for other in view.alerts_of(incident):
        there = view.place_of(other)
        if view.family(other.category) != FIRE or there is None:
            continue
        distance = here.metres_to(there)
        near = distance <= SAME_FIRE_M
        if near and abs(alert.detected_at - other.detected_at) <= SAME_FIRE:
            return Tie(incident.id, "joined", f"δεύτερη πηγή, σε {distance:.0f} m")
    return None


def _reported(view: View, incident: Incident, alert: Alert, _moment: datetime) -> Tie | None:
    """What citizens alone had reported, and the alert now shows."""
    if incident.alerts or not incident.requests:
        return None
    if reported_distance(view, incident, alert) is None:
        return None
    return Tie(incident.id, "joined", "το είχαν αναφέρει πολίτες")


def reported_distance(view: View, incident: Incident, alert: Alert) -> float | None:
    """Metres between a citizens' incident and what the alert may be about, None if unrelated."""
    own, theirs = category_of(view.city, alert.category), category_of(view.city, incident.category)
    if theirs.family == OTHER or not (theirs.family == own.family or related(own, theirs)):
        return None
    if abs(alert.detected_at - view.last_sign(incident)) > SAME_REPORT:
        return None
    if _placeless(view, incident):
        return 0.0 if alert.community == incident.community else None
    devices = (view.city.devices.get(d) for d in subtree(view.tree, alert.device))
    distances = [incident.place.metres_to(d.place) for d in devices if d is not None]
    distance = min(distances, default=None)
    return distance if distance is not None and distance <= own.radius_m else None
