"""Questions about a span of weeks: the page's own and those before it, by the city's calendar."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Connection

from kel.reports.week import Figure
from kel.store.connect import query

BEFORE = 6  # weeks that a week is compared with
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Span:
    """The page's week and the ones before it, as the city's calendar has them."""

    start: date  # Monday
    made_at: datetime
    timezone: str

    def at(self, day: date) -> datetime:
        """The moment when that day begins in the city."""
        return datetime.combine(day, time(0), ZoneInfo(self.timezone)).astimezone(UTC)

    def monday(self, before: int) -> date:
        return self.start - before * WEEK

    @property
    def sunday(self) -> date:
        return self.start + WEEK - timedelta(days=1)

    @cached_property
    def until(self) -> datetime:
        return self.at(self.start + WEEK)

    @cached_property
    def now(self) -> datetime:
        """The week's end, or how far it has come."""
        return min(self.made_at, self.until)

    @property
    def today(self) -> date:
        """The last day that the page knows of: Sunday, or the day it was made."""
        if self.made_at >= self.until:
            return self.sunday
        return max(self.made_at.astimezone(ZoneInfo(self.timezone)).date(), self.start)

    @property
    def asked(self) -> dict[str, object]:
        """The common parameters of the page's statements."""
        return {
            "tz": self.timezone,
            "since": self.at(self.monday(BEFORE)),
            "last": self.at(self.monday(1)),
            "week": self.at(self.start),
            "until": self.until,
            "now": self.now,
        }


class Asking:
    """Statements about one span of weeks, and how far back the city's record goes."""

    def __init__(self, connection: Connection, span: Span) -> None:
        self._connection = connection
        self.span = span
        row = connection.execute(query("week_began")).fetchone()
        self._began: datetime | None = row[0] if row else None

    def rows(self, name: str, **more: object) -> list[Any]:
        return self._connection.execute(query(name), {**self.span.asked, **more}).fetchall()

    @cached_property
    def history(self) -> int:
        """How many whole weeks before this one the record covers, six at the most."""
        if self._began is None:
            return 0
        first = self._began.astimezone(ZoneInfo(self.span.timezone)).date()
        return sum(self.span.monday(n) >= first for n in range(1, BEFORE + 1))

    def figure(self, of: Callable[[date], float]) -> Figure:
        """A measure of weeks, given by their Mondays, beside those before."""
        past = [of(self.span.monday(n)) for n in range(1, self.history + 1)]
        mean = sum(past) / len(past) if past else None
        return Figure(of(self.span.start), past[0] if past else None, mean)
