"""Calls: who is rung when nobody has acknowledged an incident, and orders that stay out. Pure.

Laws:
- a step rings at its time after the incident began to wait, and again and again until somebody
  acknowledges; several steps due at one moment ring together;
- in quiet hours what is not severe enough waits until they end, and then rings once;
- ids are made of incident, step and moment: nothing rings twice, whatever is started again;
- a call holds what a person must know to act, and nothing that a citizen wrote.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from kel.model.city import City
from kel.model.escalation import ON_CALL, Duty, Escalation, QuietHours, Step
from kel.model.ids import make_id
from kel.model.incident import Incident, IncidentEvent, IncidentState
from kel.model.labels import SEVERITY_LABEL
from kel.model.order import OrderEvent, OrderState, Outgoing, WorkOrder
from kel.model.situation import Changes, Situation
from rules.incidents.work import KEL, Work

TOPIC = "kel/v1/calls/{who}"
OUT = frozenset({OrderState.ACCEPTED, OrderState.ARRIVED})


@dataclass(frozen=True, slots=True)
class Call:
    """Steps that are due at a moment, of an incident that waits since `since`."""

    at: datetime
    since: datetime
    steps: tuple[Step, ...]


def due(work: Work, incident: Incident) -> Call | None:
    """The next call about an incident that waits for somebody; None where it does not.

    An incident whose crew is just replying waits for nobody.
    """
    if incident.state is not IncidentState.OPEN or incident.id in work.taken_up:
        return None
    since = incident.reopened_at or incident.opened_at
    after = max(since, incident.called_at or since)
    moments: dict[datetime, list[Step]] = {}
    for step in work.city.escalation.steps:
        if incident.severity >= step.severity:
            at = _rings(work.city, incident, step, since, after)
            moments.setdefault(at, []).append(step)
    first = min(moments, default=None)
    return None if first is None else Call(first, since, tuple(moments[first]))


def _rings(
    city: City, incident: Incident, step: Step, since: datetime, after: datetime
) -> datetime:
    """The first moment later than `after` at which the step rings."""
    first = since + step.after
    passed = max(0, (after - first) // step.every)
    quiet = city.escalation.quiet
    while True:
        moment = first + passed * step.every
        if quiet is not None and incident.severity < quiet.severity:
            moment = quiet_until(quiet, moment, city.timezone) or moment
        if moment > after:
            return moment
        passed += 1


def quiet_until(quiet: QuietHours, moment: datetime, timezone: str) -> datetime | None:
    """The end of the quiet hours that `moment` lies in; None outside of them."""
    local = moment.astimezone(ZoneInfo(timezone))
    clock, (start, end) = local.time(), (quiet.start, quiet.end)
    inside = start <= clock < end if start < end else clock >= start or clock < end
    if not inside:
        return None
    day = local.date() + timedelta(days=int(start >= end and clock >= start))
    return datetime.combine(day, end, tzinfo=local.tzinfo).astimezone(UTC)


def make(work: Work, incident: Incident, call: Call, at: datetime) -> None:
    """Ring: a line of history and a message for each step; then the next ones count from here."""
    call = replace(call, at=at)
    work.put(replace(incident, called_at=at))
    minutes = int((at - call.since).total_seconds() // 60)
    for step in call.steps:
        who = _called(work.city.escalation, step, call.at, work.city.timezone)
        about = f"{step.call}/{call.at.isoformat()}"
        name = work.city.escalation.contacts.get(who, who) if who else "κανείς σε εφημερία"
        why = f"{name}· χωρίς αναγνώριση {minutes}′"
        work.tell(incident, call.at, "called", why, about=about)
        if who:
            work.changes.outbox.append(_message(work.city, incident, call, step, who, about))


def _called(escalation: Escalation, step: Step, at: datetime, timezone: str) -> str | None:
    """Whose turn it is: the step's contact, or the first of the roster on duty at that hour."""
    if step.call != ON_CALL:
        return step.call
    return next((d.who for d in escalation.roster if on_duty(d, at, timezone)), None)


def on_duty(duty: Duty, at: datetime, timezone: str) -> bool:
    """Whether this line of the roster holds at that moment."""
    local = at.astimezone(ZoneInfo(timezone))
    clock, day = local.time(), local.weekday()
    if duty.start < duty.end:
        return day in duty.days and duty.start <= clock < duty.end
    begun = day in duty.days and clock >= duty.start
    return begun or ((day - 1) % 7 in duty.days and clock < duty.end)


def _message(
    city: City, incident: Incident, call: Call, step: Step, who: str, about: str
) -> Outgoing:
    opened = call.since.astimezone(ZoneInfo(city.timezone))
    known = make_id("call", incident.id, about)
    expires = call.at + step.every
    severity = SEVERITY_LABEL[incident.severity]
    return Outgoing(
        id=known,
        topic=TOPIC.format(who=who),
        payload={
            "call": str(known),
            "who": who,
            "incident": incident.number,
            "severity": incident.severity.name.lower(),
            "title": incident.title,
            "text": f"{incident.number}, {severity}: {incident.title}. "
            f"Περιμένει αναγνώριση από τις {opened:%H:%M}.",
            "place": {"lat": incident.place.lat, "lon": incident.place.lon},
            "made_at": _iso(call.at),
            "expires_at": _iso(expires),
        },
        made_at=call.at,
        expires_at=expires,
    )


def overdue(city: City, situation: Situation, now: datetime) -> Changes:
    """Tell of orders that were accepted and should have been completed by now, each once."""
    changes = Changes()
    margin = city.escalation.margin
    for order in sorted(situation.orders.values(), key=lambda o: (o.finish_at, o.id)):
        if margin is None or order.state not in OUT or order.id in situation.overdue:
            continue
        at = order.finish_at + margin
        incident = situation.incidents.get(order.incident)
        if at <= now and incident is not None:
            changes.incident_events += _late(city, order, incident, at)
            told = make_id("order_event", order.id, "overdue")
            changes.order_events.append(OrderEvent(told, order.id, at, "overdue", KEL))
    return changes


def _late(
    city: City, order: WorkOrder, incident: Incident, at: datetime
) -> Iterator[IncidentEvent]:
    planned = order.finish_at.astimezone(ZoneInfo(city.timezone))
    crew = city.crews.get(order.crew)
    why = (
        f"{order.number}: {crew.name if crew else order.crew}, έπρεπε να τελειώσει {planned:%H:%M}"
    )
    known = make_id("incident_event", incident.id, "overdue", order.id)
    yield IncidentEvent(known, incident.id, at, "overdue", KEL, why)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
