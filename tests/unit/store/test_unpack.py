"""Binary COPY back into columns: what `pack` packs, `unpack` unpacks."""

import numpy as np
import pytest

from kel.model.frame import Frame
from kel.store.columns import SIGNATURE, TRAILER, pack, unpack

METRICS = ("flow", "pressure")


def frame(rows):
    random = np.random.default_rng(rows)
    time = random.integers(-(2**50), 2**50, rows)
    return Frame(
        "zone",
        time,
        time + 5,
        random.integers(0, 2**31 - 1, rows).astype(np.int32),
        {m: random.normal(size=rows) for m in METRICS},
    )


@pytest.mark.parametrize("rows", [0, 1, 1000])
def test_there_and_back(rows):
    one = frame(rows)
    other = unpack("zone", pack(one), METRICS)
    assert other.time.tolist() == one.time.tolist()
    assert other.arrival.tolist() == one.arrival.tolist()
    assert other.device.tolist() == one.device.tolist()
    assert other.device.dtype == np.int32
    for metric in METRICS:
        assert other.metrics[metric].tolist() == one.metrics[metric].tolist()


def test_columns_are_the_machines_own():
    """Rules would be slow on numbers in network order."""
    other = unpack("zone", pack(frame(3)), METRICS)
    assert all(a.dtype.isnative for a in (other.time, other.device, *other.metrics.values()))


def test_rows_of_another_length_are_refused():
    with pytest.raises(ValueError, match="buffer size"):
        unpack("zone", SIGNATURE + b"123" + TRAILER, METRICS)
