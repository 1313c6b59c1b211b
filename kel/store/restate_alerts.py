"""Alerts and incidents that late readings would have changed, restated beside what was decided.

Laws:
- no alert and no state of an incident is touched: what was decided stays as it was, and
  `alert_restated` and the incident's history (`judged_again`) say what would have been, and why;
- what is found, what is told of it and which late readings it was for commit together;
- a locality group is looked at as a whole, as its worker did: a zone's or a feeder's devices;
- each is judged by the rulebook that was in force when it was, or would have been, detected; the
  devices, zones and categories are those of today;
- readings that are gone cannot be judged: what is older than is kept is passed over, and marked;
- what is looked at is judged before the transaction begins, which only writes.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import Connection, Cursor
from psycopg.types.json import Jsonb

from kel.backtest.late import Restated, restated
from kel.backtest.memory import classes_of, memory_of
from kel.model.alert import Alert
from kel.model.city import City
from kel.model.device import Device
from kel.model.frame import Frame
from kel.model.ids import make_id
from kel.model.moment import MICROSECOND, to_us
from kel.store.connect import query
from kel.store.in_force import InForce, Read, in_force
from kel.store.past_frames import read_frame, stored_metrics
from rules.book.rulebook import Rulebook

log = logging.getLogger("kel.maintain")

KEL = "kel"
BEHIND = timedelta(minutes=5)  # what is newer may be on its way to the rules yet


@dataclass(frozen=True, slots=True)
class LateRow:
    id: UUID
    device: str
    cls: str
    time: datetime
    arrival: datetime


def waits(connection: Connection) -> bool:
    """Whether there are late readings that the rules have not looked at."""
    ((now,),) = connection.execute("SELECT kel_now()").fetchall()
    return bool(connection.execute(query("unjudged_late"), [now - BEHIND]).fetchone())


def restate_alerts(
    connection: Connection, city: City, rulebook: Rulebook, kept: timedelta, read: Read
) -> int:
    """Judge once more what late readings touch; returns how many alerts were restated.

    The city must carry the database's device numbers; `rulebook` is the present one, `read` reads
    those that were. `kept`: how long readings are kept.
    """
    ((now,),) = connection.execute("SELECT kel_now()").fetchall()
    found = connection.execute(query("unjudged_late"), [now - BEHIND]).fetchall()
    late = [LateRow(*row) for row in found]
    known = [row for row in late if row.device in city.devices and row.time > now - kept]
    first = min((row.time for row in known), default=now)
    books = in_force(connection, first, city, rulebook, read)
    count = 0
    for rows in _by_group(city, known):
        pairs = [(book, pair) for book in books for pair in _judged(connection, book, rows, now)]
        with connection.transaction(), connection.cursor() as cursor:
            for book, pair in pairs:
                _tell(cursor, book, pair, rows, now)
            cursor.execute(query("mark_judged"), [[row.id for row in rows]])
        count += len(pairs)
    judged = {row.id for row in known}
    passed = [row.id for row in late if row.id not in judged]
    connection.execute(query("mark_judged"), [passed])
    return count


def _by_group(city: City, late: Sequence[LateRow]) -> Iterator[list[LateRow]]:
    groups: dict[str, list[LateRow]] = {}
    for row in late:
        groups.setdefault(city.devices[row.device].group, []).append(row)
    yield from groups.values()


def _judged(
    connection: Connection, book: InForce, late: list[LateRow], now: datetime
) -> list[Restated]:
    """What the late rows of one group change of what that rulebook decided while it was in force,
    from as far back as its rules remember."""
    city, rulebook = book.city, book.rulebook
    if book.spans[-1][1] <= min(row.time for row in late):
        return []
    group = city.devices[late[0].device].group
    devices = [d for d in city.devices.values() if d.group == group]
    since = min(row.time for row in late) - memory_of(rulebook, city)
    frames = _frames(connection, city, rulebook, devices, since, now)
    rows: dict[str, set[tuple[int, int]]] = {}
    for row in late:
        number = city.devices[row.device].number
        rows.setdefault(row.cls, set()).add((number, to_us(row.time)))
    found = restated(city, rulebook, devices, frames, rows, now)
    return [pair for pair in found if book.decided(pair.detected)]


def _frames(
    connection: Connection,
    city: City,
    rulebook: Rulebook,
    devices: Sequence[Device],
    since: datetime,
    until: datetime,
) -> dict[str, Frame]:
    wanted = {cls for rule in rulebook.rules for cls in classes_of(rule)}
    frames = {}
    for cls in sorted({d.cls for d in devices} & wanted):
        known = city.classes[cls]
        if metrics := stored_metrics(connection, known):
            numbers = [d.number for d in devices if d.cls == cls]
            frames[cls] = read_frame(connection, known, since, until, metrics, numbers)
    return frames


def _tell(
    cursor: Cursor, book: InForce, pair: Restated, late: Sequence[LateRow], now: datetime
) -> None:
    """Write what would have been, and into the history of the incident that it is about."""
    about = pair.about
    alert, incident = _told(cursor, pair.was, now) if pair.was else (None, None)
    incident = incident or _around(cursor, about)
    why = pair.sentence(len(late), ZoneInfo(book.city.timezone))
    if book.unread:
        why += (
            f" (οι κανόνες {book.unread} που ίσχυαν δεν διαβάζονται πια: κρίθηκε με τους τωρινούς)"
        )
    if pair.untold:
        log.warning("nobody was told, and it has not ended: %s", why)
    which = ",".join(sorted(str(row.id) for row in late))
    id_ = make_id("alert_restated", about.rule, about.device, about.started_at, which)
    what = (about.rule, book.version, about.device, alert, incident)
    change = (_moments(pair.was), _moments(pair.now), len(late), why)
    cursor.execute(query("add_restated"), (id_, now, *what, *change))
    if incident is not None:
        event = make_id("incident_event", incident, "judged_again", id_)
        cursor.execute(
            query("add_incident_event"), [event, incident, now, "judged_again", KEL, why]
        )


def _told(cursor: Cursor, alert: Alert, now: datetime) -> tuple[UUID | None, UUID | None]:
    """The stored alert that this one was, and its incident."""
    until = (alert.cleared_at or now) + MICROSECOND
    about = {"rule": alert.rule, "device": alert.device, "since": alert.started_at, "until": until}
    row = cursor.execute(query("told_alert"), about).fetchone()
    return (row[0], row[1]) if row else (None, None)


def _around(cursor: Cursor, alert: Alert) -> UUID | None:
    about = {"device": alert.device, "zone": alert.zone, "feeder": alert.feeder}
    row = cursor.execute(query("incident_around"), {**about, "at": alert.detected_at}).fetchone()
    return row[0] if row else None


def _moments(alert: Alert | None) -> Any:
    if alert is None:
        return None
    cleared = alert.cleared_at.isoformat() if alert.cleared_at else None
    started, detected = alert.started_at.isoformat(), alert.detected_at.isoformat()
    return Jsonb({"started": started, "detected": detected, "cleared": cleared})
