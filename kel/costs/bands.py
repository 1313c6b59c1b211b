"""Hours split into pay bands: in the crew's shift or outside it, by day or night, on which days.

Laws:
- the clock on the wall decides (night, Sunday, holiday, shift), the clock of UTC counts: the night
  when summer time begins has an hour less, the night when it ends an hour more;
- hours of an `on_call` shift are call-outs, so they are outside the normal shift;
- on a public holiday only those normal shifts run that also run on Sundays (a round-the-clock
  service); for other crews a holiday's hours are overtime. An assumption of the example city.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import holidays

from kel.model.crew import Shift

DAY = timedelta(days=1)
NIGHT_ENDS, NIGHT_STARTS = time(6), time(22)  # Law 4354/2015: night work is 22:00–06:00
SUNDAY = 6

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, order=True)
class Band:
    """How an hour is paid. `sunday` means a Sunday or a public holiday."""

    overtime: bool
    night: bool
    sunday: bool

    @property
    def name(self) -> str:
        words = ["overtime" if self.overtime else "shift"]
        words += ["night"] if self.night else []
        words += ["sunday"] if self.sunday else []
        return "-".join(words)


@lru_cache(maxsize=64)
def _holidays_of(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("GR", years=year))


def is_holiday(day: date) -> bool:
    """Whether `day` is a public holiday of Greece (movable Easter included)."""
    return day in _holidays_of(day.year)


def hours_by_band(
    start: datetime, end: datetime, shifts: Iterable[Shift], timezone: str
) -> dict[Band, timedelta]:
    """The time between two aware moments, by pay band, bands in order; empty where end ≤ start.

    The spans add up to end − start exactly.
    """
    zone = ZoneInfo(timezone)
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    normal = list(_normal_hours(start, end, shifts, zone))
    cuts = {start, end, *_turns(start, end, zone), *(m for span in normal for m in span)}
    moments = sorted(m for m in cuts if start <= m <= end)
    found: dict[Band, timedelta] = {}
    for since, until in pairwise(moments):
        band = _band_at(since, normal, zone)
        found[band] = found.get(band, timedelta()) + (until - since)
    return dict(sorted(found.items()))


def _band_at(moment: datetime, normal: list[Span], zone: ZoneInfo) -> Band:
    local = moment.astimezone(zone)
    return Band(
        overtime=not any(since <= moment < until for since, until in normal),
        night=local.time() >= NIGHT_STARTS or local.time() < NIGHT_ENDS,
        sunday=local.weekday() == SUNDAY or is_holiday(local.date()),
    )


def _days(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[date]:
    """Local days that touch [start, end], and the one before: its shift may run past midnight."""
    day, last = start.astimezone(zone).date() - DAY, end.astimezone(zone).date()
    while day <= last:
        yield day
        day += DAY


def _at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)


def _turns(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Moments at which the band may change whatever the shift: midnight and the night's edges."""
    for day in _days(start, end, zone):
        for clock in (time(0), NIGHT_ENDS, NIGHT_STARTS):
            yield _at(day, clock, zone)


def _normal_hours(
    start: datetime, end: datetime, shifts: Iterable[Shift], zone: ZoneInfo
) -> Iterator[Span]:
    for shift in shifts:
        if shift.on_call:
            continue
        for day in _days(start, end, zone):
            if day.weekday() not in shift.days:
                continue
            if is_holiday(day) and SUNDAY not in shift.days:
                continue
            last = day if shift.start < shift.end else day + DAY
            yield _at(day, shift.start, zone), _at(last, shift.end, zone)
