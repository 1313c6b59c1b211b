"""What workers write: readings, alerts, requests, replies, rejects, and the offset they came from.

Laws:
- effects and offset move in one transaction, guarded by the offset that was there before: a
  second worker, a zombie or a replay changes nothing;
- readings go in by plain COPY; a batch that meets a row which is there already goes through a
  temporary table and merges;
- whatever the desk should see is put into its inbox in the same transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import orjson
from psycopg import Connection, Cursor, errors, sql
from psycopg.types.json import Jsonb

from kel.model.alert import Alert
from kel.model.device import DeviceClass
from kel.model.frame import Frame
from kel.model.moment import from_us, to_us
from kel.model.reading import Output
from kel.store.classes import table_of
from kel.store.columns import pack
from kel.store.connect import query
from kel.store.frames import join, newest, once
from kel.store.rows import evidence_json

CHANNEL = "kel_desk"
NEVER = np.iinfo(np.int64).min


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


class StreamStore:
    """The store as a worker sees it. One connection, used by one thread at a time."""

    def __init__(
        self, connection: Connection, classes: Mapping[str, DeviceClass], topic: str, topic_id: str
    ) -> None:
        self._connection = connection
        self._metrics = {c.id: tuple(m.name for m in c.metrics) for c in classes.values()}
        self._topic = topic
        self._topic_id = topic_id

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
        with self._connection.transaction():
            self._connection.execute(query("put_snapshot"), [self._topic, partition, next_, state])

    def keep_rulebook(self, version: str, source: str) -> None:
        """Keep the text of a rulebook: alerts name its version for ever."""
        self._connection.execute(query("put_rulebook"), [version, source])

    def commit(self, outputs: Sequence[Output]) -> None:
        """Store the effects of some partitions' records and move their offsets, all or nothing.

        Raises LostPartitionError where another worker has moved one of them.
        """
        with self._connection.transaction(), self._connection.cursor() as cursor:
            for output in outputs:
                self._move(cursor, output)
            self._readings(cursor, [f for o in outputs for f in o.frames])
            for output in outputs:
                put_effects(cursor, output)
            cursor.execute(f"NOTIFY {CHANNEL}")

    def _move(self, cursor: Cursor, output: Output) -> None:
        tick = None if output.tick is None else from_us(output.tick)
        where = [self._topic, output.partition, self._topic_id, output.first]
        cursor.execute(query("move_progress"), [output.next, tick, *where])
        if cursor.rowcount != 1:
            raise LostPartitionError(
                f"partition {output.partition} no longer stands at {output.first}"
            )

    def _readings(self, cursor: Cursor, frames: Sequence[Frame]) -> None:
        by_class: dict[str, list[Frame]] = {}
        for frame in frames:
            by_class.setdefault(frame.cls, []).append(frame)
        for cls, parts in by_class.items():
            frame = once(join(parts))
            copy_readings(cursor, frame, self._metrics[cls])
            _latest(cursor, frame)


def copy_readings(cursor: Cursor, frame: Frame, metrics: tuple[str, ...]) -> None:
    """Store a frame; rows that are there already are merged, equal ones change nothing."""
    table = sql.Identifier(table_of(frame.cls))
    columns = sql.SQL(", ").join(map(sql.Identifier, ("time", "arrival", "device", *metrics)))
    try:
        with cursor.connection.transaction():
            _copy(cursor, table, columns, pack(frame, metrics))
    except errors.UniqueViolation:
        _merge(cursor, table, columns, pack(once(frame), metrics), metrics)


def _copy(cursor: Cursor, table: sql.Composable, columns: sql.Composable, data: bytes) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(table, columns)
    with cursor.copy(statement) as copy:
        copy.write(data)


def _merge(
    cursor: Cursor,
    table: sql.Identifier,
    columns: sql.Composable,
    data: bytes,
    metrics: tuple[str, ...],
) -> None:
    """What is stored wins; a metric that was missing is filled in."""
    cursor.execute(
        sql.SQL("CREATE TEMP TABLE incoming (LIKE {} INCLUDING DEFAULTS) ON COMMIT DROP").format(
            table
        )
    )
    _copy(cursor, sql.Identifier("incoming"), columns, data)
    fill = sql.SQL(", ").join(
        sql.SQL("{m} = coalesce(stored.{m}, excluded.{m})").format(m=sql.Identifier(m))
        for m in metrics
    )
    cursor.execute(
        sql.SQL(
            "INSERT INTO {table} AS stored ({columns}) SELECT {columns} FROM incoming "
            "ON CONFLICT (device, time) DO UPDATE SET {fill}"
        ).format(table=table, columns=columns, fill=fill)
    )
    cursor.execute("DROP TABLE incoming")


def _latest(cursor: Cursor, frame: Frame) -> None:
    """The newest values of each device, for screens; what is older than stored is left out."""
    devices = np.unique(frame.device)
    rows = cursor.execute(query("latest_times"), [devices.tolist()]).fetchall()
    stored: dict[int, datetime] = dict(rows)
    floor = np.array([to_us(stored[d]) if d in stored else NEVER for d in devices.tolist()])
    frame = frame.take(frame.time >= floor[np.searchsorted(devices, frame.device)])
    if not len(frame):
        return
    last = newest(frame)
    metrics = {name: column.tolist() for name, column in last.metrics.items()}
    values = [
        orjson.dumps({m: v for m, v in zip(metrics, row, strict=True) if v == v}).decode()
        for row in zip(*metrics.values(), strict=True)
    ]
    cursor.execute(
        query("put_latest"),
        [
            last.device.tolist(),
            [from_us(t) for t in last.time.tolist()],
            [from_us(t) for t in last.arrival.tolist()],
            values,
        ],
    )


def put_effects(cursor: Cursor, output: Output) -> None:
    """Write all but the readings, within the caller's transaction."""
    _alerts(cursor, output.alerts)
    _many(
        cursor,
        "put_other",
        [(from_us(o.time), o.device, o.metric, o.value) for o in output.other],
    )
    _many(
        cursor,
        "put_request",
        [
            (r.id, r.at, r.arrival, r.community, r.category, r.text)
            + ((r.place.lat, r.place.lon) if r.place else (None, None))
            for r in output.requests
        ],
    )
    _many(cursor, "put_contact", [(c.request, c.name, c.phone) for c in output.contacts])
    _many(
        cursor,
        "put_reply",
        [
            (r.id, r.order, r.crew, r.action, r.at, r.arrival)
            + (Jsonb([[m.item, str(m.quantity)] for m in r.used]), r.km, r.note)
            for r in output.replies
        ],
    )
    put_rejects(cursor, output.rejects)
    at = output.arrival if output.tick is None else output.tick
    day = None if at is None else from_us(at)
    _many(cursor, "count_dropped", [(day, r, n) for r, n in sorted(output.dropped.items())])
    _many(
        cursor,
        "put_online",
        [(s.online, from_us(s.at), s.device, from_us(s.at)) for s in output.statuses],
    )
    _many(cursor, "put_inbox", [("request", r.id, r.arrival) for r in output.requests])
    _many(cursor, "put_inbox", [("reply", r.id, r.arrival) for r in output.replies])


def _alerts(cursor: Cursor, alerts: Sequence[Alert]) -> None:
    _many(
        cursor,
        "put_alert",
        [
            (a.id, a.rule, a.rulebook, a.kind, a.device, a.category, int(a.severity))
            + (a.started_at, a.detected_at, a.cleared_at, a.cleared_why)
            + (a.community, a.zone, a.feeder, Jsonb(evidence_json(a.evidence)))
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


def put_rejects(cursor: Cursor, rejects: Iterable[Any]) -> None:
    """Store what was refused, with its bytes and the reason."""
    _many(
        cursor,
        "put_reject",
        [
            (r.id, r.arrival, r.topic, r.payload, r.size, r.reason, r.detail, r.device)
            for r in rejects
        ],
    )


def _many(cursor: Cursor, name: str, rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        cursor.executemany(query(name), rows)
