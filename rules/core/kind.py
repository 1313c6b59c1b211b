"""What a kind of rule is: the protocol that all of them keep, and what they are made in.

A kind is given new rows (by device, in order of time) and ticks (each later than the one before),
and tells what fired and cleared.

Laws of every kind, held by tests/contract/test_rule_kinds.py:
- event time alone: the same readings and ticks give the same events at the same moments, however
  rows were cut into frames, devices interleaved, delivered twice, or ticks repeated;
- a tick at t says that every row up to t was given; what rests on several devices is settled then;
- what it remembers is what `state` gives and `load` takes: a restart changes nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kel.model.alert import Alert
from kel.model.city import City
from kel.model.device import Device
from kel.model.mistake import Mistake
from rules.core.calendar import Opening
from rules.core.entry import Entry, Measured
from rules.core.event import Event, Fired
from rules.core.rows import Bool, Roster, Rows, Slots
from rules.core.rule import RuleShape

Arrays = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Scene:
    """Where a kind works: the city, the devices of one partition, and what the rule watches there.

    `roster` holds the devices of the class that the rule watches; `watched`, (slots,), which of
    them; `rosters` those of every class, for a kind that compares classes.

    `opening`: when the rule judges, where it names calendars. `Judge` heeds it by itself; another
    kind gives it to its `Hold` and drops the rows that are shut out (`judged`), or, where it tells
    of other devices than it watches, asks for theirs (`opening.at(devices)`).
    """

    city: City
    roster: Roster
    watched: Bool
    rosters: Mapping[str, Roster]
    opening: Opening | None = None

    def judged(self, rows: Rows) -> Rows:
        """Those of the rows that lie inside the rule's calendars."""
        return rows.only(self.opening.mask(rows.slot, rows.time)) if self.opening else rows

    @property
    def devices(self) -> list[Device]:
        return self.roster.devices


class Kind(Protocol):
    def frame(self, rows: Rows) -> list[Event]:
        """What the rows show; also rows of devices that the rule does not watch may come.

        A kind whose spec names further classes is given their rows too (`rows.cls` tells).
        """
        ...

    def tick(self, now: int) -> list[Event]:
        """What is so at `now` (µs), later than every tick before."""
        ...

    def adopt(self, alert: Alert) -> bool:
        """Take over an active alert, of an earlier wording of the rule; false if not watched."""
        ...

    def state(self) -> dict[str, NDArray[np.generic]]:
        """All that is remembered: arrays by slot of the watched class, or such as name their own
        devices by number."""
        ...

    def load(self, state: Arrays, old: Slots, new: Slots) -> None:
        """Remember it again: what was slot old[i] is now slot new[i], for watched slots alone.

        Where the rule is new, `state` holds only `seen`: when each old slot's device last spoke;
        where it was edited and learns as before, that and what was learned (`Training`).
        """
        ...


class Listener(Kind, Protocol):
    """A kind that hears what other rules tell, for compositions."""

    def hear(self, rule: str, event: Event) -> None:
        """Another rule's event; heard before the tick that settles its moment."""
        ...

    def recall(self, rule: str, event: Fired) -> None:
        """Another rule's alert that is active as this kind goes on after a restart, or begins:
        one that it remembers, or one of before it listened."""
        ...


Check = Callable[[Entry, City, list[Device]], Iterator[Mistake]]


def nothing_more(_entry: Entry, _city: City, _watched: list[Device]) -> Iterator[Mistake]:
    """The check of a kind that asks nothing of the city beyond its watch."""
    return iter(())


@dataclass(frozen=True)
class Training:
    """What of a kind's state was learned, and outlives an edit of the rule's other fields.

    `fields` of the rule decide what is learned, beside the watched class and metric; a dotted name
    is a field of a table. `arrays` of its state hold it; a name that ends in a dot is a whole part.
    """

    fields: tuple[str, ...]
    arrays: tuple[str, ...]


@dataclass(frozen=True)
class KindSpec:
    """One kind of rule: the shape of its `[[rule]]`, how it is made, what it asks of the city.

    `classes`: the further device classes whose rows it needs; `listens`: the rules it hears.
    `measured`: which of its numbers are in which unit, so that others are converted into KEL's own;
    `limits` is that of a rule with a `unit` and one limit of its metric. `together`: of which group
    a device is that it judges as one, which no override may split. `calendars`: whether the kind
    heeds `when`.
    """

    shape: type[RuleShape]
    make: Callable[[Any, Scene], Kind]
    check: Check = nothing_more
    classes: Callable[[Any], tuple[str, ...]] = lambda _rule: ()
    listens: Callable[[Any], tuple[str, ...]] = lambda _rule: ()
    measured: Callable[[Entry, City], Iterable[Measured]] = lambda _entry, _city: ()
    together: Callable[[Device], str | None] = lambda device: device.id
    calendars: bool = True
    training: Training | None = None
