"""A file of the export as it is found: its row groups, what it says of them, and their columns.

Law: a file that no export wrote, or a damaged one, is refused by its name.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from kel.backtest.storage import spacing_of
from kel.backtest.stretch import DAY_US
from kel.model.frame import Frame
from kel.model.moment import MICROSECOND, from_us, to_us

UTC_US = pa.timestamp("us", tz="UTC")
TIME, DEVICE = "time", "device"
SPACING = "kel.spacing_us"  # of a file: for each row group the usual µs between readings, or null


@dataclass(frozen=True, slots=True)
class Group:
    """A row group: where one day of a class stands."""

    file: Path
    number: int
    rows: int
    day: int  # since 1970
    spacing: timedelta | None
    metrics: tuple[str, ...]  # of its class, that it has


def groups_of(file: Path, metrics: Sequence[str]) -> Iterator[Group]:
    """The file's row groups, of a class with these metrics. ValueError where it is no export."""
    try:
        about = parquet.read_metadata(file)
        there = _check(file, about.schema.to_arrow_schema(), metrics)
    except (pa.ArrowException, OSError):
        raise ValueError(f"{file}: is no Parquet file, or a damaged one") from None
    spacing = _spacing(file, about)
    for number in range(about.num_row_groups):
        group = about.row_group(number)
        times = group.column(0).statistics
        if times is None or not times.has_min_max:
            raise ValueError(f"{file}: is no export of KEL: it does not say its rows' times")
        first, last = to_us(times.min), to_us(times.max)
        if first // DAY_US != last // DAY_US:
            raise ValueError(
                f"{file}: row group {number} spans {from_us(first):%F} to {from_us(last):%F}: "
                "it must be one day"
            )
        yield Group(file, number, group.num_rows, first // DAY_US, spacing[number], there)


def _check(file: Path, schema: pa.Schema, metrics: Sequence[str]) -> tuple[str, ...]:
    """The metrics that it has; ValueError where columns are not as `MonthFile` makes them."""
    types = dict(zip(schema.names, schema.types, strict=True))
    told = types.get(DEVICE, pa.null())
    texts = told.value_type if pa.types.is_dictionary(told) else told
    there = tuple(name for name in metrics if name in types)
    for name, right, what in (
        (TIME, types.get(TIME) == UTC_US and schema.names[0] == TIME, f"the first, {UTC_US}"),
        (DEVICE, pa.types.is_string(texts), "of texts"),
        *((m, pa.types.is_float64(types[m]), "of doubles") for m in there),
    ):
        if not right:
            raise ValueError(f"{file}: is no export of KEL: its column {name!r} must be {what}")
    return there


def read_columns(file: Path, number: int, columns: Sequence[str]) -> pa.Table:
    try:
        with parquet.ParquetFile(file, read_dictionary=[DEVICE]) as opened:
            return opened.read_row_group(number, columns=columns)
    except (pa.ArrowException, OSError):
        raise ValueError(f"{file}: is no Parquet file, or a damaged one") from None


def rows_of(file: Path, number: int, metrics: Sequence[str]) -> pa.Table:
    """A row group's times, devices and these metrics."""
    table = read_columns(file, number, [TIME, DEVICE, *metrics])
    for name in (TIME, DEVICE):
        if table.column(name).null_count:
            raise ValueError(f"{file}: a row has no {name}")
    return table


def _spacing(file: Path, about: parquet.FileMetaData) -> list[timedelta | None]:
    """How densely each row group is stored, as the file says, else as its rows are."""
    try:
        told = json.loads((about.metadata or {})[SPACING.encode()])
        if len(told) == about.num_row_groups:
            return [None if us is None else int(us) * MICROSECOND for us in told]
    except (KeyError, TypeError, ValueError, OverflowError):
        pass  # not by this KEL
    return [_spacing_of(file, number) for number in range(about.num_row_groups)]


def _spacing_of(file: Path, number: int) -> timedelta | None:
    table = rows_of(file, number, ())
    time = table.column("time").cast(pa.int64()).to_numpy()
    device = table.column("device").combine_chunks().indices.to_numpy()
    return spacing_of(Frame("", time, time, device, {}))
