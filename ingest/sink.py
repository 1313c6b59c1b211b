"""Where decoders put what they find; all of one message, or nothing of it.

Laws:
- everything is marked with the message that it came from, so that a refused message can be taken
  back whole, also later, when it contradicts another;
- values are checked here, once for all formats: names, types, finiteness, the class's possible
  range. A row of declared names waits and is judged with all others at the batch's end; a message
  whose rows are in doubt then is decoded once more, `careful`, and so is one that is refused while
  a row of it waits, for that may have been wrong before. A decoder that remembers is careful from
  the start, since it cannot be asked twice;
- a device without a clock of its own has its rows one microsecond apart, from the arrival on, but
  for those whose moments it counts from the arrival (`relative`).
"""

from collections import Counter
from collections.abc import Mapping, MutableMapping
from operator import itemgetter
from typing import Any, Generic, TypeVar

from ingest.checks import NUMBERS, misfit, number_of, shown
from ingest.table import Columns, Table
from ingest.validate import MOST_NAMES, MOST_ROWS, Dropped, Reason, Refused
from kel.model.device import Clock, Device, DeviceState
from kel.model.message import Message
from kel.model.moment import HOUR_US, SECOND_US
from kel.model.order import Reply
from kel.model.reading import Gauge, OtherReading, Status
from kel.model.request import Contact, Request

T = TypeVar("T")
LONGEST_NAME = 128
ARRIVAL = Clock.ARRIVAL
MOST_DAYS = 400  # as readings are kept; each week that a reading claims is a table of its own
PAST = MOST_DAYS * 24 * HOUR_US

_owner = itemgetter(0)


class Unsure(Exception):  # noqa: N818 - not a fault: the message is to be decoded carefully
    """The message in hand cannot be taken in passing."""


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

    def leave_out(self, owners: set[int]) -> None:
        """Forget all finds of these messages."""
        pairs = [p for p in zip(self.owners, self.items, strict=True) if p[0] not in owners]
        self.owners, self.items = [p[0] for p in pairs], [p[1] for p in pairs]

    def without(self, refused: set[int]) -> tuple[T, ...]:
        """All finds but those of refused messages, in the order of the messages."""
        pairs = zip(self.owners, self.items, strict=True)
        return tuple(i for o, i in sorted(pairs, key=_owner) if o not in refused)


