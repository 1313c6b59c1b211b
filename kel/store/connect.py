"""Connections, and the named statements of queries*.sql."""

import re
from fnmatch import fnmatch
from functools import cache
from importlib.resources import files

import psycopg
from psycopg import Connection

from kel.settings import Settings

SESSION = {
    "TimeZone": "UTC",
    # the server, too, notices in 25 s that we are gone, and frees our locks
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "idle_in_transaction_session_timeout": "60000",  # ms: a hung process holds locks no longer
}
NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def connect(settings: Settings) -> Connection:
    """A connection as the settings say; session in UTC, and gone with a dead peer in seconds,
    on either side.

    In autocommit, so that `with connection.transaction()` is a transaction of its own wherever it
    stands, never a savepoint in one that somebody's SELECT had opened.
    """
    return psycopg.connect(
        settings.database,
        password=settings.database_password.get_secret_value() or None,
        autocommit=True,
        connect_timeout=10,
        options=" ".join(f"-c {name}={value}" for name, value in SESSION.items()),
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        application_name="kel",
    )


def named(connection: Connection) -> str:
    """Which database it is, as people tell databases apart: «kel at 127.0.0.1:5432»."""
    info = connection.info
    return f"{info.dbname} at {info.host}:{info.port}"


@cache
def _queries() -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for file in files("kel.store").iterdir():
        if not fnmatch(file.name, "queries*.sql"):
            continue
        parts = NAME.split(file.read_text("utf-8"))[1:]
        for name, body in zip(parts[::2], parts[1::2], strict=True):
            assert name not in found, f"two statements are called {name}"
            found[name] = body.strip().encode()
    return found


def query(name: str) -> bytes:
    """The statement of that name in queries*.sql."""
    return _queries()[name]
