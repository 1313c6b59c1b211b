"""Spans of a whole network, and of one that has no devices here."""

import numpy as np
import pytest

from rules.core.rows import Rows, starts
from rules.parts.together import Together
from tests.builders.rules_city import MINUTE

EVERY = 10 * MINUTE


def rows(*told: tuple[int, int, float]) -> Rows:
    """Flows: (slot, minute, value), by slot and in order of time."""
    slot = np.array([t[0] for t in told], np.intp)
    time = np.array([t[1] * MINUTE for t in told], np.int64)
    flow = np.array([t[2] for t in told])
    return Rows("zone", slot, time, starts(slot), {"flow": flow}, np.arange(len(told)))


@pytest.mark.parametrize("size", [0, 1, 3])
def test_nothing_goes_over_a_restart_as_nothing(size: int) -> None:
    one, other = (Together(size, ("flow", "pressure"), EVERY) for _ in "12")
    assert list(one.tick(EVERY)) == []
    every = np.arange(size)
    other.load(one.state(), every, every)
    assert other.waiting == {} and other.state()["own.means"].shape == (0, size, 2)


def test_what_waits_goes_over_a_restart() -> None:
    one, other = (Together(2, ("flow",), EVERY) for _ in "12")
    one.rows(rows((0, 1, 4.0), (0, 2, 6.0), (0, 11, 7.0)))
    every = np.arange(2)
    other.load(one.state(), every, every)
    ((end, means),) = other.tick(EVERY)
    assert end == EVERY and means[0, 0] == 5.0 and np.isnan(means[1, 0])
