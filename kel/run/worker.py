"""The worker: Kafka's records through the line into the store.

Laws:
- effects and offset commit together, every `commit_s`; the rules' state is kept every
  `snapshot_s` and whenever partitions are given up, and only what lies below it is acknowledged to
  Kafka;
- while a commit is under way the next records go through the lines: what they come to waits for
  the next one. No more than MOST_ROWS readings or MOST_BYTES wait;
- after a start the records from the snapshot on run through the rules again, and nothing below the
  store's offset is written a second time;
- a record that no bridge wrote becomes a reject, and the stream goes on behind it;
- a gap, a Kafka that stands behind the store, a partition that somebody else moved on, or standing
  still although there is work (`kel.run.watchdog`), ends the process: whoever watches it starts it
  again, from what the store knows;
- while the store is away nothing moves on, and nothing begins (`kel.run.patient_store`); a commit
  whose outcome is unknown is asked about, and the same transaction is tried again, never another;
- another city (`kel.run.city_in_use`) is taken up between two records, each line going on from what
  it remembers.
"""

import asyncio
import logging
import os
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from socket import gethostname
from typing import Any

from aiokafka.errors import KafkaError
from psycopg import Connection

from kel.kafka import end_offsets, held
from kel.model.reading import Gauge, Output
from kel.run.city_in_use import CityInUse
from kel.run.cityfiles import CityFiles
from kel.run.cityfolder import CityFolder
from kel.run.figures import Stand, WorkerFigures
from kel.run.gauges import EVERY_S, gauges
from kel.run.owned import Owned
from kel.run.partition import Line, devices_of
from kel.run.patient_store import PatientStore
from kel.run.watchdog import Look, Watchdog
from kel.settings import ClockKind, Settings
from kel.store.allowance import Allowance
from kel.store.connect import connect
from kel.store.latest import Latest
from kel.store.stream import Snapshot, StreamStore
from kel.topics import RAW

log = logging.getLogger("kel.worker")

MOST_ROWS = 20_000  # readings that wait for a commit, at the most
MOST_BYTES = 32 * 1024 * 1024
SNAPSHOTS = 3  # that go into one commit, at the most
KAFKA_S = 5.0  # how long Kafka may take to answer


