"""The desk: what waits in the store becomes decisions in the store, and orders on MQTT.

Laws:
- one desk decides at a time (advisory lock); another one waits and takes over;
- it decides up to the time that every partition has come to, so that no order of arrival between
  workers changes a decision;
- a message goes out after what caused it is committed, at least once, and is marked after the
  broker has it; the receiver knows an order it has seen by its id; a call whose time has passed
  rings nobody;
- while the broker is away decisions go on, and what they send waits;
- a desk that began with the city's folder as it was loaded last, since its own had a mistake,
  begins anew with its own as soon as that is right;
- an input that cannot be decided is set aside with a reject (`desk_failed`), and everything else
  is decided as if it had never come; a message that the broker refuses holds up no other.
"""

import logging
import signal
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import orjson
import psycopg

from kel.metrics import serve
from kel.model.city import City
from kel.model.ids import make_id
from kel.model.order import Outgoing
from kel.model.request import Reject
from kel.model.situation import Inputs, Waiting
from kel.mqtt import BrokerError, Link, RefusedError
from kel.run import health
from kel.run.cityfolder import CityFolder
from kel.run.decide import decide
from kel.run.expose import of_desk
from kel.run.figures import DeskFigures
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
DETAIL = 1000  # characters of an error that are kept

Waitings = tuple[Waiting, ...]
Failed = dict[Waiting, str]  # why each of them could not be decided


