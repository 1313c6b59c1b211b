"""What operators say to incidents, and what becomes of it. Pure.

Laws:
- every command has an answer: done, with what was done, or refused, with the reason;
- a refused command changes nothing;
- what is done stands in the history with who, when and why.

`detail` of a command holds: hand_on `to`, `protocol`, `ask_at`; assign `crew` or `person`; merge
`other`, `force`; split `members`; close `force`; silence the picks, `starts_at`, `ends_at`, and for
a recurring one `days`, `since`, `until`; unsilence `silence`. Times are ISO 8601, in lists are
commas.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from kel.model.alert import Alert
from kel.model.incident import Handover, Incident, IncidentState
from kel.model.labels import STATE_LABEL, agreeing, clock
from kel.model.request import Request
from kel.model.silence import Hidden
from kel.model.situation import Command
from rules.incidents import orphans, silencing
from rules.incidents.assigning import assign
from rules.incidents.called_back import called_back, same_kind, turned_by
from rules.incidents.calls import calls_for
from rules.incidents.growing import UNWORKED, leave, merge, open_incident, refresh
from rules.incidents.refused import RefusedError
from rules.incidents.work import Work

OF_CREWS = frozenset({"complete", "withdraw"})  # about orders: dispatch takes them


def take_command(work: Work, command: Command) -> None:
    """Do what the command asks, and answer it."""
    if command.what in OF_CREWS:
        return
    try:
        told = _do(work, command)
    except RefusedError as error:
        work.answer(command, str(error), done=False)
    else:
        work.answer(command, told, done=True)


def _do(work: Work, command: Command) -> str:
    if command.what == "silence":
        return silencing.silence(work, command)
    if command.what == "unsilence":
        return silencing.unsilence(work, command)
    if command.what not in _OF_INCIDENTS:
        raise RefusedError(f"δεν υπάρχει εντολή {command.what}")
    return _OF_INCIDENTS[command.what](work, _named(work, command.incident), command)


def _named(work: Work, number: str) -> Incident:
    found = (i for i in work.situation.incidents.values() if i.number == number)
    incident = next(found, None)
    if incident is None:
        raise RefusedError(f"δεν υπάρχει ενεργό συμβάν {number}")
    return incident


def _acknowledge(work: Work, incident: Incident, command: Command) -> str:
    waits = incident.state is IncidentState.OPEN or calls_for(work, incident, command.at)
    if incident.acknowledged_at is not None and not waits:
        clock = _local(work, incident.acknowledged_at)
        raise RefusedError(f"{incident.number}: αναγνωρίστηκε ήδη, {clock}")
    first = incident.acknowledged_at or command.at
    acknowledged = replace(incident, acknowledged_at=first, seen_at=command.at)
    if incident.state is IncidentState.OPEN:
        acknowledged = replace(acknowledged, state=IncidentState.ACKNOWLEDGED)
    work.put(acknowledged)
    work.tell(incident, command.at, "acknowledged", command.why, about=command.id, who=command.who)
    return f"{incident.number}: αναγνωρίστηκε ({command.who})"


def _hand_on(work: Work, incident: Incident, command: Command) -> str:
    to, protocol = (command.detail.get(name, "").strip() for name in ("to", "protocol"))
    ask_at = silencing.moment_of(command.detail, "ask_at")
    if not to:
        raise RefusedError("σε ποιον; γράψτε την υπηρεσία στην οποία ανήκει (--to)")
    if ask_at is None or ask_at <= command.at:
        raise RefusedError("πότε να ερωτηθεί ξανά; γράψτε στιγμή που δεν πέρασε (--ask)")
    if incident.state not in {*UNWORKED, IncidentState.HANDED_ON, IncidentState.IN_PROGRESS}:
        raise RefusedError(f"{incident.number}: {STATE_LABEL[incident.state]}")
    _nobody_at_work(work, incident)
    handed = Handover(to, protocol, command.at, ask_at)
    work.put(
        replace(
            incident,
            state=IncidentState.HANDED_ON,
            handed=handed,
            acknowledged_at=incident.acknowledged_at or command.at,
            seen_at=command.at,
        )
    )
    number = f", αρ. πρωτ. {protocol}" if protocol else ""
    told = f"{to}{number}, ερώτηση ξανά {_local(work, ask_at)}"
    why = f"{told} · {command.why}" if command.why else told
    work.tell(incident, command.at, "handed_on", why, about=command.id, who=command.who)
    return f"{incident.number}: διαβιβάστηκε σε {told}{called_back(work, incident.id)}"


def _merge(work: Work, incident: Incident, command: Command) -> str:
    other = _named(work, command.detail.get("other", ""))
    if other.id == incident.id:
        raise RefusedError(f"το {incident.number} είναι το ίδιο συμβάν")
    if work.at_work(other):
        raise RefusedError(
            f"συνεργείο εργάζεται για το {other.number}: ενώστε το {incident.number} με εκείνο"
        )
    if not command.detail.get("force"):
        same_kind(work, incident, other)
    back, why = called_back(work, other.id), command.why or f"από το {other.number}"
    work.tell(
        incident,
        command.at,
        "merged",
        f"με το {other.number} · {command.why}" if command.why else f"με το {other.number}",
        about=command.id,
        who=command.who,
    )
    merge(work, incident, other, command.at, why, what="joined", who=command.who)
    back += called_back(work, incident.id, turned_by(work.situation.incidents[incident.id]))
    return f"{other.number}: ενώθηκε με το {incident.number}{back}"


def _split(work: Work, incident: Incident, command: Command) -> str:
    alerts, requests = _members(incident, command.detail.get("members", ""))
    if len(alerts) + len(requests) == len(incident.alerts) + len(incident.requests):
        raise RefusedError(f"κάτι πρέπει να μείνει στο {incident.number}")
    leaving = [a for a in work.alerts_of(incident) if a.id in alerts]
    asking = [r for r in work.requests_of(incident) if r.id in requests]
    rest = leave(work, incident, alerts, requests)
    signs: list[Alert | Request] = [*leaving, *asking]
    first, *others = signs
    why = f"χωρίστηκε από το {incident.number}"
    why = f"{why}, {command.why}" if command.why else why
    new = open_incident(work, first, command.at, why, command.who)
    gone = {s.id for s in others}
    new = replace(
        new,
        alerts=(*new.alerts, *(a.id for a in leaving if a.id in gone)),
        requests=(*new.requests, *(r.id for r in asking if r.id in gone)),
    )
    new = refresh(work, new, command.at)
    told = _many(len(alerts), len(requests)) + f" στο {new.number}"
    work.tell(rest, command.at, "split", told, about=command.id, who=command.who)
    return f"{incident.number}: {told}"


def _many(alerts: int, requests: int) -> str:
    told = (
        agreeing(alerts, "ειδοποίηση", "ειδοποιήσεις") if alerts else "",
        agreeing(requests, "αίτημα", "αιτήματα") if requests else "",
    )
    return ", ".join(filter(None, told))


def _members(incident: Incident, named: str) -> tuple[set[UUID], set[UUID]]:
    """The members that are named, each by the first digits of its id, as `show` prints them."""
    alerts: set[UUID] = set()
    requests: set[UUID] = set()
    for text in (t.strip().lower() for t in named.split(",")):
        fits = [m for m in (*incident.alerts, *incident.requests) if str(m).startswith(text)]
        if not text or len(fits) != 1:
            how = "πολλά μέλη αρχίζουν" if text and fits else "κανένα μέλος δεν αρχίζει"
            raise RefusedError(f"{incident.number}: {how} από «{text}»")
        (alerts if fits[0] in incident.alerts else requests).add(fits[0])
    return alerts, requests


def _close(work: Work, incident: Incident, command: Command) -> str:
    """Close by hand. What is still active speaks where its cause is gone, else it is dismissed."""
    if not command.why.strip():
        raise RefusedError("γιατί; όποιο κλείνει χρειάζεται αιτία (--why)")
    _nobody_at_work(work, incident)
    active = [a for a in work.alerts_of(incident) if a.cleared_at is None]
    if active and not command.detail.get("force"):
        named = (work.city.devices.get(a.device) for a in active)
        names = list(dict.fromkeys(d.name for d in named if d)) or [active[0].device]
        more = f" και άλλες {len(names) - 3}" if len(names) > 3 else ""
        many = agreeing(len(active), "ενεργή ειδοποίηση", "ενεργές ειδοποιήσεις")
        told = f"{many}: {', '.join(names[:3])}{more}"
        raise RefusedError(f"{incident.number}: {told}· με --force κλείνει")
    for _, child in list(orphans.orphans(work, incident)):
        incident = work.situation.incidents[incident.id]
        orphans.speak(work, incident, child, command.at)
    incident = work.situation.incidents[incident.id]
    dismissed = [a for a in work.alerts_of(incident) if a.cleared_at is None]
    for alert in dismissed:
        work.put_hidden(Hidden(alert.id, incident.id, command.at, dismissed=True))
    told = (
        f"{command.why} · με ενεργές ειδοποιήσεις: {len(dismissed)}" if dismissed else command.why
    )
    work.put(replace(incident, state=IncidentState.CLOSED, closed_at=command.at))
    work.tell(incident, command.at, "closed", told, about=command.id, who=command.who)
    return f"{incident.number}: έκλεισε{called_back(work, incident.id)}"


def _nobody_at_work(work: Work, incident: Incident) -> None:
    if work.at_work(incident):
        raise RefusedError(f"συνεργείο εργάζεται για το {incident.number}: ας τελειώσει πρώτα")


def _local(work: Work, moment: datetime) -> str:
    return clock(moment, ZoneInfo(work.city.timezone))


_OF_INCIDENTS: Mapping[str, Callable[[Work, Incident, Command], str]] = {
    "acknowledge": _acknowledge,
    "hand_on": _hand_on,
    "assign": assign,
    "merge": _merge,
    "split": _split,
    "close": _close,
}
