"""What ties the entries together. Pure: entries in, mistakes out.

Laws:
- a reference leads somewhere, nobody is his own ancestor;
- a job of every category can be done by some crew;
- a reference to an entry or a file that has a mistake of its own is let pass: one cause, one
  mistake.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from kel.city.entries import CategoryEntry, CrewEntry, DeviceEntry
from kel.city.files import Files
from kel.city.lamps import LAMP, lamp_id
from kel.city.mappings import TAKEN, check_mappings, sources_of
from kel.city.records import Found, suggest
from kel.model.mistake import Mistake, Path
from kel.model.stock import WAREHOUSE

Known = frozenset[str] | None


def check_links(files: Files) -> list[Mistake]:
    """All mistakes between entries."""
    crews = list(_crews(files))
    return [
        *_network(files),
        *_devices(files),
        *check_mappings(files),
        *_logins(files),
        *crews,
        *_stock(files),
        *_calendars(files),
        *_categories(files, crews_are_right=files.crews.whole and not crews),
    ]


# references


def _refers(
    found: Found[Any], field: Path, word: str, value: str | None, known: Known
) -> Iterator[Mistake]:
    if value is not None and known is not None and value not in known:
        yield found.record.mistake(field, f"there is no {word} {value}{suggest(value, known)}")


def _known_devices(files: Files) -> Known:
    """Ids of all listed devices; None where some device file could not be read."""
    lists = [entries.known for entries in files.devices.values()]
    if not files.classes.whole or None in lists:
        return None
    return frozenset().union(*(known for known in lists if known is not None))


def _network(files: Files) -> Iterator[Mistake]:
    devices = _known_devices(files)
    communities = files.communities.known
    for zone in files.zones.found:
        p = zone.entry.properties
        yield from _refers(zone, ("properties", "community"), "community", p.community, communities)
        yield from _refers(zone, ("properties", "station"), "device", p.station, devices)
    lamps_known = files.classes.known is None or LAMP in files.classes.known
    feeder_of = {f.entry.id: f.entry.feeder for f in files.all_devices}
    for feeder in files.feeders.found:
        e = feeder.entry
        yield from _refers(feeder, ("community",), "community", e.community, communities)
        yield from _refers(feeder, ("cabinet",), "device", e.cabinet, devices)
        if feeder_of.get(e.cabinet, e.id) != e.id:
            what = f"the cabinet {e.cabinet} is not listed as one of feeder {e.id}"
            yield feeder.record.mistake(("cabinet",), what)
        if e.lamps and not lamps_known:
            yield feeder.record.mistake(("lamps",), f"classes.toml has no class {LAMP}")


def _devices(files: Files) -> Iterator[Mistake]:
    known = _known_devices(files)
    communities = files.communities.known
    zones, feeders = files.zones.known, files.feeders.known
    sources = sources_of(files)
    for device in files.all_devices:
        e = device.entry
        yield from _refers(device, ("community",), "community", e.community, communities)
        yield from _refers(device, ("source",), "format", e.source, sources)
        yield from _refers(device, ("zone",), "zone", e.zone, zones)
        yield from _refers(device, ("feeder",), "feeder", e.feeder, feeders)
        yield from _refers(device, ("parent",), "device", e.parent, known)
    yield from _circles(files.all_devices)
    yield from _pictures(files)
    listed = {f.entry.id: f for f in files.all_devices}
    for feeder in files.feeders.found:
        for n in range(feeder.entry.lamps):
            twin = listed.get(lamp_id(feeder.entry.id, n + 1))
            if twin:
                what = f"{twin.entry.id} is laid out by feeder {feeder.entry.id} too"
                yield twin.record.mistake(("id",), what)


def _pictures(files: Files) -> Iterator[Mistake]:
    """Zones of cameras' pictures (`camera/zone`) whose camera is no device: nothing would come."""
    if _known_devices(files) is None:
        return
    seen = [f for f in files.all_devices if f.entry.source == "frigate"]
    cameras = {f.entry.identity for f in seen}
    for f in seen:
        camera, slash, _ = f.entry.identity.partition("/")
        if slash and camera not in cameras:
            what = f"{f.entry.identity} is a zone of camera {camera}, which is not listed"
            yield f.record.mistake(("address",), what)


def _circles(devices: list[Found[DeviceEntry]]) -> Iterator[Mistake]:
    """Each circle of parents once, at the device where it was met."""
    by_id = {f.entry.id: f for f in devices}
    done: set[str] = set()
    for f in devices:
        way: list[str] = []
        at: str | None = f.entry.id
        while at is not None and at not in done:
            done.add(at)
            way.append(at)
            at = by_id[at].entry.parent if at in by_id else None
        if at in way:
            circle = [*way[way.index(at) :], at]
            yield by_id[at].record.mistake(("parent",), f"runs in a circle: {' → '.join(circle)}")


# calendars


