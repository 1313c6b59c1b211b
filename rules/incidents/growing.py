"""How incidents grow: an alert or a request opens one, joins one, or merges several. Pure.

Laws:
- what an incident is follows from its members (`describe`); each that comes is told once;
- trouble that began after a repair opens the incident again at once, but where it comes and goes
  (`flapping`): that is judged when the repair is verified;
- what nobody works on yet is merged into the incident of the alert that explains it.
"""

from dataclasses import replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from kel.model.alert import Alert
from kel.model.ids import make_id
from kel.model.incident import REPAIRED, Incident, IncidentState
from kel.model.labels import SEVERITY_LABEL
from kel.model.place import Point
from kel.model.request import Request
from rules.incidents.describe import category_of, describe
from rules.incidents.flapping import comes_and_goes, turns
from rules.incidents.joining import (
    Tie,
    explanation,
    home_of_alert,
    home_of_request,
    reported_distance,
)
from rules.incidents.topology import explains
from rules.incidents.work import KEL, Work

UNWORKED = frozenset({IncidentState.OPEN, IncidentState.ACKNOWLEDGED})


def take_alert(
    work: Work, alert: Alert, moment: datetime, why: str = "", but: UUID | None = None
) -> Incident:
    """Take an alert into the incident that it belongs to; the incident as it then is.

    `why` it is heard only now, where it was hushed or hidden; `but` is the incident it has left.
    """
    tie = home_of_alert(work, alert, moment, but)
    work.put_alert(alert)
    if tie is None:
        home = open_incident(work, alert, moment, why)
    else:
        home = _join(work, alert, tie, moment, why)
    _absorb(work, home, alert, moment)
    return home


def _join(work: Work, alert: Alert, tie: Tie, moment: datetime, why: str) -> Incident:
    home = work.situation.incidents[tie.incident]
    told = f"{tie.why} · {why}" if why else tie.why
    grown = replace(home, alerts=(*home.alerts, alert.id))
    quietly = comes_and_goes(work, home, alert)
    about = _once(alert.id, moment) if why else alert.id
    grown = refresh(work, grown, moment, "" if quietly else tie.what, told, about)
    if home.flapping_at is None and turns(work, grown, alert):
        grown = replace(grown, flapping_at=moment)
        work.put(grown)
        work.tell(grown, moment, "flapping", f"κανόνας {alert.rule}, {alert.device}", about="")
    if _broken_again(grown, alert, tie):
        return reopen(work, grown, moment, "νέα ειδοποίηση μετά την αποκατάσταση", about)
    return grown


def _broken_again(home: Incident, alert: Alert, tie: Tie) -> bool:
    """Whether trouble that began after the repair shows that it did not hold."""
    if home.state not in REPAIRED or home.resolved_at is None or tie.what == "hushed":
        return False
    if home.flapping_at is not None and home.state is IncidentState.RESOLVED:
        return False
    return home.state is IncidentState.VERIFIED or alert.started_at > home.resolved_at


def reopen(
    work: Work,
    incident: Incident,
    moment: datetime,
    why: str,
    about: object,
    what: str = "reopened",
    who: str = KEL,
) -> Incident:
    """Bring an incident back to attention."""
    again = replace(incident, state=IncidentState.OPEN, reopened_at=moment, verified_at=None)
    work.put(again)
    work.tell(again, moment, what, why, about=about, who=who)
    return again


def take_request(work: Work, request: Request, moment: datetime) -> None:
    """Take a citizen's request into the incident that it belongs to."""
    if request.id in work.owner:
        return
    tie = home_of_request(work, request)
    work.situation.requests[request.id] = request
    if tie is None:
        open_incident(work, request, moment)
        return
    home = work.situation.incidents[tie.incident]
    grown = replace(home, requests=(*home.requests, request.id))
    refresh(work, grown, moment, tie.what, tie.why, request.id)


def open_incident(
    work: Work, sign: Alert | Request, moment: datetime, why: str = "", who: str = KEL
) -> Incident:
    """A new incident of this sign; a sign that was in one before (`why`) gets another id."""
    category = category_of(work.city, sign.category)
    year = moment.astimezone(ZoneInfo(work.city.timezone)).year
    number = work.situation.next_number("incident", year)
    work.situation.count("incident", number)
    alert = isinstance(sign, Alert)
    incident = Incident(
        id=make_id("incident", sign.id, *([moment.isoformat()] if why else [])),
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
        alerts=(sign.id,) if alert else (),
        requests=() if alert else (sign.id,),
    )
    incident = describe(work.city, incident, work.members(incident))
    work.put(incident)
    told = f"κανόνας {sign.rule}" if isinstance(sign, Alert) else "αίτημα πολίτη"
    told = f"{told} · {why}" if why else told
    work.tell(incident, moment, "opened", told, about=sign.id, who=who)
    return incident


def refresh(
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
        waits = other.state in UNWORKED and not work.worked_on(other) and not other.handed
        if other.id == home.id or not waits:
            continue
        if other.alerts:
            explained = all(explains(work.city, alert, a) for a in work.alerts_of(other))
        else:
            explained = reported_distance(work, other, alert) is not None
        if explained:
            home = merge(work, home, other, moment, explanation(work, alert))


def merge(
    work: Work,
    home: Incident,
    other: Incident,
    moment: datetime,
    why: str,
    what: str = "hushed",
    who: str = KEL,
) -> Incident:
    """Close `other`; its alerts and requests go on as `home`'s. `what` is told of each alert."""
    put_away = replace(other, state=IncidentState.CLOSED, closed_at=moment, alerts=(), requests=())
    work.put(put_away)
    work.tell(other, moment, "closed", f"ενώθηκε με το {home.number}", about=home.id, who=who)
    for alert in other.alerts:
        work.tell(home, moment, what, why, about=_once(alert, moment), who=who)
    for request in other.requests:
        told = f"αίτημα πολίτη, από το {other.number}"
        work.tell(home, moment, "joined", told, about=_once(request, moment), who=who)
    grown = replace(
        home,
        alerts=(*home.alerts, *other.alerts),
        requests=(*home.requests, *other.requests),
    )
    return refresh(work, grown, moment)


def _once(member: UUID, moment: datetime) -> str:
    """What an event is about where a member may leave and come again: each time is told."""
    return f"{member}/{moment.isoformat()}"


def leave(work: Work, incident: Incident, alerts: set[UUID], requests: set[UUID]) -> Incident:
    """The incident without these members. Its category and severity never fall."""
    rest = replace(
        incident,
        alerts=tuple(a for a in incident.alerts if a not in alerts),
        requests=tuple(r for r in incident.requests if r not in requests),
    )
    rest = describe(work.city, rest, work.members(rest))
    work.put(rest)
    for member in (*alerts, *requests):
        work.owner.pop(member, None)
    return rest
