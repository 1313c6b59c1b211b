"""Incidents: alerts, requests, commands and orders become what an operator handles. Pure.

Laws:
- one active incident per cause; a sign seen again, with the same content, changes nothing;
- everything happens at its own moment, not when it was looked at: how the signs were cut into
  batches makes no difference;
- an incident that was repaired closes when its sensors agree, and opens again when they do not;
- the history is append-only, one event a thing that happened, with ids made of what it is about;
- no citizen's words enter a title or a history: they must stay erasable.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from kel.model.alert import Alert
from kel.model.city import City
from kel.model.ids import make_id
from kel.model.incident import Incident, IncidentState
from kel.model.labels import ORDER_LABEL, SEVERITY_LABEL
from kel.model.order import OrderState, WorkOrder
from kel.model.place import Point
from kel.model.request import Request
from kel.model.situation import Changes, Command, Inputs, Situation
from rules.describe import category_of, describe
from rules.joining import (
    Tie,
    explanation,
    home_of_alert,
    home_of_request,
    reported_distance,
)
from rules.passing import pass_time
from rules.topology import explains
from rules.work import KEL, Work

UNWORKED = frozenset({IncidentState.OPEN, IncidentState.ACKNOWLEDGED})


def correlate(city: City, situation: Situation, inputs: Inputs) -> Changes:
    """Take alerts, requests and commands into incidents, and let time pass up to `inputs.now`.

    Returns incidents and their events. A command for an incident that is not active, or that
    changes nothing, leaves no trace here: it is for the caller to answer.
    """
    work = Work.on(city, situation, inputs.replies)
    for moment, _, _, sign in sorted(_steps(work, inputs), key=lambda s: s[:3]):
        pass_time(work, moment)
        _take(work, sign, moment)
    pass_time(work, inputs.now)
    return work.changes


def follow_orders(
    city: City, situation: Situation, orders: Iterable[WorkOrder], now: datetime
) -> Changes:
    """Move incidents as their orders moved: taken up → in progress, completed → resolved.

    `orders` are those that changed; seeing one again changes nothing. A refusal is told in the
    history and leaves the state: the next plan looks for another crew.
    """
    work = Work.on(city, situation)
    for order in sorted(orders, key=lambda o: (o.made_at, o.id)):
        incident = work.situation.incidents.get(order.incident)
        if incident is not None:
            _follow(work, incident, order, now)
    return work.changes


Sign = Alert | Request | Command
Step = tuple[datetime, int, str, Sign]


def _steps(work: Work, inputs: Inputs) -> Iterable[Step]:
    """What happened, each with its moment, what goes first at the same moment, and its id."""
    for alert in inputs.alerts:
        if alert.cleared_at is None or alert.id not in work.owner:
            fired = replace(alert, cleared_at=None, cleared_why=None)
            yield alert.detected_at, 0, str(alert.id), fired
        if alert.cleared_at is not None:
            yield max(alert.cleared_at, alert.detected_at), 2, str(alert.id), alert
    for request in inputs.requests:
        yield request.arrival, 1, str(request.id), request
    for command in inputs.commands:
        yield command.at, 3, str(command.id), command


def _take(work: Work, sign: Sign, moment: datetime) -> None:
    if isinstance(sign, Request):
        _take_request(work, sign, moment)
    elif isinstance(sign, Command):
        _take_command(work, sign)
    elif sign.id in work.owner:
        _restate(work, sign, moment)
    else:
        _take_alert(work, sign, moment)


def _take_alert(work: Work, alert: Alert, moment: datetime) -> None:
    tie = home_of_alert(work, alert)
    work.situation.alerts[alert.id] = alert
    if tie is None:
        home = _open(work, alert, moment, alerts=(alert.id,))
    else:
        home = work.situation.incidents[tie.incident]
        again = _broken_again(home, alert, tie)
        grown = replace(home, alerts=(*home.alerts, alert.id))
        if again:
            grown = replace(grown, state=IncidentState.OPEN)
        home = _refresh(work, grown, moment, tie.what, tie.why, alert.id)
        if again:
            why = "νέα ειδοποίηση μετά την αποκατάσταση"
            work.tell(home, moment, "reopened", why, about=alert.id)
    _absorb(work, home, alert, moment)


def _broken_again(home: Incident, alert: Alert, tie: Tie) -> bool:
    """Whether trouble that began after the repair shows that it did not hold."""
    if home.state is not IncidentState.RESOLVED or home.resolved_at is None:
        return False
    return tie.what != "hushed" and alert.started_at > home.resolved_at


def _restate(work: Work, alert: Alert, moment: datetime) -> None:
    """Take what is new about a known alert: its end, or what late data made of it."""
    incident = work.situation.incidents.get(work.owner[alert.id])
    known = work.situation.alerts.get(alert.id)
    if incident is None or known == alert:
        return
    if known is not None and known.cleared_at is not None and alert.cleared_at is None:
        return  # its beginning, heard again after its end
    work.situation.alerts[alert.id] = alert
    ended = alert.cleared_at is not None and (known is None or known.cleared_at is None)
    if ended:
        why = alert.cleared_why or "η μέτρηση επανήλθε"
        work.tell(incident, moment, "cleared", why, about=alert.id)
    _refresh(work, incident, moment)


def _take_request(work: Work, request: Request, moment: datetime) -> None:
    if request.id in work.owner:
        return
    tie = home_of_request(work, request)
    work.situation.requests[request.id] = request
    if tie is None:
        _open(work, request, moment, requests=(request.id,))
        return
    home = work.situation.incidents[tie.incident]
    grown = replace(home, requests=(*home.requests, request.id))
    _refresh(work, grown, moment, tie.what, tie.why, request.id)


def _take_command(work: Work, command: Command) -> None:
    found = (i for i in work.situation.incidents.values() if i.number == command.incident)
    incident = next(found, None)
    if incident is None or command.what != "acknowledge":
        return
    if incident.acknowledged_at is not None and incident.state is not IncidentState.OPEN:
        return
    acknowledged = replace(incident, acknowledged_at=incident.acknowledged_at or command.at)
    if incident.state is IncidentState.OPEN:
        acknowledged = replace(acknowledged, state=IncidentState.ACKNOWLEDGED)
    work.put(acknowledged)
    work.tell(incident, command.at, "acknowledged", command.why, about=command.id, who=command.who)


def _open(
    work: Work,
    sign: Alert | Request,
    moment: datetime,
    alerts: tuple[UUID, ...] = (),
    requests: tuple[UUID, ...] = (),
) -> Incident:
    category = category_of(work.city, sign.category)
    year = moment.astimezone(ZoneInfo(work.city.timezone)).year
    number = work.situation.next_number("incident", year)
    work.situation.count("incident", number)
    incident = Incident(
        id=make_id("incident", sign.id),
        number=number,
        category=category.id,
        severity=sign.severity if isinstance(sign, Alert) else category.severity,
        state=IncidentState.OPEN,
        cause=None,
        community=sign.community,
        place=Point(0.0, 0.0),
        opened_at=moment,
        started_at=sign.started_at if isinstance(sign, Alert) else sign.at,
        title="",
        alerts=alerts,
        requests=requests,
    )
    incident = describe(work.city, incident, work.members(incident))
    work.put(incident)
    why = f"κανόνας {sign.rule}" if isinstance(sign, Alert) else "αίτημα πολίτη"
    work.tell(incident, moment, "opened", why, about=sign.id)
    return incident


def _refresh(
    work: Work,
    incident: Incident,
    moment: datetime,
    what: str = "",
    why: str = "",
    about: object = None,
) -> Incident:
    """Put the incident as its members make it; tell `what` made it grow, and whether it rose."""
    before = work.situation.incidents[incident.id]
    after = describe(work.city, incident, work.members(incident))
    if after != before:
        work.put(after)
    if what:
        work.tell(after, moment, what, why, about=about)
    raised = _raised(work, before, after)
    if raised:
        about = f"{after.category}/{after.severity}"
        work.tell(after, moment, "raised", ", ".join(raised), about=about)
    return after


def _raised(work: Work, before: Incident, after: Incident) -> list[str]:
    told = []
    if before.category != after.category:
        labels = (category_of(work.city, i.category).label for i in (before, after))
        told.append("κατηγορία: " + " → ".join(labels))
    if before.severity != after.severity:
        labels = (SEVERITY_LABEL[i.severity] for i in (before, after))
        told.append("σοβαρότητα: " + " → ".join(labels))
    return told


def _absorb(work: Work, home: Incident, alert: Alert, moment: datetime) -> None:
    """Merge into `home` what the new alert turns out to explain and nobody works on yet."""
    for other in work.active():
        waits = other.state in UNWORKED and not work.worked_on(other)
        if other.id == home.id or not waits:
            continue
        if other.alerts:
            explained = all(explains(work.city, alert, a) for a in work.alerts_of(other))
        else:
            explained = reported_distance(work, other, alert) is not None
        if explained:
            home = _merge(work, home, other, alert, moment)


def _merge(
    work: Work, home: Incident, other: Incident, parent: Alert, moment: datetime
) -> Incident:
    """Close `other`; its alerts and requests go on as `home`'s."""
    work.put(replace(other, state=IncidentState.CLOSED, closed_at=moment, alerts=(), requests=()))
    work.tell(other, moment, "closed", f"ενώθηκε με το {home.number}", about=home.id)
    for alert in other.alerts:
        work.tell(home, moment, "hushed", explanation(work, parent), about=alert)
    for request in other.requests:
        work.tell(home, moment, "joined", f"αίτημα πολίτη, από το {other.number}", about=request)
    grown = replace(
        home,
        alerts=(*home.alerts, *other.alerts),
        requests=(*home.requests, *other.requests),
    )
    return _refresh(work, grown, moment)


