"""Limits in units that people think in, brought into the units that KEL keeps.

Laws:
- a number is converted by the unit that stands beside it, an override's by its own or its rule's;
- what does not convert stays as it was written, for the kind's check to refuse.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from kel.model.units import UnitError, linear
from rules.book.override import Table, merge
from rules.core.entry import Measured

DIGITS = 12  # significant ones: a converted 2.5 is no 2.4999999999999996


def converted(table: Table, measured: Iterable[Measured], written: Table | None = None) -> Table:
    """The table with its numbers in the units that are wanted.

    `written`: the rule as it was written that `table` overrides; it has the unit where the table
    has none.
    """
    given = table  # several numbers may share one unit
    for numbers in measured:
        unit = _at(given, numbers.unit)
        if unit is None and written is not None:
            unit = _at(written, numbers.unit)
        if not isinstance(unit, str) or unit == numbers.wanted:
            continue
        try:
            scale, offset = linear(unit, numbers.wanted)
        except UnitError:
            continue
        offset = 0.0 if numbers.difference else offset
        changes: list[tuple[tuple[str, ...], Any]] = [(numbers.unit, numbers.wanted)]
        for path in numbers.numbers:
            number = _at(table, path)
            if isinstance(number, int | float) and not isinstance(number, bool):
                changes.append((path, float(f"{number * scale + offset:.{DIGITS}g}")))
        for path, value in changes:
            table = merge(table, _nested(path, value))
    return table


def _at(table: Table, path: tuple[str, ...]) -> Any:
    value: Any = table
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _nested(path: tuple[str, ...], value: Any) -> Table:
    for name in reversed(path):
        value = {name: value}
    found: Table = value
    return found
