"""Every tenth message is malformed: each is refused once with its reason, all others are stored.

`python -m benchmarks.malformed [MESSAGES]` (100,000; `--seed`): the lamps' readings, one in ten of
which a seed spoils in one of many ways, as fast as the broker takes them, through bridge, worker
and desk. Each message differs from all others, as a reject is known by its topic, time and bytes.

Fields: published, malformed, rejected, stored, wrong_reasons (what was refused for another reason
than it was spoilt by, or not at all), restarts, bridge_rss_mb, worker_rss_mb (the most ever), seed.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from random import Random
from time import monotonic, time

from psycopg import Connection

from benchmarks.bench import PATIENCE_S, City, fresh_stack, loaded, written_city
from benchmarks.city import Lamp
from benchmarks.measure import Peaks, until
from benchmarks.publisher import connect, plan, publish, readings
from kel.run.services import Services

PARTITIONS = 12
SHARE = 0.1
QUIET_S = 20.0  # nothing new for so long: what is not there now is missing
YEAR_MS = 365 * 86_400_000

# How a reading is spoilt, by the reason that it must be refused for: `n` its number, `ts` its time.
SPOILT: Mapping[str, bytes] = {
    "not_json": b'{"ts":%(ts)d,"hours":%(n)d',
    "not_utf8": b'{"ts":%(ts)d,"hours":%(n)d,"text":"\xce"}',
    "nul_character": b'{"ts":%(ts)d,"hours":%(n)d,"\\u0000":1}',
    "not_finite": b'{"ts":%(ts)d,"hours":%(n)d,"power":NaN}',
    "too_deep": b"[" * 5_000 + b"%(n)d" + b"]" * 5_000,
    "wrong_type": b'{"ts":%(ts)d,"hours":%(n)d,"power":"much"}',
    "out_of_range": b'{"ts":%(ts)d,"hours":%(n)d,"power":-99999}',
    "no_time": b'{"hours":%(n)d}',
    "bad_time": b'{"ts":"yesterday","hours":%(n)d}',
    "clock_ahead": b'{"ts":%(ahead)d,"hours":%(n)d}',
    "empty": b'{"ts":%(ts)d,"dimming":null}',
    "bad_name": b'{"ts":%(ts)d,"hours":%(n)d,"' + b"x" * 200 + b'":1}',
    "identity_mismatch": b'{"ts":%(ts)d,"hours":%(n)d,"device":"another"}',
    "too_large": b'{"ts":%(ts)d,"hours":%(n)d' + b" " * (256 * 1024) + b"}",
}
RARE = {"too_large": 0.1}  # against the others; some hundred are enough to fill a memory


def spoil(way: str, n: int, ts_ms: int) -> bytes:
    return SPOILT[way] % {b"n": n, b"ts": ts_ms, b"ahead": ts_ms + YEAR_MS}


def spoilt(
    said: Iterator[tuple[Lamp, bytes]], seed: int, expected: Counter[str]
) -> Iterator[tuple[Lamp, bytes]]:
    """The readings, some of them spoilt; `expected` counts the reasons, and "" what is good."""
    random = Random(seed)
    ways, weights = list(SPOILT), [RARE.get(way, 1.0) for way in SPOILT]
    for n, (lamp, content) in enumerate(said):
        (way,) = random.choices(ways, weights) if random.random() < SHARE else ("",)
        expected[way] += 1
        yield lamp, spoil(way, n, json.loads(content)["ts"]) if way else content


def measure(
    connection: Connection,
    services: Services,
    city: City,
    port: int,
    passwords: Mapping[str, str],
    count: int,
    seed: int,
) -> dict[str, object]:
    """Publish, and wait for what comes of it. The services run on an empty database."""
    ticks = "SELECT count(tick) FROM progress"
    until(lambda: (connection.execute(ticks).fetchone() or [0])[0] == PARTITIONS, PATIENCE_S)
    links = connect(port, city.lamps, passwords)
    expected: Counter[str] = Counter()
    said = readings(city.lamps, count, round(time() * 1000))
    publish(plan(spoilt(said, seed, expected), links, {}), links)
    good = expected.pop("")
    peaks, patience, stood = Peaks(), monotonic() + QUIET_S, (0, 0)
    while (now := _stand(connection)) != (good, expected.total()) and monotonic() < patience:
        if now != stood:
            stood, patience = now, monotonic() + QUIET_S
        services.watch()
        for name in ("bridge", "worker"):
            peaks.look(name, services.pids(name))
    services.watch()
    rejected: Counter[str] = Counter(
        dict(connection.execute("SELECT reason, count(*) FROM reject GROUP BY 1"))
    )
    return {
        "published": count,
        "malformed": expected.total(),
        "rejected": rejected.total(),
        "stored": _stand(connection)[0],
        "wrong_reasons": {
            reason: rejected[reason] - expected[reason]
            for reason in sorted(rejected.keys() | expected.keys())
            if rejected[reason] != expected[reason]
        },
        "restarts": services.restarts,
        "bridge_rss_mb": peaks.of("bridge"),
        "worker_rss_mb": peaks.of("worker"),
        "seed": seed,
    }


def _stand(connection: Connection) -> tuple[int, int]:
    """How many different readings are stored, and how many rejects."""
    row = connection.execute(
        "SELECT (SELECT count(DISTINCT hours) FROM reading_lamp), (SELECT count(*) FROM reject)"
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.malformed")
    parser.add_argument("messages", nargs="?", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with (
        written_city() as city,
        fresh_stack(city) as stack,
        loaded(stack, city) as connection,
        Services(stack, {"KEL_CITY": str(city.folder)}) as services,
    ):
        broker = stack.mosquitto
        result = measure(
            connection,
            services,
            city,
            broker.port,
            broker.passwords,
            options.messages,
            options.seed,
        )
    print(json.dumps(result))


if __name__ == "__main__":
    main()
