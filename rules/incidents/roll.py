"""The roll of an incident: its alerts in order, and by device. Pure.

Laws:
- a roll is of the alerts as they were: who keeps one drops it when one of them changes;
- what explains an alert is looked for at the devices above it, never among all members: an incident
  of n alerts costs n times the depth of the topology, not n times n.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kel.model.alert import Alert


@dataclass(frozen=True, slots=True)
class Roll:
    """The known ones of the alerts `ids`, in order of (detected, id), all and by device."""

    ids: tuple[UUID, ...]
    alerts: Sequence[Alert]
    by_device: Mapping[str, Sequence[Alert]]

    @property
    def latest(self) -> datetime | None:
        """When the last of them was detected."""
        return self.alerts[-1].detected_at if self.alerts else None

    def at(self, devices: Iterable[str]) -> list[Alert]:
        """The alerts of these devices, device by device."""
        return [alert for device in devices for alert in self.by_device.get(device, ())]


def roll_of(ids: tuple[UUID, ...], known: Mapping[UUID, Alert]) -> Roll:
    found = (known.get(i) for i in ids)
    alerts = sorted((a for a in found if a), key=lambda a: (a.detected_at, a.id))
    by_device: dict[str, list[Alert]] = {}
    for alert in alerts:
        by_device.setdefault(alert.device, []).append(alert)
    return Roll(ids, alerts, by_device)