class Sink:
    """Finds of one batch. `begin` a message, then add what it holds, or `forget` it; `judge` all.

    `columns`: by class; `lasts`: the last time given to each device without a clock, by number,
    carried from batch to batch.
    """

    def __init__(
        self, columns: Mapping[str, Columns], lasts: MutableMapping[int, int] | None = None
    ) -> None:
        self.tables = {cls: Table(of) for cls, of in columns.items()}
        self.other: Kept[OtherReading] = Kept()
        self.requests: Kept[Request] = Kept()
        self.contacts: Kept[Contact] = Kept()
        self.replies: Kept[Reply] = Kept()
        self.statuses: Kept[Status] = Kept()
        self.gauges: Kept[Gauge] = Kept()
        self.dropped: Kept[Dropped] = Kept()
        self.partly: Kept[Refused] = Kept()  # messages that were taken but for a part
        self.gaps: Counter[Dropped] = Counter()  # facts of the stream, refused messages or not
        self.rebirths: dict[str, None] = {}  # in order, each once
        self._lasts = {} if lasts is None else lasts
        self._owner = 0
        self._arrival = 0
        self._careful = True
        self._rows = 0

    def begin(self, owner: int, message: Message, careful: bool = True) -> None:
        """What is added from now on is of this message."""
        self._owner = owner
        self._arrival = message.arrival
        self._careful = careful
        self._rows = 0

    def forget(self) -> None:
        """Take back all that the message in hand has added."""
        for table in self.tables.values():
            table.forget(self._owner)
        for kept in self._kept():
            kept.forget(self._owner)

    def waits(self) -> bool:
        """Whether a row of the message in hand waits for its judgement."""
        return any(table.waits(self._owner) for table in self.tables.values())

    def judge(self) -> set[int]:
        """The messages whose rows are in doubt; all that they added is forgotten."""
        doubted = set[int]().union(*(table.judge() for table in self.tables.values()))
        if doubted:
            for table in self.tables.values():
                table.leave_out(doubted)
            for kept in self._kept():
                kept.leave_out(doubted)
        return doubted

    def row(
        self, device: Device, time: int, values: Mapping[str, object], relative: bool = False
    ) -> None:
        """One device at one moment (µs): metric names with numbers or booleans; null is absent.
        `relative`: the moment was counted from the arrival, and needed no clock.

        Where a declared metric is no possible number, a name no name, or nothing is reported, the
        message is refused: by Refused, now or when it is decoded again. Numbers of undeclared names
        become other readings.
        """
        table = self.tables[device.cls]
        if device.clock is ARRIVAL and not relative:
            time = self._apart(device)
        elif time < self._arrival - PAST:
            raise Refused(Reason.BAD_TIME, f"more than {MOST_DAYS} days before its arrival")
        if self._careful or not table.declared.issuperset(values):
            values = self._looked_at(table, device, time, values)
            if not values:
                return
        table.keys.extend((self._owner, self._arrival, device.number, time, len(values)))
        table.names.extend(values)
        table.said.extend(values.values())

    def check(self, device: Device, name: str, value: object) -> None:
        """Refuse one value that `row` would refuse a whole row for."""
        bounds = self.tables[device.cls].columns.bounds.get(name)
        if bounds is None:
            _check_name(name)
            number_of(value, name)
        else:
            _check_value(name, value, bounds)

    def status(self, device: Device, at: int, online: bool) -> None:
        """The device was reported online or offline at a moment (µs)."""
        moment = self._arrival if device.clock is ARRIVAL else at
        self.statuses.add(self._owner, Status(device.id, moment, online))

    def request(self, request: Request, contact: Contact | None) -> None:
        """A citizen's request, and apart from it who asked."""
        self.requests.add(self._owner, request)
        if contact:
            self.contacts.add(self._owner, contact)

    def reply(self, reply: Reply) -> None:
        """A crew's answer."""
        self.replies.add(self._owner, reply)

    def gauge(self, name: str, at: int, value: float) -> None:
        """A part told something of its own state at a moment (µs)."""
        self.gauges.add(self._owner, Gauge(name, at, value))

    def drop(self, why: Dropped) -> None:
        """Something in the message is left out on purpose."""
        self.dropped.add(self._owner, why)

    def stray(self, why: Refused) -> None:
        """A part of the message cannot be taken, of a stranger or not: the rest is, and the message
        is kept as a reject too, with one of the reasons (`Refused.joined`)."""
        if self.partly.owners and self.partly.owners[-1] == self._owner:
            self.partly.items[-1] = self.partly.items[-1].joined(why)
        else:
            self.partly.add(self._owner, why)

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

    def _kept(self) -> tuple[Kept[Any], ...]:
        found = self.other, self.requests, self.contacts, self.replies, self.statuses
        return *found, self.gauges, self.dropped, self.partly

    def _apart(self, device: Device) -> int:
        """The arrival, or where it was given to a row of this device already, the next moment."""
        if not self._careful:  # what is given once is given; a message in doubt would take two
            raise Unsure
        last, arrival = self._lasts.get(device.number, 0), self._arrival
        time = last + 1 if arrival <= last < arrival + SECOND_US else arrival
        self._lasts[device.number] = time
        return time

    def _looked_at(
        self, table: Table, device: Device, time: int, values: Mapping[str, object]
    ) -> dict[str, object]:
        """The numbers of declared names, each checked; those of other names are put apart."""
        self._rows += 1
        if self._rows > MOST_ROWS or len(values) > MOST_NAMES:
            detail = f"more than {MOST_ROWS} readings, or {MOST_NAMES} values in one of them"
            raise Refused(Reason.TOO_MANY, detail)
        declared: dict[str, object] = {}
        for name, value in values.items():
            bounds = table.columns.bounds.get(name)
            if bounds is None:
                self._undeclared(device, time, name, value)
            elif value is not None:
                declared[name] = _check_value(name, value, bounds)
        if not declared and not self.reported():
            raise Refused(Reason.EMPTY, "no value is reported")
        if self._careful:
            table.sure.add(self._owner)
        return declared

    def _undeclared(self, device: Device, time: int, name: str, value: object) -> None:
        _check_name(name)
        if type(value) is str:
            self.drop(Dropped.TEXT_VALUE)
        elif value is not None:
            number = number_of(value, name)
            self.other.add(self._owner, OtherReading(device.number, time, name, number))


def _check_value(name: str, value: object, bounds: tuple[float, float]) -> float:
    low, high = bounds
    if not isinstance(value, NUMBERS) or not low <= value <= high:
        raise misfit(value, name, low, high)
    return float(value)


def _check_name(name: object) -> None:
    if type(name) is not str or not 0 < len(name) <= LONGEST_NAME or "\0" in name:
        raise Refused(Reason.BAD_NAME, f"{shown(str(name))} is no name of a metric")


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
