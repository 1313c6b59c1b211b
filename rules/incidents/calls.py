"""Calls: who is rung about an incident that nobody has acknowledged, or whose crew is silent. Pure.

Laws:
- a step rings for its severity and above; of the steps that call one contact, the highest that has
  come decides how often, of equal ones the shortest;
- a contact is rung about an incident once for all reasons, and again when `every` has passed since;
  what is new rings earlier, but never within the shortest `every` that there is for that contact;
- in quiet hours what is not severe enough waits until they end, and rings then;
- nothing rings in the time before the last decision: what a reload or a late sign brings rings now;
- ids are made of incident, contact and moment: nothing rings twice, whatever is started again;
- a call holds what a person must know to act, and nothing that a citizen wrote.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from kel.model.city import City
from kel.model.escalation import ON_CALL, Step
from kel.model.ids import make_id
from kel.model.incident import Incident, IncidentState
from kel.model.labels import SEVERITY_LABEL, clock, hours
from kel.model.order import Outgoing
from rules.incidents.duty import next_handover, on_call, quiet_until
from rules.incidents.overdue import left_open
from rules.incidents.work import Work

TOPIC = "kel/v1/calls/{who}"
NOBODY = "κανείς σε εφημερία"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a step rings, from `at` on: what an order's crew left open (`order`), or nobody came."""

    at: datetime
    step: Step
    order: str = ""


@dataclass(frozen=True, slots=True)
class Ring:
    """One contact (None: nobody is on duty) is rung, and would be again after `every`."""

    who: str | None
    every: timedelta
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """Those who are rung at a moment."""

    at: datetime
    rings: tuple[Ring, ...]


def due(work: Work, incident: Incident) -> Call | None:
    """The next call about an incident; None where nobody is to be called.

    An incident whose crew is just replying waits for nobody.
    """
    reasons = list(_reasons(work, incident))
    if not reasons:
        return None
    moments = (min(r.at for r in reasons), work.clock, work.situation.clock)
    moment = max(m for m in moments if m is not None)
    while True:
        moment = _heard(work.city, incident, moment)
        rings = tuple(_rings(work.city, incident, reasons, moment))
        if rings:
            return Call(moment, rings)
        moment = min(_turns(work.city, incident, reasons, moment))


def calls_for(work: Work, incident: Incident, at: datetime) -> bool:
    """Whether somebody is to be called about it at this moment, quiet hours or not."""
    return any(r.at <= at for r in _reasons(work, incident))


def _reasons(work: Work, incident: Incident) -> Iterator[Reason]:
    escalation = work.city.escalation
    if incident.id in work.taken_up:
        return
    if incident.state is IncidentState.OPEN:
        since = _waits_since(incident)
        for step in escalation.steps:
            if incident.severity >= step.severity:
                yield Reason(since + step.after, step)
    orders = escalation.orders
    if orders is not None and incident.severity >= orders.severity:
        for left in left_open(work, incident):
            yield Reason(left.at, orders, left.told)


def _waits_since(incident: Incident) -> datetime:
    return incident.reopened_at or incident.opened_at


def _heard(city: City, incident: Incident, moment: datetime) -> datetime:
    """The moment, or the end of the quiet hours in which the incident may not ring."""
    quiet = city.escalation.quiet
    if quiet is None or incident.severity >= quiet.severity:
        return moment
    return quiet_until(quiet, moment, city.timezone) or moment


def _rings(
    city: City, incident: Incident, reasons: Sequence[Reason], moment: datetime
) -> Iterator[Ring]:
    """Who is to be rung at that moment, in the order of the reasons."""
    turn = on_call(city.escalation, moment, city.timezone)

    def rung(step: Step) -> str | None:
        return turn if step.call == ON_CALL else step.call

    found: dict[str | None, list[Reason]] = {}
    for reason in reasons:
        if reason.at <= moment:
            found.setdefault(rung(reason.step), []).append(reason)
    for who, mine in found.items():
        deciding, last = _deciding(mine), incident.called.get(who or ON_CALL)
        every = min(r.step.every for r in deciding)
        wait = every
        if last is not None and any(r.at > last for r in deciding):
            wait = min(s.every for s in _steps(city, incident) if rung(s) == who)
        if last is None or last + wait <= moment:
            yield Ring(who, every, tuple(mine))


def _deciding(reasons: Sequence[Reason]) -> list[Reason]:
    """Of the reasons to ring a contact those that say how often: orders, and the highest steps."""
    highest = max((r.step.severity for r in reasons if not r.order), default=None)
    return [r for r in reasons if r.order or r.step.severity == highest]


def _steps(city: City, incident: Incident) -> Iterator[Step]:
    """All that can ever ring for an incident of its severity."""
    escalation = city.escalation
    for step in (*escalation.steps, escalation.orders):
        if step is not None and incident.severity >= step.severity:
            yield step


def _turns(
    city: City, incident: Incident, reasons: Sequence[Reason], moment: datetime
) -> Iterator[datetime]:
    """The moments after `moment` from which on it may be otherwise who is to be rung."""
    yield from (r.at for r in reasons if r.at > moment)
    for last in incident.called.values():
        yield from (m for s in _steps(city, incident) if (m := last + s.every) > moment)
    if any(r.step.call == ON_CALL for r in reasons):
        handover = next_handover(city.escalation, moment, city.timezone)
        if handover is not None:
            yield handover


def make(work: Work, incident: Incident, call: Call, at: datetime) -> None:
    """Ring: a line of history and a message for each who is rung; the next ones count from here."""
    rung = {ring.who or ON_CALL: at for ring in call.rings}
    work.put(replace(incident, called={**incident.called, **rung}))
    for ring in call.rings:
        about = f"{ring.who or ON_CALL}/{at.isoformat()}"
        told = [work.city.escalation.contacts.get(ring.who, ring.who) if ring.who else NOBODY]
        if any(not r.order for r in ring.reasons):
            told.append(f"χωρίς αναγνώριση {hours(at - _waits_since(incident))}")
        told += [r.order for r in ring.reasons if r.order]
        work.tell(incident, at, "called", "· ".join(told), about=about)
        if ring.who:
            work.changes.outbox.append(_message(work.city, incident, ring, ring.who, at, about))


def _message(
    city: City, incident: Incident, ring: Ring, who: str, at: datetime, about: str
) -> Outgoing:
    known = make_id("call", incident.id, about)
    expires = at + ring.every
    severity = SEVERITY_LABEL[incident.severity]
    told = [f"{incident.number}, {severity}: {incident.title}."]
    if any(not r.order for r in ring.reasons):
        told.append(f"Περιμένει αναγνώριση {_since(city, _waits_since(incident), at)}.")
    told += [f"{r.order}." for r in ring.reasons if r.order]
    return Outgoing(
        id=known,
        topic=TOPIC.format(who=who),
        payload={
            "call": str(known),
            "who": who,
            "incident": incident.number,
            "severity": incident.severity.name.lower(),
            "title": incident.title,
            "text": " ".join(told),
            "place": {"lat": incident.place.lat, "lon": incident.place.lon},
            "made_at": _iso(at),
            "expires_at": _iso(expires),
        },
        made_at=at,
        expires_at=expires,
    )


def _since(city: City, then: datetime, now: datetime) -> str:
    """«από τις 03:00», and on another day «από 18/10 03:00»."""
    zone = ZoneInfo(city.timezone)
    local = then.astimezone(zone)
    today = local.date() == now.astimezone(zone).date()
    return f"από τις {local:%H:%M}" if today else f"από {clock(then, zone)}"


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
