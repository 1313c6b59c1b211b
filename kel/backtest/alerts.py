"""Two rulebooks' alerts over the same history, rule by rule.

Two alerts are the same trouble where rule and device are the same and they were active at one time.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from kel.model.alert import Alert

Key = tuple[str, str]  # rule, device


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How often a rule alerted, before the change and after; `gained` had no like, `lost` has none.

    `same` alerts of before have a like; fewer of after where one now covers what were several.
    """

    rule: str
    before: int
    after: int
    gained: int
    lost: int


def compare_alerts(
    before: Sequence[Alert], after: Sequence[Alert], until: datetime
) -> list[RuleCount]:
    """Every rule that alerted, the most changed first; `until`: the end of what was looked at."""
    lost = _without_like(before, after, until)
    gained = _without_like(after, before, until)
    rules = {a.rule for a in (*before, *after)}
    found = [
        RuleCount(rule, _count(before, rule), _count(after, rule), gained[rule], lost[rule])
        for rule in rules
    ]
    return sorted(found, key=lambda c: (-(c.gained + c.lost), -max(c.before, c.after), c.rule))


def _count(alerts: Iterable[Alert], rule: str) -> int:
    return sum(alert.rule == rule for alert in alerts)


def _without_like(
    alerts: Iterable[Alert], others: Iterable[Alert], until: datetime
) -> defaultdict[str, int]:
    spans: dict[Key, list[tuple[datetime, datetime]]] = {}
    for other in others:
        spans.setdefault((other.rule, other.device), []).append(active(other, until))
    found: defaultdict[str, int] = defaultdict(int)
    for alert in alerts:
        begin, end = active(alert, until)
        near = spans.get((alert.rule, alert.device), ())
        if not any(first <= end and begin <= last for first, last in near):
            found[alert.rule] += 1
    return found


def active(alert: Alert, until: datetime) -> tuple[datetime, datetime]:
    """From when to when an alert's trouble was there."""
    return alert.started_at, alert.cleared_at or until


def busiest_hour(alerts: Iterable[Alert]) -> int:
    """The most alerts that were detected within one hour of the clock."""
    hours: defaultdict[datetime, int] = defaultdict(int)
    for alert in alerts:
        hours[alert.detected_at.replace(minute=0, second=0, microsecond=0)] += 1
    return max(hours.values(), default=0)
