"""Topology: which device explains which, along the parents of the city's devices. Pure.

Laws:
- a parent is the device whose failure explains its children's; parents of parents explain too;
- a circle in the parents (a mistake in the city's files) ends the walk, it never hangs it;
- only families that belong together explain each other (`EXPLAINED`): a station's pump explains the
  low pressure of the zones behind it, never a burst main there;
- an effect follows its cause: trouble that began long before the parent's is a trouble of its own.
"""

from collections.abc import Mapping
from datetime import timedelta

from kel.model.alert import Alert
from kel.model.city import City
from kel.model.incident import Category

# What the trouble of a parent's family explains in its descendants: families or categories.
EXPLAINED: Mapping[str, frozenset[str]] = {
    "pump": frozenset({"pump", "low_pressure"}),
    "water": frozenset({"water"}),
    "light": frozenset({"light", "sensor"}),  # a dark feeder silences its lamps' controllers
}

# A child may show the trouble this much before its parent does: it reports more often.
EARLIER = timedelta(hours=3)


def ancestors(city: City, device: str) -> tuple[str, ...]:
    """The parents' chain of `device`, nearest first; empty for a device nobody knows."""
    chain: list[str] = []
    current = city.devices.get(device)
    while current is not None and current.parent is not None:
        if current.parent in chain or current.parent == device:
            break
        chain.append(current.parent)
        current = city.devices.get(current.parent)
    return tuple(chain)


def children(city: City) -> dict[str, tuple[str, ...]]:
    """The children of every device that has some, in order of their ids."""
    found: dict[str, list[str]] = {}
    for device in city.devices.values():
        if device.parent is not None:
            found.setdefault(device.parent, []).append(device.id)
    return {parent: tuple(sorted(own)) for parent, own in found.items()}


def subtree(tree: Mapping[str, tuple[str, ...]], device: str) -> tuple[str, ...]:
    """`device` and all that hang below it in `tree` (of `children`), each once."""
    found: dict[str, None] = {}
    waiting = [device]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found[current] = None
            waiting.extend(reversed(tree.get(current, ())))
    return tuple(found)


def topmost(city: City, device: str, among: frozenset[str]) -> str:
    """The highest of `device` and its ancestors that is one of `among`; `device` if none is."""
    return next((a for a in reversed(ancestors(city, device)) if a in among), device)


def related(parent: Category, child: Category) -> bool:
    """Whether trouble of the category `parent` above explains trouble of `child` below."""
    return bool({child.id, child.family} & EXPLAINED.get(parent.family, frozenset()))


def explains(city: City, parent: Alert, child: Alert) -> bool:
    """Whether `parent` is the reason for `child`: above it, related, and lasting when it began."""
    above, below = city.categories.get(parent.category), city.categories.get(child.category)
    if above is None or below is None or not related(above, below):
        return False
    if child.started_at < parent.started_at - EARLIER:
        return False
    if parent.cleared_at is not None and child.started_at > parent.cleared_at:
        return False
    return parent.device in ancestors(city, child.device)
