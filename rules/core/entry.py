"""One `[[rule]]` as it was written, and what any kind may find wrong with it.

Laws:
- a rule is read as it was written, without trust, so that one mistake never hides another;
- what has the wrong type is the shape's to tell (`rules.core.rule`), and is passed over here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

from kel.model.city import City
from kel.model.device import Metric
from kel.model.mistake import Document, Mistake, Path, nearest
from kel.model.units import UnitError, linear


def unknown(word: str, name: str, known: Iterable[str]) -> str:
    """The sentence for a name that nobody knows, with the nearest one that somebody does."""
    names = sorted(known)
    near = nearest(name, names)
    if near is not None:
        return f"unknown {word} {name!r}; did you mean {near!r}?"
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


def find_metric(entry: Entry, city: City, *path: str) -> Metric | None:
    cls = city.classes.get(entry.text("watch", "class") or "")
    name = entry.text(*path)
    return cls.metric(name) if cls and name is not None else None


def known_metric(entry: Entry, city: City, *path: str) -> Iterator[Mistake]:
    cls, name = city.classes[entry.text("watch", "class") or ""], entry.text(*path)
    if name is not None and cls.metric(name) is None:
        word = f"metric of class {cls.id!r}"
        yield entry.wrong(path, unknown(word, name, [m.name for m in cls.metrics]))


class Measured(NamedTuple):
    """Numbers of a rule that are in the unit that stands at `unit`, and KEL's own, `wanted`.

    `difference`: they are differences or rates, for which the zero of a scale does not count.
    """

    wanted: str
    numbers: tuple[tuple[str, ...], ...]
    unit: tuple[str, ...] = ("unit",)
    difference: bool = False


LIMITS = (("above",), ("below",), ("clear", "above"), ("clear", "below"))


def limits(entry: Entry, city: City) -> Iterator[Measured]:
    """The limits of the metric that the rule watches, in `unit`."""
    metric = find_metric(entry, city, "watch", "metric")
    if metric:
        yield Measured(metric.unit, LIMITS)


def one_limit(entry: Entry, *path: str) -> Iterator[Mistake]:
    """Exactly one of above and below; a mistake stands at the side that is too much."""
    sides = [s for s in ("above", "below") if entry.get(*path, s) is not None]
    if len(sides) == 2:
        yield entry.wrong((*path, "below"), "both above and below; a rule has one limit")
    elif not sides:
        yield entry.wrong(path, "above or below is missing")


def can_hold(entry: Entry, metric: Metric | None, *path: str) -> Iterator[Mistake]:
    """A limit at or beyond the end of the metric's possible range never holds; one that lies before
    its beginning always does."""
    above, below = entry.number(*path, "above"), entry.number(*path, "below")
    if path != ("clear",):
        yield from _can_end(entry, metric, above, below, *path)
    if metric and above is not None and metric.high is not None and above >= metric.high:
        what = f"can never hold: {metric.name} is at most {metric.high:g} {metric.unit}"
        yield entry.wrong((*path, "above"), what)
    if metric and below is not None and metric.low is not None and below <= metric.low:
        what = f"can never hold: {metric.name} is at least {metric.low:g} {metric.unit}"
        yield entry.wrong((*path, "below"), what)


def _can_end(
    entry: Entry, metric: Metric | None, above: float | None, below: float | None, *path: str
) -> Iterator[Mistake]:
    if (above is not None and not isfinite(above)) or (below is not None and not isfinite(below)):
        return  # the shape's to tell
    if metric and above is not None and metric.low is not None and above < metric.low:
        what = f"always holds, and can never clear: {metric.name} is at least {metric.low:g}"
        yield entry.wrong((*path, "above"), f"{what} {metric.unit}")
    if metric and below is not None and metric.high is not None and below > metric.high:
        what = f"always holds, and can never clear: {metric.name} is at most {metric.high:g}"
        yield entry.wrong((*path, "below"), f"{what} {metric.unit}")


def same_unit(entry: Entry, metric: Metric | None, instead: str | None = None) -> Iterator[Mistake]:
    unit = entry.text("unit")
    due = instead or (metric.unit if metric else None)
    if unit is not None and due is not None and unit != due:
        yield entry.wrong(("unit",), wrong_unit(unit, due))


def wrong_unit(unit: str, due: str) -> str:
    """What is told of a unit that did not become the one that is due."""
    try:
        linear(unit, due)
    except UnitError as error:
        return f"must be {due!r}, not {unit!r}: {error}"
    return f"must be {due!r}, not {unit!r}; nothing is converted here"


def far_side(entry: Entry, metric: Metric | None) -> Iterator[Mistake]:
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
    yield from can_hold(entry, metric, "clear")


def under(entry: Entry, limit: str) -> Iterator[Mistake]:
    """`clear.below` may not be over the limit that it clears."""
    most, clear = entry.number(limit), entry.number("clear", "below")
    if most is not None and clear is not None and clear > most:
        what = f"lies on the wrong side of the limit: {clear:g} is over {most:g}"
        yield entry.wrong(("clear", "below"), what)
