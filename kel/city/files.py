"""Which file holds what. All of a city's folder but its rules and its story."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from kel.city.entries import (
    BudgetEntry,
    CalendarEntry,
    CategoryEntry,
    CityEntry,
    ClassEntry,
    CommunityEntry,
    CrewEntry,
    DeviceEntry,
    FeederEntry,
    FireRiskEntry,
    ItemEntry,
    MappingEntry,
    RatesEntry,
    VanStockEntry,
    VehicleEntry,
    ZoneFeature,
)
from kel.city.reader import Inner, Reader
from kel.city.records import Entries, Found, suggest
from kel.model.mistake import Mistake

MAPPINGS = "mappings.toml"
CALENDARS = "calendars.toml"
FIRE_RISK = "fire_risk.csv"

T = TypeVar("T", bound=BaseModel)


@dataclass(slots=True)
class Files:
    """The entries of a folder, each right in itself; what ties them together is not yet checked."""

    city: Found[CityEntry] | None
    rates: Found[RatesEntry] | None
    classes: Entries[ClassEntry]
    communities: Entries[CommunityEntry]
    zones: Entries[ZoneFeature]
    feeders: Entries[FeederEntry]
    devices: dict[str, Entries[DeviceEntry]]  # by class, in the classes' order
    crews: Entries[CrewEntry]
    skills: frozenset[str] | None  # the words for what people can do
    vehicles: Entries[VehicleEntry]
    items: Entries[ItemEntry]
    van_stock: Entries[VanStockEntry]
    categories: Entries[CategoryEntry]
    budget: Entries[BudgetEntry]
    mappings: Entries[MappingEntry]
    calendars: Entries[CalendarEntry]
    fire_risk: Entries[FireRiskEntry]

    @property
    def all_devices(self) -> list[Found[DeviceEntry]]:
        return [f for entries in self.devices.values() for f in entries.found]


def read_files(folder: Path) -> tuple[Files, list[Mistake]]:
    """Everything that the folder holds, and the mistakes of single files and entries."""
    reader = Reader(folder)
    classes, _ = reader.tables("classes.toml", "class", ClassEntry)
    communities, _ = reader.tables("communities.toml", "community", CommunityEntry)
    crews, crews_file = reader.tables("crews.toml", "crew", CrewEntry, frozenset({"skills"}))
    categories, _ = reader.tables("categories.toml", "category", CategoryEntry)
    files = Files(
        city=reader.single("city.toml", CityEntry),
        rates=reader.single("rates.toml", RatesEntry),
        classes=classes,
        communities=communities,
        zones=reader.features("zones.geojson", ZoneFeature),
        feeders=reader.rows("feeders.csv", FeederEntry),
        devices=_devices(reader, classes),
        crews=crews,
        skills=reader.names(crews_file, "skills"),
        vehicles=reader.rows("vehicles.csv", VehicleEntry),
        items=reader.rows("items.csv", ItemEntry),
        van_stock=reader.rows("van_stock.csv", VanStockEntry),
        categories=categories,
        budget=reader.rows("budget.csv", BudgetEntry, Inner("amounts", communities.known)),
        mappings=_tables(reader, MAPPINGS, "mapping", MappingEntry),
        calendars=_tables(reader, CALENDARS, "calendar", CalendarEntry),
        fire_risk=_rows(reader, FIRE_RISK, FireRiskEntry),
    )
    return files, reader.mistakes


def _tables(reader: Reader, name: str, key: str, model: type[T]) -> Entries[T]:
    """What a city may do without, and then needs no file for."""
    if not (reader.folder / name).exists():
        return Entries(readable=True, whole=True)
    entries, _ = reader.tables(name, key, model)
    return entries


def _rows(reader: Reader, name: str, model: type[T]) -> Entries[T]:
    """Rows that a city may do without."""
    if not (reader.folder / name).exists():
        return Entries(readable=True, whole=True)
    return reader.rows(name, model)


def _devices(reader: Reader, classes: Entries[ClassEntry]) -> dict[str, Entries[DeviceEntry]]:
    """`devices/<class>.csv` of every class that has one; a file of no class is a mistake."""
    present = {path.stem: path for path in sorted((reader.folder / "devices").glob("*.csv"))}
    attributes: dict[str, frozenset[str] | None] = {
        entry.id: frozenset(entry.attributes) for entry in classes.entries
    }
    for name in sorted(present.keys() - attributes.keys()):
        attributes[name] = None
        if classes.known is not None and name not in classes.known:
            what = f"classes.toml has no class {name}{suggest(name, classes.known)}"
            reader.mistakes.append(Mistake(present[name].as_posix(), 0, "file", what))
    return {
        cls: reader.rows(f"devices/{cls}.csv", DeviceEntry, Inner("attributes", columns))
        for cls, columns in attributes.items()
        if cls in present
    }
