"""The database that a command which only asks works on."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection

from kel.settings import Settings
from kel.stack.kept import some_database
from kel.store.connect import connect
from kel.store.migrate import pending


@contextmanager
def some_connection() -> Iterator[Connection]:
    """A connection to the settings' database, a running demo's, or the last demo's.

    Raises PartError where there is none, LookupError where its schema is older than this KEL.
    """
    with some_database(Settings()) as settings, connect(settings) as connection:
        if pending(connection):
            raise LookupError("the database is older than this KEL: run `kel migrate`")
        yield connection
