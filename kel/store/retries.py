"""Rejects as they are looked at, and given to the stream once more.

Laws:
- a reject that is retried is marked before Kafka gets it, and its place in Kafka is noted after;
- where it is refused again, its mark goes in the transaction that moves past that place. So a mark
  behind a worker's progress means that the message was taken, and its row is deleted;
- a partition that is begun anew (`kel doctor --forget-topic`) takes all marks with it: nothing
  counts as taken that may have been passed over.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from psycopg import Connection

from kel.model.ids import make_id
from kel.model.moment import MINUTE_US, from_us
from kel.model.reading import Rebirth
from kel.store.connect import query
from kel.topics import RAW

REBIRTH_FOR = timedelta(minutes=1)  # then the node may be asked again
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Like:
    """Which rejects are meant; None leaves it open. `id`: the beginning of one's id."""

    id: str | None = None
    reason: str | None = None
    device: str | None = None
    source: str | None = None
    address: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Rejects of one reason and sender: a device, else an address, else a topic.

    `kept` are stored with their bytes, of these `retried` are under way again; `count` is how many
    there were of a stranger, kept or not.
    """

    reason: str
    device: str | None
    source: str | None
    address: str | None
    topic: str | None
    kept: int
    first_at: datetime
    last_at: datetime
    retried: int
    example: UUID
    count: int | None


@dataclass(frozen=True, slots=True)
class Stored:
    """A reject as it stands in the table."""

    id: UUID
    arrival: datetime
    topic: str
    payload: bytes
    size: int
    reason: str
    detail: str
    device: str | None
    source: str | None
    address: str | None
    retried_at: datetime | None


@dataclass(frozen=True, slots=True)
class Totals:
    """All refused messages ever counted, those stored with their bytes, those of no draft."""

    counted: int
    kept: int
    nameless: int


def groups(connection: Connection, like: Like, most: int) -> list[Group]:
    """What was refused, the most frequent first."""
    rows = connection.execute(query("reject_groups"), {**asdict(like), "most": most}).fetchall()
    return [Group(*row) for row in rows]


def totals(connection: Connection) -> Totals:
    row = connection.execute(query("reject_totals")).fetchone()
    assert row is not None
    return Totals(row[0], row[1], row[2] or 0)


def stored(connection: Connection, like: Like, most: int) -> list[Stored]:
    """Rejects with their bytes, the newest first."""
    rows = connection.execute(query("rejects_like"), {**asdict(like), "most": most}).fetchall()
    return [Stored(*row) for row in rows]


def in_order(connection: Connection, like: Like, most: int) -> Iterator[list[Stored]]:
    """Rejects that no retry has under way, in order of arrival, so many at a time.

    One whose place in Kafka was never noted, since somebody's retry broke off, is among them after
    a minute: to take a message twice changes nothing.
    """
    after: tuple[datetime, UUID] = BEGINNING, UUID(int=0)
    while True:
        asked = {**asdict(like), "most": most, "arrival": after[0], "after": after[1]}
        rows = connection.execute(query("rejects_after"), asked).fetchall()
        if not rows:
            return
        found = [Stored(*row) for row in rows]
        after = found[-1].arrival, found[-1].id
        yield found


def mark_retried(connection: Connection, ids: Sequence[UUID], at: datetime) -> frozenset[UUID]:
    """These are about to be given to the stream again; those that nobody else has just marked."""
    rows = connection.execute(query("mark_retried"), [at, list(ids)]).fetchall()
    return frozenset(id_ for (id_,) in rows)


def mark_written(
    connection: Connection, topic_id: str, places: Mapping[UUID, tuple[int, int]], at: datetime
) -> None:
    """Where Kafka (`topic_id`: its id) has them: partition and offset."""
    partitions = [partition for partition, _ in places.values()]
    offsets = [offset for _, offset in places.values()]
    connection.execute(query("mark_written"), [topic_id, list(places), partitions, offsets, at])


def under_way(connection: Connection, at: datetime) -> int:
    """How many of the retry marked `at` no worker has come to yet."""
    row = connection.execute(query("retries_open"), [at]).fetchone()
    return int(row[0]) if row else 0


def standing(connection: Connection, ids: Sequence[UUID]) -> tuple[int, int]:
    """How many of these are there, refused whole; and how many for a part of them only."""
    row = connection.execute(query("rejects_standing"), [list(ids)]).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def forget_taken(connection: Connection) -> int:
    """Delete what was retried and taken: its effects are in the store. Returns how many."""
    return connection.execute(query("forget_taken"), [RAW]).rowcount


def put_rebirths(connection: Connection, rebirths: Iterable[Rebirth]) -> None:
    """Ask edge nodes to introduce themselves again; each once in a minute, however often it is
    wanted."""
    with connection.cursor() as cursor:
        cursor.executemany(query("put_rebirth"), [_command(rebirth) for rebirth in rebirths])


def _command(rebirth: Rebirth) -> tuple[object, ...]:
    group, node = rebirth.node.split("/", 1)
    id_ = make_id("rebirth wanted by hand", rebirth.node, rebirth.at // MINUTE_US)
    at = from_us(rebirth.at)
    return id_, f"spBv1.0/{group}/NCMD/{node}", rebirth.payload, at, at + REBIRTH_FOR
