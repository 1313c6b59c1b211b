"""Calendars: times of a city's life by which rules may be judged, and the fire risk of its days.

Laws:
- a calendar says when; what it says must hold all at once, on the clock and the calendar of the
  city's wall;
- fire risk is a day's, from 1 (low) to 5 (alarm), as the official map has it for that day, whenever
  it was issued; a day of which nothing is known has none.
"""

from dataclasses import dataclass
from datetime import date, time
from functools import lru_cache

import holidays

MonthDay = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Calendar:
    """What is said must hold all at once; None and nothing named say nothing.

    `hours`: from the first, included, to the second, excluded; past midnight where that is earlier.
    `days`: of the week, 0 is Monday. `season`: both days included; over the new year where the
    second is earlier. `holidays`: on public holidays of Greece, or on all other days. `fire_risk`:
    at least that level. `all_of`, `any_of`, `none_of`: other calendars, by name.
    """

    id: str
    label: str
    hours: tuple[time, time] | None = None
    days: frozenset[int] | None = None
    season: tuple[MonthDay, MonthDay] | None = None
    holidays: bool | None = None
    fire_risk: int | None = None
    all_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FireRisk:
    """A day's level, 1 to 5, in one community, or (None) in all of which nothing else is said."""

    day: date
    level: int
    community: str | None = None


@lru_cache(maxsize=64)
def _holidays_of(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("GR", years=year))


def is_holiday(day: date) -> bool:
    """Whether `day` is a public holiday of Greece (movable Easter included)."""
    return day in _holidays_of(day.year)
