"""The worker: Kafka's records through the line into the store. The one module that imports faust.

Laws:
- effects and offset commit together, every `commit_s`; the rules' state is kept every
  `snapshot_s`, and only what lies below it is acknowledged to Kafka;
- after a start the records from the snapshot on run through the rules again, and nothing below the
  store's offset is written a second time;
- a record that no bridge wrote becomes a reject, and the stream goes on behind it;
- a gap, a Kafka that stands behind the store, or a partition that somebody else moved on, ends the
  process: whoever watches it starts it again, from what the store knows;
- while the store is away nothing moves on, and nothing begins; a commit whose outcome is unknown is
  asked about, and the same transaction is tried again, never another one.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import faust
import psycopg

from kel.kafka import end_offsets, ensure_topic
from kel.model.city import City
from kel.model.reading import Output
from kel.records import BadRecordError, decode
from kel.run.cityfiles import CityFiles
from kel.run.partition import Line, devices_of
from kel.settings import Settings
from kel.store.connect import connect
from kel.store.load import numbered
from kel.store.stream import LostPartitionError, StreamStore
from kel.topics import RAW
from rules.rulebook import Rulebook

log = logging.getLogger("kel.worker")

T = TypeVar("T")

MOST_ROWS = 20_000  # readings that wait for a commit, at the most


class Owned:
    """A partition that this worker owns: its line, its place, and what is not committed yet."""

    def __init__(self, line: Line, expected: int, stored: int) -> None:
        self.line = line
        self.expected = expected  # the next record that the line must see
        self.stored = stored  # effects below are in the store
        self.going_back = False  # Kafka was asked for earlier records than it gave
        self.pending: Output | None = None
        self.unacknowledged: list[tuple[int, Any]] = []
        self.snapshot_at = time.monotonic()

    def process(self, offset: int, record: bytes, written: int) -> bool:
        """Take the record that Kafka got at `written` (µs) through the line, in its turn.

        Returns False where it is not its turn yet: Kafka was asked to go back, and will.
        """
        if offset > self.expected and self.going_back:
            return False
        if offset > self.expected:
            raise LookupError(
                f"partition {self.line.number}: record {self.expected} is missing, Kafka gave "
                f"{offset}: something else writes to the topic, or deletes from it"
            )
        self.going_back = False
        if offset < self.expected:
            return True
        try:
            output = self.line.process(offset, decode(record))
        except BadRecordError as why:
            log.warning("partition %d, record %d: %s", self.line.number, offset, why)
            output = self.line.refused(offset, record, written, str(why))
        self.expected = offset + 1
        if offset >= self.stored:
            if self.pending is None:
                self.pending = output
            else:
                self.pending.add(output)
        return True

    def keep(self, offset: int, event: Any) -> None:
        """Acknowledge it once it lies below a snapshot; its bytes are not needed until then."""
        event.value = event.message.value = None
        self.unacknowledged.append((offset, event))


class Worker:
    """The state of one worker process; the store is called in threads, one call at a time."""

    def __init__(
        self, settings: Settings, city: City, rulebook: Rulebook, kafka_id: str, app: faust.App
    ) -> None:
        self._app = app
        self._settings = settings
        self._city = city
        self._rulebook = rulebook
        self._kafka_id = kafka_id
        self._lock = asyncio.Lock()
        self._owned: dict[int, Owned] = {}
        self._earliest: dict[Any, int] = {}  # by faust's TP
        self._ends: dict[int, int] = {}  # by partition
        self._connection: psycopg.Connection | None = None
        self._store: StreamStore

    def _open_store(self) -> None:
        self._connection = connect(self._settings)
        self._city = numbered(self._connection, self._city)
        self._store = StreamStore(self._connection, self._city.classes, RAW, self._kafka_id)

    async def _patiently(self, work: Callable[[], T]) -> T:
        """Do this in a thread; while the store is away, again and again on a new connection."""
        delay = 0.1
        while True:
            try:
                if self._connection is None or self._connection.closed:
                    await asyncio.to_thread(self._open_store)
                return await asyncio.to_thread(work)
            except psycopg.OperationalError as error:
                log.warning("the store is away (%s): trying again in %.1f s", error, delay)
                if self._connection is not None:
                    self._connection.close()
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5.0)

    async def keep_rulebook(self, source: str) -> None:
        """Keep the rulebook's text in the store: alerts name its version."""
        version = self._rulebook.version
        await self._patiently(lambda: self._store.keep_rulebook(version, source))

    async def take(self, event: Any) -> None:
        """One record: through the line; its effects wait for the next commit."""
        partition, offset = event.message.partition, event.message.offset
        async with self._lock:
            owned = self._owned.get(partition)
            if owned is None:
                owned = await self._take_up(event.message.tp, offset)
            written = round(event.message.timestamp * 1e3) * 1000
            if not owned.process(offset, event.value or b"", written):
                return
            owned.keep(offset, event)
            waiting = sum(o.pending.rows for o in self._owned.values() if o.pending)
            if waiting > MOST_ROWS:
                await self._commit()

    async def commit(self) -> None:
        async with self._lock:
            await self._commit()

    async def give_up(self) -> None:
        """Partitions are revoked: commit what is done, then forget them."""
        async with self._lock:
            await self._commit()
            self._owned.clear()
            self._earliest.clear()
            self._ends.clear()

    async def _take_up(self, tp: Any, offset: int) -> Owned:
        """Own a partition, and let Kafka go back where the store is behind what it gives.

        That is so after the store was restored from a backup: Kafka's own mark is further on.
        """
        snapshot = await self._patiently(lambda: self._store.snapshot(tp.partition))
        usual = offset <= (snapshot[0] if snapshot else 0)
        earliest = 0 if usual else await self._earliest_of(tp)
        owned = await self._patiently(lambda: self._own(tp.partition, earliest))
        await self._must_reach(tp.partition, owned.stored)
        if offset > owned.expected:
            log.warning("partition %d: back from %d to %d", tp.partition, offset, owned.expected)
            owned.going_back = True
            # faust takes what it is told for the last record that was read
            await self._app.consumer.seek(tp, max(owned.expected - 1, 0))
        self._owned[tp.partition] = owned
        return owned

    async def _earliest_of(self, tp: Any) -> int:
        """The first record that Kafka still has; asked for all partitions at once, since faust
        answers in seconds."""
        if tp not in self._earliest:
            consumer = self._app.consumer
            self._earliest = dict(await consumer.earliest_offsets(*consumer.assignment()))
        return int(self._earliest[tp])

    async def _must_reach(self, partition: int, stored: int) -> None:
        """Raise LookupError where Kafka ends before what is stored: what it is given from now on
        would be taken for old, and passed over."""
        if self._ends.get(partition, -1) < stored:  # not asked yet, or long ago
            self._ends = await end_offsets(self._settings)
        end = self._ends[partition]
        if end < stored:
            raise LookupError(
                f"partition {partition}: Kafka ends at {end}, the store has followed it to "
                f"{stored}: the topic was made anew, or restored from an older copy. If its "
                "records are lost on purpose, run `kel doctor --forget-topic`"
            )

    def _own(self, partition: int, earliest: int) -> Owned:
        """Where the partition stands; one that the store never followed begins at the earliest."""
        progress = self._store.progress([partition], earliest)[partition]
        devices = devices_of(self._city, partition, self._settings.partitions)
        line = Line(partition, self._city, self._rulebook, devices)
        snapshot = self._store.snapshot(partition)
        if snapshot is not None:
            line.load(snapshot[1])
        wanted = min(snapshot[0], progress.next) if snapshot else progress.next
        if wanted < earliest:
            raise LookupError(
                f"partition {partition}: record {wanted} is missing, Kafka has none before "
                f"{earliest}: it lay unread longer than Kafka's retention. To go on without it: "
                "`kel doctor --forget-topic`"
            )
        start = snapshot[0] if snapshot else earliest
        log.info("partition %d: from %d, stored to %d", partition, start, progress.next)
        return Owned(line, start, progress.next)

    async def _commit(self) -> None:
        owned = [o for o in self._owned.values() if o.pending]
        outputs = [o.pending for o in owned if o.pending]
        if outputs:
            await self._store_outputs(outputs)
            for each in owned:
                assert each.pending is not None
                each.stored = each.pending.next
                each.pending = None
        now = time.monotonic()
        for each in self._owned.values():
            if now - each.snapshot_at > self._settings.snapshot_s and each.unacknowledged:
                await self._snapshot(each)

    async def _store_outputs(self, outputs: list[Output]) -> None:
        """The same transaction until it is in, however often the store goes away."""
        tried = False

        def commit() -> None:
            nonlocal outputs, tried
            if tried:
                outputs = self._not_yet_stored(outputs)
            tried = True
            self._store.commit(outputs)

        await self._patiently(commit)

    def _not_yet_stored(self, outputs: list[Output]) -> list[Output]:
        """Those whose commit did not go through, after a commit with an unknown outcome."""
        progress = self._store.progress([o.partition for o in outputs])
        return [o for o in outputs if progress[o.partition].next != o.next]

    async def _snapshot(self, owned: Owned) -> None:
        if owned.expected < owned.stored:
            return  # still running through what was stored before
        try:
            state = owned.line.state()
            await asyncio.to_thread(
                self._store.keep_snapshot, owned.line.number, owned.expected, state
            )
        except psycopg.OperationalError as error:
            log.warning("no snapshot of partition %d: %s", owned.line.number, error)
            return
        for _, event in owned.unacknowledged:
            event.ack()
        owned.unacknowledged.clear()
        owned.snapshot_at = time.monotonic()


