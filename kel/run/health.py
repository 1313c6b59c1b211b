"""The examiner: looks every 10 s at how KEL itself is, and keeps what it finds.

Laws:
- runs in a thread of each desk, apart from its decisions, with a connection of its own: a desk that
  stands still is told, and whichever process holds the lock examines;
- only on the machine's clock: a story's times say nothing of real lateness;
- nothing that it meets ends it; what it cannot ask is told as such;
- an alarm is logged as an error when it begins, and once more when it is over.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from socket import gethostname

import psycopg
from aiokafka.errors import KafkaError
from psycopg import Connection

from kel.kafka import RETENTION_MS, held, retention
from kel.model.health import Health, Level, Reach, Signs, changed, judge
from kel.run.cityfolder import CityFolder
from kel.settings import ClockKind, Settings
from kel.store.connect import connect
from kel.store.health import HealthStore
from kel.topics import RAW

log = logging.getLogger("kel.health")

NONE = timedelta(0)
EVERY_S = 10.0
KAFKA_S = 5.0  # how long Kafka may take to answer
ASK_AGAIN_S = 3600.0  # how long the topic's retention is believed


class Kafka:
    """What Kafka holds, asked anew each time; since when it has not answered."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._answered = time.monotonic()
        self._asked: float | None = None
        self.retention = timedelta(milliseconds=RETENTION_MS)

    @property
    def silent_s(self) -> float:
        return time.monotonic() - self._answered

    def held(self) -> dict[int, tuple[int, int]] | None:
        """First and next offset by partition, or None where Kafka does not answer."""
        try:
            found = asyncio.run(asyncio.wait_for(self._ask(), KAFKA_S))
        except (KafkaError, ConnectionError, TimeoutError):
            return None
        self._answered = time.monotonic()
        return found

    async def _ask(self) -> dict[int, tuple[int, int]]:
        found = await held(self._settings)
        if self._asked is None or time.monotonic() - self._asked > ASK_AGAIN_S:
            self.retention = await retention(self._settings, KAFKA_S)
            self._asked = time.monotonic()
        return found


@dataclass(slots=True)
class Examined:
    """What this process found when it last examined; empty where another one does."""

    signs: Signs | None = None
    found: Sequence[Health] = ()


class Examiner:
    """Examines with this connection, which holds the lock."""

    def __init__(
        self,
        settings: Settings,
        connection: Connection,
        disorder: timedelta = NONE,
        folder: CityFolder | None = None,
    ) -> None:
        """`folder`: this process's own."""
        self.examined = Examined()
        self._connection = connection
        self._disorder = disorder
        self._folder = folder
        self._store = HealthStore(connection)
        self._partitions = settings.partitions
        self._kafka = Kafka(settings)
        self._began: datetime | None = None

    def examine(self) -> list[Health]:
        """Judge once, keep it, and log what has changed."""
        signs = self._signs()
        before, _ = self._store.healths()
        found = judge(signs, before)
        news = changed(before, found)
        self._store.keep(found, news, signs.now)
        for health in news:
            tell(health, before.get(health.name))
        for name in before.keys() - {h.name for h in found}:
            if before[name].level is Level.ALARM:
                log.info("%s cannot be judged any more", name)
        self.examined.signs, self.examined.found = signs, found
        return found

    def _signs(self) -> Signs:
        skew = _skew(self._connection)
        offsets = self._kafka.held()
        signs = self._store.signs(RAW, self._kafka.retention)
        self._began = self._began or signs.now
        reach = {r.partition: r for r in signs.reach}
        for partition in range(self._partitions):  # what no worker ever took up waits, too
            reach.setdefault(partition, Reach(partition, 0, None, self._began))
        if offsets is not None:
            reach = {
                p: replace(r, first=offsets[p][0], end=offsets[p][1])
                for p, r in reach.items()
                if p in offsets
            }
        kept = {**signs.kept}
        if self._folder and self._folder.kept:
            kept[f"{gethostname()}-{os.getpid()}"] = self._folder.kept.at
        return replace(
            signs,
            kept=kept,
            mistake=str(self._folder.mistake) if self._folder and self._folder.mistake else None,
            reach=list(reach.values()),
            kafka_silent_s=self._kafka.silent_s,
            skew_s=skew,
            disorder=self._disorder,
        )


def tell(health: Health, before: Health | None) -> None:
    """Log a level that has changed."""
    if health.level is Level.ALARM:
        log.error("alarm: %s: %s", health.name, health.hint)
    elif before is not None and before.level is Level.ALARM:
        log.info("the alarm is over: %s, which began %s", health.name, before.since)
    elif health.level is Level.WARN:
        log.warning("%s: %s", health.name, health.hint)
    else:
        log.info("well again: %s", health.name)


def keep_examining(
    settings: Settings,
    stop: threading.Event,
    disorder: timedelta = NONE,
    examined: Examined | None = None,
    folder: CityFolder | None = None,
) -> None:
    """Wait for the lock, then examine again and again until told to stop."""
    while not stop.is_set():
        try:
            with connect(settings) as connection:
                store = HealthStore(connection)
                while not store.lead() and not stop.wait(EVERY_S):
                    pass
                examiner = Examiner(settings, connection, disorder, folder)
                examiner.examined = examined or examiner.examined
                while not stop.is_set():
                    examiner.examine()
                    stop.wait(EVERY_S)
        except psycopg.OperationalError as error:
            log.warning("%s: health is not examined", error)
        except Exception:
            log.exception("health is not examined")
        if examined:  # somebody else may examine now: what was found here is old
            examined.signs, examined.found = None, ()
        stop.wait(EVERY_S)


def start(
    settings: Settings,
    stop: threading.Event,
    disorder: timedelta = NONE,
    folder: CityFolder | None = None,
) -> Examined:
    """Examine in a thread from now on, unless a story's clock is the time.

    `disorder`: how much later than the machine's the stream's time is, as the city wants it;
    `folder`: what this process runs on.
    """
    examined = Examined()
    if settings.clock is ClockKind.SYSTEM:
        asked = (settings, stop, disorder, examined, folder)
        threading.Thread(target=keep_examining, args=asked, name="health", daemon=True).start()
    return examined


def _skew(connection: Connection) -> float:
    """This machine's clock less the database's, in seconds; a slow answer is no skew."""
    before = datetime.now(UTC)
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    after = datetime.now(UTC)
    assert row is not None
    there: datetime = row[0]
    if before > there:
        return (before - there).total_seconds()
    return -max(0.0, (there - after).total_seconds())
