"""What each process counts of itself since its start, for whoever asks (`kel.run.expose`)."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from kel.model.moment import SECOND_US
from kel.model.reading import Output
from kel.spread import Spread


@dataclass(slots=True)
class BridgeFigures:
    """A bridge's own figures since its start; what the metrics show."""

    messages: int = 0  # that Kafka has
    bytes: int = 0  # of records that Kafka has
    records: int = 0
    kafka_errors: int = 0
    waiting: int = 0  # messages that have come and were not taken up yet
    held_bytes: int = 0  # of messages that have come and are not acknowledged yet
    reconnects: int = 0
    caught_up: bool = False  # whether the broker has handed over what it kept
    acknowledged_at: float = 0.0  # Unix time, s, of the last PUBACKs; 0: none yet
    turn: float = field(
        default_factory=time.time
    )  # Unix time, s, of when it last went round its work


@dataclass(slots=True)
class Stand:
    """How far an owned partition is: offsets of the next record to process, to store, and that
    Kafka will get (as last asked; None: not yet)."""

    processed: int
    stored: int
    end: int | None = None


@dataclass(slots=True)
class WorkerFigures:
    """`turn`: when the worker last went round; times in seconds since 1970.

    newest, oldest: how long after its arrival the last and the first message of a commit were in
    the store, on the machine's clock (meaningless where a story's clock is the time).
    """

    turn: float = field(default_factory=time.time)
    records: int = 0
    messages: int = 0
    rows: int = 0  # readings
    alerts: int = 0  # fired or cleared
    rejects: Counter[str] = field(default_factory=Counter)  # by reason
    dropped: Counter[str] = field(default_factory=Counter)  # by reason; late, duplicate, …
    commits: int = 0
    commit_s: Spread = field(default_factory=Spread)
    newest_s: Spread = field(default_factory=Spread)
    oldest_s: Spread = field(default_factory=Spread)
    committed_at: float | None = None
    store_away: bool = False
    partitions: dict[int, Stand] = field(default_factory=dict)

    def note(self, outputs: Sequence[Output], fates: Counter[str], took_s: float) -> None:
        """These effects are in the store, after a commit of `took_s`."""
        now, clock = time.time(), time.monotonic()
        self.commits += 1
        self.commit_s.add(took_s, clock)
        self.committed_at = now
        self.dropped += fates
        for output in outputs:
            self.records += output.next - output.first
            self.messages += output.messages
            self.rows += sum(map(len, output.frames)) + sum(len(d.frame) for d in output.doubted)
            self.alerts += len(output.alerts)
            self.rejects.update(r.reason for r in output.rejects)
            self.dropped += output.dropped
        first = [o.arrival for o in outputs if o.arrival is not None]
        last = [o.last_arrival for o in outputs if o.last_arrival is not None]
        if first and last:
            self.oldest_s.add(max(now - min(first) / SECOND_US, 0.0), clock)
            self.newest_s.add(max(now - max(last) / SECOND_US, 0.0), clock)


@dataclass(slots=True)
class DeskFigures:
    """What a desk counts of itself. `turn`: when it last went round (s since 1970)."""

    leads: bool = False
    turn: float = field(default_factory=time.time)
    inputs: int = 0  # decided
    failed: int = 0  # set aside
    sent: int = 0  # messages that the broker has
    unsent: int = 0  # that waited when it last looked, 100 at the most
    decisions: Spread = field(default_factory=Spread)  # how long each took