class Worker:
    """The state of one worker process; the store is called in threads, one call at a time.

    `era` counts how often partitions were given up: what was under way before is then void.
    """

    def __init__(
        self,
        settings: Settings,
        files: CityFiles,
        kafka_id: str,
        app: Any,
        folder: CityFolder | None = None,
    ) -> None:
        """`app`: faust's, whose consumer says where Kafka begins, and goes back.
        `folder`: where `files` come from, or are used in place of."""
        self.figures = WorkerFigures()
        self._inuse = CityInUse(settings, files, folder)
        self._patient = PatientStore(lambda: connect(settings), self._opened, self.figures)
        self._app = app
        self._settings = settings
        self._kafka_id = kafka_id
        self._storing = asyncio.Lock()  # whoever holds it may use the store
        self._era = 0
        self._owned: dict[int, Owned] = {}
        self._earliest: dict[Any, int] = {}  # by faust's TP
        self._ends: dict[int, int] = {}  # by partition
        self._latest = Latest()
        self._allowance = Allowance()
        self._told = 0.0  # when this worker last said how it is
        self._name = f"{gethostname()}-{os.getpid()}"
        self._store: StreamStore

    def _opened(self, connection: Connection) -> None:
        self._inuse.number(connection)
        self._store = StreamStore(connection, RAW, self._kafka_id, self._latest, self._allowance)

    async def keep_rulebook(self) -> None:
        """Keep the rulebook's text in the store: alerts name its version."""
        async with self._storing:
            await self._patient.do(self._inuse.begin)

    async def take(self, event: Any) -> None:
        """One record: through the line; its effects wait for the next commit."""
        era, partition, offset = self._era, event.message.partition, event.message.offset
        owned = self._owned.get(partition)
        if owned is None:
            owned = await self._take_up(event.message.tp, offset)
            if era != self._era:
                return  # given up meanwhile: whoever has it now gets this record, too
            self._owned[partition] = owned
        if owned.early(offset):
            return
        written = round(event.message.timestamp * 1e3) * 1000
        stored = owned.process(offset, event.value or b"", written)
        if stored is not None:
            self._latest.add(stored)
        owned.keep(offset, event)
        self._note(owned)
        if self._much_waits():
            await self.commit()

    def _much_waits(self) -> bool:
        owned = self._owned.values()
        return sum(o.rows for o in owned) > MOST_ROWS or sum(o.bytes for o in owned) > MOST_BYTES

    async def commit(self) -> None:
        """Store what waits, and the snapshots that are due."""
        async with self._storing:
            before = time.monotonic() - self._settings.snapshot_s
            due = [o for o in self._owned.values() if o.unacknowledged and o.snapshot_at < before]
            await self._commit(sorted(due, key=lambda o: o.snapshot_at)[:SNAPSHOTS])
        self.figures.turn = time.time()

    async def give_up(self) -> None:
        """Partitions are revoked: store what is done and where each stands, then forget them."""
        self._era += 1
        async with self._storing:
            await self._commit([o for o in self._owned.values() if o.unacknowledged])
            self._owned.clear()
            self._earliest.clear()
            self._ends.clear()
            self.figures.partitions.clear()

    async def _take_up(self, tp: Any, offset: int) -> Owned:
        """Own a partition, and let Kafka go back where the store is behind what it gives.

        That is so after the store was restored from a backup: Kafka's own mark is further on.
        """
        async with self._storing:
            snapshot = await self._patient.do(lambda _: self._store.snapshot(tp.partition))
            usual = offset <= (snapshot[0] if snapshot else 0)
            earliest = 0 if usual else await self._earliest_of(tp)
            owned = await self._patient.do(lambda _: self._own(tp.partition, earliest))
            await self._must_reach(tp.partition, owned.stored)
            if offset > owned.expected:
                log.warning(
                    "partition %d: back from %d to %d", tp.partition, offset, owned.expected
                )
                owned.going_back = True
                # faust takes what it is told for the last record that was read
                await self._app.consumer.seek(tp, max(owned.expected - 1, 0))
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
        line = self._line(partition)
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

    async def _commit(self, kept: Iterable[Owned]) -> None:
        """Store what waits, with snapshots of these. Needs the store."""
        snapshots = [s for s in (o.snapshot() for o in kept) if s]
        outputs = [o for o in (each.release() for each in self._owned.values()) if o]
        if not (outputs or snapshots or self._latest.due):
            return
        began = time.monotonic()
        if outputs and began - self._told >= EVERY_S:
            self._told = began
            outputs[0].gauges += self._gauges(began)
        fates = await self._store_outputs(outputs, snapshots)
        self.figures.note(outputs, fates, time.monotonic() - began)
        for output in outputs:
            if output.partition in self._owned:
                self._owned[output.partition].stored = output.next
        for snapshot in snapshots:
            if snapshot.partition in self._owned:
                self._owned[snapshot.partition].acknowledge(snapshot.next)
        for each in self._owned.values():
            self._note(each)

    async def _store_outputs(
        self, outputs: Sequence[Output], snapshots: Sequence[Snapshot]
    ) -> Counter[str]:
        """The same transaction until it is in, however often the store goes away."""
        tried = False

        def commit(_: Connection) -> Counter[str]:
            nonlocal tried
            left = self._not_yet_stored(outputs) if tried else outputs
            tried = True
            return self._store.commit(left, snapshots)

        return await self._patient.do(commit)

    def _not_yet_stored(self, outputs: Sequence[Output]) -> list[Output]:
        """Those whose commit did not go through, after a commit with an unknown outcome."""
        progress = self._store.progress([o.partition for o in outputs])
        left = [o for o in outputs if progress[o.partition].next != o.next]
        for output in outputs:
            if output not in left:
                self._latest.add(output)
        return left

    def _gauges(self, clock_s: float) -> Iterable[Gauge]:
        """What this worker says of itself, and of the bridges; in a story nothing."""
        if self._settings.clock is ClockKind.STORY:
            return ()
        bridges: Counter[str] = Counter()
        for owned in self._owned.values():
            bridges |= Counter(owned.line.ticks)  # the later one of each
        kept = self._inuse.folder.kept
        loaded = kept.at if kept else None
        return gauges(self.figures, bridges, self._name, time.time(), clock_s, loaded)

    def _note(self, owned: Owned) -> Stand:
        stand = self.figures.partitions.setdefault(owned.line.number, Stand(0, 0))
        stand.processed, stand.stored = owned.expected, owned.stored
        return stand

    # what is looked at every few seconds

    async def look(self, dog: Watchdog) -> str | None:
        """Why this worker must be started again, or None."""
        try:
            found = await asyncio.wait_for(held(self._settings), KAFKA_S)
        except (KafkaError, TimeoutError, OSError) as error:
            log.warning("Kafka does not say how far it is (%r)", error)
            return None
        assigned = {tp.partition for tp in self._app.consumer.assignment() if tp.topic == RAW}
        looks = {}
        for partition in assigned & found.keys():
            owned, end = self._owned.get(partition), found[partition][1]
            if owned is None:
                looks[partition] = Look(None, end, None)
            else:
                looks[partition] = Look(owned.expected, end, owned.stored)
                self._note(owned).end = end
        return dog.look(time.monotonic(), looks, store_away=self.figures.store_away)

    async def follow_city(self) -> None:
        """Take up the city's folder where another state of it was loaded (`kel load`)."""
        async with self._storing:
            anew = await self._patient.do(self._inuse.anew)
            if anew is None:
                return
            self._inuse.take(anew)
            for number, owned in self._owned.items():
                line = self._line(number)
                line.load(owned.line.state())
                owned.line = line
        log.info("the city's folder as it was loaded last is taken up")

    def _line(self, number: int) -> Line:
        city = self._inuse.city
        devices = devices_of(city, number, self._settings.partitions)
        return Line(number, city, self._inuse.files.rulebook, devices)
