"""The kinds of value that a city's files hold, and how each is written there."""

import re
from datetime import time, timedelta
from decimal import Decimal
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DURATION = re.compile(r"([0-9]{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,47}")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,31}")
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


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{value} is not a time zone of the IANA list") from None
    return value


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
Clock = Annotated[time, BeforeValidator(_clock)]
Days = Annotated[frozenset[int], BeforeValidator(_days)]
TimeZone = Annotated[str, AfterValidator(_timezone)]
