"""Binary COPY: every frame becomes the rows that PostgreSQL's documentation describes."""

import struct

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kel.model.frame import Frame
from kel.store.columns import POSTGRES_EPOCH_US, SIGNATURE, TRAILER, pack

METRICS = ("a", "b", "c")
VALUES = st.floats(allow_nan=True, allow_infinity=True)
ROWS = st.tuples(
    st.integers(-(2**62), 2**62), st.integers(-(2**62), 2**62), st.integers(-(2**31), 2**31 - 1)
)


def frame_of(rows):
    fixed = np.array([row[:3] for row in rows], np.int64).reshape(len(rows), 3)
    values = np.array([row[3:] for row in rows], np.float64).reshape(len(rows), 3)
    columns = {metric: values[:, i] for i, metric in enumerate(METRICS)}
    return Frame("zone", fixed[:, 0], fixed[:, 1], fixed[:, 2].astype(np.int32), columns)


def read(data):
    """The rows again, by the format's description alone."""
    assert data.startswith(SIGNATURE) and data.endswith(TRAILER)
    at, end = len(SIGNATURE), len(data) - len(TRAILER)
    while at < end:
        (fields,) = struct.unpack_from(">h", data, at)
        at += 2
        row = []
        for _ in range(fields):
            (size,) = struct.unpack_from(">i", data, at)
            at += 4
            row.append(None if size < 0 else data[at : at + size])
            at += max(size, 0)
        yield row


@given(
    st.lists(st.tuples(ROWS, VALUES, VALUES, VALUES).map(lambda r: (*r[0], *r[1:])), max_size=20)
)
def test_every_value_reads_back_and_nan_is_null(rows):
    found = list(read(pack(frame_of(rows))))
    assert len(found) == len(rows)
    for (time, arrival, device, *values), row in zip(rows, found, strict=True):
        assert row[:3] == [
            struct.pack(">q", time - POSTGRES_EPOCH_US),
            struct.pack(">q", arrival - POSTGRES_EPOCH_US),
            struct.pack(">i", device),
        ]
        assert row[3:] == [None if v != v else struct.pack(">d", v) for v in values]


def test_a_flag_stands_before_the_metrics():
    flag = np.array([True, False])
    rows = list(read(pack(frame_of([(0, 1, 2, 3.0, 4.0, 5.0)] * 2), flag)))
    assert [row[3] for row in rows] == [b"\x01", b"\x00"]
    assert [len(row) for row in rows] == [7, 7]


def test_the_signature_is_postgresqls():
    assert SIGNATURE == b"PGCOPY\n\xff\r\n\x00" + b"\x00" * 8
    assert pack(frame_of([])) == SIGNATURE + b"\xff\xff"
