"""Duty: whose turn it is at an hour, and which hours are quiet. Pure.

Laws:
- times of day are the city's: over a change of the clocks they stay what the clock shows;
- whose turn it is stays so until `next_handover`, at least.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from kel.model.escalation import Duty, Escalation, QuietHours

DAY = timedelta(days=1)


def on_call(escalation: Escalation, at: datetime, timezone: str) -> str | None:
    """The first of the roster on duty at that hour; None where nobody is."""
    return next((d.who for d in escalation.roster if on_duty(d, at, timezone)), None)


def on_duty(duty: Duty, at: datetime, timezone: str) -> bool:
    """Whether this line of the roster holds at that moment."""
    local = at.astimezone(ZoneInfo(timezone))
    clock, day = local.time(), local.weekday()
    if duty.start < duty.end:
        return day in duty.days and duty.start <= clock < duty.end
    begun = day in duty.days and clock >= duty.start
    return begun or ((day - 1) % 7 in duty.days and clock < duty.end)


def next_handover(escalation: Escalation, moment: datetime, timezone: str) -> datetime | None:
    """The next moment at which a line of the roster may begin or end; None without a roster."""
    clocks = {clock for duty in escalation.roster for clock in (duty.start, duty.end)}
    return min(_shown(clocks, moment, timezone), default=None)


def quiet_until(quiet: QuietHours, moment: datetime, timezone: str) -> datetime | None:
    """The end of the quiet hours that `moment` lies in; None outside of them."""
    end = moment
    while _is_quiet(quiet, end, timezone):
        end = min(_shown({quiet.end}, end, timezone))
    return end if end > moment else None


def _is_quiet(quiet: QuietHours, moment: datetime, timezone: str) -> bool:
    clock = moment.astimezone(ZoneInfo(timezone)).time()
    if quiet.start < quiet.end:
        return quiet.start <= clock < quiet.end
    return clock >= quiet.start or clock < quiet.end


def _shown(clocks: Iterable[time], after: datetime, timezone: str) -> list[datetime]:
    """When the city's clock shows one of these today or tomorrow, of what is still to come."""
    today = after.astimezone(ZoneInfo(timezone)).date()
    known = frozenset(clocks)
    shown = (*_shown_on(today, known, timezone), *_shown_on(today + DAY, known, timezone))
    return [moment for moment in shown if moment > after]


@lru_cache(maxsize=256)
def _shown_on(day: date, clocks: frozenset[time], timezone: str) -> tuple[datetime, ...]:
    """In UTC; a time that the clock shows twice as it is set back is two moments."""
    zone = ZoneInfo(timezone)
    folds = (c.replace(fold=fold) for c in clocks for fold in (0, 1))
    local = (datetime.combine(day, clock, tzinfo=zone) for clock in folds)
    return tuple({moment.astimezone(UTC) for moment in local})
