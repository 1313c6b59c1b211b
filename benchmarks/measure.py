"""What processes use, as the kernel counts it (/proc), and medians."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from time import monotonic, sleep

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """Seconds of processor that a process has used, with its living children and the dead that it
    waited for (a PostgreSQL server forks, and one that has ended counts with its parent)."""
    return _own(pid) + sum(_own(child) for child in _children(pid))


def _own(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS  # utime, stime, cutime, cstime


def _children(pid: int) -> Iterable[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        yield from map(int, task.read_text().split())


def peak_mb(pid: int) -> float:
    """The most memory (resident, MB) that a process has ever used; 0 where it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    peaks = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(next(peaks, "0")) / 1024


class Peaks:
    """The most memory by part, over all processes that a part has been."""

    def __init__(self) -> None:
        self.mb: dict[str, float] = {}

    def look(self, part: str, pids: Iterable[int]) -> None:
        for pid in pids:
            self.mb[part] = max(self.mb.get(part, 0.0), peak_mb(pid))

    def of(self, part: str) -> int:
        return round(self.mb.get(part, 0.0))


def until(done: Callable[[], object], patience_s: float, every_s: float = 0.02) -> bool:
    """Ask again and again until it is so; returns whether it was within `patience_s`."""
    patience = monotonic() + patience_s
    while not done():
        if monotonic() > patience:
            return False
        sleep(every_s)
    return True


def middle(values: Iterable[float | None]) -> float | None:
    """The median of those that are there."""
    there = [v for v in values if v is not None]
    return median(there) if there else None
