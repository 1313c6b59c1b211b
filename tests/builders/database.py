"""A real PostgreSQL of the tests' own, and databases in it with a city loaded."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import psycopg
from pydantic import SecretStr

from kel.model.city import City
from kel.settings import Settings
from kel.stack.folder import make_folder, remove_folder
from kel.stack.postgres import Postgres
from kel.store.connect import connect
from kel.store.load import load
from kel.store.migrate import migrate


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A server that is gone afterwards."""
    folder = make_folder()
    server = Postgres(folder)
    try:
        server.prepare()
        server.child.start()
        server.ready()
        yield server
    finally:
        server.child.end()
        remove_folder(folder)


def make_database(server: Postgres, name: str, city: City, at: datetime) -> Settings:
    """A database with the schema and the city, whose stock was opened `at`."""
    with psycopg.connect(server.url, password=server.password, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    settings = Settings(
        database=server.url.removesuffix("/kel") + f"/{name}",
        database_password=SecretStr(server.password),
    )
    with connect(settings) as connection:
        migrate(connection)
        load(connection, city, at)
    return settings
