"""What an operator is told of one incident, before it is put into rows. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, NamedTuple
from uuid import UUID

from kel.model.alert import Alert
from kel.model.incident import Incident
from kel.model.request import Request
from kel.model.runbook import Heading
from kel.reports.trace_words import Words
from rules.incidents.ahead import Next


class Newest(NamedTuple):
    """A device's name, and its newest values with their moment (None: it has none)."""

    name: str
    at: datetime | None
    metrics: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sight:
    """`causes`: the device that explains an alert, by the alert's id; `dismissed`: alerts that were
    active when an operator closed it; `words`: of its history the last of each sort, as (moment,
    who, why); `beside`: silences that hide alerts of its place (number, end, how many).
    """

    incident: Incident
    zone: tzinfo
    words: Words
    alerts: Sequence[Alert]
    requests: Sequence[Request]
    orders: Sequence[Sequence[Any]]
    crews: Mapping[str, str]
    devices: Mapping[str, Newest]
    rules: Mapping[str, str]
    causes: Mapping[UUID, str] = field(default_factory=dict)
    dismissed: frozenset[UUID] = frozenset()
    last: Mapping[str, tuple[datetime, str, str]] = field(default_factory=dict)
    beside: Sequence[Sequence[Any]] = ()
    ahead: Sequence[Next] = ()
    runbook: Sequence[Heading] = ()
    mistake: str = ""

    def device(self, known: str) -> str:
        return self.devices[known].name if known in self.devices else known

    def rule(self, known: str) -> str:
        return self.rules.get(known, known)
