"""What a rulebook asks of the operators: the figures of alarm management. Pure.

The figures and their limits are those of EEMUA 191 and ISA-18.2, per operator: about one alarm in
ten minutes; at most 150 a day; more than ten in ten minutes are a flood; one that stands longer
than 24 hours is stale, and fewer than five of these may be there on any day; three of one source
within a minute are chattering; and of all priorities some 80 % low, 15 % medium, 5 % high.

Laws:
- what an operator must look at is a call: an incident that opens, reopens or rises; an alert that
  joins an incident asks for nothing, which is what grouping is for;
- a day is 24 hours, and ten minutes are those of the clock: shares are of all such spans in the
  period, also of the empty ones;
- a rate is judged of a period that is long enough to have one: no hour's of minutes, and a day's
  kept by no part of a day.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from kel.model.alert import Severity

TEN_MINUTES = timedelta(minutes=10)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
FLOOD = 10  # more than so many calls of one operator in ten minutes
STALE = timedelta(hours=24)
MOST_STALE = 4  # on any day
CHATTER = 3  # so many of one source within a minute
MOST_A_DAY = 150
MOST_AN_HOUR = 6.0  # one in ten minutes


class Priority(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


PRIORITY = {
    Severity.INFO: Priority.LOW,
    Severity.LOW: Priority.LOW,
    Severity.MEDIUM: Priority.MEDIUM,
    Severity.HIGH: Priority.HIGH,
    Severity.CRITICAL: Priority.HIGH,
}


@dataclass(frozen=True, slots=True)
class Call:
    """Something that an operator must look at."""

    at: datetime
    severity: Severity


@dataclass(frozen=True, slots=True)
class Standing:
    """An alert, as long as it stood; `until` is None while it does."""

    source: str  # rule and device
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class AlarmLoad:
    """Per operator, over [since, until). `shares`: of the calls, by priority."""

    since: datetime
    until: datetime
    operators: int
    alerts: int
    calls: int
    per_hour: float
    most_a_day: float
    most_in_ten_minutes: float
    floods: int  # spans of ten minutes with more than ten calls
    flood_share: float  # of all spans
    stale: float  # the most on any day: alerts that had stood for longer than 24 hours
    chattering: tuple[str, ...]  # sources
    shares: dict[Priority, float]

    @property
    def keeps(self) -> dict[str, bool | None]:
        """Whether each figure with a limit keeps it, None where the period is too short to tell;
        priorities are told, not judged, since what happens decides them as much as what the
        rulebook says."""
        span, in_a_day = self.until - self.since, self.most_a_day <= MOST_A_DAY
        return {
            "per_hour": self.per_hour <= MOST_AN_HOUR if span >= HOUR else None,
            "most_a_day": None if in_a_day and span < DAY else in_a_day,
            "floods": self.floods == 0,
            "stale": self.stale <= MOST_STALE,
            "chattering": not self.chattering,
        }


def alarm_load(
    calls: Iterable[Call],
    alerts: Sequence[Standing],
    since: datetime,
    until: datetime,
    operators: int = 1,
) -> AlarmLoad:
    """The figures of [since, until), shared evenly by `operators`. Raises ValueError for a period
    without length, or nobody to look."""
    if until <= since or operators < 1:
        raise ValueError("the load is of some time, on at least one operator")
    taken = [call for call in calls if since <= call.at < until]
    days = Counter((call.at - since) // DAY for call in taken)
    spans = Counter((call.at - since) // TEN_MINUTES for call in taken)
    floods = sum(count / operators > FLOOD for count in spans.values())
    priorities = Counter(PRIORITY[call.severity] for call in taken)
    seen = [a for a in alerts if a.since < until and (a.until is None or a.until > since)]
    return AlarmLoad(
        since=since,
        until=until,
        operators=operators,
        alerts=sum(since <= a.since for a in seen),
        calls=len(taken),
        per_hour=len(taken) / operators / ((until - since) / HOUR),
        most_a_day=max(days.values(), default=0) / operators,
        most_in_ten_minutes=max(spans.values(), default=0) / operators,
        floods=floods,
        flood_share=floods / max(1.0, (until - since) / TEN_MINUTES),
        stale=_most_stale(seen, since, until) / operators,
        chattering=_chattering(a for a in seen if a.since >= since),
        shares={p: priorities[p] / len(taken) if taken else 0.0 for p in Priority},
    )


def _most_stale(alerts: Iterable[Standing], since: datetime, until: datetime) -> int:
    """How many alerts, on the worst day of [since, until), had stood for too long at its end, or
    when they ended."""
    days: Counter[int] = Counter()
    for alert in alerts:
        begin, end = max(alert.since + STALE, since), min(alert.until or until, until)
        if begin < end:
            last = (end - since) // DAY - int(not (end - since) % DAY)
            days.update(range((begin - since) // DAY, last + 1))
    return max(days.values(), default=0)


def _chattering(alerts: Iterable[Standing]) -> tuple[str, ...]:
    """The sources of which so many alerts began within one minute."""
    begun: dict[str, list[datetime]] = {}
    for alert in alerts:
        begun.setdefault(alert.source, []).append(alert.since)
    found = []
    for source, moments in begun.items():
        moments.sort()
        nth = moments[CHATTER - 1 :]
        if any(b - a <= MINUTE for a, b in zip(moments, nth, strict=False)):
            found.append(source)
    return tuple(sorted(found))
