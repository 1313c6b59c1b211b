"""Long tables become what a running city would have taken of them."""

from dataclasses import replace

import numpy as np
import pytest

from kel.backtest.long import Long, frames_of
from tests.builders.rules_city import DEVICES, at, city

NAN = np.nan


def long(*rows, metrics=("flow", "pressure")):
    """Rows of (time, device, *values)."""
    names = list(dict.fromkeys(row[1] for row in rows))
    return Long(
        np.array([at(row[0]) for row in rows], np.int64),
        np.array([names.index(row[1]) for row in rows], np.int32),
        names,
        {m: np.array([row[2 + i] for row in rows], float) for i, m in enumerate(metrics)},
    )


def rows_of(frame):
    columns = zip(*frame.metrics.values(), strict=True)
    return [
        (int(t), int(d), tuple(None if np.isnan(v) else float(v) for v in values))
        for t, d, values in zip(frame.time, frame.device, columns, strict=True)
    ]


def test_a_table_becomes_frames_by_class_in_order_of_day_device_time():
    frames, left = frames_of(
        long(
            ("2026-09-01T01:00", "zm-02", 2, 3),
            ("2026-09-01T00:00", "zm-01", 1, 3),
            ("2026-09-02T00:00", "zm-01", 5, NAN),
            ("2026-09-01T02:00", "zm-01", 4, 3),
            ("2026-09-01T00:00", "ps-01", 7, NAN),
        ),
        city(),
    )
    assert sorted(frames) == ["pump", "zone"]
    assert rows_of(frames["zone"]) == [
        (at("2026-09-01T00:00"), 11, (1, 3)),
        (at("2026-09-01T02:00"), 11, (4, 3)),
        (at("2026-09-01T01:00"), 12, (2, 3)),
        (at("2026-09-02T00:00"), 11, (5, None)),
    ]
    assert list(frames["pump"].metrics) == ["flow"]  # pumps have no pressure, and none was said
    assert left.disordered == 3
    assert not (left.strangers or left.metrics or left.range or left.empty or left.joined)


def test_the_order_of_rows_makes_no_difference():
    rows = [
        (f"2026-09-0{1 + h // 24}T{h % 24:02}:00", f"zm-0{d}", h, 3)
        for h in range(40)
        for d in (1, 2)
    ]
    mixed = [rows[n] for n in np.random.default_rng(1).permutation(len(rows))]
    frames, _ = frames_of(long(*rows), city())
    again, left = frames_of(long(*mixed), city())
    assert rows_of(frames["zone"]) == rows_of(again["zone"])
    assert left.disordered > 0


def test_strangers_and_metrics_of_other_classes_are_counted_once_each():
    frames, left = frames_of(
        long(
            ("2026-09-01T00:00", "zm-01", 1, 3),
            ("2026-09-01T00:00", "nobody", 1, 3),
            ("2026-09-01T01:00", "nobody", 1, 3),
            ("2026-09-01T00:00", "ps-01", 1, 3),
        ),
        city(),
    )
    assert left.strangers == {"nobody": 2}
    assert left.metrics == {("pump", "pressure"): 1}
    assert len(frames["zone"]) == len(frames["pump"]) == 1


@pytest.mark.parametrize("value", [-1.5, 20.5, np.inf, -np.inf])
def test_what_is_out_of_range_is_left_out_as_it_would_be_refused(value):
    frames, left = frames_of(long(("2026-09-01T00:00", "zm-01", 1, value)), city())
    assert left.range == {("zone", "pressure"): 1}
    assert rows_of(frames["zone"]) == [(at("2026-09-01T00:00"), 11, (1, None))]


@pytest.mark.parametrize("value", [-1.0, 20.0, 0.0])
def test_the_ends_of_the_range_are_in_it(value):
    frames, left = frames_of(long(("2026-09-01T00:00", "zm-01", NAN, value)), city())
    assert not left.range
    assert rows_of(frames["zone"])[0][2] == (None, value)


def test_a_row_that_says_nothing_is_no_reading():
    frames, left = frames_of(
        long(("2026-09-01T00:00", "zm-01", NAN, NAN), ("2026-09-01T00:00", "ps-01", NAN, 2)), city()
    )
    assert frames == {}
    assert left.empty == 2


def test_parts_of_one_moment_are_one_reading_and_the_first_value_counts():
    frames, left = frames_of(
        long(
            ("2026-09-01T00:00", "zm-01", 1, NAN),
            ("2026-09-01T00:00", "zm-01", 9, 4),
            ("2026-09-01T01:00", "zm-01", 2, 5),
        ),
        city(),
    )
    assert rows_of(frames["zone"]) == [
        (at("2026-09-01T00:00"), 11, (1, 4)),
        (at("2026-09-01T01:00"), 11, (2, 5)),
    ]
    assert left.joined == 1


@pytest.mark.parametrize("name", ["zm-01", "PRV_7"])
def test_a_device_is_known_by_its_id_and_by_its_address(name):
    devices = [replace(d, address="PRV_7") if d.id == "zm-01" else d for d in DEVICES]
    frames, left = frames_of(long(("2026-09-01T00:00", name, 1, 2)), city(devices))
    assert frames["zone"].device.tolist() == [11]
    assert not left.strangers


def test_what_two_devices_are_called_is_nobody():
    two = [replace(d, address="same") if d.cls == "zone" else d for d in DEVICES]
    frames, left = frames_of(long(("2026-09-01T00:00", "same", 1, 2)), city(two))
    assert frames == {} and left.strangers == {"same": 1}


def test_a_device_is_called_by_its_id_or_by_its_address():
    devices = [replace(d, address="METER 1") if d.id == "zm-01" else d for d in DEVICES]
    frames, left = frames_of(
        long(("2026-09-01T00:00", "zm-02", 1, NAN), ("2026-09-01T00:00", "METER 1", 2, NAN)),
        city(devices),
    )
    assert [(device, flow) for _, device, (flow, _) in rows_of(frames["zone"])] == [
        (11, 2),
        (12, 1),
    ]
    assert not left.strangers
