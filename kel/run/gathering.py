"""Gathering: messages by partition, in their order, until they are a record. Pure.

Laws: every message goes into one record of its group's partition, in the order of its coming; a
record holds messages of one arrival and, with room to spare, no more than Kafka takes.
"""

from collections.abc import Callable, Sequence

from kel.records import pack
from kel.topics import partition_of, text_of

LARGEST = 512 * 1024  # bytes of a record, below Kafka's 1 MiB with room to spare
HEAD = 128  # bytes of a record beside its messages, at the most
OVERHEAD = 10  # bytes of a message beside its topic and payload, at the most
MOST_TOPICS = 65_536  # remembered
LONGEST_TOPIC = 512  # bytes, of one that is remembered

Route = tuple[int, str, int]  # partition, topic as text, bytes that it takes in a record


class Routes(dict[bytes, Route]):
    """Where a topic goes, remembered for its next message; bounded, all forgotten when full."""

    def __init__(self, group_of: Callable[[str], str], partitions: int) -> None:
        super().__init__()
        self._group_of = group_of
        self._partitions = partitions

    def __missing__(self, topic: bytes) -> Route:
        text = text_of(topic)
        partition = partition_of(self._group_of(text), self._partitions)
        route = partition, text, len(text.encode()) + OVERHEAD
        if len(topic) <= LONGEST_TOPIC:
            if len(self) >= MOST_TOPICS:
                self.clear()
            self[topic] = route
        return route


class Gathering:
    """Columns by partition, and the records that were made of them."""

    def __init__(self, group_of: Callable[[str], str], partitions: int, bridge: str) -> None:
        self._partitions = partitions
        self._bridge = bridge
        self._arrival = 0
        self._topics: list[list[str]] = [[] for _ in range(partitions)]
        self._payloads: list[list[bytes]] = [[] for _ in range(partitions)]
        self._sizes = [HEAD] * partitions
        self._records: list[tuple[int, bytes]] = []
        self.route_by(group_of)

    def route_by(self, group_of: Callable[[str], str]) -> None:
        """From now on messages go where this says; it is asked once a topic."""
        self._routes = Routes(group_of, self._partitions)

    def put(self, topics: Sequence[bytes], payloads: Sequence[bytes], arrival: int) -> None:
        """Messages that arrived at that time (µs), columns of one length."""
        if arrival != self._arrival:
            self._close()
            self._arrival = arrival
        routes, sizes = self._routes, self._sizes
        all_topics, all_payloads = self._topics, self._payloads
        for raw, payload in zip(topics, payloads, strict=True):
            partition, topic, size = routes[raw]
            size += len(payload)
            if sizes[partition] + size > LARGEST and all_topics[partition]:
                self._finish(partition, None)
            sizes[partition] += size
            all_topics[partition].append(topic)
            all_payloads[partition].append(payload)

    def tick(self, now: int) -> None:
        """End every partition's record with the time that has come."""
        for partition in range(self._partitions):
            self._finish(partition, now)

    def take(self) -> list[tuple[int, bytes]]:
        """All records, each with its partition, in the order they must be written."""
        self._close()
        records, self._records = self._records, []
        return records

    def _close(self) -> None:
        for partition, topics in enumerate(self._topics):
            if topics:
                self._finish(partition, None)

    def _finish(self, partition: int, tick: int | None) -> None:
        topics, payloads = self._topics[partition], self._payloads[partition]
        arrival = self._arrival if topics else None
        self._records.append((partition, pack(self._bridge, tick, arrival, topics, payloads)))
        self._topics[partition], self._payloads[partition] = [], []
        self._sizes[partition] = HEAD
