"""All that lies behind one cost entry, as plain values, and as JSON. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

from kel.model.alert import Alert
from kel.model.cost import CostEntry, CostKind, CostNature
from kel.model.incident import Incident, IncidentEvent
from kel.model.order import WorkOrder
from kel.model.request import Request


@dataclass(frozen=True, slots=True)
class Measured:
    """One stored reading: a metric's value at a moment, and whose it is."""

    at: datetime
    value: float
    device: str


@dataclass(frozen=True, slots=True)
class Series:
    """The very readings of one metric, oldest first.

    [since, until] is what counts; readings before it are told as well, to show what was usual.
    """

    cls: str
    device: str
    metric: str
    since: datetime
    until: datetime
    readings: Sequence[Measured]

    @property
    def counted(self) -> list[Measured]:
        return [r for r in self.readings if self.since <= r.at <= self.until]


@dataclass(frozen=True, slots=True)
class AlertTrace:
    """An alert and the readings that fired it; `label`: what its rule was called, where known."""

    alert: Alert
    series: Series
    label: str = ""

    @property
    def rule(self) -> str:
        """«label (id)», or the id alone."""
        return f"{self.label} ({self.alert.rule})" if self.label else self.alert.rule


@dataclass(frozen=True, slots=True)
class Trace:
    """The way from an entry back to the readings.

    `order` is the work order that it was booked for, None for a loss; `lost` are the readings that
    a loss was measured on; `corrections` are later entries that correct this one.
    """

    entry: CostEntry
    incident: Incident
    history: Sequence[IncidentEvent]
    order: WorkOrder | None = None
    alerts: Sequence[AlertTrace] = ()
    requests: Sequence[Request] = ()
    lost: Series | None = None
    corrections: Sequence[CostEntry] = ()


@dataclass(frozen=True, slots=True)
class CostLine:
    """A cost entry in a list: enough to choose one to trace."""

    id: UUID
    at: datetime
    kind: CostKind
    nature: CostNature
    amount: Decimal
    incident: str
    title: str


def as_json(value: Any) -> Any:
    """The value as JSON has it: money and quantities as text, moments in ISO 8601, ids as text,
    spans of time in seconds."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: as_json(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_json(each) for key, each in value.items()}
    if isinstance(value, IntEnum):
        return value.name.lower()
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, (Decimal, UUID)):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (list, tuple)):
        return [as_json(each) for each in value]
    return value
