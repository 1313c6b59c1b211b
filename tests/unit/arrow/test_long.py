"""Long tables in files: what is read alike, and what is refused with its line."""

import gzip
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from kel.arrow.long import read_long
from tests.builders.rules_city import at

HEAD = "time,device,flow,level"
NOON = at("2026-09-01T12:00")


def written(tmp_path, text, name="readings.csv"):
    file = tmp_path / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def csv(*lines, head=HEAD, end="\n"):
    return end.join((head, *lines)) + end


def rows_of(long):
    columns = [[None if np.isnan(v) else float(v) for v in c] for c in long.columns.values()]
    names = [long.names[n] for n in long.device]
    return list(zip(long.time.tolist(), names, *columns, strict=True))


EXPECTED = [(NOON, "a", 1.5, None), (NOON, "b", None, -2.0)]
LINES = ("2026-09-01T12:00:00Z,a,1.5,", "2026-09-01T12:00:00Z,b,,-2")
ALIKE = {
    "plain": csv(*LINES),
    "with carriage returns": csv(*LINES, end="\r\n"),
    "with a byte order mark": "\ufeff" + csv(*LINES),
    "without an end of its last line": csv(*LINES).rstrip("\n"),
    "with an empty line at the end": csv(*LINES, ""),
    "with an offset": csv("2026-09-01T15:00:00+03:00,a,1.5,", "2026-09-01T15:00+03:00,b,,-2"),
    "with fractions": csv("2026-09-01T12:00:00.000Z,a,1.5,", "2026-09-01T12:00:00.000000Z,b,,-2"),
    "with a blank": csv("2026-09-01 12:00:00Z,a,1.5,", "2026-09-01 12:00:00+00:00,b,,-2"),
    "with words for empty": csv("2026-09-01T12:00:00Z,a,1.5,NaN", "2026-09-01T12:00Z,b,null,-2"),
    "quoted": csv('"2026-09-01T12:00:00Z","a","1.5",', '2026-09-01T12:00:00Z,"b",,"-2"'),
    "with semicolons": csv(*LINES).replace(",", ";"),
    "with exponents": csv("2026-09-01T12:00:00Z,a,15e-1,", "2026-09-01T12:00:00Z,b,,-2.0E0"),
}


@pytest.mark.parametrize("name", ALIKE)
def test_what_is_read_alike(tmp_path, name):
    long = read_long(written(tmp_path, ALIKE[name]))
    assert rows_of(long) == EXPECTED
    assert long.zoneless == 0


def test_gzipped(tmp_path):
    file = written(tmp_path, gzip.compress(csv(*LINES).encode()), "readings.csv.gz")
    assert rows_of(read_long(file)) == EXPECTED


def test_columns_stand_in_any_order(tmp_path):
    file = written(tmp_path, csv("-2,b,2026-09-01T12:00:00Z", head="level,device,time"))
    assert rows_of(read_long(file)) == [(NOON, "b", -2.0)]


def test_times_without_an_offset_are_utc_and_counted(tmp_path):
    file = written(tmp_path, csv("2026-09-01T12:00:00,a,1.5,", *LINES[1:], LINES[0]))
    long = read_long(file)
    assert long.zoneless == 1
    assert set(long.time.tolist()) == {NOON}


def test_many_devices_and_times_keep_their_rows(tmp_path):
    """More than one block of the reader: its dictionaries are put together."""
    lines = [
        f"2026-09-{1 + n % 28:02}T{n % 24:02}:00:00Z,d{n % 997},{n},{n / 7:.6f}"
        for n in range(300_000)
    ]
    long = read_long(written(tmp_path, csv(*lines)))
    assert len(long) == 300_000
    for n in (0, 1, 996, 997, 150_000, 299_999):
        assert long.names[long.device[n]] == f"d{n % 997}"
        assert long.columns["flow"][n] == n
        assert long.time[n] == at(f"2026-09-{1 + n % 28:02}T{n % 24:02}:00")


def test_a_head_alone_is_a_table_of_nothing(tmp_path):
    assert len(read_long(written(tmp_path, HEAD + "\n"))) == 0


