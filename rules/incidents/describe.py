"""What an incident is: its category, severity, cause, place and title, by its members. Pure.

Laws:
- the category is that of the highest rank, severity the highest of all; neither ever falls;
- the cause is the topmost device that explains the alert which names the category;
- a fire that two sources see is one step more severe: certainty is told, it is never waited for;
- titles are Greek and name the place as people do: a zone, a feeder, a device, a community.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from kel.model.alert import Alert, Severity
from kel.model.city import City
from kel.model.device import Device
from kel.model.incident import Category, Incident
from kel.model.place import Point
from kel.model.request import Request
from rules.incidents.topology import ancestors, explains, topmost

FIRE = "fire"
WATER = "water"
OTHER = "other"
FIRE_SIGN = {"smoke": "καπνός", "fire": "φλόγα", "temperature": "θερμοκρασία"}  # by metric
NOWHERE = Point(0.0, 0.0)  # only for a community that the city does not have

# For a city whose files leave "other" out: somebody has to read it, nobody is sent.
_OTHER = Category(
    OTHER, "Άλλο", OTHER, 0, Severity.LOW, frozenset(), 0, 0.0, (), (), waiting=Decimal(0)
)


@dataclass(frozen=True, slots=True)
class Members:
    """An incident's alerts and requests, each in order of (moment, id)."""

    alerts: Sequence[Alert]
    requests: Sequence[Request]


def category_of(city: City, category: str) -> Category:
    """The city's category of that id; what nobody knows is `other`."""
    return city.categories.get(category) or city.categories.get(OTHER) or _OTHER


def describe(city: City, incident: Incident, members: Members) -> Incident:
    """The incident as its members now make it; category and severity only ever rise."""
    category = _category(city, incident, members)
    lead = _lead(city, category, members)
    cause = _cause(city, lead, members) if lead else None
    device = city.devices.get(cause) if cause else None
    described = replace(
        incident,
        category=category.id,
        severity=_severity(city, incident, members, category),
        cause=cause,
        community=lead.community if lead else incident.community,
        zone=lead.zone if lead else incident.zone,
        feeder=lead.feeder if lead else incident.feeder,
        place=_place(city, category, device, incident, members),
        started_at=_started(incident, members),
    )
    title = _title(city, category, device, lead, described, members)
    return replace(described, title=title)


def sources(city: City, members: Members) -> int:
    """How many independent sources saw it: devices, and citizens as one."""
    known = (city.devices.get(a.device) for a in members.alerts)
    seen = {d.witness if d else a.device for d, a in zip(known, members.alerts, strict=True)}
    return len(seen) + bool(members.requests)


def _category(city: City, incident: Incident, members: Members) -> Category:
    signs: list[Alert | Request] = [*members.alerts, *members.requests]
    named = [incident.category] if incident.category else []
    found = [category_of(city, c) for c in (*named, *(s.category for s in signs))]
    return max(found, key=lambda c: c.rank)  # of equals the first


def _severity(city: City, incident: Incident, members: Members, category: Category) -> Severity:
    seen = [a.severity for a in members.alerts]
    seen += [category_of(city, r.category).severity for r in members.requests]
    highest = max(seen, default=incident.severity)
    if category.family == FIRE and sources(city, members) > 1:
        highest = Severity(min(highest + 1, Severity.CRITICAL))
    return max(incident.severity, highest)


def _lead(city: City, category: Category, members: Members) -> Alert | None:
    """The first alert of the category that names the incident, else the first of all."""
    of_category = (a for a in members.alerts if category_of(city, a.category) == category)
    return next(of_category, next(iter(members.alerts), None))


def _cause(city: City, lead: Alert, members: Members) -> str:
    chain = frozenset(ancestors(city, lead.device))
    seen = (a for a in members.alerts if a.device in chain)
    return topmost(city, lead.device, frozenset(a.device for a in seen if explains(city, a, lead)))


def _place(
    city: City, category: Category, device: Device | None, incident: Incident, members: Members
) -> Point:
    """Where to go: for water to the lowest device that shows it, which is nearest to the hole."""
    if category.family == WATER and device is not None:
        lowest = _lowest(city, category, members)
        if lowest is not None and lowest.id != device.id:
            return lowest.place
        seen = (r.place for r in members.requests if r.place and r.category == category.id)
        return next(seen, device.place)
    if device is not None:
        return device.place
    reported = next((r.place for r in members.requests if r.place), None)
    if reported is not None:
        return reported
    community = city.communities.get(incident.community)
    return community.centre if community else NOWHERE


def _lowest(city: City, category: Category, members: Members) -> Device | None:
    family = (a for a in members.alerts if category_of(city, a.category).family == category.family)
    devices = [city.devices[a.device] for a in family if a.device in city.devices]
    return max(devices, key=lambda d: len(ancestors(city, d.id)), default=None)


def _started(incident: Incident, members: Members) -> datetime:
    moments = [a.started_at for a in members.alerts] + [r.at for r in members.requests]
    return min([incident.started_at, *moments])


def _title(
    city: City,
    category: Category,
    device: Device | None,
    lead: Alert | None,
    incident: Incident,
    members: Members,
) -> str:
    what = category.label
    seen = FIRE_SIGN.get(lead.evidence.metric) if lead and category.family == FIRE else None
    if seen is not None and seen.casefold() not in what.casefold():
        what = f"{what}: {seen}"
    return f"{what} — {_where(city, category, device, incident, members)}"


def _where(
    city: City, category: Category, device: Device | None, incident: Incident, members: Members
) -> str:
    zone, feeder = city.zones.get(incident.zone or ""), city.feeders.get(incident.feeder or "")
    if zone is not None and category.family == WATER:
        return _named("ζώνη", zone.name)
    if feeder is not None and not _alone(city, device, members):
        return _named("γραμμή", feeder.name)
    if device is not None:
        return device.name
    community = city.communities.get(incident.community)
    return community.name if community else incident.community


def _alone(city: City, device: Device | None, members: Members) -> bool:
    """Whether it is about one device that hangs on another of its feeder: one lamp, not a line."""
    if device is None or len({a.device for a in members.alerts}) > 1:
        return False
    parent = city.devices.get(device.parent or "")
    return parent is not None and parent.feeder == device.feeder


def _named(kind: str, name: str) -> str:
    return name if name.casefold().startswith(kind) else f"{kind} {name}"
