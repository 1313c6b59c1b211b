"""Rows of the same device and moment within one batch: one row, unless they contradict.

Laws:
- equal values are duplicates and are kept once; different metrics join into one row;
- a different value for the same device, moment and metric is a contradiction: the later message
  is refused whole, and nothing of a refused message can contradict a later one;
- where no device has two rows of one moment (the usual case), all of this costs one sort.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from ingest.sink import Kept, Sink
from ingest.table import Table
from kel.model.frame import Frame
from kel.model.reading import OtherReading

Cell = tuple[int, int, str]  # device, time, metric
Claim = tuple[int, Cell, float]  # owner (index of the message), cell, value


def contradictions(sink: Sink) -> dict[int, str]:
    """Messages (by index) that contradict an earlier one, with the metric in question."""
    claims = [claim for table in sink.tables.values() for claim in _doubted(table)]
    claims += _doubted_others(sink.other)
    if not claims:
        return {}
    claims.sort(key=lambda claim: claim[0])  # stable: within a message the order stays
    return _judge(claims)


def frame_of(table: Table, refused: Iterable[int] = ()) -> Frame:
    """The table's rows as a frame in order of (device, time), without those of refused messages."""
    order = table.order()
    owners = np.array(table.owner, np.int64)
    refused = list(refused)
    if refused:
        order = order[~np.isin(owners[order], refused)]
    time = np.array(table.time, np.int64)[order]
    arrival = np.array(table.arrival, np.int64)[order]
    device = np.array(table.device, np.int32)[order]
    values = table.matrix()[order]
    starts = _starts(device, time)
    if len(starts) < len(order):
        time, device = time[starts], device[starts]
        arrival = np.minimum.reduceat(arrival, starts)
        values = np.fmax.reduceat(values, starts, axis=0)  # a number wins over NaN
    columns = np.ascontiguousarray(values.T)
    metrics = {metric.name: columns[i] for i, metric in enumerate(table.cls.metrics)}
    return Frame(table.cls.id, time, arrival, device, metrics)


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


def _doubted(table: Table) -> Iterator[Claim]:
    """The cells of all rows that share device and time with another row."""
    if len(table.time) < 2:
        return
    order = table.order()
    time = np.array(table.time, np.int64)[order]
    device = np.array(table.device, np.int64)[order]
    same = (time[1:] == time[:-1]) & (device[1:] == device[:-1])
    if not same.any():
        return
    doubted = np.append(same, False) | np.insert(same, 0, False)
    names, width = list(table.columns), len(table.blank)
    for row in np.sort(order[doubted]).tolist():
        key = table.device[row], table.time[row]
        values = table.values[row * width : (row + 1) * width]
        for name, value in zip(names, values, strict=True):
            if value == value:  # not NaN
                yield table.owner[row], (*key, name), float(value)


def _doubted_others(other: Kept[OtherReading]) -> Iterator[Claim]:
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


def _starts(device: NDArray[np.int32], time: NDArray[np.int64]) -> NDArray[np.intp]:
    """Where a new (device, time) begins in sorted rows."""
    if not len(time):
        return np.zeros(0, np.intp)
    new = (time[1:] != time[:-1]) | (device[1:] != device[:-1])
    return np.append(0, np.flatnonzero(new) + 1)
