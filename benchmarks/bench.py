"""The ground that benchmarks stand on: fresh parts, the benchmarks' city, its publisher.

Law: every contender of every round gets parts of its own, made anew and configured alike, so that
nothing of an earlier one (queues, tables, caches, a vacuum) is in its way.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg import Connection

from benchmarks.city import DEVICES, Lamp, lamps_of, write_city
from kel.run.cityfiles import CityFiles
from kel.stack.stack import Stack
from kel.store.connect import connect
from kel.store.load import load
from kel.store.migrate import migrate

ROOT = Path(__file__).parents[1]
PATIENCE_S = 120.0
TAIL = 15  # lines of a log


@dataclass(frozen=True, slots=True)
class City:
    folder: Path
    files: CityFiles
    lamps: list[Lamp] = field(default_factory=list)

    @property
    def communities(self) -> list[str]:
        return sorted(self.files.city.communities)


@contextmanager
def written_city(devices: int = DEVICES) -> Iterator[City]:
    """The benchmarks' city, in a folder that goes with it."""
    with tempfile.TemporaryDirectory(prefix="kel-bench-") as folder:
        city = Path(folder) / "city"
        files = write_city(city, devices)
        yield City(city, files, lamps_of(files))


@contextmanager
def fresh_stack(city: City) -> Iterator[Stack]:
    """Parts made anew; where something fails, the ends of all logs go to stderr."""
    with Stack(city.communities) as stack:
        try:
            yield stack
        except Exception:
            for log in sorted(stack.folder.glob("*.log")):
                end = log.read_text("utf-8", "replace").splitlines()[-TAIL:]
                print(f"== {log.name}", *end, sep="\n", file=sys.stderr)
            raise


@contextmanager
def loaded(stack: Stack, city: City) -> Iterator[Connection]:
    """A connection to the database, which has KEL's schema and the city."""
    with connect(stack.settings("kel-bridge", city.folder)) as connection:
        migrate(connection)
        load(connection, city.files.city, datetime.now(UTC))
        yield connection


class Publisher:
    """`benchmarks.publisher` as a process that is connected and waits for its word."""

    def __init__(self, stack: Stack, city: City, count: int, **options: float) -> None:
        words = [str(city.folder), str(count)]
        words += [f"--{name}={value}" for name, value in options.items()]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.publisher", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self._tell(json.dumps([stack.mosquitto.port, stack.mosquitto.passwords]))
        self.last_ms: int = self._hear()["last_ms"]  # the time of the last turn's readings

    def go(self) -> None:
        self._tell("go")

    def times(self) -> tuple[float, float]:
        """When it began and when all was acknowledged (monotonic s); waits for it."""
        said = self._hear()
        self._process.wait(PATIENCE_S)
        return said["began"], said["ended"]

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _tell(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _hear(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the publisher has ended before its time")
        return json.loads(line)


@contextmanager
def publisher(stack: Stack, city: City, count: int, **options: float) -> Iterator[Publisher]:
    """A publisher that ends with the block. `rate`, `ago`: see `benchmarks.publisher`."""
    made = Publisher(stack, city, count, **options)
    try:
        yield made
    finally:
        made.stop()
