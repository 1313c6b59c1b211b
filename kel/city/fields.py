"""The kinds of value that a city's files hold, and how each is written there."""

import re
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    WithJsonSchema,
)

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DURATION = re.compile(r"([0-9]{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,47}")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,31}")
_MONTH_DAY = re.compile(r"([0-9]{2})-([0-9]{2})")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


def _id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise ValueError(f"{value!r} is no id: up to 48 of a-z, 0-9, - and _, as in van-1")
    return value


def _word(value: str) -> str:
    if not _WORD.fullmatch(value):
        raise ValueError(f"{value!r} is no word: up to 32 of a-z, 0-9 and _, as in main_burst")
    return value


def _duration(value: Any) -> timedelta:
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not found or int(found[1]) == 0:
        raise ValueError('a duration is written as "90s", "10m", "2h" or "1d"')
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def _clock(value: Any) -> time:
    found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise ValueError('a time of day is written as "07:30"')
    return time(int(found[1]), int(found[2]))


def _days(value: Any) -> frozenset[int]:
    """ "mon-fri", "sat,sun", "mon-sun": 0 is Monday."""
    days: set[int] = set()
    for part in value.split(",") if isinstance(value, str) else [""]:
        first, dash, last = part.strip().partition("-")
        last = last if dash else first
        if first not in WEEKDAYS or last not in WEEKDAYS:
            raise ValueError('days are written as "mon-fri" or "sat,sun"')
        start, end = WEEKDAYS.index(first), WEEKDAYS.index(last)
        if end < start:
            raise ValueError("a range of days runs from an earlier to a later one")
        days.update(range(start, end + 1))
    return frozenset(days)


def _month_day(value: Any) -> tuple[int, int]:
    found = _MONTH_DAY.fullmatch(value) if isinstance(value, str) else None
    try:
        day = date(2024, int(found[1]), int(found[2])) if found else None  # a leap year
    except ValueError:
        day = None
    if day is None:
        raise ValueError('a day of the year is written as "05-01", month first')
    return day.month, day.day


def _tags(value: Any) -> frozenset[str]:
    """Words with blanks between them."""
    return frozenset(map(_id, value.split())) if isinstance(value, str) else value


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{value} is not a time zone of the IANA list") from None
    return value


def _as_text(pattern: str, example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "examples": [example]})


# An id goes into topics and onto screens; a word also names a table or a column.
Id = Annotated[str, AfterValidator(_id)]
Word = Annotated[str, AfterValidator(_word)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

Lat = Annotated[float, Field(ge=-90, le=90)]
Lon = Annotated[float, Field(ge=-180, le=180)]

Euro = Annotated[Decimal, Field(ge=0, le=10**9, decimal_places=6)]
Amount = Annotated[Decimal, Field(ge=0, le=10**9, decimal_places=6)]  # of stock
Part = Annotated[Decimal, Field(ge=0, le=5)]  # a share added to a price
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]

Duration = Annotated[timedelta, BeforeValidator(_duration)]
Clock = Annotated[
    time, BeforeValidator(_clock), _as_text(r"^([01][0-9]|2[0-3]):[0-5][0-9]$", "07:30")
]
Days = Annotated[frozenset[int], BeforeValidator(_days), _as_text(r"^[a-z, -]+$", "mon-fri")]
MonthDay = Annotated[
    tuple[int, int], BeforeValidator(_month_day), _as_text(r"^[0-9]{2}-[0-9]{2}$", "05-01")
]
Tags = Annotated[frozenset[str], BeforeValidator(_tags)]
TimeZone = Annotated[str, AfterValidator(_timezone)]
