"""The desk: what waits in the store becomes decisions in the store, and orders on MQTT.

Laws:
- one desk decides at a time (advisory lock); another one waits and takes over;
- it decides up to the time that every partition has come to, so that no order of arrival between
  workers changes a decision;
- a message goes out after what caused it is committed, at least once, and is marked after the
  broker has it; the receiver knows an order it has seen by its id;
- while the broker is away decisions go on, and what they send waits.
"""

import logging
import signal
import threading
from collections.abc import Sequence
from datetime import UTC, datetime

import orjson
import psycopg

from kel.model.city import City
from kel.model.order import Outgoing
from kel.mqtt import BrokerError, Link
from kel.run.decide import decide
from kel.settings import Settings
from kel.store.connect import connect
from kel.store.desk import DeskStore, StaleError
from kel.store.load import numbered
from kel.store.readings import StoredReadings
from kel.store.stream import CHANNEL
from kel.topics import RAW

log = logging.getLogger("kel.desk")

IDLE_S = 1.0  # how long to wait for news before looking all the same
BROKER_S = 5.0  # how long to wait for the broker before deciding on


class Desk:
    """The desk at work: a connection that holds the lock, and the situation in memory."""

    def __init__(self, settings: Settings, city: City, stop: threading.Event) -> None:
        self._settings = settings
        self._stop = stop
        self._connection = connect(settings)
        self._connection.execute(f"LISTEN {CHANNEL}")
        self._city = numbered(self._connection, city)
        self._store = DeskStore(self._connection)
        self._readings = StoredReadings(self._connection, self._city)

    def run(self) -> None:
        """Decide until told to stop, or until the store goes away (psycopg.OperationalError)."""
        with self._connection:
            if not self._wait_for_lead():
                return
            log.info("this desk leads")
            self._situation = self._store.situation()
            self._decided = self._store.clock()
            while not self._stop.is_set():
                self.step()
                self._send()
                self._wait()

    def step(self) -> bool:
        """Decide once, if time has come on; whether it has."""
        now = self._store.watermark(RAW, self._settings.partitions)
        if now is None or (self._decided is not None and now <= self._decided):
            return False
        inputs = self._store.inputs(now)
        try:
            changes = decide(self._city, self._situation, inputs, self._readings)
            self._store.commit(now, changes, self._situation)
        except StaleError as error:
            log.warning("%s: deciding again", error)
            self._situation = self._store.situation()
            return self.step()
        self._situation.apply(changes)
        self._situation.take(inputs)
        self._decided = now
        return True

    def _wait_for_lead(self) -> bool:
        while not self._stop.is_set():
            if self._store.lead():
                return True
            self._stop.wait(IDLE_S)
        return False

    def _wait(self) -> None:
        for _ in self._connection.notifies(timeout=IDLE_S, stop_after=1):
            pass

    def _send(self) -> None:
        """What was decided and not yet sent, over a connection of its own: orders are few."""
        unsent = self._store.unsent()
        if not unsent:
            return
        link = Link(self._settings, "kel-desk", keep_session=False)
        try:
            link.open(BROKER_S)
            self._publish(link, unsent)
        except BrokerError as error:
            log.warning("%s: %d messages wait", error, len(unsent))
        finally:
            link.close()

    def _publish(self, link: Link, messages: Sequence[Outgoing]) -> None:
        """Each message expires as its order does."""
        now = self._decided or datetime.now(UTC)
        for message in messages:
            left = int((message.expires_at - now).total_seconds())
            link.publish(
                [(message.topic, orjson.dumps(dict(message.payload)))],
                expires_s=max(left, 60),
                timeout_s=BROKER_S,
            )
        self._store.mark_sent([m.id for m in messages])


def main(settings: Settings, city: City) -> None:
    """Run a desk until told to end (SIGTERM, SIGINT); it outlives the store and the broker."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.is_set():
        try:
            Desk(settings, city, stop).run()
        except psycopg.OperationalError as error:
            log.warning("%s: starting again from what is stored", error)
            stop.wait(IDLE_S)
