"""The city's folder as it was loaded last, whole, in the database.

Law: it is what was loaded (`kel load`, `kel devices`, the start of `kel up` and `kel demo`), and
nothing else ever writes it.
"""

from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection

from kel.store.connect import query


@dataclass(frozen=True, slots=True)
class KeptCity:
    """`version`: the folder's fingerprint; `files`: the folder, as `kel.run.cityfiles` packs it."""

    version: str
    at: datetime
    who: str
    files: bytes


def keep_city(connection: Connection, version: str, who: str, files: bytes) -> None:
    """Keep it in place of the one before; the same one again stays as it is,
    unless its bytes are no longer the same."""
    connection.execute(query("keep_city"), {"version": version, "who": who, "files": files})


def kept_city(connection: Connection) -> KeptCity | None:
    """What was loaded last; None where nothing ever was."""
    row = connection.execute(query("kept_city")).fetchone()
    return KeptCity(row[0], row[1], row[2], bytes(row[3])) if row else None


def who_loaded(connection: Connection, version: str | None) -> str | None:
    """Who loaded that version of the folder; None where it is not the one that was loaded last."""
    row = connection.execute(query("who_loaded"), [version]).fetchone()
    return row[0] if row else None