def _app(settings: Settings, folder: str) -> faust.App:
    return faust.App(
        "kel-worker",
        datadir=folder,  # faust wants one, and KEL keeps nothing in it
        broker=f"kafka://{settings.kafka}",
        store="memory://",
        web_enabled=False,
        autodiscover=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=settings.session_s,
        broker_heartbeat_interval=settings.session_s / 5,
        broker_commit_interval=1.0,
        consumer_max_fetch_size=4 * 1024 * 1024,
        stream_wait_empty=False,
        stream_buffer_maxsize=64,
    )


def main(settings: Settings, files: CityFiles) -> None:
    """Run a worker until it is told to end (SIGTERM, SIGINT)."""
    with TemporaryDirectory(prefix="kel-worker-") as folder:
        _run(settings, files, folder)


def _run(settings: Settings, files: CityFiles, folder: str) -> None:
    kafka_id = asyncio.run(ensure_topic(settings))
    app = _app(settings, folder)
    raw = app.topic(RAW, key_serializer="raw", value_serializer="raw", internal=False)
    worker = Worker(settings, files.city, files.rulebook, kafka_id, app)
    asyncio.run(worker.keep_rulebook(files.source))

    @app.agent(raw, name="line", concurrency=1)
    async def line(stream: Any) -> None:
        try:
            async for event in stream.noack().events():
                await worker.take(event)
        except Exception:
            _end()

    @app.task
    async def commit() -> None:
        try:
            while not app.should_stop:
                await asyncio.sleep(settings.commit_s)
                await worker.commit()
        except Exception:
            _end()

    @app.on_partitions_revoked.connect
    async def revoked(*_: object, **__: object) -> None:
        try:
            await worker.give_up()
        except LostPartitionError:
            _end()

    faust.Worker(app, loglevel="WARNING", quiet=True).execute_from_commandline()


def _end() -> None:
    """End at once: faust would start the agent again behind a record it had not finished."""
    log.exception("the worker ends, to be started again from what is stored")
    logging.shutdown()
    os._exit(1)
