"""Connections, and the named statements of queries.sql."""

import re
from functools import cache
from importlib.resources import files

import psycopg
from psycopg import Connection

from kel.settings import Settings

NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def connect(settings: Settings, *, autocommit: bool = False) -> Connection:
    """A connection as the settings say; session in UTC, and gone with a dead peer in seconds."""
    return psycopg.connect(
        settings.database,
        password=settings.database_password.get_secret_value() or None,
        autocommit=autocommit,
        connect_timeout=10,
        options="-c TimeZone=UTC",
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        application_name="kel",
    )


@cache
def _queries() -> dict[str, bytes]:
    text = (files("kel.store") / "queries.sql").read_text("utf-8")
    parts = NAME.split(text)[1:]
    return {name: body.strip().encode() for name, body in zip(parts[::2], parts[1::2], strict=True)}


def query(name: str) -> bytes:
    """The statement of that name in queries.sql."""
    return _queries()[name]
