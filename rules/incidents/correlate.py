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

from kel.model.alert import Alert
from kel.model.city import City
from kel.model.request import Request
from kel.model.situation import Changes, Command, Inputs, Situation
from rules.incidents.commands import take_command
from rules.incidents.flapping import comes_and_goes
from rules.incidents.growing import refresh, take_request
from rules.incidents.mute import clear_hidden, hear
from rules.incidents.passing import pass_time
from rules.incidents.work import Work


def correlate(city: City, situation: Situation, inputs: Inputs) -> Changes:
    """Take alerts, requests and commands into incidents, and let time pass up to `inputs.now`.

    Returns incidents and their events, silences and what they hide, calls, and an answer to every
    command but those about orders (`commands.OF_CREWS`).
    """
    work = Work.on(city, situation, inputs.replies)
    for moment, _, _, sign in sorted(_steps(work, inputs), key=lambda s: s[:3]):
        pass_time(work, moment)
        _take(work, sign, moment)
    pass_time(work, inputs.now)
    return work.changes


Sign = Alert | Request | Command
Step = tuple[datetime, int, str, Sign]


def _steps(work: Work, inputs: Inputs) -> Iterable[Step]:
    """What happened, each with its moment, what goes first at the same moment, and its id."""
    known = work.owner.keys() | work.situation.hidden.keys()
    for alert in inputs.alerts:
        if alert.cleared_at is None or alert.id not in known:
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
        take_request(work, sign, moment)
    elif isinstance(sign, Command):
        take_command(work, sign)
    elif sign.id in work.situation.hidden:  # even where its incident was closed just now
        clear_hidden(work, sign, moment)
    elif sign.id in work.owner:
        _restate(work, sign, moment)
    else:
        hear(work, sign, moment)


def _restate(work: Work, alert: Alert, moment: datetime) -> None:
    """Take what is new about a known alert: its end, or what late data made of it."""
    incident = work.situation.incidents.get(work.owner[alert.id])
    known = work.situation.alerts.get(alert.id)
    if incident is None or known == alert:
        return
    if known is not None and known.cleared_at is not None and alert.cleared_at is None:
        return  # its beginning, heard again after its end
    work.put_alert(alert)
    ended = alert.cleared_at is not None and (known is None or known.cleared_at is None)
    if ended and not comes_and_goes(work, incident, alert):
        why = alert.cleared_why or "η μέτρηση επανήλθε"
        work.tell(incident, moment, "cleared", why, about=alert.id)
    refresh(work, incident, moment)
