"""Migrations: numbered SQL files, each applied once, in order, in a transaction of its own.

Laws:
- a file that was applied never changes again; one that did is refused by name;
- two `kel migrate` at the same time wait for one another;
- `optional/` holds what needs the Community edition of TimescaleDB, and is skipped elsewhere.
"""

from collections.abc import Iterator
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable

from psycopg import Connection, sql

from kel.settings import Settings

LOCK = 0x6B656C01

BOOK = """
CREATE TABLE IF NOT EXISTS migration (
    name   text PRIMARY KEY,
    sha256 text NOT NULL,
    at     timestamptz NOT NULL DEFAULT now()
)"""


class ChangedMigrationError(RuntimeError):
    """An applied migration's file is not what was applied."""


def migrations(folder: str = "migrations") -> list[Traversable]:
    """The SQL files in their order."""
    found = (files("kel.store") / folder).iterdir()
    return sorted((f for f in found if f.name.endswith(".sql")), key=lambda f: f.name)


def migrate(connection: Connection) -> list[str]:
    """Bring the database's schema to this version. Returns the names of what was applied now."""
    connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    try:
        connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
        connection.execute(BOOK)
        return list(_apply(connection))
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def pending(connection: Connection) -> list[str]:
    """The names of what `migrate` would apply. Changes nothing."""
    known = connection.execute("SELECT to_regclass('migration')").fetchone()
    if known is None or known[0] is None:
        return [f.name for f in migrations()]
    done = {name for (name,) in connection.execute("SELECT name FROM migration").fetchall()}
    return [name for name, _ in _wanted(connection) if name not in done]


def _wanted(connection: Connection) -> list[tuple[str, Traversable]]:
    wanted = [(f.name, f) for f in migrations()]
    if is_community(connection):
        wanted += [(f"optional/{f.name}", f) for f in migrations("migrations/optional")]
    return wanted


def _apply(connection: Connection) -> Iterator[str]:
    done: dict[str, str] = dict(connection.execute("SELECT name, sha256 FROM migration").fetchall())
    for name, file in _wanted(connection):
        text = file.read_text("utf-8")
        digest = sha256(text.encode()).hexdigest()
        if name not in done:
            with connection.transaction():
                connection.execute(text.encode())
                connection.execute("INSERT INTO migration VALUES (%s, %s)", [name, digest])
            yield name
        elif done[name] != digest:
            raise ChangedMigrationError(
                f"migration {name} was changed after it had been applied: restore the file, and "
                "put the change into a new one"
            )


def is_community(connection: Connection) -> bool:
    """Whether this TimescaleDB has what the Community edition adds."""
    row = connection.execute("SHOW timescaledb.license").fetchone()
    return bool(row and row[0] == "timescale")


def let_reader_in(connection: Connection, settings: Settings) -> None:
    """Give the read-only role the password of the settings, where there is one."""
    password = settings.reader_password.get_secret_value()
    if password:
        connection.execute(
            sql.SQL("ALTER ROLE kel_reader LOGIN PASSWORD {}").format(sql.Literal(password))
        )
