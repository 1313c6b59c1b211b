"""What workers write: readings, alerts, requests, replies, rejects, and the offset they came from.

Laws:
- effects and offset move in one transaction, guarded by the offset that was there before: a
  second worker, a zombie or a replay changes nothing;
- readings go in by plain COPY; those that may be stored already are merged, and what became of
  them is told (`kel.store.doubted`);
- a snapshot goes in with the effects of all records before it, never ahead of them;
- whatever the desk should see is put into its inbox in the same transaction.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from psycopg import Connection, Cursor, errors, sql
from psycopg.types.json import Jsonb

from kel.model.alert import Alert
from kel.model.frame import Frame, join
from kel.model.ids import make_id
from kel.model.moment import from_us
from kel.model.reading import Doubted, OtherReading, Output, Rebirth, Status
from kel.store.allowance import Allowance
from kel.store.classes import table_of
from kel.store.columns import pack
from kel.store.connect import query
from kel.store.doubted import Fates, merge
from kel.store.health import put_gauges
from kel.store.latest import Columns, Latest, columns_of, put_latest
from kel.store.rejects import put_rejects
from kel.store.rows import evidence_json

CHANNEL = "kel_desk"
REBIRTH_FOR = timedelta(minutes=1)  # a node that is not reached by then is asked again


class LostPartitionError(RuntimeError):
    """Somebody else has moved this partition on: drop its state and start from the store's."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a partition stands: effects below `next` are stored, time has come to `tick`.

    `topic_id` is the id of the Kafka cluster that holds the topic.
    """

    topic_id: str
    next: int
    tick: datetime | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a partition's line remembers before the record `next`."""

    partition: int
    next: int
    state: bytes


