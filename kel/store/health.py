"""What KEL's parts say of themselves, and what is judged of it, in the database.

Laws:
- a gauge's newest value stands in `gauge`, its minutes in `gauge_minute`; one that is older than
  what is stored changes nothing but its own minute;
- one process judges at a time: it holds an advisory lock for as long as its connection lives;
- `health` is what was judged last, `health_event` every change of a level, and only appended.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from psycopg import Connection, Cursor

from kel.model.health import DROPS_STAND, REJECTS_OVER, Health, Level, Points, Reach, Signs
from kel.model.moment import from_us
from kel.model.reading import Gauge
from kel.store.connect import query

LOCK = 0x6B656C05
KEPT_CITY = timedelta(minutes=1)  # a process that has not said so for longer does it no more
BRIDGES = timedelta(days=7)  # a bridge that has not ticked for longer is none any more
DRAFTS = timedelta(days=7)  # a sender that was not heard for longer waits for nobody
KEPT = timedelta(days=30)


def put_gauges(cursor: Cursor, gauges: Sequence[Gauge]) -> None:
    """Store what parts say of themselves, within the caller's transaction."""
    if gauges:
        rows = ((g.name, g.part, from_us(g.at), float(g.value)) for g in gauges)
        cursor.execute(query("put_gauges"), [list(column) for column in zip(*rows, strict=True)])


def forget_gauges(connection: Connection, now: datetime) -> int:
    """Delete gauges, and minutes of them, older than 30 days; returns how many minutes."""
    connection.execute(query("forget_gauges"), [now - KEPT])
    return connection.execute(query("forget_gauge_minutes"), [now - KEPT]).rowcount


class HealthStore:
    """The store as the judge of KEL's health sees it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def lead(self) -> bool:
        """Become the one that judges, or learn that another does."""
        row = self._connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
        return bool(row and row[0])

    def signs(self, topic: str, retention: timedelta) -> Signs:
        """All that is judged, but for what Kafka and this machine's clock say."""
        connection = self._connection
        with connection.transaction():
            row = connection.execute(query("desk_signs"), [REJECTS_OVER, DRAFTS]).fetchone()
            assert row is not None
            now, desk, rejected, unsent, oldest, drafts = row
            reach = connection.execute(query("reach"), [topic]).fetchall()
            gauges = connection.execute(query("gauges"), [now - BRIDGES]).fetchall()
            dropped = self._points("broker_dropped", now - DROPS_STAND).get("", ())
            taken = self._points("messages", now - REJECTS_OVER)
        last = {name: value for name, _, _, value in gauges}  # the broker tells changes alone
        return Signs(
            now,
            retention,
            reach=[Reach(*found) for found in reach],
            desk=desk,
            bridges={part: at for name, part, at, _ in gauges if name == "bridge_tick"},
            dropped=dropped,
            stored=last.get("broker_stored"),
            stored_bytes=last.get("broker_stored_bytes", 0.0),
            taken=taken,
            rejected=rejected,
            drafts=drafts,
            unsent=unsent,
            oldest=oldest,
            kept={
                part: datetime.fromtimestamp(value, UTC)
                for name, part, at, value in gauges
                if name == "kept_city" and at > now - KEPT_CITY
            },
        )

    def healths(self) -> tuple[dict[str, Health], float | None]:
        """The last judgement by name, and how many seconds ago it was made (None: never)."""
        rows = self._connection.execute(query("healths")).fetchall()
        found = {r[0]: replace(Health(*r[:6]), level=Level(r[1])) for r in rows}
        return found, min((r[6] for r in rows), default=None)

    def keep(self, found: Sequence[Health], changed: Sequence[Health], at: datetime) -> None:
        """Store a judgement, and the levels that it changed."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.execute(query("forget_healths"), [[h.name for h in found]])
            cursor.executemany(
                query("put_health"),
                [(h.name, h.level, h.since, h.text, h.hint, h.value) for h in found],
            )
            if changed:
                cursor.executemany(
                    query("add_health_event"),
                    [(at, h.name, h.level, h.text, h.value) for h in changed],
                )

    def _points(self, name: str, since: datetime) -> Mapping[str, Points]:
        """A counter by part: its minutes from `since` on, and the last one before."""
        found: dict[str, list[tuple[datetime, float]]] = {}
        asked = {"name": name, "since": since}
        for part, minute, value in self._connection.execute(query("gauge_points"), asked):
            found.setdefault(part, []).append((minute, value))
        return found
