"""The city: all that its folder says, as loaded by `kel.city`. Immutable."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

from kel.model.calendar import Calendar, FireRisk
from kel.model.cost import BudgetLine
from kel.model.crew import Crew, Rates, Vehicle
from kel.model.device import Device, DeviceClass
from kel.model.escalation import Escalation
from kel.model.incident import Category
from kel.model.mapping import JsonMapping
from kel.model.place import Community, Feeder, Point, Zone
from kel.model.runbook import Heading
from kel.model.stock import Item, Stock

KEEP = timedelta(days=400)  # for so long readings are kept, where the city does not say


@dataclass(frozen=True)
class City:
    id: str
    name: str
    timezone: str
    classes: Mapping[str, DeviceClass]
    communities: Mapping[str, Community]
    zones: Mapping[str, Zone]
    feeders: Mapping[str, Feeder]
    devices: Mapping[str, Device]
    crews: Mapping[str, Crew]
    vehicles: Mapping[str, Vehicle]
    items: Mapping[str, Item]
    van_stock: tuple[Stock, ...]  # opening stock of the crews' vans
    categories: Mapping[str, Category]
    rates: Rates
    budget: tuple[BudgetLine, ...]
    warehouse: Point
    mappings: Mapping[str, JsonMapping] = field(default_factory=dict)
    disorder: timedelta = timedelta(0)  # a device's readings may overtake each other by so much
    escalation: Escalation = field(default_factory=Escalation)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    fire_risk: tuple[FireRisk, ...] = ()
    runbook: Mapping[str, Heading] = field(default_factory=dict)  # empty: the city keeps none here
    keep: timedelta = KEEP  # readings are kept for so long; no rule may look further back

    @cached_property
    def by_number(self) -> Mapping[int, Device]:
        return {d.number: d for d in self.devices.values()}

    def of_class(self, cls: str) -> list[Device]:
        """All devices of one class, in the order of the files."""
        return [d for d in self.devices.values() if d.cls == cls]
