"""From publish to committed row: how long a reading takes that nobody hurries.

`python -m benchmarks.ingest_latency [MESSAGES_PER_S] [SECONDS]` (2,000; 30): 1,000 lamps in turn,
at an even pace, through bridge, Kafka and worker, with the rules on. A reading's time is its moment
of publishing (whole ms, cut off, which adds up to 1 ms), its `hours` its number. Another connection
asks every 2 ms how far the partitions stand, which moves in the transaction that the rows are in.
When it has moved, the rows that nobody saw yet are read, and the moment after that read is when
they were visible. So each figure is an upper bound, too large by the asking and the reading.

Fields: p50_ms, p99_ms, max_ms; messages, missing, rate (reached, messages a second), asked_ms (the
median of a read), bridge_rss_mb, worker_rss_mb. Goals: p50 ≤ 250 ms, p99 ≤ 1 s.
"""

import argparse
import json
from time import monotonic, sleep, time

import numpy as np
from psycopg import Connection

from benchmarks.bench import PATIENCE_S, fresh_stack, publisher, written_city
from benchmarks.contenders import kel
from benchmarks.measure import Peaks, middle, until

LOOK_S = 0.002
AFTER_S = 20.0  # of patience, once all is published
STAND = "SELECT sum(next) FROM progress"


class Seen:
    """When each number's row was first seen, after it was said (s)."""

    def __init__(self, connection: Connection, count: int, began: float) -> None:
        self._connection = connection
        self._began = began
        self.after = np.full(count, np.nan)
        self.said = np.zeros(count)
        self._first = 0  # all below are seen
        self.asked: list[float] = []

    def look(self) -> None:
        since = self._began if not self._first else self.said[self._first - 1] - 0.005
        asked = monotonic()
        rows = self._connection.execute(
            "SELECT hours, extract(epoch FROM time)::float8 FROM reading_lamp "
            "WHERE time >= to_timestamp(%s)",
            [max(since, self._began)],
        ).fetchall()
        now = time()
        self.asked.append(monotonic() - asked)
        found = np.array(rows, dtype=float).reshape(-1, 2)
        numbers = found[:, 0].astype(int)
        new = np.isnan(self.after[numbers])
        self.said[numbers[new]] = found[new, 1]
        self.after[numbers[new]] = now - found[new, 1]
        waiting = np.flatnonzero(np.isnan(self.after))
        self._first = int(waiting[0]) if len(waiting) else len(self.after)

    @property
    def missing(self) -> int:
        return int(np.isnan(self.after).sum())


def measure(rate: float, seconds: float) -> dict[str, object]:
    count = round(rate * seconds)
    with (
        written_city() as city,
        fresh_stack(city) as stack,
        kel(stack, city) as running,
        publisher(stack, city, count, rate=rate) as said,
    ):
        connection = running.connection
        ticks = "SELECT count(tick) FROM progress"
        until(lambda: connection.execute(ticks).fetchone() == (12,), PATIENCE_S)
        seen = Seen(connection, count, time() - 0.002)
        said.go()
        stood = None
        patience = monotonic() + seconds + AFTER_S
        while seen.missing and monotonic() < patience:
            stand = connection.execute(STAND).fetchone()
            if stand != stood:
                stood = stand
                seen.look()
            sleep(LOOK_S)
        began, ended = said.times()
        peaks = Peaks()
        for part in ("bridge", "worker"):
            peaks.look(part, running.pids[part])
    ms = seen.after[~np.isnan(seen.after)] * 1000
    return {
        **{f"p{p}_ms": round(float(np.percentile(ms, p)), 1) for p in (50, 99)},
        "max_ms": round(float(ms.max()), 1),
        "messages": count,
        "missing": seen.missing,
        "rate": round(count / (ended - began)),
        "asked_ms": round((middle(seen.asked) or 0.0) * 1000, 1),
        "bridge_rss_mb": peaks.of("bridge"),
        "worker_rss_mb": peaks.of("worker"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.ingest_latency")
    parser.add_argument("rate", nargs="?", type=float, default=2_000.0)
    parser.add_argument("seconds", nargs="?", type=float, default=30.0)
    options = parser.parse_args()
    print(json.dumps(measure(options.rate, options.seconds)))


if __name__ == "__main__":
    main()
