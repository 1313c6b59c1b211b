"""Moving windows: exact sums, the same however rows are cut."""

from collections.abc import Callable
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray

from rules.core.rows import Rows, starts
from rules.parts.recent import RING, MovingMean, Recent, reached

WINDOW = 100


def rows(slot: NDArray[np.integer], time: NDArray[np.integer]) -> Rows:
    """Given in any order of slots, each slot's in order of time."""
    order = np.argsort(slot, kind="stable")
    kept = slot[order].astype(np.intp)
    return Rows("", kept, time[order].astype(np.int64), starts(kept), {}, order)


def stream(seed: int, count: int = 3000) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Some slots speak each moment or often, others hardly ever."""
    rng = np.random.default_rng(seed)
    weight = np.array([1.0, 1.0, 20.0, 100.0, 0.05])
    slot = rng.choice(5, count, p=weight / weight.sum())
    return slot, np.cumsum(rng.integers(1, 4, count)).astype(np.int64)


def means(seed: int, cuts: Random, value: NDArray[np.float64]) -> list[tuple[float, int]]:
    """Mean and count of each row in order of the stream, handed on in pieces."""
    slot, time = stream(seed, len(value))
    moving = MovingMean(5, WINDOW)
    found: list[tuple[float, int]] = [(0.0, 0)] * len(value)
    begin = 0
    while begin < len(value):
        end = min(len(value), begin + cuts.choice((1, 7, 200, 2000)))
        given = rows(slot[begin:end], time[begin:end])
        mean, count = moving.add(given, value[begin:end][given.order])
        for place, one, many in zip(given.order + begin, mean, count, strict=True):
            found[place] = float(one), int(many)
        if cuts.random() < 0.2:
            state, moving = moving.state(), MovingMean(5, WINDOW)
            every = np.arange(5, dtype=np.intp)
            moving.load(state, every, every)
        begin = end
    return found


Draw = Callable[[np.random.Generator, int], NDArray[np.float64]]
VALUES: dict[str, Draw] = {
    "of pressures": lambda rng, n: rng.uniform(-1, 20, n),
    "of a meter's reading": lambda rng, n: 4e9 + np.cumsum(rng.uniform(0, 1, n)),
    "of tiny things": lambda rng, n: rng.normal(0, 1e-6, n),
}


@pytest.mark.parametrize("draw", VALUES.values(), ids=VALUES.keys())
def test_means_are_those_of_the_window_and_the_same_however_cut(draw: Draw) -> None:
    value = draw(np.random.default_rng(7), 3000)
    whole = means(3, Random(0), value)
    assert all(means(3, Random(seed), value) == whole for seed in range(1, 4))
    slot, time = stream(3)
    for row in range(0, len(value), 13):
        inside = (slot == slot[row]) & (time <= time[row]) & (time > time[row] - WINDOW)
        exact = sum(map(Fraction, value[inside].tolist()), Fraction(0)) / int(inside.sum())
        assert whole[row][1] == inside.sum()
        assert abs(Fraction(whole[row][0]) - exact) <= Fraction(2) ** -48 + abs(exact) / 2**52


@pytest.mark.parametrize("apart", [1, 100, 2**61])
@pytest.mark.parametrize("seed", range(5))
def test_what_a_cut_has_reached_is_counted_group_by_group(apart: int, seed: int) -> None:
    """Also where clocks are so far apart that not all groups fit into one number."""
    rng = np.random.default_rng(seed)
    drawn = [
        [np.sort(rng.integers(-apart, apart + 1, rng.integers(0, 6))) for _ in range(2)]
        for _ in range(9)
    ]
    before, expected = 0, []
    for times, cuts in drawn:
        expected += [before + int((times <= cut).sum()) for cut in cuts]
        before += len(times)
    time, cut = (np.concatenate(side) for side in zip(*drawn, strict=True))
    many, wanted = (np.array([len(one) for one in side]) for side in zip(*drawn, strict=True))
    assert reached(time, many, cut, wanted).tolist() == expected


def test_sums_do_not_drift() -> None:
    moving, value = MovingMean(1, 10), np.array([1e9 / 3, 0.1, 0.1])
    seen: set[float] = set()
    for turn in range(1000):
        time = turn * 1000 + np.array([0, 20, 25])
        mean, _ = moving.add(rows(np.zeros(3, np.intp), time), value)
        seen.add(float(mean[2]))
    (only,) = seen
    assert abs(only - 0.1) < 2.0**-48


def test_memory_follows_what_the_windows_hold() -> None:
    recent, slot = Recent(100, WINDOW, {}), np.zeros(50_000, np.intp)
    recent.add(rows(slot, np.arange(50_000)))
    assert len(recent.time) <= 100 * RING + 2 * 2**16
    for turn in range(1, 20):  # ever greater rings of other slots take the places of smaller ones
        more = np.full(2**turn, turn, np.intp)
        recent.add(rows(more, np.arange(2**turn)))
    assert len(recent.time) <= 2 * int((recent.mask + 1).sum())


def test_state_moves_to_other_slots() -> None:
    one, other = MovingMean(3, WINDOW), MovingMean(2, WINDOW)
    given = rows(np.array([0, 1, 2, 2]), np.array([5, 6, 7, 8]))
    one.add(given, np.array([1.0, 2.0, 3.0, 5.0]))
    other.load(one.state(), np.array([0, 2]), np.array([1, 0]))
    mean, count = other.add(rows(np.array([0, 1]), np.array([9, 9])), np.array([7.0, 2.0]))
    assert (mean.tolist(), count.tolist()) == ([5.0, 1.5], [3, 2])