def _calendars(files: Files) -> Iterator[Mistake]:
    """Every calendar says something, names others that there are, and none of them itself."""
    known = files.calendars.known
    for found in files.calendars.found:
        e = found.entry
        said = e.model_dump(exclude={"id", "label"}, exclude_defaults=True)
        if not said:
            what = "says nothing: hours, days, season, holidays, fire_risk, all, any or not"
            yield found.record.mistake((), what)
        for field in ("all", "any", "not"):
            names = getattr(e, "none" if field == "not" else field)
            yield from _each(found, field, "calendar", names, known)
    yield from _calendar_circles(files)
    communities = files.communities.known
    for risk in files.fire_risk.found:
        yield from _refers(risk, ("community",), "community", risk.entry.community, communities)


def _calendar_circles(files: Files) -> Iterator[Mistake]:
    """Each circle once, at the calendar where it was met."""
    by_id = {f.entry.id: f for f in files.calendars.found}
    done: set[str] = set()

    def walk(name: str, way: list[str]) -> Iterator[Mistake]:
        if name in way:
            circle = " → ".join([*way[way.index(name) :], name])
            yield by_id[name].record.mistake((), f"runs in a circle: {circle}")
        elif name in by_id and name not in done:
            e = by_id[name].entry
            for other in (*e.all, *e.any, *e.none):
                yield from walk(other, [*way, name])
            done.add(name)

    for name in by_id:
        yield from walk(name, [])


# people and things


def _logins(files: Files) -> Iterator[Mistake]:
    """Communities and crews log in by their id, and a login may write below its own name."""
    roots = {topic.split("/")[0] for topic in TAKEN}
    named: list[Found[Any]] = [*files.communities.found, *files.crews.found]
    for found in named:
        if found.entry.id in roots:
            what = f"the topics of a format begin with {found.entry.id}, and logins are ids"
            yield found.record.mistake(("id",), what)


def _crews(files: Files) -> Iterator[Mistake]:
    grades = frozenset(files.rates.entry.hourly) if files.rates else None
    for crew in files.crews.found:
        if crew.entry.id == WAREHOUSE:
            what = f"{WAREHOUSE} names the warehouse as a place of stock"
            yield crew.record.mistake(("id",), what)
        for i, vehicle in enumerate(crew.entry.vehicles):
            yield from _refers(crew, ("vehicles", i), "vehicle", vehicle, files.vehicles.known)
        for i, person in enumerate(crew.entry.people):
            at = ("people", i)
            yield from _refers(crew, (*at, "grade"), "hourly rate", person.grade, grades)
            for j, skill in enumerate(person.skills):
                yield from _refers(crew, (*at, "skills", j), "skill", skill, files.skills)


def _stock(files: Files) -> Iterator[Mistake]:
    crews, items = files.crews.known, files.items.known
    for stock in files.van_stock.found:
        yield from _refers(stock, ("crew",), "crew", stock.entry.crew, crews)
        yield from _refers(stock, ("item",), "item", stock.entry.item, items)


# work


def _categories(files: Files, *, crews_are_right: bool) -> Iterator[Mistake]:
    kinds = frozenset(v.entry.kind for v in files.vehicles.found) if files.vehicles.whole else None
    accounts = frozenset(b.entry.account for b in files.budget.found)
    for category in files.categories.found:
        e = category.entry
        words = [
            *_each(category, "skills", "skill", e.skills, files.skills),
            *_each(category, "vehicles", "kind of vehicle", e.vehicles, kinds),
        ]
        yield from words
        for i, material in enumerate(e.materials):
            at = ("materials", i, "item")
            yield from _refers(category, at, "item", material.item, files.items.known)
        if files.budget.whole:
            yield from _refers(category, ("account",), "budget account", e.account, accounts)
        if not words and crews_are_right and files.vehicles.whole:
            yield from _served(category, files)


def _each(
    found: Found[Any], field: str, word: str, values: Iterable[str], known: Known
) -> Iterator[Mistake]:
    for i, value in enumerate(values):
        yield from _refers(found, (field, i), word, value, known)


def _served(category: Found[CategoryEntry], files: Files) -> Iterator[Mistake]:
    """Some crew must have the skills, the vehicles and the people; else the first that none has."""
    e = category.entry
    kind_of = {v.entry.id: v.entry.kind for v in files.vehicles.found}
    able = [c.entry for c in files.crews.found if set(e.skills) <= _skills(c.entry)]
    if not able:
        yield category.record.mistake(("skills",), f"no crew has all of {', '.join(e.skills)}")
        return
    able = [c for c in able if set(e.vehicles) <= {kind_of.get(v, "") for v in c.vehicles}]
    if not able:
        what = f"no crew with these skills has all of {', '.join(e.vehicles)}"
        yield category.record.mistake(("vehicles",), what)
        return
    most = max(len(c.people) for c in able)
    if most < e.people:
        what = f"no crew with these skills and vehicles has more than {most} people"
        yield category.record.mistake(("people",), what)


def _skills(crew: CrewEntry) -> set[str]:
    return {skill for person in crew.people for skill in person.skills}
