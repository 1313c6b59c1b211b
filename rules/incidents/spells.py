"""Spells of a silence: the stretches of time in which it holds. Pure.

Laws:
- times of day are the city's: over a change of the clocks they stay what the clock shows;
- a spell is half-open: at its end the silence no longer holds;
- spells that touch are one: nothing speaks for an instant in between.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from kel.model.silence import Silence

DAY = timedelta(days=1)
Spell = tuple[datetime, datetime]


def holds_until(silence: Silence, moment: datetime, timezone: str) -> datetime | None:
    """The end of the spell that `moment` lies in; None where the silence does not hold then."""
    end = None
    while (found := spell_at(silence, end or moment, timezone)) is not None:
        end = found[1]
        if end >= silence.ends_at:
            break
    return end


def spell_at(silence: Silence, moment: datetime, timezone: str) -> Spell | None:
    """The spell that `moment` lies in, or None."""
    if not silence.starts_at <= moment < silence.ends_at:
        return None
    if not silence.days:
        return silence.starts_at, silence.ends_at
    return next((s for s in _near(silence, moment, timezone) if s[0] <= moment < s[1]), None)


def ever_holds(silence: Silence, timezone: str) -> bool:
    """Whether the silence holds at any moment at all."""
    moment = silence.starts_at
    while moment < silence.ends_at + DAY:
        if any(max(s[0], silence.starts_at) < s[1] for s in _near(silence, moment, timezone)):
            return True
        moment += DAY
    return False


def _near(silence: Silence, moment: datetime, timezone: str) -> Iterator[Spell]:
    """The spells that begin on the local day of `moment` and on the day before."""
    zone = ZoneInfo(timezone)
    today = moment.astimezone(zone).date()
    since, until = silence.since or time(0), silence.until or time(0)
    for day in (today - DAY, today):
        if day.weekday() in silence.days:
            last = day if since < until else day + DAY
            end = min(_utc(last, until, zone), silence.ends_at)
            yield max(_utc(day, since, zone), silence.starts_at), end


def _utc(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)
