"""Where decoders put what they find; all of one message, or nothing of it.

Laws:
- everything is marked with the message that it came from, so that a refused message can be taken
  back whole, also later, when it contradicts another;
- values are checked here, once for all formats: type, finiteness, the class's possible range.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Generic, TypeVar

from ingest.checks import NUMBERS, misfit, number_of, shown
from ingest.table import Table
from ingest.validate import Dropped, Reason, Refused
from kel.model.device import Device, DeviceClass, DeviceState
from kel.model.message import Message
from kel.model.order import Reply
from kel.model.reading import OtherReading, Status
from kel.model.request import Contact, Request

T = TypeVar("T")
LONGEST_NAME = 128


class Kept(Generic[T]):
    """Finds of one kind, each with its owner: the index of its message in the batch."""

    __slots__ = ("items", "owners")

    def __init__(self) -> None:
        self.items: list[T] = []
        self.owners: list[int] = []

    def add(self, owner: int, item: T) -> None:
        self.items.append(item)
        self.owners.append(owner)

    def forget(self, owner: int) -> None:
        """Forget the last finds if they are of this message."""
        while self.owners and self.owners[-1] == owner:
            self.owners.pop()
            self.items.pop()

    def without(self, refused: set[int]) -> tuple[T, ...]:
        """All finds but those of refused messages."""
        if not refused:
            return tuple(self.items)
        pairs = zip(self.owners, self.items, strict=True)
        return tuple(item for owner, item in pairs if owner not in refused)


class Sink:
    """Finds of one batch. `begin` a message, then add what it holds, or `forget` it."""

    def __init__(self, classes: Mapping[str, DeviceClass]) -> None:
        self.tables = {name: Table(cls) for name, cls in classes.items()}
        self.other: Kept[OtherReading] = Kept()
        self.requests: Kept[Request] = Kept()
        self.contacts: Kept[Contact] = Kept()
        self.replies: Kept[Reply] = Kept()
        self.statuses: Kept[Status] = Kept()
        self.dropped: Kept[Dropped] = Kept()
        self.gaps: Counter[Dropped] = Counter()  # facts of the stream, refused messages or not
        self.rebirths: dict[str, None] = {}  # in order, each once
        self._owner = 0
        self._arrival = 0

    def begin(self, owner: int, message: Message) -> None:
        """What is added from now on is of this message."""
        self._owner = owner
        self._arrival = message.arrival

    def forget(self) -> None:
        """Take back all that the message in hand has added."""
        for table in self.tables.values():
            table.forget(self._owner)
        for kept in (self.other, self.requests, self.contacts, self.replies, self.statuses):
            kept.forget(self._owner)
        self.dropped.forget(self._owner)

    def row(self, device: Device, time: int, values: Mapping[str, object]) -> None:
        """One device at one moment (µs): metric names with numbers or booleans; null is absent.

        Raises Refused where a declared metric is no possible number, where a name is no name, and
        where nothing is reported at all. Numbers of undeclared names become other readings.
        """
        table = self.tables[device.cls]
        columns = table.columns
        row = table.blank.copy()
        declared = False
        for name, value in values.items():
            column = columns.get(name)
            if column is None:
                self._undeclared(device, time, name, value)
                continue
            if value is None:
                continue
            index, low, high = column
            if not isinstance(value, NUMBERS) or not low <= value <= high:
                raise misfit(value, name, low, high)
            row[index] = value
            declared = True
        if declared:
            table.time.append(time)
            table.arrival.append(self._arrival)
            table.device.append(device.number)
            table.owner.append(self._owner)
            table.values += row
        elif not self.reported():
            raise Refused(Reason.EMPTY, "no value is reported")

    def status(self, device: Device, at: int, online: bool) -> None:
        """The device was reported online or offline at a moment (µs)."""
        self.statuses.add(self._owner, Status(device.id, at, online))

    def request(self, request: Request, contact: Contact | None) -> None:
        """A citizen's request, and apart from it who asked."""
        self.requests.add(self._owner, request)
        if contact:
            self.contacts.add(self._owner, contact)

    def reply(self, reply: Reply) -> None:
        """A crew's answer."""
        self.replies.add(self._owner, reply)

    def drop(self, why: Dropped) -> None:
        """Something in the message is left out on purpose."""
        self.dropped.add(self._owner, why)

    def gap(self) -> None:
        """Messages were lost before this one; it stays counted whatever becomes of this one."""
        self.gaps[Dropped.SEQUENCE_GAP] += 1

    def rebirth(self, node: str) -> None:
        """The edge node `group/node` should be asked to introduce itself again."""
        self.rebirths[node] = None

    def reported(self) -> bool:
        """Whether the message in hand has added an other reading, or what was left out."""
        kept = (self.other.owners, self.dropped.owners)
        return any(owners and owners[-1] == self._owner for owners in kept)

    def _undeclared(self, device: Device, time: int, name: str, value: object) -> None:
        if type(name) is not str or not 0 < len(name) <= LONGEST_NAME:
            raise Refused(Reason.BAD_NAME, f"{shown(str(name))} is no name of a metric")
        if type(value) is str:
            self.drop(Dropped.TEXT_VALUE)
        elif value is not None:
            number = number_of(value, name)
            self.other.add(self._owner, OtherReading(device.number, time, name, number))


def usable(device: Device | None, source: str, address: str) -> Device:
    """The device that speaks `source` under `address`, if it may; refuses the unknown, the not yet
    adopted, the retired."""
    sender = source, address
    if device is None:
        raise Refused(
            Reason.UNKNOWN_DEVICE, f"no device {shown(address)} is registered", sender=sender
        )
    if device.state is DeviceState.RETIRED:
        raise Refused(Reason.RETIRED_DEVICE, f"{device.id} is retired", device.id, sender)
    if device.state is DeviceState.DRAFT:
        raise Refused(Reason.DRAFT_DEVICE, f"{device.id} is not adopted yet", device.id, sender)
    return device
