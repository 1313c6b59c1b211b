"""The export's folder: what is written is read, a day at a time, and only what is asked for."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from kel.arrow import months
from kel.arrow.groups import SPACING
from kel.arrow.months import MonthFile, Months
from kel.backtest.storage import days_of
from kel.backtest.stretch import in_days, stretches
from kel.model.frame import Frame
from tests.builders.rules_city import HOUR, at, city, frame

CITY = city()
START = at("2026-08-30T05:00")


def history():
    """Two classes over four days and two months; the zones' pressure is often empty."""
    zone = [
        (START + n * HOUR, 11 + d, {"flow": n + d / 10, **({"pressure": n} if n % 3 else {})})
        for n in range(90)
        for d in range(3)
    ]
    lamp = [(START + n * HOUR, 21, {"power": n}) for n in range(30)]
    return {"zone": in_days(frame("zone", zone)), "lamp": in_days(frame("lamp", lamp))}


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, history())
    return tmp_path


def write(folder, frames):
    for stretch in stretches(frames):
        for part in stretch.frames:
            month = "2026-08" if stretch.first < at("2026-09-01") else "2026-09"
            metrics = [m.name for m in CITY.classes[part.cls].metrics]
            # a file a day would do as well: days of a month are put into one file by the exporter
            with MonthFile(folder, part.cls, f"{month}-{stretch.first}", CITY, metrics) as file:
                file.put(part)


def same(one: Frame, other: Frame):
    assert one.cls == other.cls
    assert one.time.tolist() == other.time.tolist()
    assert one.device.tolist() == other.device.tolist()
    for name in one.metrics:
        np.testing.assert_array_equal(one.metrics[name], other.metrics[name])


def test_what_is_written_is_read(folder):
    read = Months(folder, CITY)
    found, expected = list(read.stretches()), list(stretches(history()))
    assert read.rows == sum(map(len, expected)) == 300
    assert [(s.first, s.last) for s in found] == [(s.first, s.last) for s in expected]
    for one, other in zip(found, expected, strict=True):
        for mine, theirs in zip(one.frames, other.frames, strict=True):
            same(theirs, mine)


def test_days_of_a_month_share_a_file(tmp_path):
    frames = history()["zone"]
    days = [s.frames[0] for s in stretches({"zone": frames})]
    with MonthFile(tmp_path, "zone", "2026-08", CITY, ["flow", "pressure"]) as file:
        for day in days:
            file.put(day)
    assert file.rows == len(frames)
    assert [f.name for f in (tmp_path / "zone").iterdir()] == ["2026-08.parquet"]
    assert [len(s) for s in Months(tmp_path, CITY).stretches()] == [len(day) for day in days]


def test_a_column_that_nobody_asks_for_is_not_read(folder, monkeypatch):
    wanted = []
    read = months.parquet.ParquetFile.read_row_group

    def spy(self, number, columns):
        wanted.extend(columns)
        return read(self, number, columns=columns)

    monkeypatch.setattr(months.parquet.ParquetFile, "read_row_group", spy)
    for stretch in Months(folder, CITY).stretches():
        for part in stretch.frames:
            assert list(part.metrics)  # their names cost nothing
            if part.cls == "zone":
                assert part.metrics["flow"].sum() > 0
    assert {"flow", "time", "device"} == set(wanted)


def test_a_metric_that_is_not_there_is_none(folder):
    (first, *_) = Months(folder, CITY).stretches()
    assert first.frames[0].metrics.get("no-such-metric") is None


def test_devices_and_classes_that_the_city_does_not_have_are_counted(folder):
    known = {d.id: d for d in CITY.devices.values() if d.id != "zm-02"}
    smaller = city(known.values())
    smaller = type(smaller)(
        **{
            **smaller.__dict__,
            "classes": {c: k for c, k in smaller.classes.items() if c != "lamp"},
        }
    )
    read = Months(folder, smaller)
    found = list(read.stretches())
    assert read.classes == ["lamp"]
    assert read.strangers == {"zm-02": 90}
    assert {n for s in found for f in s.frames for n in f.device.tolist()} == {11, 13}


def test_a_failure_leaves_no_file(tmp_path):
    with pytest.raises(ZeroDivisionError), MonthFile(tmp_path, "zone", "x", CITY, ["flow"]) as file:
        file.put(history()["zone"].take(np.arange(3)))
        raise ZeroDivisionError
    assert list((tmp_path / "zone").iterdir()) == []


