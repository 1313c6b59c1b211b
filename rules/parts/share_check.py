"""What a share asks of a city: feeders with a cabinet, seen by one worker, and a condition.

Laws: what has the wrong type is the shape's to tell, and is passed over here.
"""

from collections.abc import Iterator, Mapping

from kel.model.city import City
from kel.model.device import Device
from kel.model.mistake import Mistake
from rules.core.entry import (
    Entry,
    can_hold,
    find_metric,
    known_metric,
    one_limit,
    under,
    wrong_unit,
)


def check(entry: Entry, city: City, watched: list[Device]) -> Iterator[Mistake]:
    feeders = {d.feeder for d in watched if d.feeder is not None}
    if watched and not feeders:
        yield entry.wrong(("watch",), "none of these devices has a feeder")
    cabinets = {d.feeder for d in city.devices.values() if d.cls == "feeder"}
    for feeder in sorted(feeders - cabinets):
        yield entry.wrong(("of",), f"feeder {feeder!r} has no cabinet to be told of")
    yield from _apart(entry, city, watched)
    yield from _condition(entry, city)
    yield from under(entry, "at_least")


def _apart(entry: Entry, city: City, watched: list[Device]) -> Iterator[Mistake]:
    """A feeder of which no worker sees all that is counted together with the cabinet."""
    cabinet_of = {d.feeder: d for d in city.devices.values() if d.cls == "feeder"}
    pairs = ((d, cabinet_of.get(d.feeder)) for d in watched if d.feeder is not None)
    for device, cabinet in pairs:
        if cabinet is not None and device.group != cabinet.group:
            what = (
                "a share is counted by the worker of its cabinet's partition: "
                f"{device.id} is in {device.group!r}, {cabinet.id} in {cabinet.group!r}"
            )
            yield entry.wrong(("of",), what)
            return


def _condition(entry: Entry, city: City) -> Iterator[Mistake]:
    condition = entry.get("condition")
    if not isinstance(condition, Mapping):
        return
    silent, metric = condition.get("missing"), condition.get("metric")
    if (silent is None) == (metric is None):
        yield entry.wrong(("condition",), "must have either missing or metric")
    elif silent is not None:
        for word in ("above", "below", "unit"):
            if condition.get(word) is not None:
                yield entry.wrong(("condition", word), "has no meaning beside missing")
    else:
        found = find_metric(entry, city, "condition", "metric")
        yield from known_metric(entry, city, "condition", "metric")
        yield from one_limit(entry, "condition")
        yield from can_hold(entry, found, "condition")
        unit = entry.text("condition", "unit")
        if found and unit is not None and unit != found.unit:
            yield entry.wrong(("condition", "unit"), wrong_unit(unit, found.unit))
