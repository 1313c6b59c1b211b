"""What the demo asks the store: how far the story is committed, what is new, what it came to."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from psycopg import Connection, sql
from psycopg.rows import class_row

from kel.model.city import City
from kel.store.classes import table_of
from kel.store.connect import query


@dataclass(frozen=True, slots=True)
class Stand:
    """The desk's time; orders sent since the story began; how many messages wait to be sent."""

    clock: datetime | None
    sent: frozenset[UUID]
    unsent: int


@dataclass(frozen=True, slots=True)
class News:
    id: UUID
    at: datetime
    incident: str
    severity: int
    title: str
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Totals:
    rejected: int
    alerts: int
    incidents: int
    orders: int
    completed: int
    hours: Decimal
    km: float
    m3: Decimal
    cost: Decimal


class StoryStore:
    """Questions about what came after `since`. The connection must be in autocommit."""

    def __init__(self, connection: Connection, city: City, since: datetime) -> None:
        self._connection = connection
        self._city = city
        self._since = since

    def stand(self) -> Stand:
        row = self._connection.execute(query("story_stand"), [self._since]).fetchone()
        assert row is not None
        return Stand(row[0], frozenset(map(UUID, row[1])), row[2])

    def news(self, after: datetime, until: datetime) -> list[News]:
        rows = self._connection.execute(query("story_news"), [after, until]).fetchall()
        return [News(*row) for row in rows]

    def totals(self) -> Totals:
        with self._connection.cursor(row_factory=class_row(Totals)) as cursor:
            found = cursor.execute(query("story_totals"), {"since": self._since}).fetchone()
        assert found is not None
        return found

    def readings(self) -> int:
        """How many rows of readings, all classes."""
        counts = [
            sql.SQL("SELECT count(*) FROM {} WHERE time >= {}").format(
                sql.Identifier(table_of(cls)), sql.Literal(self._since)
            )
            for cls in self._city.classes
        ]
        rows = self._connection.execute(sql.SQL(" UNION ALL ").join(counts)).fetchall()
        return sum(count for (count,) in rows)