class StreamStore:
    """The store as a worker sees it. One connection, used by one thread at a time.

    `latest` and `allowance` outlive it where the connection has to be made anew.
    """

    def __init__(
        self,
        connection: Connection,
        topic: str,
        topic_id: str,
        latest: Latest | None = None,
        allowance: Allowance | None = None,
    ) -> None:
        self._connection = connection
        self._topic = topic
        self._topic_id = topic_id
        self._latest = Latest() if latest is None else latest
        self._allowance = Allowance() if allowance is None else allowance

    def progress(self, partitions: Iterable[int], first: int = 0) -> dict[int, Progress]:
        """Where these partitions stand; one that nobody worked on yet starts at `first`.

        Raises LookupError where Kafka is not the cluster that the store has followed.
        """
        with self._connection.transaction():  # a wrong Kafka leaves no trace: no partition is begun
            for partition in partitions:
                self._connection.execute(
                    query("start_progress"), [self._topic, partition, self._topic_id, first]
                )
            rows = self._connection.execute(query("progress"), [self._topic]).fetchall()
            stood = {p: Progress(topic_id, next_, tick) for p, topic_id, next_, tick in rows}
            for partition, progress in stood.items():
                if progress.topic_id != self._topic_id:
                    raise LookupError(
                        f"Kafka was made anew: the store has followed {self._topic} of another "
                        f"one to {progress.next} in partition {partition}. If its records "
                        "are lost on purpose, run `kel doctor --forget-topic`"
                    )
        return {p: stood[p] for p in partitions}

    def snapshot(self, partition: int) -> tuple[int, bytes] | None:
        """The last kept state of rules and decoders, and the offset it stands before."""
        row = self._connection.execute(query("snapshot"), [self._topic, partition]).fetchone()
        return (row[0], bytes(row[1])) if row else None

    def keep_snapshot(self, partition: int, next_: int, state: bytes) -> None:
        self.commit([], [Snapshot(partition, next_, state)])

    def commit(self, outputs: Sequence[Output], snapshots: Sequence[Snapshot] = ()) -> Counter[str]:
        """Store the effects of some partitions' records and move their offsets, all or nothing.

        A snapshot must stand where its partition's effects end. Returns how many rows were late,
        duplicates and contradictions. Raises LostPartitionError where another worker has moved a
        partition.
        """
        with self._connection.transaction(), self._connection.cursor() as cursor:
            self._move(cursor, outputs)
            found = self._readings(cursor, outputs)
            fates = put_effects(cursor, *outputs, fates=found, allowance=self._allowance)
            newest = self._latest.take(at_once=bool(snapshots))
            for frame in newest:
                put_latest(cursor, frame)
            for s in snapshots:
                cursor.execute(query("put_snapshot"), [self._topic, s.partition, s.next, s.state])
            if any(o.tick is not None for o in outputs):
                cursor.execute(f"NOTIFY {CHANNEL}")
        if newest:
            self._latest.written()
        return fates

    def _move(self, cursor: Cursor, outputs: Sequence[Output]) -> None:
        if not outputs:
            return
        ticks = [None if o.tick is None else from_us(o.tick) for o in outputs]
        columns = [[o.partition for o in outputs], [o.first for o in outputs]]
        columns += [[o.next for o in outputs]]
        moved = cursor.execute(
            query("move_progress"), [*columns, ticks, self._topic, self._topic_id]
        ).fetchall()
        if len(moved) != len(outputs):
            lost = {o.partition: o.first for o in outputs}
            for (partition,) in moved:
                lost.pop(partition)
            told = ", ".join(f"partition {p} no longer stands at {n}" for p, n in lost.items())
            raise LostPartitionError(told)

    def _readings(self, cursor: Cursor, outputs: Sequence[Output]) -> Fates:
        fresh: dict[Columns, list[Frame]] = {}
        doubted: dict[Columns, list[Doubted]] = {}
        for output in outputs:
            for frame in output.frames:
                fresh.setdefault(columns_of(frame), []).append(frame)
                self._latest.put(frame)
            for doubt in output.doubted:
                doubted.setdefault(columns_of(doubt.frame), []).append(doubt)
        fates: Fates = Counter()
        for frames in fresh.values():
            fates += copy_readings(cursor, join(frames))
        for doubts in doubted.values():
            frame, late = join([d.frame for d in doubts]), np.concatenate([d.late for d in doubts])
            found, contradicts = merge(cursor, frame, late)
            fates += found
            newest = np.concatenate([d.newest for d in doubts])
            self._latest.put(frame.take(newest & ~contradicts))
        return fates


def copy_readings(cursor: Cursor, frame: Frame) -> Fates:
    """Store a frame; where rows of it are there already, all of it is merged.

    Returns how many of them were duplicates and contradictions.
    """
    table = sql.Identifier(table_of(frame.cls))
    columns = sql.SQL(", ").join(map(sql.Identifier, ("time", "arrival", "device", *frame.metrics)))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(table, columns)
    try:
        with cursor.connection.transaction(), cursor.copy(statement) as copy:
            copy.write(pack(frame))
    except errors.UniqueViolation:
        return merge(cursor, frame, np.zeros(len(frame), np.bool_))[0]
    return Counter()


def put_effects(
    cursor: Cursor,
    *outputs: Output,
    fates: Fates | None = None,
    allowance: Allowance | None = None,
) -> Counter[str]:
    """Write all but the readings, within the caller's transaction, and count what became of those.

    Returns how many readings had which fate, with the numbers that no class declares.
    """
    requests = [r for o in outputs for r in o.requests]
    replies = [r for o in outputs for r in o.replies]
    _alerts(cursor, [a for o in outputs for a in o.alerts])
    others = _others(cursor, [r for o in outputs for r in o.other])
    _many(
        cursor,
        "put_request",
        [
            (r.id, r.at, r.arrival, r.community, r.category, r.text)
            + ((r.place.lat, r.place.lon) if r.place else (None, None))
            for r in requests
        ],
    )
    contacts = [c for o in outputs for c in o.contacts]
    _many(cursor, "put_contact", [(c.request, c.name, c.phone) for c in contacts])
    _many(
        cursor,
        "put_reply",
        [
            (r.id, r.order, r.crew, r.action, r.at, r.arrival)
            + (Jsonb([[m.item, str(m.quantity)] for m in r.used]), r.km, r.note)
            for r in replies
        ],
    )
    put_rejects(cursor, [r for o in outputs for r in o.rejects], allowance)
    put_gauges(cursor, [g for o in outputs for g in o.gauges])
    _dropped(cursor, outputs, others, fates or Counter())
    _online(cursor, [s for o in outputs for s in o.statuses])
    _rebirths(cursor, [r for o in outputs for r in o.rebirths])
    _many(cursor, "put_inbox", [("request", r.id, r.arrival) for r in requests])
    _many(cursor, "put_inbox", [("reply", r.id, r.arrival) for r in replies])
    for (_, fate), count in (fates or {}).items():
        others[fate] += count
    return others


