"""Who is responsible for an incident, and which crew it is to get, as operators say. Pure.

Laws:
- the responsible person and the demanded crew are two things: to name one leaves the other;
- a demanded crew is the only one that is sent, until another is demanded or any may go;
- whom the municipality sends, it has no longer handed on.
"""

from collections.abc import Callable
from dataclasses import replace

from kel.model.incident import Incident, IncidentState
from kel.model.labels import SKILL_LABEL
from kel.model.order import WorkOrder
from kel.model.situation import Command
from rules.incidents.called_back import called_back
from rules.incidents.describe import category_of
from rules.incidents.refused import RefusedError
from rules.incidents.work import Work

ANY = "any"  # in a crew's place: whichever the plan finds


def assign(work: Work, incident: Incident, command: Command) -> str:
    """Do what the command's `crew` or `person` says; returns the answer to it."""
    crew, person = (command.detail.get(name, "").strip() for name in ("crew", "person"))
    if bool(crew) == bool(person):
        raise RefusedError("σε ποιον; γράψτε συνεργείο ή πρόσωπο")
    assigned, name, back = replace(incident, seen_at=command.at), "", ""
    if person:
        assigned, name = replace(assigned, assigned=person), f"υπεύθυνος: {person}"
    elif crew == ANY and crew not in work.city.crews:
        assigned, name = _sent(replace(assigned, crew=None)), "όποιο συνεργείο μπορεί"
        back = " · δεν είναι πια διαβιβασμένο" if incident.handed else ""
    else:
        _able(work, incident, crew)
        assigned = _sent(replace(assigned, crew=crew))
        name = f"συνεργείο: {work.city.crews[crew].name}"
        back = called_back(work, incident.id, _of_others(crew))
    work.put(assigned)
    why = f"{name} · {command.why}" if command.why else name
    work.tell(incident, command.at, "assigned", why, about=command.id, who=command.who)
    return f"{incident.number}: ανατέθηκε, {name}{back}"


def _sent(incident: Incident) -> Incident:
    """The incident when somebody of ours is to go after all."""
    if incident.handed is None:
        return incident
    if incident.state is IncidentState.HANDED_ON:
        incident = replace(incident, state=IncidentState.ACKNOWLEDGED)
    return replace(incident, handed=None)


def _able(work: Work, incident: Incident, crew: str) -> None:
    """A crew that is not there, or can never do it, would leave the incident without any."""
    if crew not in work.city.crews:
        known = ", ".join(sorted(work.city.crews))
        raise RefusedError(
            f"δεν υπάρχει συνεργείο {crew}· υπάρχουν: {known}, ή όποιο μπορεί: {ANY}"
        )
    category, who = category_of(work.city, incident.category), work.city.crews[crew]
    lacks = category.skills - {skill for person in who.people for skill in person.skills}
    if lacks:
        told = ", ".join(SKILL_LABEL.get(skill, skill) for skill in sorted(lacks))
        raise RefusedError(f"{who.name}: κανείς δεν είναι {told}, όπως θέλει: {category.label}")


def _of_others(crew: str) -> Callable[[WorkOrder], bool]:
    return lambda order: order.crew != crew