class Desk:
    """The desk at work: a connection that holds the lock, and the situation in memory."""

    def __init__(
        self,
        settings: Settings,
        city: City,
        stop: threading.Event,
        figures: DeskFigures | None = None,
        folder: CityFolder | None = None,
    ) -> None:
        """`folder`: in place of which the city may be used."""
        self.figures = figures or DeskFigures()
        self.righted: City | None = None  # what the folder holds, once it has no mistake any more
        self._unloaded: City | None = None  # the same, while the database does not have it yet
        self._folder = folder
        self._settings = settings
        self._stop = stop
        self._connection = connect(settings)
        self._connection.execute(f"LISTEN {CHANNEL}")
        self._city = numbered(self._connection, city)
        self._store = DeskStore(self._connection)
        self._readings = StoredReadings(self._connection, self._city)
        self._refused: set[UUID] = set()  # messages that the broker would not have

    def run(self) -> None:
        """Decide until told to stop, or the folder is right again (`righted`), or the store goes
        away (psycopg.OperationalError)."""
        with self._connection:
            if not self._wait_for_lead():
                return
            log.info("this desk leads")
            self.figures.leads = True
            self.load()
            while not (self._stop.is_set() or self._is_righted()):
                self.figures.turn = time.time()
                self.step()
                self._send()
                self._wait()

    def _is_righted(self) -> bool:
        """Whether there is another city now to decide by."""
        if self._folder is None or self._folder.kept is None:
            return False
        files = self._folder.changed()
        city = files.city if files else self._unloaded
        if city is None:
            return False
        try:
            self.righted = numbered(self._connection, city)
        except LookupError as error:
            if files:
                log.error("the city's folder is not taken up: %s", error)
            self._unloaded = city
            return False
        self._folder.taken()
        return True

    def load(self) -> None:
        """Begin from what is stored."""
        self._situation = self._store.situation()
        self._decided = self._store.clock()

    def step(self) -> bool:
        """Decide once, if time has come on; whether it has."""
        now = self._store.watermark(RAW, self._settings.partitions)
        if now is None or (self._decided is not None and now <= self._decided):
            return False
        inputs = self._store.inputs(now)
        try:
            self._decide(inputs)
        except StaleError as error:
            log.warning("%s: deciding again", error)
            self._situation = self._store.situation()
            return self.step()
        except psycopg.OperationalError:
            raise
        except Exception:
            log.exception("no decision at %s: looking for the input to blame", now)
            return self._decide_around(inputs)
        return True

    def _decide(self, inputs: Inputs, failed: Failed | None = None) -> None:
        """Decide and commit, and take and reject what failed."""
        failed = failed or {}
        began = time.monotonic()
        changes = decide(self._city, self._situation, inputs, self._readings)
        changes.rejects += [_reject(w, why, inputs.now) for w, why in failed.items()]
        taken = [*inputs.taken, *failed]
        self._store.commit(inputs.now, changes, self._situation, taken)
        self._situation.apply(changes)
        self._situation.take(inputs)
        self._decided = inputs.now
        done = time.monotonic()
        self.figures.decisions.add(done - began, done)
        self.figures.inputs += len(inputs.taken)
        self.figures.failed += len(failed)

    def _decide_around(self, inputs: Inputs) -> bool:
        """Decide without the inputs that make it fail; whether that is possible.

        Where not even time can pass, no input is to blame: all of them wait.
        """
        failed: Failed = {}
        try:
            self._situation = self._store.situation()
            if why := self._fails(inputs.only(())):
                log.error("no decision is possible at %s: %s", inputs.now, why)
                return False
            sound = self._sound(inputs, (), inputs.taken, failed)
            self._decide(inputs.only(sound), failed)
        except StaleError as error:
            log.warning("%s: deciding again", error)
            self._situation = self._store.situation()
            return False
        for (word, ref), why in failed.items():
            log.error("%s %s is set aside: %s", word, ref, why)
        return True

    def _sound(
        self, inputs: Inputs, sound: Waitings, suspects: Waitings, failed: Failed
    ) -> Waitings:
        """`sound` and what of the suspects can be decided with it; the others go into `failed`.

        By halves: few inputs fail, and each trial is a whole decision.
        """
        why = self._fails(inputs.only((*sound, *suspects)))
        if why is None:
            return (*sound, *suspects)
        if len(suspects) < 2:
            failed.update(dict.fromkeys(suspects, why))
            return sound
        half = len(suspects) // 2
        sound = self._sound(inputs, sound, suspects[:half], failed)
        return self._sound(inputs, sound, suspects[half:], failed)

    def _fails(self, inputs: Inputs) -> str | None:
        """Why these inputs cannot be decided and stored; None where they can."""
        try:
            changes = decide(self._city, self._situation, inputs, self._readings)
            self._store.rehearse(inputs.now, changes, self._situation)
        except (psycopg.OperationalError, StaleError):  # no fault of what is decided
            raise
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return None

    def _wait_for_lead(self) -> bool:
        while not self._stop.is_set():
            self.figures.turn = time.time()
            if self._store.lead():
                return True
            self._stop.wait(IDLE_S)
        return False

    def _wait(self) -> None:
        for _ in self._connection.notifies(timeout=IDLE_S, stop_after=1):
            pass

    def _send(self) -> None:
        """What was decided and not yet sent, over a connection of its own: orders are few."""
        unsent = self._store.unsent(self._refused)
        self.figures.unsent = len(unsent)
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
        """Each message expires as its order does, and is marked once the broker has it.

        One that the broker refuses is passed over until a desk starts anew: without an answer it
        lapses, and another crew is asked.
        """
        now = self._decided or datetime.now(UTC)
        for message in messages:
            left = int((message.expires_at - now).total_seconds())
            passes = message.raw is not None or "call" in message.payload
            if passes and self._decided and left < 0:
                self._store.mark_sent([message.id])  # whoever needs it has asked again
                continue
            try:
                link.publish(
                    [(message.topic, _bytes_of(message))],
                    expires_s=max(left, 60),
                    timeout_s=BROKER_S,
                )
            except RefusedError as error:
                log.error("%s: %s", message.topic, error)
                self._refused.add(message.id)
                continue
            self._store.mark_sent([message.id])
            self.figures.sent += 1
            self.figures.unsent -= 1


def _bytes_of(message: Outgoing) -> bytes:
    return orjson.dumps(dict(message.payload)) if message.raw is None else message.raw


def _reject(waiting: Waiting, why: str, now: datetime) -> Reject:
    """What tells that an input was set aside; the input itself is stored, its id leads to it."""
    word, ref = waiting
    payload = orjson.dumps({"word": word, "id": str(ref)})
    return Reject(
        id=make_id("reject", word, ref, "desk_failed"),
        arrival=now,
        topic=f"inbox/{word}",
        payload=payload,
        size=len(payload),
        reason="desk_failed",
        detail=why.replace("\0", "").encode(errors="replace").decode()[:DETAIL],
    )


def main(settings: Settings, city: City, folder: CityFolder | None = None) -> None:
    """Run a desk until told to end (SIGTERM, SIGINT); it outlives the store and the broker.
    `folder`: what gave the city."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    figures = DeskFigures()
    examined = health.start(settings, stop, city.disorder, folder)
    serve(settings, lambda: of_desk(figures, examined))
    while not stop.is_set():
        try:
            desk = Desk(settings, city, stop, figures, folder)
            desk.run()
            city = desk.righted or city
        except psycopg.OperationalError as error:
            log.warning("%s: starting again from what is stored", error)
            figures.leads = False
            stop.wait(IDLE_S)
