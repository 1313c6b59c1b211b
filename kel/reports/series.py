"""Readings for the eye: a few of many, and their course in one line of blocks. Pure."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from kel.reports.traced import Measured, Series

MOST = 12  # readings in a table
BLOCKS = "▁▂▃▄▅▆▇█"


def thinned(series: Series, most: int = MOST) -> list[Measured]:
    """At most `most` readings, in order of time, spread evenly.

    Kept in any case: the first and last of all, the first and last that count, the highest.
    """
    readings = series.readings
    if len(readings) <= most:
        return list(readings)
    counted = [n for n, r in enumerate(readings) if series.since <= r.at <= series.until]
    kept = {0, len(readings) - 1, max(range(len(readings)), key=lambda n: readings[n].value)}
    kept |= {counted[0], counted[-1]} if counted else set()
    step = (len(readings) - 1) / (most - 1)
    for n in _by_distance(kept, [round(step * i) for i in range(most)]):
        if len(kept) >= most:
            break
        kept.add(n)
    return [readings[n] for n in sorted(kept)]


def _by_distance(kept: Collection[int], wanted: Sequence[int]) -> list[int]:
    """The evenly spread ones, those first that are furthest from what is kept anyhow."""
    return sorted(wanted, key=lambda n: -min(abs(n - k) for k in kept))


def sparkline(readings: Sequence[Measured], width: int = 60) -> str:
    """The course over time, the lowest value as the lowest block; a blank where nothing was read.

    Each cell shows the last reading of its share of the time.
    """
    if not readings:
        return ""
    first, last = readings[0].at, readings[-1].at
    low, high = min(r.value for r in readings), max(r.value for r in readings)
    width = min(width, len(readings)) or 1
    cells = [" "] * width
    for r in readings:
        share = (r.value - low) / (high - low) if high > low else 0.0
        cells[cell(r.at, first, last, width)] = BLOCKS[round(share * (len(BLOCKS) - 1))]
    return "".join(cells)


def cell(at: datetime, first: datetime, last: datetime, width: int) -> int:
    """Where in a line of that width a moment lies."""
    whole = max((last - first), timedelta(microseconds=1))
    return min(max(int((at - first) / whole * width), 0), width - 1)
