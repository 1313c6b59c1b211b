"""What a rule must be true to in its city: classes, metrics, units, places, limits that can hold.

Laws:
- a rule is read as it was written, without trust, so that one mistake never hides another;
- what has the wrong type is the shape's to tell (`rules.rule`), and is passed over here.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from kel.model.city import City
from kel.model.device import Device, Metric
from kel.model.mistake import Document, Mistake, Path

FLOW = "m³/h"


def unknown(word: str, name: str, known: Iterable[str]) -> str:
    """The sentence for a name that nobody knows, with the nearest one that somebody does."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    if near:
        return f"unknown {word} {name!r}; did you mean {near[0]!r}?"
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"unknown {word} {name!r}; known: {shown or 'none'}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One `[[rule]]` as written, at its place in the document."""

    document: Document
    path: Path
    raw: Mapping[str, Any]

    def get(self, *path: str) -> Any:
        value: Any = self.raw
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        return value

    def text(self, *path: str) -> str | None:
        value = self.get(*path)
        return value if isinstance(value, str) else None

    def number(self, *path: str) -> float | None:
        value = self.get(*path)
        return float(value) if isinstance(value, int | float) and value is not True else None

    def wrong(self, path: Path, what: str) -> Mistake:
        return self.document.mistake((*self.path, *path), what)


def check(entry: Entry, city: City) -> list[Mistake]:
    """All that is wrong with one rule in this city."""
    mistakes = [*_category(entry, city), *_watch(entry, city)]
    cls = city.classes.get(entry.text("watch", "class") or "")
    own = _KINDS.get(entry.text("kind") or "")
    if cls and own:
        mistakes += own(entry, city, _watched(entry, city))
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
    yield from _metric(entry, city, "watch", "metric")
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


def _find_metric(entry: Entry, city: City, *path: str) -> Metric | None:
    cls = city.classes.get(entry.text("watch", "class") or "")
    name = entry.text(*path)
    return cls.metric(name) if cls and name is not None else None


def _metric(entry: Entry, city: City, *path: str) -> Iterator[Mistake]:
    cls, name = city.classes[entry.text("watch", "class") or ""], entry.text(*path)
    if name is not None and cls.metric(name) is None:
        word = f"metric of class {cls.id!r}"
        yield entry.wrong(path, unknown(word, name, [m.name for m in cls.metrics]))


def _one_limit(entry: Entry, *path: str) -> Iterator[Mistake]:
    """Exactly one of above and below; a mistake stands at the side that is too much."""
    sides = [s for s in ("above", "below") if entry.get(*path, s) is not None]
    if len(sides) == 2:
        yield entry.wrong((*path, "below"), "both above and below; a rule has one limit")
    elif not sides:
        yield entry.wrong(path, "above or below is missing")


def _can_hold(entry: Entry, metric: Metric | None, *path: str) -> Iterator[Mistake]:
    """A limit at or beyond the end of the metric's possible range never holds."""
    above, below = entry.number(*path, "above"), entry.number(*path, "below")
    if metric and above is not None and metric.high is not None and above >= metric.high:
        what = f"can never hold: {metric.name} is at most {metric.high:g} {metric.unit}"
        yield entry.wrong((*path, "above"), what)
    if metric and below is not None and metric.low is not None and below <= metric.low:
        what = f"can never hold: {metric.name} is at least {metric.low:g} {metric.unit}"
        yield entry.wrong((*path, "below"), what)


def _threshold(entry: Entry, city: City, watched: list[Device]) -> Iterator[Mistake]:
    metric = _find_metric(entry, city, "watch", "metric")
    if entry.get("watch", "metric") is None:
        yield entry.wrong(("watch", "metric"), "is missing")
    yield from _one_limit(entry)
    relative = entry.text("relative_to")
    if relative is not None:
        yield from _relative(entry, watched, relative)
    yield from _unit(entry, metric, "1" if relative is not None else None)
    ranged = metric if relative is None else None
    yield from _can_hold(entry, ranged)
    yield from _clear(entry, ranged)
    if isinstance(entry.get("while"), Mapping):
        yield from _metric(entry, city, "while", "metric")
        yield from _one_limit(entry, "while")
        yield from _can_hold(entry, _find_metric(entry, city, "while", "metric"), "while")


