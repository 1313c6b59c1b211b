import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.merge import contradictions, frame_of
from ingest.sink import Sink
from ingest.table import Block, Columns
from kel.model.frame import Frame
from tests.builders import ingest_city as city

ONE, TWO = city.BY_NUMBER[21], city.BY_NUMBER[22]
ZONE = Columns(city.CLASSES["zone"])
ARRIVAL = 1_000_000  # the rows are of times soon after 1970
Row = tuple[int, city.Device, int, dict[str, object]]  # message, device, time, values


def filled(*rows: Row) -> Sink:
    sink = city.sink()
    for owner, device, time, values in rows:
        sink.begin(owner, city.telemetry({})._replace(arrival=ARRIVAL + owner))
        sink.row(device, time, values)
    assert not sink.judge()
    return sink


def block(*rows: Row) -> Block:
    found = filled(*rows).tables["zone"].block()
    assert found
    return found


def refused(*rows: Row) -> dict[int, str]:
    sink = filled(*rows)
    found = [(t.columns, t.block()) for t in sink.tables.values()]
    return contradictions([(columns, b) for columns, b in found if b], sink.other)


def frame(*rows: Row) -> Frame:
    return frame_of(ZONE, block(*rows))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(0, ONE, 1, {"flow": 1}), (1, ONE, 1, {"flow": 1})], {}),
        ([(0, ONE, 1, {"flow": 0.0}), (1, ONE, 1, {"flow": -0.0})], {}),
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
        (  # the first that it says wrongly is named, as it came and not as it was sorted
            [
                (0, ONE, 1, {"pressure": 1}),
                (0, ONE, 2, {"flow": 1}),
                (1, ONE, 2, {"flow": 2}),
                (1, ONE, 1, {"pressure": 2}),
            ],
            {1: "flow"},
        ),
    ],
)
def test_names_the_later_of_two_that_contradict(rows: list[Row], expected: dict[int, str]) -> None:
    assert refused(*rows) == expected


def test_partial_rows_join_and_keep_the_first_arrival() -> None:
    joined = frame((0, ONE, 1, {"flow": 1}), (5, ONE, 1, {"pressure": 2}))
    assert len(joined) == 1
    assert joined.metrics["flow"].tolist() == [1.0]
    assert joined.metrics["pressure"].tolist() == [2.0]
    assert joined.arrival.tolist() == [ARRIVAL]


def test_rows_of_refused_messages_are_left_out() -> None:
    rows = block((0, ONE, 1, {"flow": 1}), (1, ONE, 2, {"flow": 2}), (2, ONE, 3, {"flow": 3}))
    assert frame_of(ZONE, rows, {1}).time.tolist() == [1, 3]
    assert len(frame_of(ZONE, rows, {0, 1, 2})) == 0


@given(st.lists(st.tuples(st.sampled_from([ONE, TWO]), st.integers(0, 20)), min_size=1))
def test_rows_come_out_once_in_order_of_time_within_each_device(
    keys: list[tuple[city.Device, int]],
) -> None:
    merged = frame(*((i, d, t, {"flow": d.number + t}) for i, (d, t) in enumerate(keys)))
    assert sorted({(d.number, t) for d, t in keys}) == list(
        zip(merged.device.tolist(), merged.time.tolist(), strict=True)
    )
    assert (merged.metrics["flow"] == merged.device + merged.time).all()
    assert (merged.time.dtype, merged.device.dtype) == (np.int64, np.int32)


rows_of_few = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.sampled_from([ONE, TWO]),
        st.integers(1, 2),
        st.dictionaries(st.sampled_from(["flow", "pressure"]), st.integers(0, 2), min_size=1),
    ),
    min_size=1,
    max_size=12,
).map(lambda rows: sorted(rows, key=lambda row: row[0]))


@given(rows_of_few)
def test_contradictions_are_those_that_going_through_cell_by_cell_finds(rows: list[Row]) -> None:
    held: dict[tuple[int, int, str], object] = {}
    expected: dict[int, str] = {}
    for owner in range(6):
        mine: dict[tuple[int, int, str], object] = {}
        for _, device, time, values in (row for row in rows if row[0] == owner):
            for name in (n for n in ("flow", "pressure") if n in values):
                cell = device.number, time, name
                known = held.get(cell, mine.get(cell, values[name]))
                if known != values[name]:
                    expected.setdefault(owner, name)
                mine.setdefault(cell, values[name])
        if owner not in expected:
            held |= mine
    assert refused(*rows) == expected
