"""Costs of lost water and energy, made anew where late readings change them.

Laws:
- what is booked, what is told of it and which late readings it was for commit together: a second
  run, or one after a crash, finds nothing to do or all of it;
- no entry is touched; a late reading counts for the losses on whose span it lies, not for what it
  changes in what was usual later;
- late readings wait while an incident that they may belong to is under way: the desk may be reading
  them, or have read just before they came.
"""

from datetime import timedelta
from uuid import UUID

from psycopg import Connection, Cursor

from kel.costs.readings import USUAL
from kel.costs.restated import Late
from kel.costs.restated import restate as decide
from kel.model.city import City
from kel.model.cost import CostEntry
from kel.store import rows
from kel.store.connect import query
from kel.store.desk import write_changes
from kel.store.readings import StoredReadings

INCIDENT = 27  # columns of query `late_losses` before those of the late readings


def waits(connection: Connection) -> bool:
    """Whether there are late readings that nothing was restated for."""
    row = connection.execute(query("late_waits")).fetchone()
    return bool(row and row[0])


def restate(connection: Connection, city: City, kept: timedelta) -> int:
    """Correct what late readings change; returns how many cost entries were booked.

    The city must carry the database's device numbers. `kept`: how long readings are kept; a loss
    for which they may have gone stays as it is.
    """
    readings, restated = StoredReadings(connection, city), 0
    with connection.transaction(), connection.cursor() as cursor:
        # an incident that ends meanwhile is open in all that follows: the next run restates it
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        ((now,),) = cursor.execute("SELECT kel_now()").fetchall()
        cursor.execute(query("gather_late"))
        found = cursor.execute(query("late_losses"), {"kept": now - kept + USUAL}).fetchall()
        for row in found:
            incident, late = rows.incident_of(row[:INCIDENT]), Late(*row[INCIDENT:])
            booked = _booked(cursor, incident.id, late.device)
            changes = decide(city, incident, booked, late, readings, now)
            write_changes(cursor, changes)  # at once: the next one leaves out what this was billed
            restated += len(changes.costs)
        cursor.execute(query("mark_restated"))
        cursor.execute("DROP TABLE unrestated")
    return restated


def _booked(cursor: Cursor, incident: UUID, device: str) -> list[CostEntry]:
    about = {"incident": incident, "device": device}
    return [rows.cost_of(row) for row in cursor.execute(query("booked_loss"), about).fetchall()]
