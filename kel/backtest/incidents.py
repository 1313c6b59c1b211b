"""Incidents of a replay, and which of them a change of rules adds, takes away, or moves in time.

Assumption, because nobody answers in a replay: an incident whose alerts have all cleared ends once
a crew would have been done with it, after the usual time of its category; so it ends where the
readings show that the trouble was mended, and the next trouble is an incident of its own.

Two incidents are the same where they share a request, a rule on a device, or (in one family) their
cause, zone or feeder, and were there at one time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from kel.model.alert import Alert
from kel.model.city import City
from kel.model.escalation import Escalation
from kel.model.incident import REPAIRED, Incident, IncidentState
from kel.model.request import Request
from kel.model.silence import Silence
from kel.model.situation import Inputs, Situation
from rules.incidents.correlate import correlate
from rules.incidents.describe import category_of

STEP = timedelta(minutes=30)  # how often the stand-in for crews looks


@dataclass(frozen=True, slots=True)
class Formed:
    """An incident of a replay as it ended: why it was opened, and the rules on devices in it."""

    incident: Incident
    why: str
    signs: frozenset[tuple[str, str]]  # rule, device

    @property
    def opened(self) -> datetime:
        return self.incident.opened_at


@dataclass(frozen=True, slots=True)
class Moved:
    """The same incident before and after the change."""

    before: Formed
    after: Formed

    @property
    def earlier(self) -> timedelta:
        """By how much it is detected earlier; negative: later."""
        return self.before.opened - self.after.opened


@dataclass(frozen=True, slots=True)
class Difference:
    """What a change makes of the incidents; `moved` without those detected at the same moment.

    `joined`: of before, and after the change part of another; `split`: of after, and before the
    change part of another. Nobody knows whose work they would have been: they are not priced.
    """

    gained: Sequence[Formed]
    lost: Sequence[Formed]
    moved: Sequence[Moved]
    same: int
    joined: Sequence[Formed] = ()
    split: Sequence[Formed] = ()


@dataclass
class _Book:
    """All incidents so far by id, as they are now, and why they were opened."""

    incidents: dict[UUID, Incident] = field(default_factory=dict)
    why: dict[UUID, str] = field(default_factory=dict)
    rules: dict[UUID, set[tuple[str, str]]] = field(default_factory=dict)


def form(
    city: City,
    alerts: Sequence[Alert],
    requests: Sequence[Request],
    until: datetime,
    usual: Mapping[str, timedelta],
    silences: Iterable[Silence] = (),
) -> list[Formed]:
    """The incidents that alerts and requests would have become up to `until`, first opened first.

    `usual`: category → from opening to the end of the work; one that is not there takes the hours
    that the category says. `silences`: what operators did not want to hear meanwhile.
    """
    city = replace(city, escalation=Escalation())  # nobody is called about the past
    situation, book = Situation(silences={s.id: s for s in silences}), _Book()
    signs = {alert.id: (alert.rule, alert.device) for alert in alerts}
    for inputs in _inputs(alerts, requests, until):
        if not (situation.incidents or inputs.alerts or inputs.requests):
            continue
        changes = correlate(city, situation, inputs)
        situation.apply(changes)
        situation.take(inputs)
        book.incidents.update(changes.incidents)
        for event in changes.incident_events:
            if event.what == "opened":
                book.why[event.incident] = event.why
        for incident in _mended(city, situation, inputs.now, usual):
            situation.incidents[incident.id] = book.incidents[incident.id] = incident
    formed = [
        Formed(i, book.why.get(i.id, ""), frozenset(signs[a] for a in i.alerts if a in signs))
        for i in book.incidents.values()
        if i.alerts or i.requests  # not what was merged into another
    ]
    return sorted(formed, key=lambda f: (f.opened, f.incident.number))


def _inputs(
    alerts: Iterable[Alert], requests: Iterable[Request], until: datetime
) -> Iterator[Inputs]:
    """What reaches the desk in every step up to `until`."""
    fired = sorted(alerts, key=lambda a: a.detected_at)
    cleared = sorted(
        (a for a in fired if a.cleared_at), key=lambda a: a.cleared_at or a.detected_at
    )
    asked = sorted(requests, key=lambda r: (r.arrival, r.id))
    first = [a.detected_at for a in fired[:1]] + [r.arrival for r in asked[:1]]
    if not first:
        return
    now = min(first)
    f = c = r = 0
    while now < until:
        now = min(now + STEP, until)
        signs: dict[UUID, Alert] = {}
        while f < len(fired) and fired[f].detected_at <= now:
            signs[fired[f].id] = replace(fired[f], cleared_at=None, cleared_why=None)
            f += 1
        while c < len(cleared) and (cleared[c].cleared_at or now) <= now:
            signs[cleared[c].id] = cleared[c]
            c += 1
        begin = r
        while r < len(asked) and asked[r].arrival <= now:
            r += 1
        yield Inputs(now, alerts=tuple(signs.values()), requests=tuple(asked[begin:r]))


def _mended(
    city: City, situation: Situation, now: datetime, usual: Mapping[str, timedelta]
) -> list[Incident]:
    """The incidents that a crew would have ended by now, and whose alerts have cleared."""
    found = []
    for incident in situation.incidents.values():
        if incident.state in REPAIRED:
            continue
        quiet = situation.quiet_since(incident) if incident.alerts else incident.opened_at
        if quiet is None:
            continue
        done = max(quiet, incident.opened_at + _work(city, incident.category, usual))
        if done <= now:
            found.append(replace(incident, state=IncidentState.RESOLVED, resolved_at=done))
    return found


def _work(city: City, category: str, usual: Mapping[str, timedelta]) -> timedelta:
    if category in usual:
        return usual[category]
    return timedelta(hours=category_of(city, category).hours)


def compare_incidents(
    city: City, before: Sequence[Formed], after: Sequence[Formed], until: datetime
) -> Difference:
    """Each of before with its like of after, the nearest in time; the rest is lost or gained."""
    free = dict.fromkeys(range(len(after)))
    moved, lost = [], []
    for one in before:
        likes = [n for n in free if _alike(city, one, after[n], until)]
        if not likes:
            lost.append(one)
            continue
        best = min(likes, key=lambda n: (abs(after[n].opened - one.opened), n))
        del free[best]
        moved.append(Moved(one, after[best]))
    shifted = [pair for pair in moved if pair.earlier]
    new = [after[n] for n in free]

    def known(one: Formed, others: Sequence[Formed]) -> bool:
        return any(_alike(city, one, other, until) for other in others)

    return Difference(
        gained=[one for one in new if not known(one, before)],
        lost=[one for one in lost if not known(one, after)],
        moved=shifted,
        same=len(moved) - len(shifted),
        joined=[one for one in lost if known(one, after)],
        split=[one for one in new if known(one, before)],
    )


def _alike(city: City, one: Formed, other: Formed, until: datetime) -> bool:
    a, b = one.incident, other.incident
    if set(a.requests) & set(b.requests):
        return True
    if a.started_at > (b.closed_at or until) or b.started_at > (a.closed_at or until):
        return False
    if one.signs & other.signs:
        return True
    if category_of(city, a.category).family != category_of(city, b.category).family:
        return False
    places = ((a.cause, b.cause), (a.zone, b.zone), (a.feeder, b.feeder))
    return any(mine is not None and mine == theirs for mine, theirs in places)