def test_no_rows_make_no_file(tmp_path):
    with MonthFile(tmp_path, "zone", "2026-09", CITY, ["flow"]) as file:
        file.put(frame("zone", []))
    assert list(tmp_path.rglob("*.parquet")) == []


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(LookupError, match="has no <class>"):
        Months(tmp_path, CITY)
    (tmp_path / "zone").mkdir()
    (tmp_path / "zone/2026-09.parquet").write_text("not parquet")
    with pytest.raises(ValueError, match="2026-09"):
        Months(tmp_path, CITY)


def test_row_groups_that_are_no_days_are_refused(tmp_path):
    with MonthFile(tmp_path, "zone", "2026-08", CITY, ["flow"]) as file:
        file.put(history()["zone"])
    with pytest.raises(ValueError, match="it must be one day"):
        Months(tmp_path, CITY)


def test_how_densely_days_are_stored_is_told_as_by_the_rows(folder):
    told = Months(folder, CITY).stored
    assert told == days_of(stretches(history()))
    assert {day.spacing for day in told["zone"]} == {timedelta(hours=1)}


@pytest.mark.parametrize("said", [None, "[]", "soon", '["x"]', "[1e400]", "5"])
def test_a_file_that_does_not_say_it_is_asked(tmp_path, said):
    with MonthFile(tmp_path, "zone", "2026-08", CITY, ["flow"]) as file:
        file.put(days()[1])
    (written,) = (tmp_path / "zone").iterdir()
    table = parquet.read_table(written)
    more = {SPACING: said} if said else {}
    parquet.write_table(table.replace_schema_metadata(more), written)
    ((day,),) = Months(tmp_path, CITY).stored.values()
    assert day.spacing == timedelta(hours=1)


def test_what_a_file_says_is_believed(tmp_path):
    """It saves the pass through all rows."""
    with MonthFile(tmp_path, "zone", "2026-08", CITY, ["flow"]) as file:
        file.put(days()[1])
    (written,) = (tmp_path / "zone").iterdir()
    table = parquet.read_table(written)
    said = {SPACING: json.dumps([7_000_000])}
    parquet.write_table(table.replace_schema_metadata(said), written)
    ((day,),) = Months(tmp_path, CITY).stored.values()
    assert day.spacing == timedelta(seconds=7)


def days():
    return [s.frames[0] for s in stretches({"zone": history()["zone"]})]


MOMENTS = [datetime(2026, 9, 1, h, tzinfo=UTC) for h in (5, 4)]
OTHERS = {
    "words": ({"time": MOMENTS, "device": ["zm-01"] * 2, "flow": ["a", "b"]}, "'flow' must be of"),
    "numbers": (
        {"time": MOMENTS, "device": [1, 2], "flow": [1.0, 2.0]},
        "'device' must be of texts",
    ),
    "texts": ({"time": ["a", "b"], "device": ["zm-01"] * 2}, "'time' must be the first"),
    "no device": ({"time": MOMENTS, "flow": [1.0, 2.0]}, "'device' must be of texts"),
    "another order": ({"device": ["zm-01"] * 2, "time": MOMENTS}, "'time' must be the first"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_parquet_that_no_export_wrote_is_refused_by_its_name(tmp_path, name):
    columns, told = OTHERS[name]
    with pytest.raises(ValueError) as error:
        Months(put(tmp_path, columns), CITY)
    assert told in str(error.value)
    assert "zone/2026-09.parquet" in str(error.value)


def test_a_row_without_a_device_is_refused(tmp_path):
    columns = {"time": MOMENTS, "device": pa.array(["zm-01", None]), "flow": [1.0, 2.0]}
    with pytest.raises(ValueError, match="a row has no device"):
        list(Months(put(tmp_path, columns), CITY).stretches())


def test_rows_in_another_order_are_sorted(tmp_path):
    """Rules take a day in order of device and time; another city's numbers may stand otherwise."""
    devices = ["zm-02", "zm-01", "zm-01"]
    columns = {"time": [MOMENTS[0], *MOMENTS], "device": devices, "flow": [1.0, 2.0, 3.0]}
    ((stretch,),) = [list(Months(put(tmp_path, columns), CITY).stretches())]
    (found,) = stretch.frames
    assert found.device.tolist() == [11, 11, 12]
    assert found.metrics["flow"].tolist() == [3.0, 2.0, 1.0]


def put(folder, columns):
    (folder / "zone").mkdir()
    moments = columns["time"]
    if isinstance(moments[0], datetime):
        columns = {**columns, "time": pa.array(moments, pa.timestamp("us", tz="UTC"))}
    parquet.write_table(pa.table(columns), folder / "zone/2026-09.parquet")
    return folder
