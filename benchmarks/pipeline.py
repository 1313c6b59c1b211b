"""The whole line: QoS 1 messages from a publisher through bridge, Kafka, worker and rules to rows.

`python -m benchmarks.pipeline [MESSAGES]`: 1,000 lamps, four metrics, about 100 bytes. The clock
runs from the first publish until the last reading is committed. Fields: messages, kel_msg_per_s,
missing, publish_s (until the broker had acknowledged all), cpu_us_per_msg (bridge and workers).
"""

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from kel.run.cityfiles import read_folder
from kel.run.services import Services
from kel.stack.stack import Stack
from kel.store.connect import connect
from kel.store.load import load
from kel.store.migrate import migrate

CITY = Path(__file__).parents[1] / "config/dionysos"
DEVICES = 1_000
PATIENCE_S = 120


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    files = read_folder(CITY)
    with Stack(["lights"]) as stack:
        settings = stack.settings("kel-bridge", CITY)
        with connect(settings) as connection:
            migrate(connection)
            load(connection, files.city, datetime.now(UTC))
            with Services(stack, {"KEL_CITY": str(CITY)}) as services:
                _wait_for_ticks(connection)
                publisher = _publisher(stack, count)
                pids = [*services.pids("bridge"), *services.pids("worker")]
                cpu, started = _cpu(pids), time.monotonic()
                assert publisher.stdin
                publisher.stdin.write("go\n")
                publisher.stdin.flush()
                publisher.wait(PATIENCE_S)
                published = time.monotonic() - started
                stored = _wait_for_rows(connection, count)
                took = time.monotonic() - started
                cpu = _cpu(pids) - cpu
    print(
        json.dumps(
            {
                "messages": count,
                "kel_msg_per_s": round(count / took),
                "missing": count - stored,
                "publish_s": round(published, 2),
                "cpu_us_per_msg": round(cpu / count * 1e6, 1),
            }
        )
    )


def _publisher(stack: Stack, count: int) -> subprocess.Popen[str]:
    """A publisher that is connected and waits for its word."""
    publisher = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.publisher", str(stack.mosquitto.port), "lights"]
        + [str(count), str(DEVICES)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert publisher.stdin
    assert publisher.stdout
    publisher.stdin.write(stack.mosquitto.passwords["lights"] + "\n")
    publisher.stdin.flush()
    if publisher.stdout.readline() != "ready\n":
        raise RuntimeError("the publisher did not come up")
    return publisher


def _wait_for_ticks(connection) -> None:  # type: ignore[no-untyped-def]
    _until(lambda: connection.execute("SELECT count(tick) FROM progress").fetchone()[0] == 12)


def _wait_for_rows(connection, count: int) -> int:  # type: ignore[no-untyped-def]
    def stored() -> int:
        row = connection.execute("SELECT count(*) FROM reading_lamp").fetchone()
        return int(row[0])

    _until(lambda: stored() >= count)
    return stored()


def _until(done) -> None:  # type: ignore[no-untyped-def]
    patience = time.monotonic() + PATIENCE_S
    while not done() and time.monotonic() < patience:
        time.sleep(0.05)


def _cpu(pids: list[int]) -> float:
    """Seconds of processor that these processes have used (user and system)."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
