"""Loading a past that was computed offline, in one transaction."""

from datetime import datetime

from psycopg import Connection

from kel.model.frame import join
from kel.model.reading import Output
from kel.model.situation import Changes
from kel.store.connect import query
from kel.store.desk import write_changes
from kel.store.stream import copy_readings, put_effects


def load_past(connection: Connection, effects: Output, changes: Changes, end: datetime) -> None:
    """Write readings, alerts, requests and the desk's ledgers up to `end`.

    The desk has decided all of it: nothing of it waits in its inbox, its clock stands at `end`.
    """
    with connection.transaction(), connection.cursor() as cursor:
        for cls in sorted({frame.cls for frame in effects.frames}):
            frame = join([f for f in effects.frames if f.cls == cls])
            copy_readings(cursor, frame)
        put_effects(cursor, effects)
        write_changes(cursor, changes)
        cursor.execute(query("take"), [end])
        cursor.execute("UPDATE outbox SET sent_at = made_at")
        cursor.execute(query("move_desk"), [end, end])
