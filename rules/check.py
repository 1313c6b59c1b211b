"""What every rule must be true to in its city: its category, and what it watches.

What a kind asks beyond that stands with the kind (`rules.kinds`).
"""

from collections.abc import Collection, Iterator

from kel.model.city import City
from kel.model.device import Device
from kel.model.mistake import Mistake
from rules.entry import Entry, known_metric, unknown
from rules.kinds import KINDS


def check(entry: Entry, city: City) -> list[Mistake]:
    """All that is wrong with one rule in this city."""
    mistakes = [*_category(entry, city), *_watch(entry, city)]
    cls = city.classes.get(entry.text("watch", "class") or "")
    own = KINDS.get(entry.text("kind") or "")
    if cls and own:
        mistakes += own.check(entry, city, _watched(entry, city))
    return mistakes


def _category(entry: Entry, city: City) -> Iterator[Mistake]:
    name = entry.text("category")
    if name is not None and name not in city.categories:
        yield entry.wrong(("category",), unknown("category", name, city.categories))


def _watch(entry: Entry, city: City) -> Iterator[Mistake]:
    cls = entry.text("watch", "class")
    named: tuple[tuple[str, Collection[str]], ...] = (
        ("class", city.classes),
        ("zone", city.zones),
        ("community", city.communities),
    )
    wrong = False
    for word, known in named:
        name = entry.text("watch", word)
        if name is not None and name not in known:
            wrong = True
            yield entry.wrong(("watch", word), unknown(word, name, known))
    if cls not in city.classes:
        return
    yield from known_metric(entry, city, "watch", "metric")
    devices = entry.get("watch", "devices")
    for index, name in enumerate(devices if isinstance(devices, list) else ()):
        device = city.devices.get(name) if isinstance(name, str) else None
        if device is None or device.cls != cls:
            wrong = True
            known = [d.id for d in city.devices.values() if d.cls == cls]
            what = unknown("device", str(name), known) + f" (of class {cls!r})"
            yield entry.wrong(("watch", "devices", index), what)
    if not wrong and not _watched(entry, city):
        yield entry.wrong(("watch",), f"the city has no device of class {cls!r} that this takes")


def _watched(entry: Entry, city: City) -> list[Device]:
    """The devices that the rule's `watch` takes, as far as it can be read."""
    zone, community = entry.text("watch", "zone"), entry.text("watch", "community")
    devices = entry.get("watch", "devices")
    return [
        d
        for d in city.devices.values()
        if d.cls == entry.text("watch", "class")
        and zone in (None, d.zone)
        and community in (None, d.community)
        and (not isinstance(devices, list) or d.id in devices)
    ]