WRONG = {
    "no time": (
        csv("a,1,2", head="device,flow,level"),
        ".csv:1: there is no column 'time'",
    ),
    "no device": (csv("a,1,2", head="time,flow,level"), ":1: there is no column 'device'"),
    "twice": (csv(head="time,device,flow,flow"), ":1: two columns are called 'flow'"),
    "empty file": ("", ":1: is empty: it must name the columns time, device"),
    "an empty first line": ("\n" + csv(*LINES), ":1: is empty"),
    "a head that is none": (csv(head="a\x1b[2J,b"), "there are 'a\\x1b[2J', b"),
    "another age": (
        csv(*LINES, "0001-01-01T00:00Z,a,1,"),
        ":4: time: '0001-01-01T00:00Z' is not of",
    ),
    "a word": (csv(*LINES, "2026-09-01T12:00:00Z,a,open,"), ":4: flow: 'open' is no number"),
    "a decimal comma": (
        csv("2026-09-01T12:00:00Z;a;1,5;", head=HEAD.replace(",", ";")),
        ":2: flow: '1,5' is no number: decimals take a point",
    ),
    "no time at all": (csv(LINES[0], "yesterday,a,1,"), ":3: time: 'yesterday' is no ISO 8601"),
    "an empty time": (csv(*LINES, ",a,1,"), ":4: time: '' is no ISO 8601 time"),
    "an empty device": (csv(*LINES, "2026-09-01T12:00:00Z,,1,"), ":4: device: is empty"),
    "too few": (csv(LINES[0], "2026-09-01T12:00:00Z,a"), ":3: 2 values where the head names 4"),
    "too many": (csv(LINES[0], LINES[1] + ",7"), ":3: 5 values where the head names 4 columns"),
    "not UTF-8": (csv(*LINES).encode() + b"2026-09-01T12:00:00Z,\xe1,1,\n", ":4: is not UTF-8"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_refused_with_its_line(tmp_path, name):
    text, told = WRONG[name]
    with pytest.raises(ValueError) as error:
        read_long(written(tmp_path, text))
    assert told in str(error.value)


NO_GZIP = {
    "plain": (csv(*LINES).encode(), ":1: is no gzip from here on"),
    "cut off": (gzip.compress(csv(*LINES).encode())[:-12], "is no gzip from here on, or cut off"),
    "with a flipped byte": (gzip.compress(csv(*LINES).encode())[:-6] + b"\0" * 6, "is no gzip"),
}


@pytest.mark.parametrize("name", NO_GZIP)
def test_gzip_that_is_damaged_is_refused(tmp_path, name):
    data, told = NO_GZIP[name]
    with pytest.raises(ValueError) as error:
        read_long(written(tmp_path, data, "readings.csv.gz"))
    assert told in str(error.value)
    assert "readings.csv.gz:" in str(error.value)


def test_a_long_wrong_value_is_cut(tmp_path):
    with pytest.raises(ValueError) as error:
        read_long(written(tmp_path, csv(f"2026-09-01T12:00:00Z,a,{'x' * 500},")))
    assert len(str(error.value)) < 250


def table(times, devices):
    return pa.table({"time": times, "device": devices, "flow": pa.array([1.5, None])})


NOONS = [datetime(2026, 9, 1, 12, tzinfo=UTC)] * 2
PARQUET = {
    "µs": table(pa.array(NOONS, pa.timestamp("us", tz="UTC")), ["a", "b"]),
    "ns of a zone": table(pa.array(NOONS, pa.timestamp("ns", tz="Europe/Athens")), ["a", "b"]),
    "texts": table(["2026-09-01T12:00:00Z"] * 2, pa.array(["a", "b"]).dictionary_encode()),
}


@pytest.mark.parametrize("name", PARQUET)
def test_parquet_is_read_alike(tmp_path, name):
    file = tmp_path / "readings.parquet"
    parquet.write_table(PARQUET[name], file)
    assert rows_of(read_long(file)) == [(NOON, "a", 1.5), (NOON, "b", None)]


def test_parquet_that_is_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"readings\.parquet"):
        read_long(written(tmp_path, "not parquet", "readings.parquet"))


WRONG_PARQUET = {
    "words": ({"time": NOONS, "device": ["a", "b"], "flow": ["x", "y"]}, "flow: is no column of"),
    "lists": ({"time": NOONS, "device": ["a", "b"], "flow": [[1.0], []]}, "flow: is no column of"),
    "numbers for times": ({"time": [5, 6], "device": ["a", "b"]}, "time: '5' is no ISO 8601 time"),
    "no device": ({"time": NOONS}, "there is no column 'device'"),
    "an empty time": ({"time": [*NOONS[1:], None], "device": ["a", "b"]}, "a row has no time"),
}


@pytest.mark.parametrize("name", WRONG_PARQUET)
def test_a_parquet_file_of_something_else_is_refused_by_its_name(tmp_path, name):
    columns, told = WRONG_PARQUET[name]
    file = tmp_path / "readings.parquet"
    parquet.write_table(pa.table(columns), file)
    with pytest.raises(ValueError) as error:
        read_long(file)
    assert told in str(error.value)
    assert str(file) in str(error.value)
