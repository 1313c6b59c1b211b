"""Which line of a long CSV is wrong, and why. Slow; asked only once something is wrong."""

import csv
import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

SHOWN = 40  # letters of a wrong value
YEARS = 1900, 2199  # of times that can be


def blame(
    file: Path, text: Iterable[str], delimiter: str, empty: Sequence[str]
) -> ValueError | None:
    """The error of the first wrong line of `text`, None where each for itself is right."""
    lines = csv.reader(text, delimiter=delimiter)
    try:
        head = [name.strip() for name in next(lines, [])]
        for row in lines:
            if row and (wrong := _wrong(head, row, empty)):
                return ValueError(f"{file}:{lines.line_num}: {wrong}")
    except csv.Error as error:
        return ValueError(f"{file}:{lines.line_num}: {error}")
    except UnicodeDecodeError:
        return ValueError(f"{file}:{lines.line_num + 1}: is not UTF-8")
    return None


def _wrong(head: Sequence[str], row: Sequence[str], empty: Sequence[str]) -> str | None:
    if len(row) != len(head):
        return f"{len(row)} values where the head names {len(head)} columns"
    for name, value in zip(head, row, strict=True):
        if name == "time":
            if wrong := _no_time(value):
                return f"time: {shown(value)} is {wrong}"
        elif name == "device":
            if not value:
                return "device: is empty"
        elif value not in empty and not _is_number(value):
            comma = ": decimals take a point" if _is_number(value.replace(",", ".", 1)) else ""
            return f"{plain(name)}: {shown(value)} is no number{comma}"
    return None


def _no_time(text: str) -> str | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return "no ISO 8601 time, such as 2026-09-01T00:15:00Z"
    if YEARS[0] <= moment.year <= YEARS[1]:
        return None
    return "not of the years {} to {}".format(*YEARS)


def _is_number(text: str) -> bool:
    try:
        return not math.isnan(float(text)) and "_" not in text
    except ValueError:
        return False


def shown(value: str) -> str:
    """What a stranger wrote, as it can be put on a terminal."""
    return repr(value if len(value) <= SHOWN else value[:SHOWN] + "…")


def plain(name: str) -> str:
    """A name as it stands, or quoted where it is no plain one."""
    return name if name.isprintable() and 0 < len(name) <= SHOWN else shown(name)
