"""Rulebooks in the database: every one with its whole text, and when which was taken into use.

Laws:
- a version's text never changes, and is never dropped: alerts name it for ever;
- what is taken twice in a row, by several workers or by a restart, is one line.
"""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection

from kel.store.connect import query


@dataclass(frozen=True, slots=True)
class Edition:
    """A rulebook's text: `source` of rules.toml, `calendars` of calendars.toml, perhaps empty."""

    version: str
    source: str
    calendars: str = ""

    @property
    def texts(self) -> dict[str, str]:
        """The texts that there are, by the name of their file."""
        found = {"rules": self.source, "calendars": self.calendars}
        return {name: text for name, text in found.items() if text}


@dataclass(frozen=True, slots=True)
class Taken:
    """A rulebook was taken into use, with that version of the city's folder, which `who` loaded
    (None: not known)."""

    at: datetime
    city: str | None
    who: str | None
    edition: Edition


def keep(
    connection: Connection, edition: Edition, city: str | None, who: str | None = None
) -> None:
    """Keep the text, and that it is in use from now on where another one was until now."""
    told = {
        "version": edition.version,
        "source": edition.source,
        "calendars": edition.calendars,
        "city": city,
        "who": who,
    }
    with connection.transaction():
        connection.execute(query("put_rulebook"), told)
        connection.execute("LOCK TABLE rulebook_taken IN SHARE ROW EXCLUSIVE MODE")
        connection.execute(query("take_rulebook"), told)


def labels(connection: Connection, versions: Collection[str]) -> Mapping[str, str]:
    """What the rules of these rulebooks are called, by id; as the newest of them says."""
    found: dict[str, str] = {}
    for (source,) in connection.execute(query("rulebook_sources"), [list(versions)]):
        for rule in tomllib.loads(source).get("rule", ()):
            found[rule["id"]] = rule["label"]
    return found


def taken(connection: Connection) -> list[Taken]:
    """All that were taken, in their order."""
    rows = connection.execute(query("rulebooks_taken")).fetchall()
    return [Taken(at, city, who, Edition(*texts)) for at, city, who, *texts in rows]


def edition(connection: Connection, version: str) -> tuple[datetime, Edition]:
    """The rulebook of that version, of which the beginning is enough, and when it was first kept.

    Raises LookupError where there is none, or several.
    """
    rows = connection.execute(query("rulebooks_like"), [version]).fetchall()
    if len(rows) != 1:
        found = ", ".join(row[0] for row in rows[:5])
        raise LookupError(
            f"{version!r} may be any of {found}" if rows else f"no rulebook has version {version!r}"
        )
    return rows[0][1], Edition(rows[0][0], rows[0][2], rows[0][3])
