"""Alerts: a rule firing on a device, and its end.

Laws:
- an alert's id is made of rule, device and the moment it started: a replay makes the same;
- `detected_at` is when the rule's duration was fulfilled in event time, however late it was seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from uuid import UUID


class Severity(IntEnum):
    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


@dataclass(frozen=True, slots=True)
class Evidence:
    """The very readings behind an alert: one device's metric over a span, and what they showed.

    `facts` are the figures a person wants to see: value, limit, expected, unit, share, ….
    """

    cls: str
    device: str
    metric: str
    since: datetime
    until: datetime
    facts: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alert:
    id: UUID
    rule: str
    rulebook: str  # version (hash) of the rulebook that fired it
    kind: str
    device: str
    category: str
    severity: Severity
    started_at: datetime
    detected_at: datetime
    evidence: Evidence
    community: str
    zone: str | None = None
    feeder: str | None = None
    cleared_at: datetime | None = None
    cleared_why: str | None = None
    verify: timedelta | None = None  # how long it has to clear after a repair, by its rule

    def ended(self, at: datetime, why: str) -> "Alert":
        """The same, over since `at`; spelt out, as `dataclasses.replace` takes twice as long."""
        return Alert(
            self.id,
            self.rule,
            self.rulebook,
            self.kind,
            self.device,
            self.category,
            self.severity,
            self.started_at,
            self.detected_at,
            self.evidence,
            self.community,
            self.zone,
            self.feeder,
            at,
            why,
            self.verify,
        )