def _follow(work: Work, incident: Incident, order: WorkOrder, now: datetime) -> None:
    if order.state in (OrderState.ACCEPTED, OrderState.ARRIVED):
        _take_up(work, incident, order, now)
    elif order.state is OrderState.COMPLETED:
        at = order.completed_at or now
        if incident.resolved_at is None or incident.resolved_at < at:
            _complete(work, _take_up(work, incident, order, now), order, at)
    elif order.state is not OrderState.SENT:
        who = order.crew if order.state is OrderState.DECLINED else KEL
        why = f"{order.number}: {ORDER_LABEL[order.state]}"
        why = f"{why}, {order.note}" if order.note else why
        work.tell(incident, now, order.state.value, why, about=order.id, who=who)


def _complete(work: Work, incident: Incident, order: WorkOrder, at: datetime) -> None:
    """Resolved; but where it has become another category since, the cause is still to do."""
    if order.category == incident.category:
        state, what, why = IncidentState.RESOLVED, "resolved", order.number
    else:
        label = category_of(work.city, order.category).label
        state, what, why = IncidentState.OPEN, "part_done", f"{order.number} ήταν για: {label}"
    work.put(replace(incident, state=state, resolved_at=at))
    work.tell(incident, at, what, why, about=order.id, who=order.crew)


def _take_up(work: Work, incident: Incident, order: WorkOrder, now: datetime) -> Incident:
    if incident.state not in UNWORKED:
        return incident
    taken = replace(incident, state=IncidentState.IN_PROGRESS)
    work.put(taken)
    at = order.accepted_at or now
    work.tell(taken, at, "in_progress", order.number, about=order.id, who=order.crew)
    return taken
