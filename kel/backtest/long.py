"""A long table: one row a device and moment, one column a metric; and frames of a city out of it.

Laws:
- what a running city would refuse is left out and counted: strangers, metrics that the device's
  class does not have, values outside the class's range, rows that say nothing;
- a device is called by its id, or else by its address;
- rows of one device and moment are one reading, as partial messages are;
- the order of the table's rows makes no difference.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kel.backtest.stretch import in_days
from kel.model.city import City
from kel.model.device import Device, DeviceClass
from kel.model.frame import Float64, Frame, Int32, Int64, once


@dataclass(frozen=True, slots=True)
class Long:
    """time: (n,) µs; device: (n,) places in `names`; columns: metric → (n,), NaN where empty.

    `zoneless` counts times that did not say their offset and were taken as UTC.
    """

    time: Int64
    device: Int32
    names: Sequence[str]
    columns: Mapping[str, Float64]
    zoneless: int = 0

    def __len__(self) -> int:
        return len(self.time)


@dataclass
class LeftOut:
    """What of a table was not judged, and how often: rows, or values."""

    strangers: Counter[str] = field(default_factory=Counter)  # rows by the device's name
    metrics: Counter[tuple[str, str]] = field(default_factory=Counter)  # values by class, metric
    range: Counter[tuple[str, str]] = field(default_factory=Counter)  # values by class, metric
    empty: int = 0  # rows without any value
    joined: int = 0  # rows that were a further part of a reading
    disordered: int = 0  # rows earlier than the row before them


def frames_of(long: Long, city: City) -> tuple[dict[str, Frame], LeftOut]:
    """The table's readings by class, each frame in order of (day, device, time)."""
    left = LeftOut(disordered=int(np.count_nonzero(long.time[1:] < long.time[:-1])))
    classes = list(city.classes)
    place = {cls: i for i, cls in enumerate(classes)}
    by_address = _by_address(city)
    known = [city.devices.get(name) or by_address.get(name) for name in long.names]
    number = np.array([-1 if d is None else d.number for d in known], np.int32)
    of_class = np.array([-1 if d is None else place[d.cls] for d in known], np.int32)
    rows_of = np.bincount(long.device, minlength=len(known)).tolist()
    for name, device, rows in zip(long.names, known, rows_of, strict=True):
        if device is None and rows:
            left.strangers[name] = rows
    cls_of_row = of_class[long.device]
    frames = {}
    for cls in classes:
        rows = np.flatnonzero(cls_of_row == place[cls])
        if len(rows):
            frame = _frame(long, rows, number, city.classes[cls], left)
            if len(frame):
                frames[cls] = frame
    return frames, left


def _by_address(city: City) -> dict[str, Device | None]:
    """Devices by their address, None where several formats call one so."""
    found: dict[str, Device | None] = {}
    for device in city.devices.values():
        found[device.address] = None if device.address in found else device
    return found


def _frame(
    long: Long, rows: NDArray[np.intp], number: Int32, cls: DeviceClass, left: LeftOut
) -> Frame:
    """The rows of one class, with what a running city would have taken of them."""
    columns = {}
    said = np.zeros(len(rows), np.bool_)
    for name, column in long.columns.items():
        values = column[rows]
        told = ~np.isnan(values)
        metric = cls.metric(name)
        if metric is None:
            if count := int(np.count_nonzero(told)):
                left.metrics[cls.id, name] += count
            continue
        low = -np.inf if metric.low is None else metric.low
        high = np.inf if metric.high is None else metric.high
        wrong = told & ~((values >= low) & (values <= high) & np.isfinite(values))
        if count := int(np.count_nonzero(wrong)):
            left.range[cls.id, name] += count
            values = np.where(wrong, np.nan, values)
            told &= ~wrong
        columns[name] = values
        said |= told
    left.empty += int(np.count_nonzero(~said))
    time, device = long.time[rows], number[long.device[rows]]
    told_rows = Frame(cls.id, time, time, device, columns).take(said)
    readings = once(told_rows) if len(told_rows) else told_rows
    left.joined += len(told_rows) - len(readings)
    return in_days(readings)
