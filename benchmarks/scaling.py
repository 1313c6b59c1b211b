"""The line's two halves by themselves: to Kafka, and from Kafka to rows with so many workers.

`python -m benchmarks.scaling [MESSAGES] [--workers N]` (200,000; 1): all is up and warm, then the
workers are held (SIGSTOP) while 1,000 lamps publish as fast as the broker takes it. That half lasts
until Kafka's files grow by ticks only. Then the workers are let go, and the second half lasts until
the last row is committed. On a machine with few cores the processes of a half still share them; its
processor time a message says what it would take alone.

Fields: messages, workers, to_kafka_msg_per_s, to_rows_msg_per_s, missing; cpu_us (µs a message, by
half and process), kafka_bytes and table_bytes (a message, with indexes), bridge_rss_mb,
worker_rss_mb (of the largest), cores.
"""

import argparse
import json
import os
import signal
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from time import monotonic, sleep

from benchmarks.bench import PATIENCE_S, City, fresh_stack, publisher, written_city
from benchmarks.contenders import Running, kel
from benchmarks.measure import Peaks, cpu_s, until
from benchmarks.pipeline import Rows, warm_up
from benchmarks.publisher import EVERY_MS
from kel.stack.stack import Stack

LOOK_S = 0.05
LITTLE = 8192  # bytes that ticks and the broker's own figures come to between two looks, at most
QUIET_S = 1.0
HELD = {"KEL_SESSION_S": "80", "KEL_STALL_S": "300"}  # so that nobody takes the held for dead


def measure(city: City, stack: Stack, running: Running, count: int) -> dict[str, object]:
    rows = Rows(running.connection, running.table)
    warm_up(stack, city, rows, running, count)
    workers = running.pids["worker"]
    before_bytes = _logs(stack)
    with publisher(stack, city, count) as said:
        _signal(workers, signal.SIGSTOP)
        used = _used(running)
        said.go()
        ended = _until_quiet(partial(_logs, stack))
        began, _ = said.times()
    to_kafka = ended - began
    cpu_front = _spent(running, used, count)
    kafka_bytes = _logs(stack) - before_bytes
    used, began = _used(running), monotonic()
    _signal(workers, signal.SIGCONT)
    last = (count - 1) % len(city.lamps) + 1
    until(lambda: rows.since(said.last_ms) >= last, PATIENCE_S)
    to_rows = monotonic() - began
    first_ms = said.last_ms - (count - 1) // len(city.lamps) * EVERY_MS
    peaks = Peaks()
    for part in ("bridge", "worker"):
        peaks.look(part, running.pids[part])
    return {
        "messages": count,
        "workers": len(workers),
        "to_kafka_msg_per_s": round(count / to_kafka),
        "to_rows_msg_per_s": round(count / to_rows),
        "missing": count - rows.since(first_ms, "DISTINCT hours"),
        "cpu_us": {"to_kafka": cpu_front, "to_rows": _spent(running, used, count)},
        "kafka_bytes": round(kafka_bytes / count, 1),
        "table_bytes": round(_table_bytes(running) / (count + len(city.lamps)), 1),
        "bridge_rss_mb": peaks.of("bridge"),
        "worker_rss_mb": peaks.of("worker"),
        "cores": os.cpu_count(),
    }


def _until_quiet(size: Callable[[], int]) -> float:
    """When it last grew by more than ticks and the broker's own figures do."""
    ended, stood = monotonic(), size()
    while monotonic() < ended + QUIET_S:
        sleep(LOOK_S)
        if (now := size()) > stood + LITTLE:
            ended = monotonic()
        stood = now
    return ended


def _logs(stack: Stack) -> int:
    """Bytes of kel.raw in Kafka's folder."""
    data: Path = stack.folder / "kafka/data"
    return sum(file.stat().st_size for file in data.glob("kel.raw-*/*.log"))


def _table_bytes(running: Running) -> int:
    row = running.connection.execute("SELECT hypertable_size(%s)", [running.table]).fetchone()
    assert row is not None
    return int(row[0])


def _used(running: Running) -> dict[str, float]:
    return {name: sum(map(cpu_s, pids)) for name, pids in running.pids.items()}


def _spent(running: Running, before: dict[str, float], count: int) -> dict[str, float]:
    now = _used(running)
    return {name: round((now[name] - before[name]) / count * 1e6, 1) for name in now}


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        os.kill(pid, number)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.scaling")
    parser.add_argument("messages", nargs="?", type=int, default=200_000)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    with (
        written_city() as city,
        fresh_stack(city) as stack,
        kel(stack, city, options.workers, environment=HELD) as running,
    ):
        print(json.dumps(measure(city, stack, running, options.messages)))


if __name__ == "__main__":
    main()
