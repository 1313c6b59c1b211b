"""Mistakes in whom a rule compares devices with.

Law: devices of two partitions never know of each other, so a rule over several is refused.
"""

from collections.abc import Iterator, Mapping

from kel.model.city import City
from kel.model.device import Device, DeviceState, Metric
from kel.model.mistake import Mistake
from rules.core.entry import Entry, can_hold, unknown
from rules.parts.lookback import long_enough
from rules.parts.peers import group_key


def parent_mistakes(
    entry: Entry, city: City, watched: list[Device], metric: Metric | None
) -> Iterator[Mistake]:
    """What is wrong with `other`, the class and metric of the devices' parents."""
    name = entry.text("other", "class") or ""
    cls, wanted = city.classes.get(name), entry.text("other", "metric")
    if cls is None:
        yield entry.wrong(("other", "class"), unknown("class", name, city.classes))
        return
    found = cls.metric(wanted) if wanted is not None else None
    if wanted is not None and found is None:
        what = unknown(f"metric of class {cls.id!r}", wanted, [m.name for m in cls.metrics])
        yield entry.wrong(("other", "metric"), what)
    limits = [s for s in ("above", "below") if entry.get("other", s) is not None]
    if len(limits) == 2:
        yield entry.wrong(("other", "below"), "both above and below; a rule has one limit")
    yield from can_hold(entry, found, "other")
    if entry.text("by") == "value" and not limits:
        yield entry.wrong(("other",), "above or below is missing: when is the own value wrong?")
    elif entry.text("by") != "value" and metric and found and metric.unit != found.unit:
        what = f"{metric.name} is in {metric.unit}, {found.name} in {found.unit}; compare by value"
        yield entry.wrong(("by",), what)
    yield from long_enough(entry, city, "fresh", cls=cls.id)
    parents = {d.id: city.devices.get(d.parent or "") for d in watched}
    yield from _partners(entry, watched, parents, cls.id)


def _partners(
    entry: Entry, watched: list[Device], parents: Mapping[str, Device | None], cls: str
) -> Iterator[Mistake]:
    paired = [(d, p) for d in watched if (p := parents[d.id]) is not None and p.cls == cls]
    if watched and not paired:
        yield entry.wrong(
            ("other", "class"), f"none of these devices has a parent of class {cls!r}"
        )
    apart = next(((d, p) for d, p in paired if d.group != p.group), None)
    if apart is not None:
        yield entry.wrong(("against",), _apart(*apart))


def peer_mistakes(
    entry: Entry, city: City, watched: list[Device], against: str
) -> Iterator[Mistake]:
    """What is wrong with the groups of `against`, and with how many others are asked for."""
    groups: dict[str, list[Device]] = {}
    for device in city.devices.values():
        key = group_key(device, against)
        alike = device.cls == entry.text("watch", "class") and device.state is DeviceState.ACTIVE
        if alike and key is not None:
            groups.setdefault(key, []).append(device)
    keys = {group_key(d, against) for d in watched} - {None}
    if watched and not keys:
        yield entry.wrong(("against",), f"none of these devices has a {against}")
        return
    peers = int(entry.number("peers") or 3)
    most = max((len(groups[key or ""]) for key in keys), default=0) - 1
    if keys and most < peers:
        what = f"can never hold: no {against} has more than {most} others, {peers} are needed"
        yield entry.wrong(("peers",) if entry.get("peers") is not None else ("against",), what)
    for key in sorted(key for key in keys if key is not None):
        first, *others = groups[key]
        stranger = next((d for d in others if d.group != first.group), None)
        if stranger is not None:
            yield entry.wrong(("against",), _apart(first, stranger))
            return


def _apart(device: Device, other: Device) -> str:
    where = f"{device.id} is in {device.group!r}, {other.id} in {other.group!r}"
    return f"devices of two partitions are never judged together: {where}"
