"""What time alone makes of incidents: verified, closed, open again, called about. Pure.

Laws:
- each happens at the moment when it was due, not when somebody looked, and in order of time;
- a repaired incident is verified when its sensors agree and closes after that; where they do not
  agree in time, it opens again and names the sensor;
- trouble that passed by itself closes only where nobody is on the way and nobody waits;
- nothing closes by itself while a crew is at work on it.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from kel.model.alert import Alert, Severity
from kel.model.incident import Incident, IncidentState
from rules.incidents import calls, mute, orphans
from rules.incidents.agenda import Due, Key
from rules.incidents.describe import category_of
from rules.incidents.flapping import quiet_for
from rules.incidents.growing import reopen
from rules.incidents.work import Work

CLOSE_AFTER = timedelta(minutes=30)  # verified, or resolved where no sensor watches
PASSED_AFTER = timedelta(minutes=60)  # all alerts cleared, and nobody had to go


def pass_time(work: Work, until: datetime) -> None:
    """Let happen what was due up to `until`, one after the other: each may bring the next."""
    while (due := work.agenda.next(partial(dues, work))) is not None:
        if due.at > until:
            break
        # what only just became possible happens now, not before what made it so
        work.clock = max(due.at, work.clock or due.at)
        due.happen(work.clock)
    work.clock = max(until, work.clock or until)


def dues(work: Work, key: Key) -> Iterator[Due]:
    """What an incident, a silence or a hidden alert has due; nothing where it is over."""
    what, known = key
    if what == "incident" and (incident := work.situation.incidents.get(known)) is not None:
        yield from _of_incident(work, incident)
    elif what == "silence" and (silence := work.situation.silences.get(known)) is not None:
        yield Due(silence.ends_at, str(known), partial(mute.end, work, silence))
    elif what == "hidden" and (hidden := work.situation.hidden.get(known)) is not None:
        at = mute.speaks_at(work, hidden)
        if at is not None:
            yield Due(at, str(known), partial(mute.speak, work, hidden))


def _of_incident(work: Work, incident: Incident) -> Iterator[Due]:
    about = str(incident.id)
    lost = list(orphans.orphans(work, incident))
    if lost:  # the others wait: once one has left, the incident is looked at again
        at, alert = min(lost, key=lambda o: (o[0], str(o[1].id)))
        yield Due(at, f"{about}/{alert.id}", partial(orphans.speak, work, incident, alert), "spoke")
    if incident.handed is not None and incident.handed.ask_at is not None:
        at = incident.handed.ask_at
        yield Due(at, f"{about}/ask", partial(_ask_again, work, incident), "ask_again")
    call = calls.due(work, incident)
    if call is not None:
        yield Due(call.at, f"{about}/call", partial(calls.make, work, incident, call), "called")
    yield from _turns(work, incident, {alert.id for _, alert in lost})


def _turns(work: Work, incident: Incident, lost: Collection[UUID]) -> Iterator[Due]:
    """What becomes of its state. `lost`: alerts that its cause no longer explains."""
    about, quiet = str(incident.id), work.situation.quiet_since(incident)
    if incident.state is IncidentState.VERIFIED:
        if quiet is not None and not work.at_work(incident):
            at = (incident.verified_at or incident.opened_at) + CLOSE_AFTER
            yield Due(at, about, partial(_close, work, incident, "επαληθεύτηκε"), "closed")
    elif incident.state is IncidentState.RESOLVED:
        yield from _after_repair(work, incident, quiet, lost)
    elif quiet is not None and _may_pass(work, incident):
        at = quiet + quiet_for(incident, PASSED_AFTER)
        yield Due(at, about, partial(_close, work, incident, "πέρασε μόνο του"), "closed")


def _after_repair(
    work: Work, incident: Incident, quiet: datetime | None, lost: Collection[UUID]
) -> Iterator[Due]:
    about, resolved = str(incident.id), incident.resolved_at or incident.opened_at
    if not incident.alerts:
        if work.at_work(incident):
            return
        at, why = resolved + CLOSE_AFTER, "αποκαταστάθηκε· κανένας αισθητήρας δεν το παρακολουθεί"
        yield Due(at, about, partial(_close, work, incident, why), "closed")
    elif quiet is not None:
        at = max(quiet + quiet_for(incident, timedelta()), resolved)
        yield Due(at, about, partial(_verify, work, incident), "verified")
    else:
        active = [a for a in work.alerts_of(incident) if a.cleared_at is None]
        doubts = [a for a in active if a.id not in lost]
        if doubts:
            at = min(_clears_by(work, incident, alert, resolved) for alert in doubts)
            yield Due(at, about, partial(_doubt, work, incident, doubts), "still_active")


def _clears_by(work: Work, incident: Incident, alert: Alert, resolved: datetime) -> datetime:
    """When an alert that is still active says that the repair did not help."""
    wait = quiet_for(incident, orphans.patience(work, incident, alert))
    return max(resolved + wait, alert.detected_at)


def _close(work: Work, incident: Incident, why: str, at: datetime) -> None:
    work.put(replace(incident, state=IncidentState.CLOSED, closed_at=at))
    work.tell(incident, at, "closed", why, about=at.isoformat())


def _verify(work: Work, incident: Incident, at: datetime) -> None:
    work.put(replace(incident, state=IncidentState.VERIFIED, verified_at=at))
    work.tell(incident, at, "verified", "οι αισθητήρες συμφωνούν", about=at.isoformat())


def _doubt(work: Work, incident: Incident, doubts: list[Alert], at: datetime) -> None:
    """The repair did not help: open again, with the sensor that says so."""
    devices = (work.city.devices.get(a.device) for a in doubts)
    names = dict.fromkeys(d.name if d else a.device for d, a in zip(devices, doubts, strict=True))
    first, *others = names
    told = f"{first} και άλλοι {len(others)}" if others else first
    why = f"μετά την αποκατάσταση η ειδοποίηση μένει ενεργή: {told}"
    reopen(work, incident, at, why, at.isoformat(), what="still_active")


def _ask_again(work: Work, incident: Incident, at: datetime) -> None:
    """The date has come on which the office wanted to ask the others; nobody is sent all the same.

    Where it was still with them it needs somebody's attention again.
    """
    handed = incident.handed
    assert handed is not None, "it was due"
    asked = replace(incident, handed=replace(handed, ask_at=None))
    protocol = f", αρ. πρωτ. {handed.protocol}" if handed.protocol else ""
    reopen(work, asked, at, f"{handed.to}{protocol}", at.isoformat(), what="ask_again")


def _may_pass(work: Work, incident: Incident) -> bool:
    """Whether it may close without anybody having gone.

    Nobody is on the way or has begun, no citizen waits for somebody to come, and it is either of a
    lower severity or an operator has seen it.
    """
    if work.on_the_way(incident) or work.situation.parts_of(incident):
        return False
    if incident.requests and category_of(work.city, incident.category).people > 0:
        return False
    return incident.severity < Severity.HIGH or incident.acknowledged_at is not None
