"""When a crew works: its shifts as spans of UTC, by the clock on the wall. Pure.

Laws:
- a Greek public holiday counts as a Sunday;
- shifts that touch are one span: the job that begins in one may end in the next;
- on-call hours are spans only for those who may call (severity high and above).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

from kel.model.crew import Crew, Shift

DAY = timedelta(days=1)
SUNDAY = 6
AHEAD_DAYS = 8  # how far a shift is looked for: over a week with a holiday in it

SPELL = timedelta(minutes=30)  # of work on the spot: for less nobody is sent

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Departure:
    """When people leave for a job, when their hours end, and the latest with their overtime."""

    at: datetime
    end: datetime
    latest: datetime


def spans(crew: Crew, timezone: str, now: datetime, *, on_call: bool) -> Sequence[Span]:
    """The crew's working spans from the day before `now` on, merged, in order, UTC."""
    day = now.astimezone(ZoneInfo(timezone)).date()
    return _spans(crew.shifts, timezone, day, on_call)


def departure(
    working: Sequence[Span], ready: datetime, way: timedelta, work: timedelta, overtime: timedelta
) -> Departure | None:
    """The first leaving from `ready` on for a job, its way there and all its work.

    It starts inside a span and ends at most `overtime` after it. A job longer than every span
    starts with one, and what is left by then is for others. None where no span lies ahead.
    """
    for start, end in working:
        leave = max(ready, start)
        if leave < end and leave + way + work <= end + overtime:
            return Departure(leave, end, end + overtime)
    return beginning([s for s in working if s[0] >= ready], ready, way, overtime)


def beginning(
    working: Sequence[Span], ready: datetime, way: timedelta, overtime: timedelta
) -> Departure | None:
    """The first leaving from `ready` on for a job that need not end in the span; None without one.

    At least `SPELL` of work is done in it.
    """
    for start, end in working:
        leave = max(ready, start)
        if leave < end and leave + way + SPELL <= end + overtime:
            return Departure(leave, end, end + overtime)
    return None


def at_work(working: Sequence[Span], ready: datetime) -> datetime:
    """The first moment from `ready` on at which the crew works; `ready` without a span ahead."""
    return next((max(ready, start) for start, end in working if ready < end), ready)


@lru_cache(maxsize=1024)
def _spans(
    shifts: tuple[Shift, ...], timezone: str, today: date, on_call: bool
) -> tuple[Span, ...]:
    zone = ZoneInfo(timezone)
    found: list[Span] = []
    for ahead in range(-1, AHEAD_DAYS + 1):
        day = today + ahead * DAY
        weekday = SUNDAY if is_holiday(day) else day.weekday()
        own = (s for s in shifts if weekday in s.days and (on_call or not s.on_call))
        found.extend(_span(shift, day, zone) for shift in own)
    return tuple(_merged(sorted(found)))


def _span(shift: Shift, day: date, zone: ZoneInfo) -> Span:
    last = day if shift.start < shift.end else day + DAY
    return (
        datetime.combine(day, shift.start, tzinfo=zone).astimezone(UTC),
        datetime.combine(last, shift.end, tzinfo=zone).astimezone(UTC),
    )


def _merged(found: Sequence[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in found:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def is_holiday(day: date) -> bool:
    """Whether `day` is a public holiday of Greece, movable Easter included."""
    return day in _holidays_of(day.year)


@lru_cache(maxsize=64)
def _holidays_of(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("GR", years=year))
