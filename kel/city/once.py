"""What may stand in the files only once: ids, addresses, lines of stock and budget.

Pure: entries in, mistakes out. An id counts also where the rest of its entry has a mistake.
"""

from collections.abc import Hashable, Iterable, Iterator
from typing import Any

from kel.city.files import Files
from kel.city.records import Entries, Found, Record
from kel.model.mistake import Mistake, Path


def check_once(files: Files) -> Iterator[Mistake]:
    """Every second one, naming where the first stands."""
    named: tuple[list[Entries[Any]], ...] = (
        [files.classes],
        [files.communities],
        [files.zones],
        [files.feeders],
        [*files.devices.values()],  # one id among all classes
        [files.crews],
        [files.vehicles],
        [files.items],
        [files.categories],
        [files.mappings],
        [files.calendars],
    )
    for lists in named:
        yield from _once((record, e.id_at, id_) for e in lists for record, id_ in e.ids())
    yield from _once(
        (f.record, ("address",), (f.entry.source, f.entry.identity)) for f in files.all_devices
    )
    yield from _once(
        (f.record, ("item",), (f.entry.crew, f.entry.item)) for f in files.van_stock.found
    )
    yield from _once(
        (f.record, ("account",), (f.entry.year, f.entry.account, f.entry.nature))
        for f in files.budget.found
    )
    yield from _once(
        (f.record, ("date",), (f.entry.date, *filter(None, [f.entry.community])))
        for f in files.fire_risk.found
    )
    for cls in files.classes.found:
        yield from _once(_inner([cls], "metrics", "name"))
    yield from _once(_inner(files.crews.found, "people", "id"))
    for mapping in files.mappings.found:
        yield from _once(_inner([mapping], "metrics", "metric"))


def _inner(
    found: Iterable[Found[Any]], listed: str, name: str
) -> Iterator[tuple[Record, Path, str]]:
    """What is listed inside entries: a class's metrics, a crew's people."""
    for f in found:
        for i, inner in enumerate(getattr(f.entry, listed)):
            yield f.record, (listed, i, name), getattr(inner, name)


def _once(told: Iterable[tuple[Record, Path, Hashable]]) -> Iterator[Mistake]:
    """`told`: a record, the field that is to blame in it, and what must not come twice."""
    first: dict[Hashable, Mistake] = {}
    for record, field, value in told:
        here = record.mistake(field, "")
        earlier = first.setdefault(value, here)
        if earlier is not here:
            word = " ".join(map(str, value)) if isinstance(value, tuple) else value
            yield record.mistake(field, f"{word} is already in {earlier.file}:{earlier.line}")
