"""Children that speak again: the cause that explained them is gone, and they are not. Pure.

Laws:
- a child is an alert whose trouble another alert of its incident explains;
- it has as long after its cause as after a repair (`patience`); if it is active then, an incident
  of its own opens, with the reason;
- while it may still clear, it does not make anybody doubt the repair of its cause.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from kel.model.alert import Alert
from kel.model.incident import Incident
from rules.incidents.growing import leave
from rules.incidents.joining import View, causes_of
from rules.incidents.mute import hear
from rules.incidents.work import Work

AGREE_WITHIN = timedelta(hours=3)  # after a repair, for a rule that does not say (`verify`)
AGREE_BY_NIGHT = timedelta(hours=26)  # where only the next night can show it
BY_NIGHT = frozenset({"night_flow", "light"})  # rule kinds and families that nights decide


def patience(view: View, incident: Incident, alert: Alert) -> timedelta:
    """How long the alert has to clear once its trouble should be over."""
    if alert.verify is not None:
        return alert.verify
    by_night = {alert.kind, view.family(alert.category), view.family(incident.category)} & BY_NIGHT
    return AGREE_BY_NIGHT if by_night else AGREE_WITHIN


def orphans(view: View, incident: Incident) -> Iterator[tuple[datetime, Alert]]:
    """The incident's active alerts whose every cause has cleared, and when each is to speak."""
    members = view.alerts_of(incident)
    gone = {a.device for a in members if a.cleared_at is not None}
    for alert in members if gone else ():
        if alert.cleared_at is not None or gone.isdisjoint(view.above(alert.device)):
            continue
        causes = causes_of(view, incident, alert)
        ends = [a.cleared_at for a in causes if a.cleared_at is not None]
        if ends and len(ends) == len(causes):
            begins = max(*ends, alert.detected_at)
            yield begins + patience(view, incident, alert), alert


def speak(work: Work, incident: Incident, alert: Alert, moment: datetime) -> None:
    """The child leaves the incident of its cause, and is heard by itself."""
    device = work.city.devices.get(alert.device)
    name = device.name if device else alert.device
    rest = leave(work, incident, {alert.id}, set())
    why = f"{name}: η αιτία πέρασε, η ειδοποίηση μένει"
    work.tell(rest, moment, "spoke", why, about=f"{alert.id}/{moment.isoformat()}")
    own = f"η αιτία ({incident.number}) πέρασε, η ειδοποίηση μένει"
    hear(work, alert, moment, own, but=incident.id)
