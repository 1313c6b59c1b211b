"""The rulebooks that were in force since a moment, as far as they can still be read.

Laws:
- a rulebook was in force from when it was taken into use until the next one was; before the first
  that is kept, the first was (also in a story's database, whose readings are of another time);
- one that cannot be read any more, or no more beside today's city, has the present one in its
  place, and says so.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePath

from psycopg import Connection

from kel.model.city import City
from kel.model.mistake import MistakesError
from kel.store.rulebook import Edition, taken
from rules.book.rulebook import Rulebook

log = logging.getLogger("kel.maintain")
BEGIN, END = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

Read = Callable[[Edition], tuple[City, Rulebook]]  # raises MistakesError; a city with its numbers


@dataclass(frozen=True, slots=True)
class InForce:
    """A rulebook, the city with the calendars that it was judged by, and the spans of its reign.

    `unread`: the version that was in force and cannot be read any more, in whose place this one is.
    """

    city: City
    rulebook: Rulebook
    version: str
    spans: tuple[tuple[datetime, datetime], ...]
    unread: str | None = None

    def decided(self, moment: datetime) -> bool:
        return any(since <= moment < until for since, until in self.spans)


def in_force(
    connection: Connection, first: datetime, city: City, rulebook: Rulebook, read: Read
) -> list[InForce]:
    """All that were in force at `first` or later; `rulebook` is the present one, of `city`."""
    found = taken(connection)
    if not found:
        return [InForce(city, rulebook, rulebook.version, ((BEGIN, END),))]
    begins = [BEGIN, *(one.at for one in found[1:])]
    spans: dict[str, list[tuple[datetime, datetime]]] = {}
    for one, since, until in zip(found, begins, [*begins[1:], END], strict=True):
        if until > first:
            spans.setdefault(one.edition.version, []).append((since, until))
    editions = {one.edition.version: one.edition for one in found}
    return [
        _read(editions[version], tuple(reign), city, rulebook, read)
        for version, reign in spans.items()
    ]


def _read(
    edition: Edition,
    spans: tuple[tuple[datetime, datetime], ...],
    city: City,
    rulebook: Rulebook,
    read: Read,
) -> InForce:
    if edition.version == rulebook.version:
        return InForce(city, rulebook, rulebook.version, spans)
    try:
        then, book = read(edition)
    except MistakesError as error:
        wrong = error.mistakes[0]
        why = replace(wrong, file=PurePath(wrong.file).name)
        instead = f"{edition.version} cannot be read any more, {rulebook.version} judges"
        log.warning("rulebook %s in its place: %s", instead, why)
        return InForce(city, rulebook, rulebook.version, spans, edition.version)
    return InForce(then, book, edition.version, spans)
