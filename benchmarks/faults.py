"""Nothing lost, nothing twice, whatever is killed: numbered readings under SIGKILL.

`python -m benchmarks.faults [MESSAGES]` (100,000, within `--seconds`, 120): 1,000 lamps publish
numbered readings while bridge, worker, Kafka, PostgreSQL and Mosquitto are each killed with SIGKILL
`--kills` times (3) at moments that `--seed` chooses, also two at once. A second after its death
whatever died is started again, on the same port and data. Every number must then be a row, once,
with its device and time. What Mosquitto had acknowledged and not yet saved is lost with it; the
publisher sends it again (`benchmarks.resender`).

A kill is recovered when every partition has a row that was made after it. The benchmark ends by
itself: when all is there, or when nothing has come for a minute.

Fields: published, acknowledged, missing, duplicated (rows), wrong (rows of another device or time
than was said), kills, max_recovery_s (null where a kill was never recovered), recovery_s (the
worst, by part), died (deaths that were none of ours, by part), again (readings published a second
time after their acknowledgement), window_s, bridge_rss_mb, worker_rss_mb, seconds, seed.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from random import Random
from time import monotonic, sleep, time

import psycopg
from psycopg import Connection

from benchmarks.bench import PATIENCE_S, City, fresh_stack, loaded, written_city
from benchmarks.measure import Peaks, until
from benchmarks.resender import WINDOW_S, Resender
from kel.run.services import Services
from kel.settings import Settings
from kel.stack.child import Child
from kel.stack.stack import Stack
from kel.store.connect import connect
from kel.topics import partition_of

PARTITIONS = 12
LOOK_S = 0.05
RESTART_S = 1.0
QUIET_S = 60.0  # no new row for so long: what is not there now is missing
RESTS_S = 10.0  # at the beginning and the end of the time nothing is killed


@dataclass(slots=True)
class Kill:
    part: str
    due: float  # seconds since the first reading
    at: float | None = None  # of the machine's clock, once done
    recovered_s: float | None = None


def planned(seed: int, parts: list[str], kills: int, seconds: float) -> list[Kill]:
    random = Random(seed)
    names = random.sample(parts * kills, len(parts) * kills)
    moments = sorted(random.uniform(RESTS_S, seconds - RESTS_S) for _ in names)
    return [Kill(name, due) for name, due in zip(names, moments, strict=True)]


class Supervisor:
    """Starts again what has died, as whoever runs it would; tells deaths that were none of ours."""

    def __init__(self, parts: Mapping[str, Child]) -> None:
        self.parts = parts
        self.died: Counter[str] = Counter()
        self._dead: dict[str, float] = {}
        self._killed: set[str] = set()

    def kill(self, part: str) -> bool:
        """Whether it lived, and now does not."""
        if self.parts[part].ended is not None:
            return False
        self.parts[part].kill()
        self._killed.add(part)
        return True

    def look(self) -> None:
        for name, child in self.parts.items():
            if child.ended is None:
                continue
            if name not in self._dead:
                self._dead[name] = monotonic()
                if name not in self._killed:
                    self.died[name] += 1
                    print(f"{name} died by itself:\n{child.tail(5)}", file=sys.stderr)
            elif monotonic() - self._dead[name] > RESTART_S:
                del self._dead[name]
                self._killed.discard(name)
                child.start()


class Rows:
    """What is in the database, asked again and again though it is killed as well."""

    def __init__(self, settings: Settings, city: City) -> None:
        self._settings = settings
        self._connection: Connection | None = None
        devices = city.files.city.devices
        self._partition_of = {d.id: partition_of(d.group, PARTITIONS) for d in devices.values()}
        self._expected = {self._partition_of[lamp.id] for lamp in city.lamps}
        self._newest: dict[int, float] = {}

    def newest(self, since: float) -> float:
        """The moment up to which every partition has rows; only those since `since` are looked at.

        0 while the database is away, and while a partition has no row."""
        with suppress(psycopg.OperationalError):
            for device, at in self._ask(
                "SELECT id, max(r.time) FROM reading_lamp r JOIN device ON number = r.device "
                "WHERE r.time >= to_timestamp(%s) GROUP BY id",
                since,
            ):
                partition = self._partition_of[device]
                newest = self._newest.get(partition, 0.0)
                self._newest[partition] = max(newest, at.timestamp())
            return min(self._newest.get(p, 0.0) for p in self._expected)
        return 0.0

    def count(self) -> int:
        with suppress(psycopg.OperationalError):
            return int(self._ask("SELECT count(*) FROM reading_lamp WHERE hours >= %s", 0)[0][0])
        return 0

    def all(self) -> list[tuple[str, datetime, float]]:
        return self._ask(
            "SELECT id, r.time, hours FROM reading_lamp r JOIN device ON number = r.device "
            "WHERE hours >= %s",
            0,
        )

    def _ask(self, query: str, value: float) -> list[tuple]:  # type: ignore[type-arg]
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._settings)
        try:
            return self._connection.execute(query, [value]).fetchall()
        except psycopg.OperationalError:
            self._connection.close()
            raise


class Run:
    def __init__(self, stack: Stack, city: City, services: Services, kills: list[Kill]) -> None:
        self.services = services
        self.kills = kills
        self.peaks = Peaks()
        parts = {name: services.named(name)[0] for name in ("bridge", "worker", "desk")}
        for child in stack.children:
            parts[child.name] = child
        self.supervisor = Supervisor(parts)
        self.rows = Rows(stack.settings("kel-bridge", city.folder), city)

    def step(self, began: float) -> None:
        """What is to be done now: kill, start again, look who has recovered."""
        for kill in self.kills:
            due = kill.at is None and monotonic() - began > kill.due
            if due and self.supervisor.kill(kill.part):
                kill.at = time()
                print(f"{monotonic() - began:6.1f} s: killed {kill.part}", file=sys.stderr)
        self.supervisor.look()
        for name in ("bridge", "worker"):
            self.peaks.look(name, self.services.pids(name))
        open_ = [k for k in self.kills if k.at is not None and k.recovered_s is None]
        if open_:
            reached = self.rows.newest(min(k.at or 0.0 for k in open_))
            for kill in open_:
                assert kill.at
                if reached > kill.at:
                    kill.recovered_s = time() - kill.at
                    print(f"{kill.part} recovered: {kill.recovered_s:.1f} s", file=sys.stderr)
        sleep(LOOK_S)


def run(stack: Stack, city: City, count: int, seconds: float, seed: int, kills: int) -> object:
    with ExitStack() as ends:
        connection = ends.enter_context(loaded(stack, city))
        services = ends.enter_context(Services(stack, {"KEL_CITY": str(city.folder)}))
        ticks = "SELECT count(tick) FROM progress"
        until(lambda: (connection.execute(ticks).fetchone() or [0])[0] == PARTITIONS, PATIENCE_S)
        _wait_for_save(stack)
        names = ["bridge", "worker", *(child.name for child in stack.children)]
        going = Run(stack, city, services, planned(seed, names, kills, seconds))
        said = Resender(
            stack.mosquitto.port, stack.mosquitto.passwords, city.lamps, count, count / seconds
        )
        ends.callback(said.stop)
        said.start()
        began = monotonic()
        quiet_since, stood = monotonic(), 0
        while monotonic() - quiet_since < QUIET_S:
            going.step(began)
            if said.error:
                raise said.error
            over = all(k.recovered_s for k in going.kills) or monotonic() - began > 2 * seconds
            if said.done and over:
                now = going.rows.count()
                if now >= count:
                    break
                if now != stood:
                    quiet_since, stood = monotonic(), now
            elif monotonic() - began < 3 * seconds:
                quiet_since = monotonic()
        return _result(said, going, city) | {"seconds": seconds, "seed": seed}


def _wait_for_save(stack: Stack) -> None:
    """The bridge's session is the broker's from its next save on; before, a kill loses that too."""
    file, now = stack.folder / "mosquitto/data/mosquitto.db", time()
    if not until(lambda: file.exists() and file.stat().st_mtime > now, PATIENCE_S):
        raise RuntimeError("Mosquitto does not save")


def _result(said: Resender, going: Run, city: City) -> dict[str, object]:
    lamps, wanted = city.lamps, said.acknowledged
    rows = going.rows.all()
    found = Counter(int(hours) for _, _, hours in rows)
    wrong = sum(
        lamps[int(n) % len(lamps)].id != id_ or round(at.timestamp() * 1000) != said.made_ms[int(n)]
        for id_, at, n in rows
    )
    never = [k.part for k in going.kills if k.recovered_s is None]
    worst: dict[str, float] = {}
    for kill in going.kills:
        worst[kill.part] = max(worst.get(kill.part, 0.0), kill.recovered_s or 0.0)
    return {
        "published": len(said.said),
        "acknowledged": len(wanted),
        "missing": len(wanted - set(found)),
        "duplicated": sum(found.values()) - len(found),
        "wrong": wrong,
        "kills": sum(k.at is not None for k in going.kills),
        "max_recovery_s": None if never else round(max(worst.values()), 1),
        "recovery_s": {part: round(s, 1) for part, s in worst.items()},
        "died": dict(going.supervisor.died),
        "again": said.again,
        "window_s": WINDOW_S,
        "bridge_rss_mb": going.peaks.of("bridge"),
        "worker_rss_mb": going.peaks.of("worker"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.faults")
    parser.add_argument("messages", nargs="?", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with written_city() as city, fresh_stack(city) as stack:
        result = run(stack, city, options.messages, options.seconds, options.seed, options.kills)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
