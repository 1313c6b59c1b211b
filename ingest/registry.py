"""The registry: which device speaks under which address.

Laws: a device is found by the format it speaks (`source`) and its `address` there; no two devices
share an address. A device that speaks KEL JSON is also found by its id, which stands in its topic.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import TypeVar

from ingest.address import Address, address_of
from kel.model.city import City
from kel.model.device import Device
from kel.model.mapping import JsonMapping

Key = TypeVar("Key", bound=Hashable)


class Registry:
    """The city's devices by address and by id. Immutable once made.

    `communities`: ids that citizens' requests may name; by default those of the devices.
    `mappings`: the city's own formats.
    Raises ValueError where two devices share an id, a number or an address.
    """

    def __init__(
        self,
        devices: Iterable[Device],
        communities: Iterable[str] | None = None,
        mappings: Iterable[JsonMapping] = (),
    ) -> None:
        self.devices = tuple(devices)
        self.mappings = tuple(mappings)
        self._ids: dict[str, Device] = {}
        self._addresses: dict[tuple[str, str], Device] = {}
        self._sources: dict[str, list[Device]] = defaultdict(list)
        self._numbers: dict[int, Device] = {}
        for device in self.devices:
            self._add(device)
        given = (d.community for d in self.devices) if communities is None else communities
        self.communities = frozenset(given)

    @classmethod
    def of(cls, city: City) -> "Registry":
        """Everything that ingest must know of the city."""
        return cls(city.devices.values(), city.communities, city.mappings.values())

    def address_of(self, topic: str) -> Address | None:
        """The sender that a topic names, in KEL's formats or the city's own, or None."""
        known = address_of(topic)
        if known:
            return known
        found = ((m.id, m.address_in(topic)) for m in self.mappings)
        return next(((source, address) for source, address in found if address), None)

    def shared_group(self, topic: str) -> str | None:
        """The group of a mapping whose topics name no sender, or None."""
        return next((m.group for m in self.mappings if m.group and m.matches(topic)), None)

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
