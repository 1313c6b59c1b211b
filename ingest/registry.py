"""The registry: which device speaks under which address.

Laws: a device is found by the format it speaks (`source`) and its `address` there; no two devices
share an address. A device that speaks KEL JSON is also found by its id, which stands in its topic.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import TypeVar

from kel.model.device import Device

Key = TypeVar("Key", bound=Hashable)


class Registry:
    """The city's devices by address and by id. Immutable once made.

    `communities`: ids that citizens' requests may name; by default those of the devices.
    Raises ValueError where two devices share an id, a number or an address.
    """

    def __init__(self, devices: Iterable[Device], communities: Iterable[str] | None = None) -> None:
        self.devices = tuple(devices)
        self._ids: dict[str, Device] = {}
        self._addresses: dict[tuple[str, str], Device] = {}
        self._sources: dict[str, list[Device]] = defaultdict(list)
        self._numbers: dict[int, Device] = {}
        for device in self.devices:
            self._add(device)
        given = (d.community for d in self.devices) if communities is None else communities
        self.communities = frozenset(given)

    def find(self, source: str, address: str) -> Device | None:
        """The device that speaks `source` under `address`, or None."""
        return self._addresses.get((source, address))

    def by_id(self, device: str) -> Device | None:
        """The device of this id, or None."""
        return self._ids.get(device)

    def by_source(self, source: str) -> tuple[Device, ...]:
        """All devices that speak one format."""
        return tuple(self._sources.get(source, ()))

    def _add(self, device: Device) -> None:
        addresses = {device.address, device.id} if device.source == "kel" else {device.address}
        for address in addresses:
            self._claim(self._addresses, (device.source, address), device)
        self._claim(self._ids, device.id, device)
        self._claim(self._numbers, device.number, device)
        self._sources[device.source].append(device)

    @staticmethod
    def _claim(table: dict[Key, Device], key: Key, device: Device) -> None:
        other = table.setdefault(key, device)
        if other is not device:
            raise ValueError(f"devices {other.id} and {device.id} share {key!r}")
