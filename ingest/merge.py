"""Rows of the same device and moment within one batch: one row, unless they contradict.

Laws:
- equal values are duplicates and are kept once; different metrics join into one row;
- a different value for the same device, moment and metric is a contradiction: the later message
  is refused whole, and nothing of a refused message can contradict a later one;
- where no device has two rows of one moment (the usual case), all of this costs one sort, and
  where they only repeat each other, no more than columns do.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from ingest.sink import Kept
from ingest.table import Block, Columns
from kel.model.frame import Frame
from kel.model.reading import OtherReading

Cell = tuple[int, int, str]  # device, time, metric
Claim = tuple[int, Cell, float]  # owner (index of the message), cell, value


def contradictions(
    blocks: Iterable[tuple[Columns, Block]], other: Kept[OtherReading]
) -> dict[int, str]:
    """Messages (by index) that contradict an earlier one, with the metric in question."""
    claims = [claim for columns, block in blocks for claim in _disputed(columns, block)]
    claims += _disputed_others(other)
    if not claims:
        return {}
    claims.sort(key=lambda claim: claim[0])  # stable: within a message the order stays
    return _judge(claims)


def frame_of(columns: Columns, block: Block, refused: Iterable[int] = ()) -> Frame:
    """The rows as a frame in order of (device, time), without those of refused messages."""
    time, arrival, device, values = block.time, block.arrival, block.device, block.values
    refused = list(refused)
    if refused:
        stay = ~np.isin(block.owner, refused)
        time, arrival, device, values = time[stay], arrival[stay], device[stay], values[stay]
    starts = _starts(device, time)
    if len(starts) < len(time):
        time, device = time[starts], device[starts]
        arrival = np.minimum.reduceat(arrival, starts)
        values = np.fmax.reduceat(values, starts, axis=0)  # a number wins over NaN
    metrics = dict(zip(columns.index, np.ascontiguousarray(values.T), strict=True))
    return Frame(columns.cls, time, arrival, device.astype(np.int32), metrics)


def once(others: Iterable[OtherReading]) -> tuple[OtherReading, ...]:
    """Other readings, equal ones kept once, in order."""
    return tuple(dict.fromkeys(others))


def _judge(claims: list[Claim]) -> dict[int, str]:
    held: dict[Cell, float] = {}
    refused: dict[int, str] = {}
    for owner, group in groupby(claims, key=lambda claim: claim[0]):
        mine: dict[Cell, float] = {}
        for _, cell, value in group:
            if held.get(cell, value) != value or mine.setdefault(cell, value) != value:
                refused[owner] = cell[2]
                break
        else:
            held.update(mine)
    return refused


def _disputed(columns: Columns, block: Block) -> Iterator[Claim]:
    """The cells that have more than one value, as they came; where all agree, nobody claims."""
    starts = _starts(block.device, block.time)
    if len(starts) == len(block.time):
        return
    lowest = np.fmin.reduceat(block.values, starts, axis=0)
    highest = np.fmax.reduceat(block.values, starts, axis=0)
    differ = lowest < highest  # False where nobody reported
    if not differ.any():
        return
    names, lengths = list(columns.index), np.diff(np.append(starts, len(block.time)))
    rows, metrics = np.nonzero(np.repeat(differ, lengths, axis=0) & ~np.isnan(block.values))
    as_came = np.lexsort((metrics, block.came[rows]))
    for row, metric in zip(rows[as_came].tolist(), metrics[as_came].tolist(), strict=True):
        cell = int(block.device[row]), int(block.time[row]), names[metric]
        yield int(block.owner[row]), cell, float(block.values[row, metric])


def _disputed_others(other: Kept[OtherReading]) -> Iterator[Claim]:
    """The cells of undeclared metrics that came more than once."""
    if len(other.items) < 2:
        return
    cells = [(o.device, o.time, o.metric) for o in other.items]
    often: Mapping[Cell, int] = Counter(cells)
    if len(often) == len(cells):
        return
    for owner, cell, reading in zip(other.owners, cells, other.items, strict=True):
        if often[cell] > 1:
            yield owner, cell, reading.value


def _starts(device: NDArray[np.int64], time: NDArray[np.int64]) -> NDArray[np.intp]:
    """Where a new (device, time) begins in sorted rows."""
    if not len(time):
        return np.zeros(0, np.intp)
    new = (time[1:] != time[:-1]) | (device[1:] != device[:-1])
    return np.append(0, np.flatnonzero(new) + 1)
