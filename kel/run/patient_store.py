"""The store for one who cannot go on without it: what it is asked waits while it is away.

Laws:
- one question at a time, each in a thread; after a break on a new connection, as often as it takes;
- whoever asks is asked again from the beginning: what may have gone through is theirs to find out;
- a store that is there and exhausted is no outage to wait for: the error is the asker's.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

import psycopg

from kel.run.figures import WorkerFigures

log = logging.getLogger("kel.worker")

T = TypeVar("T")

FIRST_S, MOST_S = 0.1, 5.0  # before the next try


class PatientStore:
    """`connect` makes a connection; `opened` is told of each, before anything is asked on it."""

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection],
        opened: Callable[[psycopg.Connection], None],
        figures: WorkerFigures,
    ) -> None:
        self._connect, self._opened, self._figures = connect, opened, figures
        self._connection: psycopg.Connection | None = None

    async def do(self, work: Callable[[psycopg.Connection], T]) -> T:
        """What `work` finds on the connection."""
        delay = FIRST_S
        while True:
            try:
                done = await asyncio.to_thread(self._on_connection, work)
            except psycopg.errors.OutOfMemory:
                raise  # the same again would not help, and must not go on unseen
            except psycopg.OperationalError as error:
                self._figures.store_away = True
                log.warning("the store is away (%s): trying again in %.1f s", error, delay)
                if self._connection is not None:
                    self._connection.close()
                await asyncio.sleep(delay)
                delay = min(delay * 2, MOST_S)
            else:
                self._figures.store_away = False
                return done

    def _on_connection(self, work: Callable[[psycopg.Connection], T]) -> T:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
            self._opened(self._connection)
        return work(self._connection)
