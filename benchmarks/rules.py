"""The same five rules in KEL, in Esper 9 and in plain Python, over the same rows.

`python -m benchmarks.rules [ROWS] [--rounds N] [--days D]` (2,000,000; 7; 2): two thresholds, a
5-minute moving average per device, a rate of change and three in a row, over rows of 1,000 devices
in order of arrival, some devices a thousand times as talkative as others. All three must fire on
the same rows. KEL is given frames of 10,000 rows as they arrive, sorts them itself, and hears a
tick after each; Esper is given objects that are made beforehand. Each figure is the median of the
rounds, one core each, in turn, after three rounds that count for nothing: Java's compiler takes so
long to make Esper as fast as it gets. Making the engine, compiling the rules and collecting the
garbage of the round before is counted for none.

Then all rules of the example city over `--days` simulated days without trouble, in hourly frames:
the median of as many rounds, after one that counts for nothing.

Fields: rows, rows_per_s, esper_rows_per_s, ratio_to_esper, python_rows_per_s, firings (of each
rule), same (whether all three fired on the same rows); often (the same with limits at which one row
in 25 fires: then KEL's time goes into alerts, each with its evidence), example_rows,
example_rows_per_s, example_alerts, rules (of the example city).

Esper's jars come by Maven the first time, into .kel/esper; without Maven or Java its figures are
null and the reason stands on stderr.
"""

import argparse
import gc
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import numpy as np

from benchmarks.five_rules import (
    OFTEN,
    RARE,
    Firings,
    Limits,
    Told,
    evaluator,
    make_rows,
    plainly,
)
from kel.cli import COLLECT
from kel.model.alert import Alert
from kel.model.moment import HOUR_US, to_us
from kel.run.cityfiles import read_folder
from kel.simulate.world import World
from rules.evaluate import Evaluator

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "config/dionysos"
PEER = ROOT / "benchmarks/esper"
JARS = ROOT / ".kel/esper"
FRAME = 10_000
WARM = 3
NAMES = ("above", "below", "average", "rate", "in_a_row")


def main() -> None:
    parser = argparse.ArgumentParser(description="the five rules, and the example city's")
    parser.add_argument("rows", type=int, nargs="?", default=2_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--days", type=int, default=2)
    asked = parser.parse_args()
    gc.set_threshold(COLLECT)  # as every process of KEL does
    rows = make_rows(asked.rows)
    rare, often = (compared(rows, limits, asked.rounds) for limits in (RARE, OFTEN))
    print(
        json.dumps(
            {"rows": asked.rows, **rare, "often": often, **example(asked.days, asked.rounds)}
        )
    )
    if not rare["same"] or not often["same"]:
        sys.exit("they do not fire on the same rows")


def compared(rows: Told, limits: Limits, rounds: int) -> dict[str, object]:
    """The three over the same rows; KEL's rounds and Esper's by turns, after `WARM` unmeasured."""
    took: list[tuple[float, float | None]] = []
    with tempfile.TemporaryDirectory() as folder, esper(rows, limits, Path(folder)) as peer:
        for _ in range(WARM + rounds):
            kel_s, fired = kel(rows, limits)
            took.append((kel_s, peer.round() if peer else None))
        others = peer.fired() if peer else None
    began = perf_counter()
    plain = plainly(rows, limits)
    python_s = perf_counter() - began
    kel_s = median(k for k, _ in took[WARM:])
    theirs = [e for _, e in took[WARM:] if e is not None]
    esper_s = median(theirs) if theirs else None
    return {
        "rows_per_s": round(len(rows) / kel_s),
        "esper_rows_per_s": round(len(rows) / esper_s) if esper_s else None,
        "ratio_to_esper": round(esper_s / kel_s, 2) if esper_s else None,
        "python_rows_per_s": round(len(rows) / python_s),
        "firings": {n: sum(f[0] == i for f in fired) for i, n in enumerate(NAMES)},
        "same": fired == plain and (others is None or fired == others),
    }


def kel(rows: Told, limits: Limits) -> tuple[float, Firings]:
    """The seconds from the first row to the last alert, and what fired."""
    engine = evaluator(limits)
    alerts: list[Alert] = []
    gc.collect()  # as Peer.java does
    began = perf_counter()
    for begin in range(0, len(rows), FRAME):
        frame = rows.frame(begin, begin + FRAME)
        alerts += engine.frame(frame)
        alerts += engine.tick(int(frame.time[-1]))
    seconds = perf_counter() - began
    fired = {
        (NAMES.index(a.rule.replace("-", "_")), int(a.device[1:]), to_us(a.detected_at) // 1000)
        for a in alerts
        if a.cleared_at is None
    }
    return seconds, fired


class Peer:
    """Esper in a process of its own, with the rows in its memory."""

    def __init__(self, process: subprocess.Popen[str], file: Path) -> None:
        self._process, self._file = process, file

    def round(self) -> float:
        """The seconds of one more round."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def fired(self) -> Firings:
        """Ends it; what fired in its last round."""
        self._process.communicate()
        pairs = np.fromfile(self._file, ">i8").reshape(-1, 2)
        rule, device = np.divmod(pairs[:, 0], 1_000_000_000)
        return set(zip(rule.tolist(), device.tolist(), pairs[:, 1].tolist(), strict=True))


@contextmanager
def esper(rows: Told, limits: Limits, folder: Path) -> Iterator[Peer | None]:
    """None where Esper cannot be had."""
    for tool in ("mvn", "javac"):
        if shutil.which(tool) is None:
            print(f"no Esper: {tool} is missing", file=sys.stderr)
            yield None
            return
    if not JARS.is_dir():
        fetch = ["mvn", "-q", "-f", f"{PEER}/pom.xml", "dependency:copy-dependencies"]
        subprocess.run([*fetch, f"-DoutputDirectory={JARS}"], check=True)
    jars = f"{JARS}/*"
    subprocess.run(["javac", "-cp", jars, "-d", folder, PEER / "Peer.java"], check=True)
    rows.write(folder / "rows")
    run = ["java", "-Xmx3g", "-cp", f"{folder}:{jars}", "Peer", f"{folder}/rows"]
    run += [f"{folder}/fired", ",".join(f"{limit:g}" for limit in limits)]
    pipe = subprocess.PIPE
    with subprocess.Popen(run, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as it:
        try:
            yield Peer(it, folder / "fired")
        finally:
            it.kill()


def example(days: int, rounds: int) -> dict[str, object]:
    """All rules of the example city, on one core: processor time, the median of the rounds."""
    files = read_folder(EXAMPLE)
    start = to_us(datetime(2026, 9, 1, tzinfo=UTC))
    world = World(files.city, 1, datetime(2026, 9, 1, tzinfo=UTC))
    hours = [
        (world.frames(start + h * HOUR_US, start + (h + 1) * HOUR_US), start + (h + 1) * HOUR_US)
        for h in range(24 * days)
    ]
    took: list[float] = []
    for _ in range(1 + rounds):
        engine = Evaluator(files.rulebook, files.city, list(files.city.devices.values()))
        gc.collect()
        alerts, began = 0, process_time()
        for frames, end in hours:
            for frame in frames:
                alerts += len(engine.frame(frame))
            alerts += len(engine.tick(end))
        took.append(process_time() - began)
    rows = sum(len(frame) for frames, _ in hours for frame in frames)
    return {
        "example_rows": rows,
        "example_rows_per_s": round(rows / median(took[1:])),
        "example_alerts": alerts,
        "rules": len(files.rulebook.rules),
    }


if __name__ == "__main__":
    main()
