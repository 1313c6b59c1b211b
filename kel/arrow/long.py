"""Long tables in files: CSV (also gzipped) and Parquet, whole, as `kel.backtest.long.Long`.

Columns: `time` (ISO 8601; without an offset it is UTC), `device`, then one a metric, empty allowed.
Law: a file is taken whole or refused with the line that is wrong.
"""

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from kel.arrow.blame import YEARS, blame, plain, shown
from kel.backtest.long import Long
from kel.model.frame import Float64, Int64
from kel.model.moment import to_us

TIME, DEVICE = "time", "device"
EMPTY = ["", "NaN", "nan", "NA", "N/A", "null", "NULL", "None"]
BLOCK = 8 * 1024 * 1024  # bytes that one thread parses at a time
TEXTS = pa.dictionary(pa.int32(), pa.string())
UTC_US = pa.timestamp("us", tz="UTC")
FIRST, LAST = (to_us(datetime(y, 1, 1, tzinfo=UTC)) for y in (YEARS[0], YEARS[1] + 1))
NAMED = 8  # columns of a head that lacks one


def read_long(file: Path) -> Long:
    """The whole file; ValueError, with the line where it can be told, if it is no such table."""
    table = _parquet(file) if is_parquet(file) else _csv(file)
    names, device = _texts(table.column(DEVICE))
    try:
        if "" in names:
            raise ValueError("a row has no device")
        time, zoneless = _times(table.column(TIME))
        if len(time) and not (time.min() >= FIRST and time.max() < LAST):
            raise ValueError("a time is not of the years {} to {}".format(*YEARS))
    except ValueError as error:
        raise _wrong(file, error) from None
    metrics = [name for name in table.column_names if name not in (TIME, DEVICE)]
    columns = {name: _numbers(file, name, table.column(name)) for name in metrics}
    return Long(time, device.astype(np.int32), names, columns, zoneless)


def _csv(file: Path) -> pa.Table:
    first, delimiter = _first(file)
    head = [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]
    _check(file, head)
    types = {m: pa.float64() for m in head} | {TIME: TEXTS, DEVICE: TEXTS}
    try:
        table = arrow_csv.read_csv(
            file,
            read_options=arrow_csv.ReadOptions(block_size=BLOCK, column_names=head, skip_rows=1),
            parse_options=arrow_csv.ParseOptions(delimiter=delimiter),
            convert_options=arrow_csv.ConvertOptions(column_types=types, null_values=EMPTY),
        )
        _whole(file, table)
    except (pa.ArrowInvalid, OSError) as error:
        raise _wrong(file, error) from None
    return table.unify_dictionaries()


def _whole(file: Path, table: pa.Table) -> None:
    for name in (TIME, DEVICE):
        if table.column(name).null_count:
            raise _wrong(file, ValueError(f"a row has no {name}"))


def _parquet(file: Path) -> pa.Table:
    try:
        table = parquet.read_table(file)
    except (pa.ArrowException, OSError):
        raise ValueError(f"{file}: is no Parquet file, or a damaged one") from None
    _check(file, table.column_names)
    _whole(file, table)
    return table


def _first(file: Path) -> tuple[str, str]:
    """The head's line, and what its names are separated by."""
    line = next(_lines(file), "")
    return line, ";" if ";" in line and "," not in line else ","


def is_parquet(file: Path) -> bool:
    return file.suffix in (".parquet", ".pq")


def _check(file: Path, head: Sequence[str]) -> None:
    if not any(head):
        raise ValueError(f"{file}:1: is empty: it must name the columns time, device, and metrics")
    there = ", ".join(map(plain, head[:NAMED])) + (", …" if len(head) > NAMED else "")
    for name in (TIME, DEVICE):
        if name not in head:
            raise ValueError(f"{file}:1: there is no column {name!r}: there are {there}")
    twice = sorted({name for name in head if head.count(name) > 1})
    if twice:
        raise ValueError(f"{file}:1: two columns are called {shown(twice[0])}")


def _wrong(file: Path, error: Exception) -> ValueError:
    """The error by the line that it is about, where the file has lines."""
    if not is_parquet(file):
        _, delimiter = _first(file)
        if blamed := blame(file, _lines(file), delimiter, EMPTY):
            return blamed
    return ValueError(f"{file}: {str(error).splitlines()[0]}")


def _texts(column: pa.ChunkedArray) -> tuple[list[str], Any]:
    """The distinct texts of a column, and each row's place among them."""
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column.cast(pa.string()))
    whole = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):  # of no rows
        return [], np.empty(0, np.int32)
    return whole.dictionary.to_pylist(), whole.indices.to_numpy(zero_copy_only=False)


def _times(column: pa.ChunkedArray) -> tuple[Int64, int]:
    """µs since 1970 of each row, and how many rows did not say their offset."""
    if pa.types.is_timestamp(column.type):
        zoneless = 0 if column.type.tz else len(column)
        moments = column.cast(pa.timestamp("us", tz=column.type.tz), safe=False)
        return _int64(moments), zoneless
    texts, rows = _texts(column)
    try:
        moments = _int64(pa.chunked_array([pa.array(texts, pa.string()).cast(UTC_US)]))
        return moments[rows], 0
    except pa.ArrowInvalid:
        pass  # not every text has an offset, or one is no time: one by one
    parsed = [_moment(text) for text in texts]
    moments = np.array([to_us(moment) for moment, _ in parsed], np.int64)
    bare = np.array([zoneless for _, zoneless in parsed], np.bool_)
    return moments[rows], int(np.count_nonzero(bare[rows]))


def _moment(text: str) -> tuple[datetime, bool]:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"time: {shown(text)} is no ISO 8601 time") from None
    return (moment, False) if moment.tzinfo else (moment.replace(tzinfo=UTC), True)


def _int64(column: pa.ChunkedArray) -> Int64:
    whole = column.cast(pa.int64()).combine_chunks()
    found: Int64 = whole.to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
    return found


def _numbers(file: Path, name: str, column: pa.ChunkedArray) -> Float64:
    try:
        found: Float64 = column.cast(pa.float64()).to_numpy()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise ValueError(f"{file}: {plain(name)}: is no column of numbers") from None
    return found


def _lines(file: Path) -> Iterator[str]:
    """The file's lines one by one: slow, and only for the head and where something is wrong."""
    number = 0
    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
        try:
            for line in lines:
                number += 1
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"{file}:{number}: is not UTF-8: {error.reason}") from None
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise ValueError(f"{file}:{number + 1}: is no gzip from here on, or cut off") from None
