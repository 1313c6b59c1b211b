"""The operator of the story: acknowledges what is new, as people do.

Laws: an incident of medium severity or above is acknowledged some minutes after it opened, at night
later than by day; the same incident always after the same time.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from kel.model.alert import Severity
from kel.model.ids import make_id
from kel.model.incident import Incident
from kel.model.situation import Command

WHO = "χειριστής"
BY_DAY = (1.0, 7.0)  # minutes
BY_NIGHT = (3.0, 14.0)
NIGHT = (22, 6)  # local hours


def acknowledgements(
    incidents: Iterable[Incident], since: datetime, until: datetime, zone: ZoneInfo
) -> list[Command]:
    """What the operator acknowledges in [since, until), of what nobody has acknowledged yet."""
    due = (
        (_moment(i, zone), i)
        for i in incidents
        if i.acknowledged_at is None and i.severity >= Severity.MEDIUM
    )
    return [
        Command(
            make_id("command", "acknowledge", i.id), max(at, since), WHO, "acknowledge", i.number
        )
        for at, i in sorted(due, key=lambda d: (d[0], d[1].number))
        if at < until
    ]


def _moment(incident: Incident, zone: ZoneInfo) -> datetime:
    hour = incident.opened_at.astimezone(zone).hour
    least, most = BY_NIGHT if hour >= NIGHT[0] or hour < NIGHT[1] else BY_DAY
    share = incident.id.int % 1000 / 1000
    return incident.opened_at + timedelta(minutes=least + share * (most - least))
