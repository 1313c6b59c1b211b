"""What a composition must be true to: rules that are there, in places that one worker sees.

Law: all devices of a place, of the composition and of its members, share one locality group
(`Device.group`): a partition is read by one worker, and none sees what members tell in another.
"""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import ValidationError

from kel.model.city import City
from kel.model.device import Device, DeviceState
from kel.model.mistake import Mistake
from rules.core.entry import Entry, unknown
from rules.core.rule import Watch
from rules.parts.places import By, place_of

POSITIVE = ("all", "any", "then")
WORDS = ("all", "any", "not", "then")


def check(entry: Entry, city: City, watched: list[Device]) -> Iterator[Mistake]:
    if entry.get("watch", "metric") is not None:
        yield entry.wrong(("watch", "metric"), "has no meaning: a composition looks at rules")
    yield from _sense(entry)
    names = list(_names(entry))
    rules = _rules(entry)
    first: dict[str, str] = {}
    for word, index, name in names:
        if name not in rules:
            others = [r for r in rules if r != entry.text("id")]
            yield entry.wrong(("of", word, index), unknown("rule", name, others))
        if name in first:
            what = f"rule {name!r} is named already, in `{first[name]}`"
            yield entry.wrong(("of", word, index), what)
        first.setdefault(name, word)
    by: Any = entry.get("by") if entry.get("by") is not None else "device"
    if by in get_args(By) and watched and all(name in rules for _, _, name in names):
        yield from _places(entry, city, by, watched, rules)


def _sense(entry: Entry) -> Iterator[Mistake]:
    if not isinstance(entry.get("of"), Mapping):
        return
    if not any(entry.get("of", word) for word in POSITIVE):
        yield entry.wrong(("of",), "names no rule in `all`, `any` or `then`")
    then, within = entry.get("of", "then"), entry.get("of", "within")
    if isinstance(then, list) and len(then) == 1:
        yield entry.wrong(("of", "then"), "must name two rules or more, one after the other")
    if then and within is None:
        yield entry.wrong(("of",), "`within` is missing: the time from the first to the last")
    elif within is not None and not then:
        yield entry.wrong(("of", "within"), "has no meaning without `then`")


def _names(entry: Entry) -> Iterator[tuple[str, int, str]]:
    for word in WORDS:
        names = entry.get("of", word)
        for index, name in enumerate(names if isinstance(names, list) else ()):
            if isinstance(name, str):
                yield word, index, name


def _rules(entry: Entry) -> dict[str, Mapping[str, Any]]:
    """All rules of the document as written, by id."""
    tables = entry.document.data.get("rule")
    found = [t for t in (tables if isinstance(tables, list) else ()) if isinstance(t, Mapping)]
    return {t["id"]: t for t in found if isinstance(t.get("id"), str)}


def _places(
    entry: Entry,
    city: City,
    by: By,
    watched: list[Device],
    rules: Mapping[str, Mapping[str, Any]],
) -> Iterator[Mistake]:
    active = [d for d in watched if d.state is DeviceState.ACTIVE]
    groups: dict[str, set[str]] = {}
    for device in active:
        if (place := place_of(by, device)) is not None:
            groups.setdefault(place, set()).add(device.group)
    if active and not groups:
        yield entry.wrong(("by",) if entry.get("by") else (), f"none of its devices has a {by}")
        return
    for word, index, name in _names(entry):
        seen = _seen(city, rules[name])
        if seen is None:
            continue  # its own mistake, told at its own place
        here = {p for d in _told_on(city, rules[name], seen) if (p := place_of(by, d)) in groups}
        if not here:
            place = "the city" if by == "city" else f"any {by} that this rule watches"
            so = "keeps nothing back" if word == "not" else "can never hold"
            yield entry.wrong(("of", word, index), f"{so}: rule {name!r} is never told in {place}")
        for device in seen:
            if (own := place_of(by, device)) in groups and own is not None:
                groups[own].add(device.group)
    yield from _one_group(entry, by, groups)


def _one_group(entry: Entry, by: By, groups: Mapping[str, set[str]]) -> Iterator[Mistake]:
    spread = {place: found for place, found in groups.items() if len(found) > 1}
    if not spread:
        return
    place, found = min(spread.items())
    named = "the city" if by == "city" else f"{by} {place!r}"
    more = f" (and {len(spread) - 1} more)" if len(spread) > 1 else ""
    what = (
        f"the rules' devices in {named}{more} are in several partitions "
        f"({', '.join(sorted(found))}), and no worker sees them together; "
        "compose rules of devices that share a zone, feeder, gateway or edge node"
    )
    yield entry.wrong(("by",) if entry.get("by") else (), what)


def _seen(city: City, raw: Mapping[str, Any]) -> list[Device] | None:
    """The active devices that a rule watches; None if that cannot be read."""
    try:
        watch = Watch.model_validate(raw.get("watch"))
    except ValidationError:
        return None
    return [d for d in city.devices.values() if d.state is DeviceState.ACTIVE and watch.takes(d)]


def _told_on(city: City, raw: Mapping[str, Any], seen: list[Device]) -> list[Device]:
    """The devices that a rule's alerts may be told on: a share's are its feeders' cabinets."""
    if raw.get("kind") != "share":
        return seen
    feeders = {d.feeder for d in seen if d.feeder is not None}
    return [d for d in city.devices.values() if d.cls == "feeder" and d.feeder in feeders]
