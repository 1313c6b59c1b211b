"""What time alone makes of incidents: they close, or open again. Pure.

Laws:
- each happens at the moment when it was due, not when somebody looked;
- a repaired incident closes when its sensors agree, and opens again where they do not in time;
- trouble that passed by itself closes only where nobody is on the way and nobody waits.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from kel.model.alert import Severity
from kel.model.incident import Incident, IncidentState
from rules.describe import category_of
from rules.work import Work

CLOSE_AFTER = timedelta(minutes=30)  # resolved, and the sensors agree
PASSED_AFTER = timedelta(minutes=60)  # all alerts cleared, and nobody had to go
AGREE_WITHIN = timedelta(hours=3)  # after a repair; then it is open again
AGREE_BY_NIGHT = timedelta(hours=26)  # where only the next night can show it
BY_NIGHT = frozenset({"night_flow", "light"})  # rule kinds and families that nights decide


def pass_time(work: Work, until: datetime) -> None:
    """Close and reopen what was due up to `until`, each at the moment when it was due."""
    due = [
        (when, str(incident.id), incident, after)
        for incident in work.situation.incidents.values()
        for when, after in _due(work, incident)
        if when <= until
    ]
    for when, _, incident, (state, what, why) in sorted(due, key=lambda d: d[:2]):
        closed_at = when if state is IncidentState.CLOSED else None
        work.put(replace(incident, state=state, closed_at=closed_at))
        work.tell(incident, when, what, why, about=when.isoformat())


def _due(
    work: Work, incident: Incident
) -> Iterable[tuple[datetime, tuple[IncidentState, str, str]]]:
    """What time alone will make of the incident: the moment, the new state, the event and why."""
    quiet = work.situation.quiet_since(incident)
    if incident.state is not IncidentState.RESOLVED:
        if quiet is not None and _may_pass(work, incident):
            yield quiet + PASSED_AFTER, (IncidentState.CLOSED, "closed", "πέρασε μόνο του")
        return
    resolved = incident.resolved_at or incident.opened_at
    if not incident.alerts:
        why = "αποκαταστάθηκε· κανένας αισθητήρας δεν το παρακολουθεί"
        yield resolved + CLOSE_AFTER, (IncidentState.CLOSED, "closed", why)
    elif quiet is not None:
        why = "οι αισθητήρες συμφωνούν"
        yield max(quiet, resolved + CLOSE_AFTER), (IncidentState.CLOSED, "closed", why)
    else:
        why = "μετά την αποκατάσταση η ειδοποίηση μένει ενεργή"
        yield resolved + _patience(work, incident), (IncidentState.OPEN, "still_active", why)


def _may_pass(work: Work, incident: Incident) -> bool:
    """Whether it may close without anybody having gone.

    Nobody is on the way, no citizen waits for somebody to come, and it is either of a lower
    severity or an operator has seen it.
    """
    if work.on_the_way(incident):
        return False
    if incident.requests and category_of(work.city, incident.category).people > 0:
        return False
    return incident.severity < Severity.HIGH or incident.acknowledged_at is not None


def _patience(work: Work, incident: Incident) -> timedelta:
    """How long the sensors have to agree that it was repaired."""
    active = {a.kind for a in work.alerts_of(incident) if a.cleared_at is None}
    if BY_NIGHT & (active | {work.family(incident.category)}):
        return AGREE_BY_NIGHT
    return AGREE_WITHIN
