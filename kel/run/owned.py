"""A partition that a worker owns: its line, its place, and what is not committed yet."""

import logging
import time
from typing import Any

from kel.model.reading import Output
from kel.records import BadRecordError, decode
from kel.run.partition import Line
from kel.store.stream import Snapshot

log = logging.getLogger("kel.worker")


class Owned:
    """The line of one partition, between what Kafka gives and what the store has."""

    def __init__(self, line: Line, expected: int, stored: int) -> None:
        self.line = line
        self.expected = expected  # the next record that the line must see
        self.stored = stored  # effects below are in the store
        self.going_back = False  # Kafka was asked for earlier records than it gave
        self.pending: Output | None = None
        self.rows = self.bytes = 0  # of what is pending: readings, messages or records
        self.unacknowledged: list[tuple[int, Any]] = []
        self.snapshot_at = time.monotonic()

    def process(self, offset: int, record: bytes, written: int) -> Output | None:
        """Take the record that Kafka got at `written` (µs) through the line, in its turn.

        Returns its effects where they are stored already. Raises LookupError where a record is
        missing before it; `going_back` tells that Kafka was asked for it.
        """
        if offset > self.expected:
            raise LookupError(
                f"partition {self.line.number}: record {self.expected} is missing, Kafka gave "
                f"{offset}: something else writes to the topic, or deletes from it"
            )
        self.going_back = False
        if offset < self.expected:
            return None
        try:
            output = self.line.process(offset, decode(record))
        except BadRecordError as why:
            log.warning("partition %d, record %d: %s", self.line.number, offset, why)
            output = self.line.refused(offset, record, written, str(why))
        self.expected = offset + 1
        if offset < self.stored:
            return output
        self.rows += max(output.rows, output.messages, 1)
        self.bytes += output.bytes
        if self.pending is None:
            self.pending = output
        else:
            self.pending.add(output)
        return None

    def release(self) -> Output | None:
        """What is pending; what comes from now on is for the next commit."""
        output, self.pending, self.rows, self.bytes = self.pending, None, 0, 0
        return output

    def early(self, offset: int) -> bool:
        """Whether it is not this record's turn yet: Kafka was asked to go back, and will."""
        return self.going_back and offset > self.expected

    def keep(self, offset: int, event: Any) -> None:
        """Acknowledge it once it lies below a snapshot; its bytes are not needed until then."""
        event.value = event.message.value = None
        self.unacknowledged.append((offset, event))

    def snapshot(self) -> Snapshot | None:
        """What the line remembers now; nothing while it runs through what was stored before."""
        if self.expected < self.stored:
            return None
        return Snapshot(self.line.number, self.expected, self.line.state())

    def acknowledge(self, below: int) -> None:
        """A snapshot before the record `below` is kept: Kafka may forget those before it."""
        kept = []
        for offset, event in self.unacknowledged:
            if offset < below:
                event.ack()
            else:
                kept.append((offset, event))
        self.unacknowledged = kept
        self.snapshot_at = time.monotonic()
