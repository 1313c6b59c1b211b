"""What tests of more than one folder share: the real parts, made only where a test asks for them.

One stack a session, on free ports and in a folder of its own; each test gets a database, a topic
and broker sessions that nobody used before.
"""

import logging
from collections.abc import Iterator
from itertools import count

import pytest
from psycopg import Connection

from kel.settings import Settings
from kel.stack.stack import Stack
from kel.store.connect import connect
from tests.builders.running import System, fresh_database, running_stack

NUMBERS = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test on a running system starts KEL's processes, as one that says so."""
    for item in items:
        if isinstance(item, pytest.Function) and "system" in item.fixturenames:
            item.add_marker(pytest.mark.processes)


@pytest.fixture(autouse=True)
def loggers_speak() -> None:
    """Whatever a test before made of logging (faust silences what it does not know)."""
    logging.disable(logging.NOTSET)
    for logger in [logging.getLogger(name) for name in logging.root.manager.loggerDict]:
        logger.disabled = False
        if logger.name.startswith("kel"):
            logger.propagate = True


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Mosquitto, Kafka and PostgreSQL."""
    with running_stack() as running:
        yield running


@pytest.fixture
def database(stack: Stack) -> Iterator[Settings]:
    """A database with the schema and the example city."""
    with fresh_database(stack, f"test_{next(NUMBERS)}") as settings:
        yield settings


@pytest.fixture
def connection(database: Settings) -> Iterator[Connection]:
    with connect(database) as connection:
        yield connection


@pytest.fixture
def system(stack: Stack, database: Settings) -> Iterator[System]:
    """KEL on the parts, with no process started yet; all that the test starts ends with it."""
    running = System(stack, database)
    try:
        yield running
    finally:
        running.end()