def _relative(entry: Entry, watched: list[Device], name: str) -> Iterator[Mistake]:
    known = sorted({a for d in watched for a in d.attributes})
    if watched and name not in known:
        yield entry.wrong(("relative_to",), unknown("attribute", name, known))


def _unit(entry: Entry, metric: Metric | None, instead: str | None = None) -> Iterator[Mistake]:
    unit = entry.text("unit")
    due = instead or (metric.unit if metric else None)
    if unit is not None and due is not None and unit != due:
        yield entry.wrong(("unit",), f"must be {due!r}, not {unit!r}; nothing is converted")


def _clear(entry: Entry, metric: Metric | None) -> Iterator[Mistake]:
    """A clear condition lies on the far side of the limit, or at it."""
    above, below = entry.number("above"), entry.number("below")
    clear_above, clear_below = entry.number("clear", "above"), entry.number("clear", "below")
    if above is not None and clear_above is not None:
        what = f"lies on the wrong side: a rule above {above:g} clears below something"
        yield entry.wrong(("clear", "above"), what)
    if below is not None and clear_below is not None:
        what = f"lies on the wrong side: a rule below {below:g} clears above something"
        yield entry.wrong(("clear", "below"), what)
    if above is not None and clear_below is not None and clear_below > above:
        what = f"lies on the wrong side of the limit: {clear_below:g} is over {above:g}"
        yield entry.wrong(("clear", "below"), what)
    if below is not None and clear_above is not None and clear_above < below:
        what = f"lies on the wrong side of the limit: {clear_above:g} is under {below:g}"
        yield entry.wrong(("clear", "above"), what)
    yield from _can_hold(entry, metric, "clear")


def _night_flow(entry: Entry, city: City, watched: list[Device]) -> Iterator[Mistake]:
    metric = _find_metric(entry, city, "watch", "metric")
    if entry.get("watch", "metric") is None:
        yield entry.wrong(("watch", "metric"), "is missing")
    elif metric and metric.unit != FLOW:
        what = f"{metric.name} is in {metric.unit}; night flow needs a metric in {FLOW}"
        yield entry.wrong(("watch", "metric"), what)
    else:
        yield from _unit(entry, metric)
    if watched and not any(d.zone in city.zones for d in watched):
        yield entry.wrong(("watch",), "none of these devices has a zone")
    window = entry.get("window")
    if isinstance(window, list) and len(window) == 2 and window[0] == window[1]:
        yield entry.wrong(("window",), "begins when it ends")
    yield from _under(entry, "above")


def _share(entry: Entry, city: City, watched: list[Device]) -> Iterator[Mistake]:
    feeders = {d.feeder for d in watched if d.feeder is not None}
    if watched and not feeders:
        yield entry.wrong(("watch",), "none of these devices has a feeder")
    cabinets = {d.feeder for d in city.devices.values() if d.cls == "feeder"}
    for feeder in sorted(feeders - cabinets):
        yield entry.wrong(("of",), f"feeder {feeder!r} has no cabinet to be told of")
    yield from _condition(entry, city)
    yield from _under(entry, "at_least")


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
        found = _find_metric(entry, city, "condition", "metric")
        yield from _metric(entry, city, "condition", "metric")
        yield from _one_limit(entry, "condition")
        yield from _can_hold(entry, found, "condition")
        unit = entry.text("condition", "unit")
        if found and unit is not None and unit != found.unit:
            yield entry.wrong(("condition", "unit"), f"must be {found.unit!r}, not {unit!r}")


def _under(entry: Entry, limit: str) -> Iterator[Mistake]:
    """`clear.below` may not be over the limit that it clears."""
    most, clear = entry.number(limit), entry.number("clear", "below")
    if most is not None and clear is not None and clear > most:
        what = f"lies on the wrong side of the limit: {clear:g} is over {most:g}"
        yield entry.wrong(("clear", "below"), what)


# what a kind asks of the city beyond its watch; missing asks nothing
_KINDS: dict[str, Callable[[Entry, City, list[Device]], Iterator[Mistake]]] = {
    "threshold": _threshold,
    "night_flow": _night_flow,
    "share": _share,
}
