"""The export's folder: what is written is read, a day at a time, and only what is asked for."""

import numpy as np
import pytest

from kel.arrow import months
from kel.arrow.months import MonthFile, Months
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