def _others(cursor: Cursor, others: Sequence[OtherReading]) -> Counter[str]:
    """Numbers that no class declares: what is stored first wins, and that is counted."""
    if not others:
        return Counter()
    rows = ((from_us(o.time), o.device, o.metric, o.value) for o in others)
    columns = [list(column) for column in zip(*rows, strict=True)]
    known = len(others) - cursor.execute(query("put_others"), columns).rowcount
    if not known:
        return Counter()
    (differ,) = cursor.execute(query("others_that_differ"), columns).fetchone() or (0,)
    return +Counter({"contradiction": differ, "duplicate": known - differ})


def _dropped(cursor: Cursor, outputs: Sequence[Output], others: Counter[str], fates: Fates) -> None:
    """Counted for the day of the data. All of it in one statement, in one order for all workers, so
    that their locks cannot cross."""
    counts: Counter[tuple[datetime | None, str]] = Counter()
    at = None
    for output in outputs:
        us = output.arrival if output.tick is None else output.tick
        at = None if us is None else from_us(us)
        for reason, count in output.dropped.items():
            counts[at, reason] += count
    for reason, count in others.items():
        counts[at, reason] += count
    for key, count in fates.items():
        counts[key] += count
    if counts:
        columns = zip(*((*key, count) for key, count in counts.items()), strict=True)
        cursor.execute(query("count_dropped"), [list(column) for column in columns])


def _online(cursor: Cursor, statuses: Sequence[Status]) -> None:
    """The last word of each device."""
    last: dict[str, Status] = {}
    for status in statuses:
        if status.device not in last or last[status.device].at <= status.at:
            last[status.device] = status
    if last:
        columns = zip(*((s.device, s.online, from_us(s.at)) for s in last.values()), strict=True)
        cursor.execute(query("put_online"), [list(column) for column in columns])


def _rebirths(cursor: Cursor, rebirths: Sequence[Rebirth]) -> None:
    rows = []
    for rebirth in rebirths:
        group, node = rebirth.node.split("/", 1)
        id_, at = make_id("rebirth", rebirth.node, rebirth.at), from_us(rebirth.at)
        topic = f"spBv1.0/{group}/NCMD/{node}"
        rows.append((id_, topic, rebirth.payload, at, at + REBIRTH_FOR))
    _many(cursor, "put_rebirth", rows)


def _alerts(cursor: Cursor, alerts: Sequence[Alert]) -> None:
    _many(
        cursor,
        "put_alert",
        [
            (a.id, a.rule, a.rulebook, a.kind, a.device, a.category, int(a.severity))
            + (a.started_at, a.detected_at, a.cleared_at, a.cleared_why)
            + (a.community, a.zone, a.feeder, Jsonb(evidence_json(a.evidence)), a.verify)
            for a in alerts
        ],
    )
    _many(
        cursor,
        "put_inbox",
        [
            ("cleared", a.id, a.cleared_at) if a.cleared_at else ("fired", a.id, a.detected_at)
            for a in alerts
        ],
    )


def _many(cursor: Cursor, name: str, rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        cursor.executemany(query(name), rows)
