"""Silences and maintenance windows: which alerts they hide, and when these speak. Pure.

Laws:
- an alert is hidden where every pick of a silence that holds at its moment fits it;
- a fire is hidden only by a silence that names its rule or its device;
- an alert that is still active when nothing hides it any more speaks at that moment; one that
  cleared meanwhile stays on the list of what the silence hid, and says nothing.
"""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from kel.model.alert import Alert
from kel.model.silence import Hidden, Silence
from rules.incidents.describe import FIRE
from rules.incidents.growing import take_alert
from rules.incidents.spells import holds_until, spell_at
from rules.incidents.work import KEL, Work


def hides(work: Work, silence: Silence, alert: Alert, moment: datetime) -> bool:
    """Whether the silence holds at `moment` and is about the alert."""
    if spell_at(silence, moment, work.city.timezone) is None:
        return False
    if work.family(alert.category) == FIRE and not {"rule", "device"} & silence.picks.keys():
        return False
    device = work.city.devices.get(alert.device)
    said = {
        "device": alert.device,
        "zone": alert.zone,
        "feeder": alert.feeder,
        "community": alert.community,
        "rule": alert.rule,
        "category": alert.category,
        "class": device.cls if device else alert.evidence.cls,
    }
    return all(said[pick] in values for pick, values in silence.picks.items())


def hear(
    work: Work, alert: Alert, moment: datetime, why: str = "", but: UUID | None = None
) -> None:
    """Take an alert into its incident, or hide it where a silence wants that.

    `why` it is heard only now, and the incident that it has left for it (`but`), if any.
    """
    wanted = sorted(work.situation.silences.values(), key=lambda s: (s.made_at, s.id))
    silence = next((s for s in wanted if hides(work, s, alert, moment)), None)
    if silence is None:
        take_alert(work, alert, moment, why, but)
        return
    work.put_alert(alert)
    work.put_hidden(Hidden(alert.id, silence.id, moment))


def clear_hidden(work: Work, alert: Alert, moment: datetime) -> None:
    """Take the end of a hidden alert: it will not speak. Its beginning, seen again, is nothing."""
    if alert.cleared_at is None:
        return
    work.put_hidden(replace(work.situation.hidden[alert.id], over_at=moment))
    work.situation.alerts.pop(alert.id, None)


def speaks_at(work: Work, hidden: Hidden) -> datetime | None:
    """When an alert is to be heard that a silence hides: at the end of its spell.

    None where no silence hides it: it was dismissed with its incident.
    """
    by = work.situation.silences.get(hidden.by)
    return None if by is None else holds_until(by, hidden.at, work.city.timezone) or hidden.at


def end(work: Work, silence: Silence, moment: datetime, who: str = KEL, why: str = "έληξε") -> int:
    """End a silence, by time or by hand, and let speak what it hid; how many alerts that were."""
    work.put_silence(replace(silence, ended_at=moment, ended_by=who, ended_why=why))
    still = [h for h in work.situation.hidden.values() if h.by == silence.id]
    for hidden in sorted(still, key=lambda h: (h.at, h.alert)):
        _hear_again(work, hidden, silence, moment)
    return len(still)


def speak(work: Work, hidden: Hidden, moment: datetime) -> None:
    """Hear an alert again whose silence pauses: it goes into an incident, or under another one."""
    _hear_again(work, hidden, work.situation.silences[hidden.by], moment)


def _hear_again(work: Work, hidden: Hidden, silence: Silence, moment: datetime) -> None:
    alert = work.situation.alerts.get(hidden.alert)
    work.put_hidden(replace(hidden, over_at=moment))
    if alert is None:
        return
    hear(work, alert, moment, f"μετά τη σίγαση {silence.number}")
    if hidden.alert in work.owner:
        work.put_hidden(replace(hidden, over_at=moment, spoke=True))
