"""A backtest of the example city's rulebook over a quiet history in Parquet: rows a second.

The history is made once, by the simulation without any trouble, and kept in `.kel/bench`; devices
report four times as often as their classes say (`--dense`), which makes 90 days some 60 M rows.
What is timed is what `kel backtest FOLDER` does (reading, rules, alerts), but for loading Python.
"""

import argparse
import json
import resource
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kel.arrow.months import MonthFile
from kel.backtest.stretch import DAY_US
from kel.cli.backtest_progress import Progress
from kel.model.frame import Frame, join, once
from kel.model.moment import HOUR_US, MICROSECOND, from_us, to_us
from kel.run.backtest import read_past, run
from kel.run.cityfiles import CityFiles, read_folder
from kel.simulate.world import World

ROOT = Path(__file__).parents[1]
CITY = ROOT / "config/dionysos"
KEPT = ROOT / ".kel/bench"
FIRST = datetime(2026, 5, 1, tzinfo=UTC)
SEED = 5
STEP_US = 6 * HOUR_US


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--days", type=int, default=90)
    asked.add_argument("--dense", type=int, default=4, help="times as often as the classes say")
    asked.add_argument("--fresh", action="store_true", help="make the history anew")
    args = asked.parse_args()
    files = read_folder(CITY)
    folder = KEPT / f"quiet-{args.days}d-{args.dense}x"
    if args.fresh or not (folder / "whole").exists():
        make(files, folder, args.days, args.dense)
    shown = Progress(asked=True)
    begun, cpu = time.perf_counter(), time.process_time()
    past = read_past(folder, files.city)
    with shown:
        alerts = run(past, files, shown.heard)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    for note in past.notes:
        print(note, file=sys.stderr)
    result = {
        "rows": past.rows,
        "days": args.days,
        "seconds": round(seconds, 2),
        "cpu_s": round(cpu, 2),
        "rows_per_s": round(past.rows / seconds),
        "rules": len(files.rulebook.rules),
        "alerts": len(alerts),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "disk_mb": sum(f.stat().st_size for f in folder.rglob("*.parquet")) // 2**20,
    }
    print(json.dumps(result))


def make(files: CityFiles, folder: Path, days: int, dense: int) -> None:
    """The quiet history, whole or not at all."""
    shutil.rmtree(folder, ignore_errors=True)
    begun = time.perf_counter()
    metrics = {c.id: [m.name for m in c.metrics] for c in files.city.classes.values()}
    month, last = "", FIRST + timedelta(days=days)
    with ExitStack() as all_files:
        writers: dict[str, MonthFile] = {}
        for frames in simulated(files, days, dense):
            day = from_us(int(next(iter(frames.values())).time[0]))
            if f"{day:%Y-%m}" != month:
                all_files.close()
                month, writers = f"{day:%Y-%m}", {}
            for cls, frame in frames.items():
                if cls not in writers:
                    file = MonthFile(folder, cls, month, files.city, metrics[cls])
                    writers[cls] = all_files.enter_context(file)
                writers[cls].put(frame)
            if day.day == 1 or day == FIRST:
                print(f"making history: {day:%F} of {last:%F}", file=sys.stderr)
    (folder / "whole").touch()
    print(f"made in {time.perf_counter() - begun:.0f} s", file=sys.stderr)


def simulated(files: CityFiles, days: int, dense: int) -> Iterator[dict[str, Frame]]:
    """Each day's readings by class, in order of (device, time)."""
    world = World(files.city, SEED, FIRST)
    every = {c.id: c.every // MICROSECOND // dense for c in files.city.classes.values()}
    first = to_us(FIRST)
    for day in range(first, first + days * DAY_US, DAY_US):
        found: dict[str, list[Frame]] = {}
        for since in range(day, day + DAY_US, STEP_US):
            for frame in world.frames(since, since + STEP_US, every):
                found.setdefault(frame.cls, []).append(frame)
        yield {cls: once(join(frames)) for cls, frames in found.items()}


if __name__ == "__main__":
    main()
