"""The city, from its folder."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from kel.city.entries import ADDRESSES, CalendarEntry, CategoryEntry, CrewEntry, DeviceEntry
from kel.city.escalation import read_escalation
from kel.city.files import CALENDARS, MAPPINGS, Files, read_files
from kel.city.lamps import LAMP, lamps_of
from kel.city.links import check_links
from kel.city.mappings import mapping_of
from kel.city.once import check_once
from kel.city.partly import Partial, Partly
from kel.city.places import check_places
from kel.city.runbook import FILE as RUNBOOK
from kel.city.runbook import check_runbook, read_runbook
from kel.model.calendar import Calendar, FireRisk
from kel.model.city import City
from kel.model.cost import BudgetLine
from kel.model.crew import Crew, Person, Rates, Shift, Vehicle
from kel.model.device import Device, DeviceClass, Metric
from kel.model.incident import Category, Material
from kel.model.mapping import JsonMapping
from kel.model.mistake import Mistake, MistakesError
from kel.model.place import Community, Feeder, Point, Zone
from kel.model.runbook import Heading
from kel.model.stock import Item, Stock


def load_city(folder: Path, *, lamps_per_feeder: int | None = None) -> City:
    """The city that `folder` describes, rules and story apart.

    `lamps_per_feeder` lays out so many lamps on every feeder instead of the number in
    `feeders.csv`: the same city, larger.

    Devices are numbered from 1 in the order of the files: classes as in `classes.toml`, rows as in
    `devices/<class>.csv`, and last the lamps that feeders lay out. The numbers are right for one
    run; a database keeps those that it once gave, by the device's id.

    Raises `MistakesError` with all mistakes of all files, and `ValueError` for a negative switch.
    """
    city, mistakes = read_city(folder, lamps_per_feeder=lamps_per_feeder)
    if mistakes:
        raise MistakesError(mistakes)
    return city


def read_city(folder: Path, *, lamps_per_feeder: int | None = None) -> tuple[City, list[Mistake]]:
    """The same with all mistakes beside it. Where there are some, the city is what the other files
    say, as far as rules ask for it: what is asked beyond that raises `UnreadError`.

    Raises `MistakesError` where there is no such folder.
    """
    if lamps_per_feeder is not None and lamps_per_feeder < 0:
        raise ValueError("lamps_per_feeder counts lamps, it cannot be negative")
    if not folder.is_dir():
        what = "there is no such folder"
        if folder.exists():
            what = f"is a file; give the folder that the city's files are in, here {folder.parent}"
        raise MistakesError([Mistake(folder.as_posix(), 0, "folder", what)])
    files, mistakes = read_files(folder)
    if lamps_per_feeder is not None:
        _lay_out(files, lamps_per_feeder)
    escalation, more = read_escalation(folder)
    mistakes += [*more, *check_once(files), *check_places(files), *check_links(files)]
    runbook, more = read_runbook(folder)
    mistakes += [*more, *check_runbook(files, runbook)]
    if mistakes:
        wrong = {mistake.file.removeprefix(f"{folder.as_posix()}/") for mistake in mistakes}
        return cast(City, _partly(files, runbook, wrong)), mistakes
    return replace(_build(files), escalation=escalation, runbook=runbook), []


def _lay_out(files: Files, lamps: int) -> None:
    files.feeders.found = [
        replace(f, entry=f.entry.model_copy(update={"lamps": lamps})) for f in files.feeders.found
    ]


def _build(files: Files) -> City:
    assert files.city and files.rates, "no mistake, so both were read"
    city = files.city.entry
    mappings = {e.id: mapping_of(e) for e in files.mappings.entries}
    return City(
        id=city.id,
        name=city.name,
        timezone=city.timezone,
        classes={c.id: c for c in _classes(files)},
        communities={c.id: c for c in _communities(files)},
        zones={z.id: z for z in _zones(files)},
        feeders={f.id: f for f in _feeders(files)},
        devices={d.id: d for d in _devices(files, mappings)},
        crews={e.id: _crew(e) for e in files.crews.entries},
        vehicles={e.id: Vehicle(**e.model_dump()) for e in files.vehicles.entries},
        items={e.id: Item(**e.model_dump()) for e in files.items.entries},
        van_stock=tuple(Stock(e.crew, e.item, e.quantity) for e in files.van_stock.entries),
        categories={e.id: _category(e) for e in files.categories.entries},
        rates=Rates(**files.rates.entry.model_dump()),
        budget=tuple(_budget(files)),
        warehouse=Point(city.warehouse.lat, city.warehouse.lon),
        mappings=mappings,
        disorder=city.disorder,
        calendars={e.id: _calendar(e) for e in files.calendars.entries},
        fire_risk=tuple(
            FireRisk(e.date, e.level, e.community or None) for e in files.fire_risk.entries
        ),
        keep=city.keep,
    )


def _classes(files: Files) -> Iterable[DeviceClass]:
    for e in files.classes.entries:
        metrics = tuple(Metric(m.name, m.unit, m.label, m.low, m.high) for m in e.metrics)
        yield DeviceClass(e.id, e.label, metrics, e.every)


def _partly(files: Files, runbook: Mapping[str, Heading], wrong: Collection[str]) -> Partial:
    """The part of the city that rules are checked against, without what stands in `wrong` files."""
    mappings = {e.id: mapping_of(e) for e in files.mappings.entries}
    classes = {
        cls.id
        for cls in _classes(files)
        if f"devices/{cls.id}.csv" not in wrong
        and not (cls.id == LAMP and "feeders.csv" in wrong)
        and not (MAPPINGS in wrong and _mapped(files, cls.id))
    }
    whole = "classes.toml" not in wrong and classes >= {cls.id for cls in _classes(files)}
    devices = [d for d in _devices(files, mappings) if d.cls in classes]
    parts: dict[str, object] = {
        "classes": Partly(_classes(files), whole="classes.toml" not in wrong),
        "communities": Partly(_communities(files), whole="communities.toml" not in wrong),
        "zones": Partly(_zones(files), whole="zones.geojson" not in wrong),
        "feeders": Partly(_feeders(files), whole="feeders.csv" not in wrong),
        "devices": Partly(devices, whole=whole),
        "categories": Partly(
            map(_category, files.categories.entries), whole="categories.toml" not in wrong
        ),
        "calendars": Partly(map(_calendar, files.calendars.entries), whole=CALENDARS not in wrong),
    }
    if files.city and "city.toml" not in wrong:
        city = files.city.entry
        parts["keep"] = city.keep
        parts["warehouse"] = Point(city.warehouse.lat, city.warehouse.lon)
    if RUNBOOK not in wrong:
        parts["runbook"] = runbook
    return Partial(parts, devices, classes)


def _mapped(files: Files, cls: str) -> bool:
    """Whether some device of the class speaks a format that only a mapping can tell of."""
    listed = files.devices.get(cls)
    return listed is not None and any(e.source not in ADDRESSES for e in listed.entries)


def _communities(files: Files) -> Iterable[Community]:
    for e in files.communities.entries:
        yield Community(e.id, e.name, Point(e.lat, e.lon), e.population)


def _feeders(files: Files) -> Iterable[Feeder]:
    for e in files.feeders.entries:
        yield Feeder(e.id, e.name, e.community, Point(e.lat, e.lon))


def _zones(files: Files) -> Iterable[Zone]:
    for feature in files.zones.entries:
        lon, lat = feature.geometry.coordinates
        yield Zone(centre=Point(lat, lon), **feature.properties.model_dump())


def _devices(files: Files, mappings: Mapping[str, JsonMapping]) -> Iterable[Device]:
    number = 1
    for cls, entries in files.devices.items():
        for entry in entries.entries:
            mapping = mappings.get(entry.source)
            yield _device(cls, number, entry, mapping.group if mapping else None)
            number += 1
    for feeder in files.feeders.entries:
        yield from lamps_of(feeder, number)
        number += feeder.lamps


def _device(cls: str, number: int, e: DeviceEntry, shares: str | None) -> Device:
    return Device(
        id=e.id,
        number=number,
        cls=cls,
        name=e.name,
        community=e.community,
        place=Point(e.lat, e.lon),
        source=e.source,
        address=e.identity,
        zone=e.zone,
        feeder=e.feeder,
        parent=e.parent,
        state=e.state,
        attributes=e.attributes,
        clock=e.clock,
        tags=e.tags,
        shares=shares,
    )


def _crew(e: CrewEntry) -> Crew:
    return Crew(
        id=e.id,
        name=e.name,
        base=Point(e.base.lat, e.base.lon),
        people=tuple(Person(p.id, p.name, e.id, frozenset(p.skills), p.grade) for p in e.people),
        shifts=tuple(Shift(s.days, s.start, s.end, s.on_call) for s in e.shifts),
        vehicles=e.vehicles,
    )


def _category(e: CategoryEntry) -> Category:
    return Category(
        id=e.id,
        label=e.label,
        family=e.family,
        rank=e.rank,
        severity=e.level,
        skills=frozenset(e.skills),
        people=e.people,
        hours=e.hours,
        vehicles=e.vehicles,
        materials=tuple(Material(m.item, m.quantity) for m in e.materials),
        waiting=e.waiting,
        loss=e.loss,
        account=e.account,
        radius_m=e.radius_m,
        runbook=e.runbook,
    )


def _calendar(e: CalendarEntry) -> Calendar:
    return Calendar(
        id=e.id,
        label=e.label,
        hours=e.hours,
        days=e.days,
        season=e.season,
        holidays=e.holidays,
        fire_risk=e.fire_risk,
        all_of=e.all,
        any_of=e.any,
        none_of=e.none,
    )


def _budget(files: Files) -> Iterable[BudgetLine]:
    for e in files.budget.entries:
        for community, amount in e.amounts.items():
            yield BudgetLine(e.year, e.account, e.label, community, amount, e.nature)
