"""Alerts that come and go: one rule on one device, again and again. Pure.

Laws:
- the third firing within two hours makes an incident a flapping one, which is told once; further
  ones of that rule and device change nothing but its members;
- a flapping incident ends only after it has been quiet for three hours.
"""

from datetime import timedelta

from kel.model.alert import Alert
from kel.model.incident import Incident
from rules.incidents.joining import View

TIMES = 3
WITHIN = timedelta(hours=2)
QUIET = timedelta(hours=3)


def turns(view: View, incident: Incident, alert: Alert) -> bool:
    """Whether with this alert, one of its members, the incident becomes a flapping one."""
    since = alert.detected_at - WITHIN
    return (
        sum(since < a.detected_at <= alert.detected_at for a in _alike(view, incident, alert))
        >= TIMES
    )


def comes_and_goes(view: View, incident: Incident, alert: Alert) -> bool:
    """Whether the incident is known to flap by this alert's rule and device."""
    return incident.flapping_at is not None and len(_alike(view, incident, alert)) >= TIMES


def quiet_for(incident: Incident, usual: timedelta) -> timedelta:
    """How long the incident's alerts must have been over, where `usual` is enough of others."""
    return max(usual, QUIET) if incident.flapping_at is not None else usual


def _alike(view: View, incident: Incident, alert: Alert) -> list[Alert]:
    return [a for a in view.roll(incident).at([alert.device]) if a.rule == alert.rule]
