"""A store that may be away: whoever asks waits, and is asked again on a new connection."""

import asyncio
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from kel.run import patient_store
from kel.run.figures import WorkerFigures
from kel.run.patient_store import PatientStore


class Away:
    """A server that refuses so many connections, and breaks so many questions."""

    def __init__(self, refused: int = 0, broken: int = 0) -> None:
        self.refused, self.broken = refused, broken
        self.made: list[Any] = []
        self.opened: list[Any] = []
        self.figures = WorkerFigures()
        self.seen_away: list[bool] = []
        self.store = PatientStore(self._connect, self.opened.append, self.figures)

    def _connect(self) -> Any:
        if self.refused:
            self.refused -= 1
            raise psycopg.OperationalError("connection refused")
        made = SimpleNamespace(closed=False)
        made.close = lambda: setattr(made, "closed", True)
        self.made.append(made)
        return made

    def ask(self, connection: Any) -> int:
        self.seen_away.append(self.figures.store_away)
        if self.broken:
            self.broken -= 1
            raise psycopg.OperationalError("server closed the connection")
        return self.made.index(connection)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient_store, "FIRST_S", 0.0)


@pytest.mark.parametrize(
    ("refused", "broken", "answered_on", "away"),
    [
        (0, 0, 0, [False]),
        (3, 0, 0, [True]),
        (0, 2, 2, [False, True, True]),
    ],
)
def test_who_asks_is_asked_until_it_went_through(
    refused: int, broken: int, answered_on: int, away: list[bool]
) -> None:
    server = Away(refused, broken)
    assert asyncio.run(server.store.do(server.ask)) == answered_on
    assert server.opened == server.made
    assert [c.closed for c in server.made] == [True] * broken + [False]
    assert server.seen_away == away and not server.figures.store_away


def test_what_went_wrong_while_a_connection_was_set_up_makes_a_new_one() -> None:
    server = Away()
    troubles = [psycopg.OperationalError("gone again")]

    def opened(connection: Any) -> None:
        server.opened.append(connection)
        if troubles:
            raise troubles.pop()

    store = PatientStore(server._connect, opened, server.figures)
    assert asyncio.run(store.do(server.ask)) == 1
    assert server.opened == server.made


def test_a_store_that_is_there_and_exhausted_is_no_outage_to_wait_for() -> None:
    server = Away()

    def work(_: object) -> None:
        raise psycopg.errors.OutOfMemory("out of shared memory")

    with pytest.raises(psycopg.errors.OutOfMemory):
        asyncio.run(server.store.do(work))
    assert not server.figures.store_away
