"""Places: what devices share that a composition is judged over.

Law: a device is in one place at most; one without a zone or feeder is in no zone's or feeder's.
"""

from collections.abc import Iterable
from typing import Literal

from kel.model.device import Device

By = Literal["device", "zone", "feeder", "community", "city"]


def place_of(by: By, device: Device) -> str | None:
    """Where a device belongs: the id of its zone, feeder, …; None for nowhere."""
    match by:
        case "device":
            return device.id
        case "zone":
            return device.zone
        case "feeder":
            return device.feeder
        case "community":
            return device.community
        case "city":
            return ""


def speakers(by: By, devices: Iterable[Device]) -> dict[str, Device]:
    """The device that each place's alert is told on: of those in it the first by id."""
    found: dict[str, Device] = {}
    for device in sorted(devices, key=lambda d: d.id):
        place = place_of(by, device)
        if place is not None:
            found.setdefault(place, device)
    return found
