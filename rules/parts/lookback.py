"""Mistakes in spans of time that a rule looks back over, and in what it must have to look at."""

from collections.abc import Iterator
from datetime import timedelta

from kel.model.city import City
from kel.model.mistake import Mistake
from rules.core.entry import Entry
from rules.core.rule import parse_duration

LONGEST = timedelta(days=31)  # what a rule may look back; its readings are kept in memory


def span_of(entry: Entry, *path: str) -> timedelta | None:
    """The duration written there, if it can be read."""
    try:
        return parse_duration(entry.get(*path))
    except ValueError:
        return None


def has_metric(entry: Entry) -> Iterator[Mistake]:
    if entry.get("watch", "metric") is None:
        yield entry.wrong(("watch", "metric"), "is missing")


def long_enough(
    entry: Entry, city: City, *path: str, times: int = 1, cls: str | None = None
) -> Iterator[Mistake]:
    """A span holds at least `times` the time between two reports of the class, and not too much."""
    found, span = city.classes.get(cls or entry.text("watch", "class") or ""), span_of(entry, *path)
    if found is None or span is None:
        return
    if span < times * found.every:
        every = f"class {found.id!r} has one in {short(found.every)}"
        many = "a report" if times == 1 else f"{times} reports"
        yield entry.wrong(path, f"{short(span)} is too short for {many}: {every}")
    yield from not_too_long(entry, *path)


def not_too_long(entry: Entry, *path: str) -> Iterator[Mistake]:
    span = span_of(entry, *path)
    if span is not None and span > LONGEST:
        yield entry.wrong(path, f"{short(span)} is longer than {short(LONGEST)}")


def short(span: timedelta) -> str:
    """As a rulebook writes it: "90s", "5m", "2h", "3d"."""
    seconds = int(span.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
