import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.merge import contradictions, frame_of
from ingest.sink import Sink
from tests.builders import ingest_city as city

ONE, TWO = city.BY_NUMBER[21], city.BY_NUMBER[22]
Row = tuple[int, city.Device, int, dict[str, object]]  # message, device, time, values


def filled(*rows: Row) -> Sink:
    sink = Sink(city.CLASSES)
    for owner, device, time, values in rows:
        sink.begin(owner, city.later(city.telemetry({}), owner))
        sink.row(device, time, values)
    return sink


@pytest.mark.parametrize(
    ("rows", "refused"),
    [
        ([(0, ONE, 1, {"flow": 1}), (1, ONE, 1, {"flow": 1})], {}),
        ([(0, ONE, 1, {"flow": 1}), (1, ONE, 1, {"flow": 2})], {1: "flow"}),
        ([(0, ONE, 1, {"flow": 1}), (1, ONE, 1, {"pressure": 2})], {}),
        ([(0, ONE, 1, {"flow": 1}), (1, TWO, 1, {"flow": 2})], {}),
        ([(0, ONE, 1, {"flow": 1}), (1, ONE, 2, {"flow": 2})], {}),
        ([(0, ONE, 1, {"flow": 1}), (0, ONE, 1, {"flow": 2})], {0: "flow"}),
        ([(0, ONE, 1, {"signal": 1}), (1, ONE, 1, {"signal": 2})], {1: "signal"}),
        (
            [(0, ONE, 1, {"flow": 1}), (1, ONE, 1, {"flow": 2}), (2, ONE, 1, {"flow": 1})],
            {1: "flow"},
        ),
        (  # a refused message's other values contradict nobody
            [
                (0, ONE, 1, {"flow": 1}),
                (1, ONE, 1, {"flow": 2}),
                (1, ONE, 2, {"flow": 5}),
                (2, ONE, 2, {"flow": 6}),
            ],
            {1: "flow"},
        ),
    ],
)
def test_names_the_later_of_two_that_contradict(rows: list[Row], refused: dict[int, str]) -> None:
    assert contradictions(filled(*rows)) == refused


def test_partial_rows_join_and_keep_the_first_arrival() -> None:
    table = filled((0, ONE, 1, {"flow": 1}), (5, ONE, 1, {"pressure": 2})).tables["zone"]
    frame = frame_of(table)
    assert len(frame) == 1
    assert frame.metrics["flow"].tolist() == [1.0]
    assert frame.metrics["pressure"].tolist() == [2.0]
    assert frame.arrival.tolist() == [table.arrival[0]]


def test_rows_of_refused_messages_are_left_out() -> None:
    sink = filled((0, ONE, 1, {"flow": 1}), (1, ONE, 2, {"flow": 2}), (2, ONE, 3, {"flow": 3}))
    assert frame_of(sink.tables["zone"], {1}).time.tolist() == [1, 3]
    assert len(frame_of(sink.tables["zone"], {0, 1, 2})) == 0


@given(st.lists(st.tuples(st.sampled_from([ONE, TWO]), st.integers(0, 20)), max_size=40))
def test_rows_come_out_once_in_order_of_time_within_each_device(
    keys: list[tuple[city.Device, int]],
) -> None:
    rows = [(i, d, t, {"flow": d.number + t}) for i, (d, t) in enumerate(keys)]
    frame = frame_of(filled(*rows).tables["zone"])
    assert sorted({(d.number, t) for d, t in keys}) == list(
        zip(frame.device.tolist(), frame.time.tolist(), strict=True)
    )
    assert (frame.metrics["flow"] == frame.device + frame.time).all()
    assert (frame.time.dtype, frame.device.dtype) == (np.int64, np.int32)
