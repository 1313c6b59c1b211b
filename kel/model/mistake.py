"""Mistakes in a city's files: every one with its file, line and field, all told at once.

Law: what people are told names an entry by its id, where it has one; the code counts it.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

Path = tuple[str | int, ...]

_CLOSE = 0.7  # of two names, as difflib counts; "water" and "other" have 0.6, "z99" and "z19" 0.67


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """`line` counts from 1; 0 where the file as a whole is meant. `field`: `rule.3.above`, entries
    counted from 0; `told`: the same for people, `rule.zone-burst.above`, where that differs."""

    file: str
    line: int
    field: str
    what: str
    told: str = dataclasses.field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.told or self.field}: {self.what}"


class MistakesError(ValueError):
    """A city's folder that cannot be used, with all that is wrong with it."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = sorted(mistakes)
        super().__init__("\n".join(map(str, self.mistakes)))


class UnreadError(Exception):
    """What was asked of a city stands in a file that could not be read: nothing follows."""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file that still knows where each of its values stands.

    `lines` maps a path such as ("rule", 3, "above") to the line of that key.
    """

    file: str
    data: Mapping[str, Any]
    lines: Mapping[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """The line of `path`, or of the nearest thing around it that has one, or 0."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0)

    def mistake(self, path: Path, what: str) -> Mistake:
        return Mistake(self.file, self.line(path), ".".join(map(str, path)), what, self.told(path))

    def told(self, path: Path) -> str:
        """`path` with the ids of entries in place of their numbers, where they have one."""
        here: Any = self.data
        steps: list[str] = []
        for step in path:
            here = _inside(here, step)
            name = here.get("id") if isinstance(step, int) and isinstance(here, Mapping) else None
            named = isinstance(name, str) and name.replace("-", "").replace("_", "").isalnum()
            steps.append(str(name if named else step))
        return ".".join(steps)


def _inside(value: Any, step: str | int) -> Any:
    try:
        return value[step]
    except (LookupError, TypeError):
        return None


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that may have been meant: most of its letters, or all of them, are there."""
    near = get_close_matches(name, sorted(known), n=1)
    if near and sorted(near[0]) == sorted(name):
        return near[0]
    return next(iter(get_close_matches(name, near, n=1, cutoff=_CLOSE)), None)
