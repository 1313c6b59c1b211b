"""The same messages to committed rows, three ways: KEL's whole line, Telegraf, paho + executemany.

`python -m benchmarks.pipeline [MESSAGES]` (200,000; at least a message a lamp): 1,000 lamps, four
metrics, about 100 bytes, QoS 1, by one publisher as fast as the broker takes them. KEL's line is
bridge, Kafka, worker with the example city's rules on, and the desk. The contenders take turns,
`--rounds` of them, each on parts made anew; the figures are medians of the rounds.

A round: every lamp says one reading beforehand, until all of them are rows (so everybody is
subscribed, connected and warm). The clock then runs from the first publish to the last committed
row. What is polled meanwhile is the same for all and finds nothing until the end: rows of the
readings' last moment, by the index on time that every hypertable has. Then all rows are counted.

Fields: messages, kel_msg_per_s, telegraf_msg_per_s (null where there is no telegraf),
naive_msg_per_s, ratio_to_telegraf; missing and doubled (rows, the worst round, by contender);
publish_msg_per_s (what the broker acknowledged meanwhile); cpu_us_per_msg (bridge and workers),
cpu_us (by contender and process, µs a message), peak_mb (memory, likewise), rounds, cores, load
(before the first round), versions.

`--only kel,telegraf,naive`; `--workers N`; `--profile FOLDER` samples KEL's processes
(`benchmarks.profiled`).
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic

from psycopg import Connection, sql

from benchmarks import contenders
from benchmarks.bench import PATIENCE_S, City, fresh_stack, publisher, written_city
from benchmarks.contenders import Running, telegraf_program
from benchmarks.measure import Peaks, cpu_s, middle, until
from benchmarks.publisher import EVERY_MS
from kel.run.services import KEL
from kel.stack.kafka import JARS
from kel.stack.postgres import binaries
from kel.stack.stack import Stack

EARLIER_S = 60  # how much older than the first reading those beforehand are, at the least
QUIET_S = 20.0  # no row for so long: what is not there now is missing
OWN = ("bridge", "worker")

Start = Callable[[Stack, City], AbstractContextManager[Running]]


@dataclass(frozen=True, slots=True)
class Round:
    msg_per_s: float
    publish_msg_per_s: float
    missing: int
    doubled: int
    cpu_us: Mapping[str, float]
    peak_mb: Mapping[str, float]


class Rows:
    """The contender's rows from a moment (Unix ms) on."""

    def __init__(self, connection: Connection, table: str) -> None:
        self._connection = connection
        self._table = table

    def there(self) -> bool:
        found = self._connection.execute("SELECT to_regclass(%s)", [self._table]).fetchone()
        return found is not None and found[0] is not None

    def since(self, ms: int, what: str = "*") -> int:
        """How many rows, or different `what`."""
        if not self.there():
            return 0
        query = "SELECT count({what}) FROM {table} WHERE time >= to_timestamp(%s)"
        statement = sql.SQL(query).format(
            what=sql.SQL(what),
            table=sql.Identifier(self._table),
        )
        row = self._connection.execute(statement, [ms / 1000]).fetchone()
        assert row is not None
        return int(row[0])


def one_round(start: Start, city: City, count: int) -> Round:
    with fresh_stack(city) as stack, start(stack, city) as running:
        rows = Rows(running.connection, running.table)
        warm_up(stack, city, rows, running, count)
        with publisher(stack, city, count) as said:
            first_ms = said.last_ms - (count - 1) // len(city.lamps) * EVERY_MS
            running.connection.execute("CHECKPOINT")
            before = {name: sum(map(cpu_s, pids)) for name, pids in running.pids.items()}
            said.go()
            last = (count - 1) % len(city.lamps) + 1
            until(lambda: rows.since(said.last_ms) >= last, PATIENCE_S)
            ended = _all_there(rows, first_ms, count)
            began, published = said.times()
        cpu = {
            name: (sum(map(cpu_s, pids)) - before[name]) / count * 1e6
            for name, pids in running.pids.items()
        }
        running.watch()
        peaks = Peaks()
        for name, pids in running.pids.items():
            peaks.look(name, pids)
        stored, total = rows.since(first_ms, "DISTINCT hours"), rows.since(first_ms)
        return Round(
            count / (ended - began),
            count / (published - began),
            count - stored,
            total - stored,
            cpu,
            peaks.mb,
        )


