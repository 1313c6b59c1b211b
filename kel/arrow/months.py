"""The export: a folder of Parquet, one file a class and month, and the way back.

    FOLDER/<class>/2026-09.parquet     columns: time, arrival, device, then one a metric

Laws:
- a row group is one day (UTC) in order of (device, time); so days are read without sorting, and a
  column that no rule asks for is never read;
- a file says how densely each of its days is stored; of one that does not, the rows are asked;
- a file is whole or it is not there.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from kel.ahead import ahead
from kel.arrow.groups import SPACING, UTC_US, Group, groups_of, read_columns, rows_of
from kel.backtest.storage import StoredDay, spacing_of
from kel.backtest.stretch import DAY_US, Stretch
from kel.model.city import City
from kel.model.frame import Float64, Frame, Int64
from kel.model.moment import MICROSECOND, from_us


class MonthFile:
    """One class's month, to which days are put one after another; no rows, no file."""

    def __init__(
        self, folder: Path, cls: str, month: str, city: City, metrics: Iterable[str]
    ) -> None:
        self.rows = 0
        self._file = folder / cls / f"{month}.parquet"
        self._part = self._file.with_suffix(".part")
        self._city = city
        fields = [("time", UTC_US), ("arrival", UTC_US)]
        fields += [("device", pa.dictionary(pa.int32(), pa.string()))]
        self._schema = pa.schema([*fields, *((m, pa.float64()) for m in metrics)])
        self._writer: Any = None
        self._spacing: list[int | None] = []

    def put(self, day: Frame) -> None:
        """The rows of one day (UTC), in order of (device, time)."""
        if not len(day):
            return
        if self._writer is None:
            self._part.parent.mkdir(parents=True, exist_ok=True)
            self._writer = parquet.ParquetWriter(self._part, self._schema, compression="zstd")
        self._writer.write_table(_table(day, self._city, self._schema), row_group_size=len(day))
        spacing = spacing_of(day)
        self._spacing.append(None if spacing is None else spacing // MICROSECOND)
        self.rows += len(day)

    def __enter__(self) -> "MonthFile":
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if self._writer is None:
            return
        self._writer.add_key_value_metadata({SPACING: json.dumps(self._spacing)})
        self._writer.close()
        if failed:
            self._part.unlink()
        else:
            self._part.replace(self._file)


def _table(day: Frame, city: City, schema: pa.Schema) -> pa.Table:
    numbers, place = np.unique(day.device, return_inverse=True)
    names = pa.array([city.by_number[n].id for n in numbers.tolist()], pa.string())
    device = pa.DictionaryArray.from_arrays(pa.array(place.astype(np.int32)), names)
    time, arrival = (pa.array(c, pa.int64()).cast(UTC_US) for c in (day.time, day.arrival))
    empty = np.full(len(day), np.nan)
    metrics = [day.metrics.get(name, empty) for name in schema.names[3:]]
    columns = [pa.array(column, from_pandas=True) for column in metrics]  # NaN is empty
    return pa.table([time, arrival, device, *columns], schema=schema)


class Columns(Mapping[str, Float64]):
    """The metrics of a row group: a column is read when it is asked for, and then kept."""

    def __init__(self, group: Group, asked: set[str]) -> None:
        self._group, self._names, self._asked = group, group.metrics, asked
        self._read: dict[str, Float64] = {}

    def put(self, table: pa.Table) -> None:
        """Columns that were read before anybody asked for them."""
        for name in self._names:
            if name in table.column_names:
                self._read[name] = table.column(name).to_numpy()

    def __getitem__(self, name: str) -> Float64:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._read:
            self._asked.add(name)  # the next days come with it
            self.put(read_columns(self._group.file, self._group.number, [name]))
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class Months:
    """An exported folder, read by days for the devices of `city`; strangers are counted."""

    def __init__(self, folder: Path, city: City) -> None:
        self._city = city
        self._asked: dict[str, set[str]] = {cls: set() for cls in city.classes}
        self._days: dict[int, dict[str, Group]] = {}
        self.strangers: dict[str, int] = {}  # rows by device
        self.classes: list[str] = []  # in the folder, and unknown to the city
        for file in sorted(folder.glob("*/*.parquet")):
            cls = city.classes.get(file.parent.name)
            if cls is None:
                self.classes = sorted({*self.classes, file.parent.name})
                continue
            for group in groups_of(file, [metric.name for metric in cls.metrics]):
                day = self._days.setdefault(group.day, {})
                if day.setdefault(file.parent.name, group) is not group:
                    raise ValueError(f"{file}: two row groups are of one day")
        if not self._days:
            raise LookupError(f"{folder} has no <class>/<month>.parquet of this city's classes")

    @property
    def rows(self) -> int:
        return sum(group.rows for day in self._days.values() for group in day.values())

    @property
    def stored(self) -> dict[str, list[StoredDay]]:
        """What there is of each class, day by day."""
        found: dict[str, list[StoredDay]] = {}
        for day in sorted(self._days):
            for cls, group in self._days[day].items():
                moment = from_us(day * DAY_US)
                found.setdefault(cls, []).append(StoredDay(moment, group.rows, group.spacing))
        return found

    def stretches(self) -> Iterator[Stretch]:
        """Every day in its turn; the next ones are read meanwhile."""
        return ahead(self._stretch, sorted(self._days))

    def _stretch(self, day: int) -> Stretch:
        groups = self._days[day]
        frames = tuple(f for cls in sorted(groups) if len(f := self._frame(cls, groups[cls])))
        first, last = day * DAY_US, (day + 1) * DAY_US - 1
        times = [(int(f.time.min()), int(f.time.max())) for f in frames]
        if times and day == min(self._days):
            first = min(begin for begin, _ in times)
        if times and day == max(self._days):
            last = max(end for _, end in times)
        return Stretch(first, last, frames)

    def _frame(self, cls: str, group: Group) -> Frame:
        asked = self._asked[cls]
        table = rows_of(group.file, group.number, sorted(asked & set(group.metrics)))
        time: Int64 = table.column("time").cast(pa.int64()).to_numpy()
        columns = Columns(group, asked)
        columns.put(table)
        device, known = self._numbers(cls, table.column("device"))
        frame = Frame(cls, time, time, device, columns)
        if not known:
            frame = frame.take(device >= 0)
        return frame if _in_order(frame) else frame.take(np.lexsort((frame.time, frame.device)))

    def _numbers(self, cls: str, column: pa.ChunkedArray) -> tuple[Any, bool]:
        whole = column.combine_chunks()
        names = whole.dictionary.to_pylist()
        rows = whole.indices.to_numpy()
        devices = [self._city.devices.get(name) for name in names]
        numbers = np.array([-1 if d is None or d.cls != cls else d.number for d in devices])
        if (numbers >= 0).all():
            return numbers.astype(np.int32)[rows], True
        counts = np.bincount(rows, minlength=len(names)).tolist()
        for name, number, count in zip(names, numbers.tolist(), counts, strict=True):
            if number < 0 and count:
                self.strangers[name] = self.strangers.get(name, 0) + count
        return numbers.astype(np.int32)[rows], False


def _in_order(frame: Frame) -> bool:
    """By device, then time. Other cities' numbers may stand in another order than its export's."""
    later = frame.device[1:] > frame.device[:-1]
    later |= (frame.device[1:] == frame.device[:-1]) & (frame.time[1:] >= frame.time[:-1])
    return bool(later.all())
