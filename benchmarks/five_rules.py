"""The rows and the five rules of `benchmarks.rules`: as KEL's rulebook, and in plain Python.

Values are whole multiples of 1/64, so that sums are exact in any order and all three must agree to
the last row; times are whole milliseconds, which is Esper's clock, and no two rows of a device are
exactly five minutes apart, where the borders of windows differ by definition.
"""

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from tomllib import loads

import numpy as np

from kel.model.device import Device, DeviceClass, Metric
from kel.model.frame import Float64, Frame, Int32, Int64
from kel.model.mistake import Document
from kel.model.place import Point
from kel.run.cityfiles import read_folder
from rules.book.rulebook import parse_rulebook
from rules.evaluate import Evaluator

Firings = set[tuple[int, int, int]]  # rule, device, time (ms)

DEVICES = 1_000
WINDOW_MS = 300_000
Limits = tuple[
    float, float, float, float, float
]  # above, below, mean, rate by the minute, in a row
RARE: Limits = (74.0, 8.5, 68.5, 20_000.0, 27.5)  # alarms are exceptions: one row in 500 fires
OFTEN: Limits = (72.0, 11.0, 66.0, 800.0, 26.0)  # one in 25
BEGIN_MS = 1_767_225_600_000  # 2026-01-01
EXAMPLE = Path(__file__).parents[1] / "config/dionysos"

RULES = """
[[rule]]
id = "above"
kind = "threshold"
above = {0}
unit = "°C"
watch = {{ class = "node", metric = "a" }}

[[rule]]
id = "below"
kind = "threshold"
below = {1}
unit = "°C"
watch = {{ class = "node", metric = "b" }}

[[rule]]
id = "average"
kind = "average"
window = "5m"
above = {2}
unit = "°C"
watch = {{ class = "node", metric = "a" }}

[[rule]]
id = "rate"
kind = "rate"
above = {3}
unit = "°C/min"
watch = {{ class = "node", metric = "a" }}

[[rule]]
id = "in-a-row"
kind = "repeated"
above = {4}
unit = "°C"
times = 3
in_a_row = true
watch = {{ class = "node", metric = "b" }}
"""


@dataclass(frozen=True)
class Told:
    """Rows in order of arrival: time (n,) ms, device (n,), a and b (n,)."""

    time: Int64
    device: Int32
    a: Float64
    b: Float64

    def __len__(self) -> int:
        return len(self.time)

    def frame(self, begin: int, end: int) -> Frame:
        time = self.time[begin:end] * 1000
        metrics = {"a": self.a[begin:end], "b": self.b[begin:end]}
        return Frame("node", time, time, self.device[begin:end], metrics)

    def write(self, file: Path) -> None:
        """As Peer.java reads it."""
        columns = (self.time, self.device, self.a, self.b)
        np.stack([c.astype("<f8") for c in columns], axis=1).tofile(file)


def make_rows(count: int, seed: int = 1) -> Told:
    random = np.random.default_rng(seed)
    talk = random.pareto(1.5, DEVICES) + 0.2
    device = random.choice(DEVICES, count, p=talk / talk.sum()).astype(np.int32)
    time = BEGIN_MS + _apart(np.cumsum(random.integers(1, 60, count)))
    hour, phase = (time - time[0]) / 3.6e6, random.uniform(0, 2 * np.pi, DEVICES)[device]
    a = 50 + 15 * np.sin(2 * np.pi * hour / 3 + phase) + random.normal(0, 3, count)
    b = 20 + 5 * np.sin(2 * np.pi * hour / 2 + phase) + random.normal(0, 2, count)
    return Told(time, device, np.round(64 * a) / 64, np.round(64 * b) / 64)


def _apart(time: Int64) -> Int64:
    """Times that still rise, and of which no two are exactly five minutes apart: even ones, and in
    every other five minutes one more, so that what was as far apart is a millisecond off."""
    even = time * 2
    moved: Int64 = even + even // WINDOW_MS % 2
    return moved


def evaluator(limits: Limits) -> Evaluator:
    example = read_folder(EXAMPLE).city
    metrics = (Metric("a", "°C", "a"), Metric("b", "°C", "b"))
    node = DeviceClass("node", "node", metrics, timedelta(seconds=30))
    place = Point(38.13, 23.85)
    devices = [
        Device(f"n{n}", n, "node", f"n{n}", "drosia", place, "kel", f"n{n}") for n in range(DEVICES)
    ]
    city = replace(example, classes={"node": node}, devices={d.id: d for d in devices})
    common = 'label = "x"\ncategory = "sensor"\nseverity = "low"\nwatch ='
    text = RULES.format(*limits).replace("watch =", common)
    return Evaluator(parse_rulebook(Document("five", loads(text)), city), city, devices)


def plainly(rows: Told, limits: Limits) -> Firings:
    """The same, one row at a time, as anybody would write it."""
    fired: Firings = set()
    holding: dict[tuple[int, int], bool] = {}
    for device, time, holds in _judged(rows, limits):
        for rule, now in enumerate(holds):
            if now and not holding.get((rule, device)):
                fired.add((rule, device, time))
            holding[rule, device] = now
    return fired


def _judged(rows: Told, limits: Limits) -> Iterator[tuple[int, int, tuple[bool, ...]]]:
    windows: dict[int, deque[tuple[int, float]]] = defaultdict(deque)
    sums: dict[int, float] = defaultdict(float)
    before: dict[int, tuple[int, float]] = {}
    run: dict[int, int] = defaultdict(int)
    columns = (rows.time, rows.device, rows.a, rows.b)
    for time, device, a, b in zip(*(c.tolist() for c in columns), strict=True):
        window = windows[device]
        window.append((time, a))
        sums[device] += a
        while window[0][0] <= time - WINDOW_MS:
            sums[device] -= window.popleft()[1]
        rate = 0.0
        if device in before:
            last_time, last = before[device]
            rate = (a - last) / (time - last_time) * 60_000
        before[device] = (time, a)
        run[device] = run[device] + 1 if b > limits[4] else 0
        mean = sums[device] / len(window)
        yield (
            device,
            time,
            (a > limits[0], b < limits[1], mean > limits[2], rate > limits[3], run[device] >= 3),
        )
