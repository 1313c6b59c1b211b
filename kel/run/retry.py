"""Refused messages given to the stream once more, after a mapping or the registry was corrected.

Laws:
- they run through the same decoders, rules and guards as any message: the same bytes, topic and
  arrival, in a batch of no bridge and without a tick, in the partition that the city as it is now
  gives them;
- a message whose whole bytes are not there, that is no MQTT message, or that says something only in
  its place among others, is left alone, with the reason told (`obstacle`);
- Sparkplug's are left alone too, but their edge nodes in the city are asked for a rebirth, at most
  once a minute: its births bring the values of now;
- doing it twice changes nothing: what was taken is gone from the rejects, what was refused again
  stands there as before.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from uuid import UUID

from psycopg import Connection

from ingest.cameras import TOPICS as CAMERAS
from ingest.decoders.sparkplug import edge_nodes, node_of, rebirth_command
from ingest.registry import Registry
from ingest.route import Router
from ingest.validate import Reason
from kel.kafka import ensure_topic, write
from kel.model.city import City
from kel.model.message import Batch, Message
from kel.model.moment import to_us
from kel.model.reading import Rebirth
from kel.records import encode
from kel.settings import Settings
from kel.store import retries
from kel.store.registry import stream_now
from kel.store.retries import Like, Stored
from kel.topics import partition_of

AT_ONCE = 1000  # rejects that are marked and written together
LARGEST = 512 * 1024  # bytes of messages in one record, below Kafka's 1 MiB with room to spare
OVERHEAD = 32  # bytes of a message in a record beside its topic and payload, at the most
KAFKA_S = 15.0  # how long Kafka is waited for

CUT = "its bytes were cut at 64 KiB"
NO_MESSAGE = "it is no message of a device"
OF_CAMERA = "of a camera's message no byte is kept, as it may name persons and plates"
IN_ORDER = "Sparkplug says something in its order only: its edge node is asked for a rebirth"
REBORN = "a rebirth was asked for: its birth brings the values of now"
NO_NODE = "no device of the city is behind its Sparkplug edge node"
HAS_VALUE = "its moment has another value already"

SPARKPLUG = "spBv1.0/"

Record = tuple[int, Batch, list[UUID]]  # partition, messages, the rejects that they are


@dataclass(slots=True)
class Retried:
    """What came of it. `ids`: what was written to Kafka; `left`: how many were not, by obstacle;
    `nodes`: Sparkplug edge nodes (`group/node`) that were asked for a rebirth; `partly`: taken, but
    for a part of them, for which they stay among the rejects."""

    ids: list[UUID] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)
    nodes: set[str] = field(default_factory=set)
    marks: list[datetime] = field(default_factory=list)
    taken: int = 0
    refused: int = 0
    partly: int = 0
    waiting: int = 0


def obstacle(reject: Stored) -> str | None:
    """Why a reject cannot be given to the stream again, or None."""
    if reject.topic.startswith(CAMERAS):
        return OF_CAMERA
    if reject.topic.startswith(SPARKPLUG):
        return IN_ORDER
    if len(reject.payload) < reject.size:
        return CUT
    if reject.reason == Reason.CONTRADICTION:
        return HAS_VALUE
    if reject.reason == Reason.BAD_RECORD or reject.reason not in frozenset(Reason):
        return NO_MESSAGE
    return None


def look(connection: Connection, like: Like) -> Retried:
    """What a retry would write, and what it would leave."""
    found = Retried()
    for some in retries.in_order(connection, like, AT_ONCE):
        found.ids += [reject.id for reject in _sift(some, found)]
    return found


def retry(settings: Settings, connection: Connection, city: City, like: Like) -> Retried:
    """Write the rejects to Kafka and mark them. Raises ConnectionError where there is no Kafka."""
    retries.forget_taken(connection)
    found = Retried()
    registry = Registry.of(city)
    group_of = Router(registry).group
    nodes = edge_nodes(registry)
    topic_id = ""
    for some in retries.in_order(connection, like, AT_ONCE):
        wanted = _sift(some, found, nodes)
        if not wanted:
            continue
        topic_id = topic_id or asyncio.run(ensure_topic(settings, KAFKA_S))
        at = datetime.now(UTC)
        ours = retries.mark_retried(connection, [r.id for r in wanted], at)
        wanted = [r for r in wanted if r.id in ours]
        found.marks.append(at)
        found.ids += [r.id for r in wanted]
        records = list(records_of(wanted, lambda t: partition_of(group_of(t), settings.partitions)))
        offsets = asyncio.run(write(settings, [(p, encode(batch)) for p, batch, _ in records]))
        places = {
            id_: (partition, offset)
            for (partition, _, of), offset in zip(records, offsets, strict=True)
            for id_ in of
        }
        retries.mark_written(connection, topic_id, places, at)
    _ask(connection, found.nodes)
    return found


def await_outcome(connection: Connection, retried: Retried, patience_s: float) -> Retried:
    """Wait until workers are past all that was written, or patience ends; fills in what came."""
    deadline = time.monotonic() + patience_s
    while True:
        retries.forget_taken(connection)
        retried.waiting = sum(retries.under_way(connection, at) for at in retried.marks)
        if not retried.waiting or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    retried.refused, retried.partly = retries.standing(connection, retried.ids)
    retried.taken = len(retried.ids) - retried.refused - retried.partly - retried.waiting
    return retried


def _sift(
    some: Sequence[Stored], found: Retried, nodes: frozenset[str] | None = None
) -> list[Stored]:
    """What can be given again; the rest is counted. `nodes`: that may be asked for a rebirth."""
    wanted = []
    for reject in some:
        why = obstacle(reject)
        if why == IN_ORDER and nodes is not None:
            node = node_of(reject.topic)
            if node in nodes:
                found.nodes.add(node)
            why = REBORN if node in nodes else NO_NODE
        if why:
            found.left[why] += 1
        else:
            wanted.append(reject)
    return wanted


def _ask(connection: Connection, nodes: set[str]) -> None:
    """Put a rebirth command for each of these edge nodes into the outbox: the desk sends it."""
    if not nodes:
        return
    told, live = stream_now(connection)
    at = to_us(datetime.now(UTC) if live else told)
    command = rebirth_command(at)
    retries.put_rebirths(connection, [Rebirth(node, at, command) for node in sorted(nodes)])


def records_of(
    rejects: Sequence[Stored], partition_of_topic: Callable[[str], int]
) -> Iterator[Record]:
    """Batches of one partition and one arrival, in the order given."""

    def place(reject: Stored) -> tuple[int, datetime]:
        return partition_of_topic(reject.topic), reject.arrival

    for (partition, arrival), group in groupby(sorted(rejects, key=place), key=place):
        open_: list[Stored] = []
        size = 0
        for reject in group:
            more = len(reject.payload) + len(reject.topic.encode()) + OVERHEAD
            if open_ and size + more > LARGEST:
                yield _record(partition, arrival, open_)
                open_, size = [], 0
            open_.append(reject)
            size += more
        yield _record(partition, arrival, open_)


def _record(partition: int, arrival: datetime, rejects: Sequence[Stored]) -> Record:
    at = to_us(arrival)
    messages = tuple(Message(r.topic, r.payload, at) for r in rejects)
    return partition, Batch(messages), [r.id for r in rejects]