def warm_up(stack: Stack, city: City, rows: Rows, running: Running, count: int) -> None:
    """A reading of every lamp, again and again until all are rows: before that, some are lost."""
    ago = EARLIER_S + count // len(city.lamps) * EVERY_MS // 1000

    def warm() -> bool:
        running.watch()
        with publisher(stack, city, len(city.lamps), ago=ago) as said:
            said.go()
            said.times()
            done = partial(rows.since, said.last_ms)
            return until(lambda: done() == len(city.lamps), 2.0)

    if not until(warm, PATIENCE_S / 4):
        raise RuntimeError("not all readings became rows, even when nothing else was going on")


def _all_there(rows: Rows, first_ms: int, count: int) -> float:
    """When the last row was there: now, or after those that came later than the last moment's."""
    ended, found, patience = monotonic(), rows.since(first_ms), monotonic() + QUIET_S
    while found < count and monotonic() < patience:
        now = rows.since(first_ms)
        if now > found:
            ended, found, patience = monotonic(), now, monotonic() + QUIET_S
    return ended


def main() -> None:
    options = _options()
    starts: dict[str, Start] = {
        "kel": partial(contenders.kel, workers=options.workers, command=_command(options.profile)),
        "telegraf": contenders.telegraf,
        "naive": contenders.naive,
    }
    chosen = [name for name in options.only.split(",") if name != "telegraf" or telegraf_program()]
    load = os.getloadavg()[0]
    rounds: dict[str, list[Round]] = {name: [] for name in starts}
    with written_city() as city:
        for number in range(options.rounds):
            turn = number % len(chosen)
            for name in chosen[turn:] + chosen[:turn]:
                done = one_round(starts[name], city, options.messages)
                rounds[name].append(done)
                print(f"{name}: {done}", file=sys.stderr)
    print(json.dumps(_result(options.messages, rounds) | {"load": load}))


def _result(count: int, rounds: Mapping[str, list[Round]]) -> dict[str, object]:
    speed = {name: middle(r.msg_per_s for r in done) for name, done in rounds.items()}
    told = {name: done for name, done in rounds.items() if done}
    cpu = {name: _middles([r.cpu_us for r in done]) for name, done in told.items()}
    own, peer = speed["kel"], speed["telegraf"]
    return {
        "messages": count,
        **{f"{name}_msg_per_s": value and round(value) for name, value in speed.items()},
        "ratio_to_telegraf": round(own / peer, 3) if own and peer else None,
        "missing": {name: max(r.missing for r in done) for name, done in told.items()},
        "doubled": {name: max(r.doubled for r in done) for name, done in told.items()},
        "publish_msg_per_s": {
            name: round(middle(r.publish_msg_per_s for r in done) or 0)
            for name, done in told.items()
        },
        "cpu_us_per_msg": round(sum(cpu["kel"][p] for p in OWN), 1) if own else None,
        "cpu_us": cpu,
        "peak_mb": {name: _middles([r.peak_mb for r in done]) for name, done in told.items()},
        "rounds": max(map(len, rounds.values())),
        "cores": os.cpu_count(),
        "versions": _versions(),
    }


def _middles(rounds: list[Mapping[str, float]]) -> dict[str, float]:
    return {name: round(middle(r[name] for r in rounds) or 0, 1) for name in rounds[0]}


def _versions() -> dict[str, str]:
    found = {
        "python": platform.python_version(),
        "mosquitto": _first_line("/usr/sbin/mosquitto", "-h"),
        "postgres": _first_line(str(binaries() / "postgres"), "--version"),
        "kafka": next(jar.stem for jar in JARS.glob("kafka_*.jar")),
    }
    if program := telegraf_program():
        # one that `go install` has built knows its version as Go's tool tells it
        modules = _output("go", "version", "-m", program).splitlines()
        own = (line.split()[2] for line in modules if line.split()[:1] == ["mod"])
        found["telegraf"] = next(own, _first_line(program, "--version"))
    return found


def _first_line(*command: str) -> str:
    return (_output(*command).splitlines() or ["unknown"])[0]


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return ""


def _command(profile: Path | None) -> tuple[str, ...]:
    if profile is None:
        return KEL
    return (sys.executable, "-m", "benchmarks.profiled", str(profile.resolve()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.pipeline")
    parser.add_argument("messages", nargs="?", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="kel,telegraf,naive")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--profile", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
