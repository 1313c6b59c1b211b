"""The agenda: what is due next, kept while nothing changes. Pure.

Laws:
- what comes next is the earliest of all that is due, of one moment the first by `about`;
- what something has due is worked out again only after it changed: one who looks at every sign
  pays for what the sign changed, not for all that is going on.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from heapq import heappop, heappush
from uuid import UUID

Key = tuple[str, UUID]  # what it is (incident, silence, hidden), and its id


@dataclass(frozen=True, slots=True)
class Due:
    """Something that time brings: `happen` does it. What is due at one moment goes by `about`.

    `what` is the word of the history that it will write, empty where it is about no incident.
    """

    at: datetime
    about: str
    happen: Callable[[datetime], object]
    what: str = ""


@dataclass(slots=True)
class Agenda:
    """The first thing due of each key; of those that changed it is not known until asked for."""

    _changed: set[Key] = field(default_factory=set)
    _first: dict[Key, Due] = field(default_factory=dict)
    _heap: list[tuple[datetime, str, int, Key, Due]] = field(default_factory=list)
    _pushed: int = 0  # between entries of one moment and `about`, of which one at most holds

    def changed(self, key: Key) -> None:
        """Learn that what `key` has due may be something else now."""
        self._changed.add(key)

    def next(self, dues_of: Callable[[Key], Iterable[Due]]) -> Due | None:
        """What is due next, at whatever moment. `dues_of` is asked about what changed."""
        for key in self._changed:
            self._put(key, min(dues_of(key), key=lambda d: (d.at, d.about), default=None))
        self._changed.clear()
        while self._heap:
            *_, key, due = self._heap[0]
            if self._first.get(key) is due:
                return due
            heappop(self._heap)
        return None

    def _put(self, key: Key, due: Due | None) -> None:
        if due is None:
            self._first.pop(key, None)
            return
        self._first[key] = due
        self._pushed += 1
        heappush(self._heap, (due.at, due.about, self._pushed, key, due))
