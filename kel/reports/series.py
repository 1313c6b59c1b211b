"""Readings for the eye: a few of many, and their course in one line of blocks. Pure."""

from collections.abc import Collection, Sequence

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


def sparkline(readings: Sequence[Measured], width: int = 48) -> str:
    """The course of the values, the lowest as the lowest block.

    Each cell is an equal share of the readings (not of the time) and shows the last of them.
    """
    if not readings:
        return ""
    low, high = min(r.value for r in readings), max(r.value for r in readings)
    cells = min(width, len(readings))
    shown = [readings[(n + 1) * len(readings) // cells - 1] for n in range(cells)]
    return "".join(_block(r.value, low, high) for r in shown)


def _block(value: float, low: float, high: float) -> str:
    share = (value - low) / (high - low) if high > low else 0.0
    return BLOCKS[round(share * (len(BLOCKS) - 1))]
