"""Rows of one device and moment become one, however they were cut."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kel.model.frame import Frame, join, newest, once

NAN = math.nan
VALUES = st.sampled_from([NAN, NAN, 0.0, 1.0, 2.0])
ROWS = st.lists(
    st.tuples(st.integers(1, 3), st.integers(0, 4), VALUES, VALUES), min_size=1, max_size=25
)


def frame_of(rows, arrival=0):
    time = np.array([row[1] for row in rows], np.int64)
    number = np.array([row[0] for row in rows], np.int32)
    a, b = (np.array([row[i] for row in rows], np.float64) for i in (2, 3))
    return Frame("zone", time, time + arrival, number, {"a": a, "b": b})


def rows_of(frame):
    columns = (frame.device, frame.time, *frame.metrics.values())
    return [tuple(map(str, row)) for row in zip(*(c.tolist() for c in columns), strict=True)]


def by_hand(rows):
    """What `once` promises, row by row."""
    found = {}
    for device, time, *values in rows:
        known = found.setdefault((device, time), values)
        found[device, time] = [v if k != k else k for k, v in zip(known, values, strict=True)]
    return [tuple(map(str, (*key, *map(float, found[key])))) for key in sorted(found)]


@given(ROWS)
def test_the_first_that_reports_a_metric_wins(rows):
    assert rows_of(once(frame_of(rows))) == by_hand(rows)


@given(ROWS, st.integers(0, 25))
def test_the_cut_changes_nothing(rows, cut):
    parts = [frame_of(part) for part in (rows[:cut], rows[cut:]) if part]
    assert rows_of(once(join(parts))) == rows_of(once(frame_of(rows)))


@given(ROWS)
def test_once_more_changes_nothing(rows):
    first = once(frame_of(rows))
    assert rows_of(once(first)) == rows_of(first)
    assert rows_of(once(join([first, first]))) == rows_of(first)


@given(ROWS)
def test_the_newest_of_a_device_is_the_last_value_of_each_metric(rows):
    frame = once(frame_of(rows))
    found = {}
    for device, time, *values in zip(
        frame.device.tolist(),
        frame.time.tolist(),
        *(c.tolist() for c in frame.metrics.values()),
        strict=True,
    ):
        _, *before = found.get(device, (0, NAN, NAN))
        found[device] = (time, *(b if v != v else v for b, v in zip(before, values, strict=True)))
    wanted = [tuple(map(str, (device, *found[device]))) for device in sorted(found)]
    assert rows_of(newest(frame)) == wanted


def test_the_first_arrival_is_kept():
    late = frame_of([(1, 0, NAN, 2.0)], arrival=5)
    joined = once(join([frame_of([(1, 0, 1.0, NAN)], arrival=3), late]))
    assert joined.arrival.tolist() == [3]
