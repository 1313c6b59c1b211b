"""What a balance asks of a city: roles that exist, of one zone, in units that can be added up."""

from collections.abc import Iterator, Mapping

from kel.model.city import City
from kel.model.device import Device
from kel.model.mistake import Mistake, Path
from rules.core.entry import Entry, find_metric, same_unit, unknown
from rules.parts.learning_check import duration

UNITS = ("m³/h", "m³")
ROLES = ("outflow", "consumption")


def check(entry: Entry, city: City, watched: list[Device]) -> Iterator[Mistake]:
    metric = find_metric(entry, city, "watch", "metric")
    if entry.get("watch", "metric") is None:
        yield entry.wrong(("watch", "metric"), "is missing")
    elif metric and metric.unit not in UNITS:
        yield entry.wrong(("watch", "metric"), _unit(metric.name, metric.unit))
    yield from same_unit(entry, None, "m³/h")
    given = [role for role in ROLES if isinstance(entry.get(role), Mapping)]
    if not given:
        yield entry.wrong((), "outflow or consumption is missing: there is nothing to balance")
    members: dict[str, list[Device]] = {}
    for role in given:
        yield from _role(entry, city, role)
        members[role] = _members(entry, city, role)
    yield from _twice(entry, members)
    yield from _zones(entry, watched, members)
    yield from _limits(entry)
    yield from _times(entry)


def _unit(name: str, unit: str) -> str:
    return f"{name} is in {unit}; a balance needs a flow in m³/h or a counter in m³"


def _role(entry: Entry, city: City, role: str) -> Iterator[Mistake]:
    name = entry.text(role, "class")
    cls = city.classes.get(name or "")
    if name is not None and cls is None:
        yield entry.wrong((role, "class"), unknown("class", name, city.classes))
    if cls is None:
        return
    text = entry.text(role, "metric")
    metric = cls.metric(text or "")
    if text is not None and metric is None:
        what = unknown(f"metric of class {cls.id!r}", text, [m.name for m in cls.metrics])
        yield entry.wrong((role, "metric"), what)
    elif metric and metric.unit not in UNITS:
        yield entry.wrong((role, "metric"), _unit(metric.name, metric.unit))
    devices = entry.get(role, "devices")
    for index, device in enumerate(devices if isinstance(devices, list) else ()):
        found = city.devices.get(device) if isinstance(device, str) else None
        if found is None or found.cls != cls.id:
            known = [d.id for d in city.devices.values() if d.cls == cls.id]
            where: Path = (role, "devices", index)
            yield entry.wrong(where, unknown("device", str(device), known))
    if not _members(entry, city, role):
        yield entry.wrong((role,), f"the city has no device of class {cls.id!r} that this takes")


def _members(entry: Entry, city: City, role: str) -> list[Device]:
    devices = entry.get(role, "devices")
    return [
        d
        for d in city.devices.values()
        if d.cls == entry.text(role, "class") and (not isinstance(devices, list) or d.id in devices)
    ]


def _twice(entry: Entry, members: Mapping[str, list[Device]]) -> Iterator[Mistake]:
    both = {d.id for d in members.get("outflow", ())} & {
        d.id for d in members.get("consumption", ())
    }
    if both:
        what = f"{min(both)!r} is outflow already; a meter counts once"
        yield entry.wrong(("consumption",), what)


def _zones(
    entry: Entry, watched: list[Device], members: Mapping[str, list[Device]]
) -> Iterator[Mistake]:
    """Each zone's meters must be of one group, or no single worker sees them all."""
    others = {d.id for role in members.values() for d in role}
    inflow = [d for d in watched if d.id not in others]
    if not members or not watched:
        return
    if not inflow:
        yield entry.wrong(("watch",), "each of these devices has another role: nothing flows in")
        return
    zones = {d.zone for d in inflow if d.zone}
    if not zones:
        yield entry.wrong(("watch",), "none of these devices has a zone")
    elif not zones & {d.zone for role in members.values() for d in role}:
        yield entry.wrong(("watch",), "no zone has both inflow and outflow or consumption")
    for role, devices in members.items():
        for device in devices:
            first = next((d for d in inflow if d.zone and d.zone == device.zone), None)
            if first is not None and first.group != device.group:
                what = (
                    f"{device.id!r} is in group {device.group!r}, {first.id!r} in {first.group!r}: "
                    "groups may be on different workers, and none would see the whole balance"
                )
                yield entry.wrong((role,), what)
                break


def _limits(entry: Entry) -> Iterator[Mistake]:
    if entry.get("above") is None and entry.get("share") is None:
        yield entry.wrong((), "above or share is missing")
    for limit, clear in (("above", "below"), ("share", "share")):
        most, least = entry.number(limit), entry.number("clear", clear)
        if least is not None and most is None:
            yield entry.wrong(("clear", clear), f"has no meaning without {limit}")
        elif most is not None and least is not None and least > most:
            what = f"lies on the wrong side of the limit: {least:g} is over {most:g}"
            yield entry.wrong(("clear", clear), what)


def _times(entry: Entry) -> Iterator[Mistake]:
    window, fresh = duration(entry, "window"), duration(entry, "fresh")
    if window and fresh and 2 * fresh > window:
        yield entry.wrong(("fresh",), "must be at most half of the window")
