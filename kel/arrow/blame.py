"""Which line of a long CSV is wrong, and why. Slow; asked only once something is wrong."""

import csv
import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

SHOWN = 40  # letters of a wrong value


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
            if not _is_time(value):
                return f"time: {_shown(value)} is no ISO 8601 time, such as 2026-09-01T00:15:00Z"
        elif name == "device":
            if not value:
                return "device: is empty"
        elif value not in empty and not _is_number(value):
            return f"{name}: {_shown(value)} is no number"
    return None


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_number(text: str) -> bool:
    try:
        return not math.isnan(float(text)) and "_" not in text
    except ValueError:
        return False


def _shown(value: str) -> str:
    return repr(value if len(value) <= SHOWN else value[:SHOWN] + "…")
