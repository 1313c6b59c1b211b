"""What happens to an incident by itself, if nobody does anything: what an operator is told. Pure.

Law: it is worked out by what makes it happen (`passing`), so that what is told is what comes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from kel.model.city import City
from kel.model.incident import Incident
from kel.model.order import OrderState, WorkOrder
from kel.model.silence import Silence
from kel.model.situation import Situation
from rules.incidents import calls, mute
from rules.incidents.overdue import late_at
from rules.incidents.passing import dues
from rules.incidents.spells import holds_until
from rules.incidents.work import Work


@dataclass(frozen=True, slots=True)
class Next:
    """`what` is the word of the history that it will write; `who` is called, or silent till then.

    `expired`: the crew `who` has not answered its order; `overdue`: it has accepted one and not
    completed it, and whom that rings at once (nobody: it is only told); `silent`: the silence that
    hides more.
    """

    at: datetime
    what: str
    who: tuple[str, ...] = ()


def ahead(city: City, situation: Situation, incident: Incident, now: datetime) -> list[Next]:
    """All that is due of an active incident, the first first; of each thing the next time alone."""
    work = Work.on(city, situation)
    found = [*_by_time(work, incident), *_silences(work, incident, now)]
    for order in situation.orders_of(incident.id):
        if order.state is OrderState.SENT:
            found.append(Next(order.expires_at, "expired", (_crew(city, order),)))
        late = late_at(city, situation, order)
        if late is not None and order.id not in situation.overdue:
            rung = _rung_late(work, incident, order, late)
            found.append(Next(late, "overdue", (_crew(city, order), *rung)))
    return sorted(found, key=lambda n: (n.at, n.what))


def _crew(city: City, order: WorkOrder) -> str:
    crew = city.crews.get(order.crew)
    return crew.name if crew else order.crew


def _rung_late(work: Work, incident: Incident, order: WorkOrder, late: datetime) -> tuple[str, ...]:
    """Whom it would ring that the order is late, if nothing else happened until then."""
    then = work.situation.copy()
    then.overdue[order.id] = then.clock = late
    return _rung(Work.on(work.city, then), incident)


def _by_time(work: Work, incident: Incident) -> Iterator[Next]:
    for due in dues(work, ("incident", incident.id)):
        yield Next(due.at, due.what, _rung(work, incident) if due.what == "called" else ())


def _rung(work: Work, incident: Incident) -> tuple[str, ...]:
    """The names of those whom the next call rings."""
    call, contacts = calls.due(work, incident), work.city.escalation.contacts
    rung = (ring.who for ring in call.rings if ring.who) if call else ()
    return tuple(dict.fromkeys(contacts.get(who, who) for who in rung))


def _silences(work: Work, incident: Incident, now: datetime) -> Iterator[Next]:
    """Silences that hide now what would join: the same rule at the same device."""
    alerts = work.alerts_of(incident)
    silences: list[Silence] = sorted(work.situation.silences.values(), key=lambda s: s.number)
    for silence in silences:
        until = holds_until(silence, now, work.city.timezone)
        if until is not None and any(mute.hides(work, silence, a, now) for a in alerts):
            yield Next(until, "silent", (silence.number,))
