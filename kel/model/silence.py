"""Silences: what an operator does not want to hear for a while, and what they hid.

Laws:
- a silence has an end, somebody who wanted it, and a reason;
- it hides, it loses nothing: alerts are stored as ever, and each that it hid is kept with its id.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from uuid import UUID

# By what a silence picks alerts; each that it names must fit, with one of its values.
PICKS = ("device", "zone", "feeder", "community", "rule", "category", "class")


@dataclass(frozen=True, slots=True)
class Silence:
    """A silence from `starts_at` until before `ends_at`.

    With `days` (0 = Monday) it speaks in between: it holds only from `since` to `until` by the
    city's clock, on days that begin it; `until` at or before `since` runs past midnight.
    `ended_at`: when it was over or lifted; None while it may still hide something.
    """

    id: UUID
    number: str  # what people say and type: "Σ-2026-0003"
    who: str
    why: str
    made_at: datetime
    starts_at: datetime
    ends_at: datetime
    picks: Mapping[str, tuple[str, ...]]
    days: frozenset[int] = frozenset()
    since: time | None = None
    until: time | None = None
    ended_at: datetime | None = None
    ended_by: str = ""
    ended_why: str = ""


@dataclass(frozen=True, slots=True)
class Hidden:
    """An active alert that belongs to no incident, since somebody wanted it so.

    `by` is the silence that hides it, or the incident that an operator closed while it was active
    (`dismissed`). `over_at`: when it cleared, or spoke after the silence (`spoke`).
    """

    alert: UUID
    by: UUID
    at: datetime
    dismissed: bool = False
    over_at: datetime | None = None
    spoke: bool = False
