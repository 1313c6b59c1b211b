"""Least squares with no negative part, by what makes an answer the best one."""

import numpy as np
import pytest

from rules.parts.nnls import nnls


@pytest.mark.parametrize("seed", range(200))
def test_no_other_amounts_come_nearer(seed: int) -> None:
    """Karush, Kuhn, Tucker: no negative part; more of what is not used would not help; what is
    used cannot be bettered."""
    rng = np.random.default_rng(seed)
    m, k = rng.integers(1, 12), rng.integers(1, 8)
    a, b = rng.normal(size=(m, k)), rng.normal(size=m)
    a[:, 0] = np.abs(a[:, 0])
    x = nnls(a, b)
    gain = a.T @ (b - a @ x)
    assert (x >= 0).all()
    assert (gain <= 1e-8).all()
    assert np.abs(gain[x > 0]).max(initial=0.0) < 1e-8


@pytest.mark.parametrize(
    ("a", "b", "x"),
    [
        ([[1.0, 0.0], [0.0, 1.0]], [2.0, 3.0], [2.0, 3.0]),
        ([[1.0, 0.0], [0.0, 1.0]], [2.0, -3.0], [2.0, 0.0]),
        ([[1.0], [1.0]], [-1.0, -1.0], [0.0]),
        ([[1.0, 1.0], [0.0, 0.0]], [2.0, 0.0], [2.0, 0.0]),
        ([[0.0], [0.0]], [1.0, 1.0], [0.0]),
    ],
)
def test_small_ones(a: list[list[float]], b: list[float], x: list[float]) -> None:
    assert nnls(np.array(a), np.array(b)) == pytest.approx(x)


def test_of_nothing_there_is_nothing() -> None:
    assert len(nnls(np.zeros((3, 0)), np.ones(3))) == 0


@pytest.mark.parametrize("wild", [np.nan, np.inf, -np.inf])
def test_of_what_is_not_finite_nothing_is_found(wild: float) -> None:
    good, bad = np.eye(2), np.array([[1.0, wild], [0.0, 1.0]])
    assert nnls(good, np.array([1.0, wild])).tolist() == [0.0, 0.0]
    assert nnls(bad, np.array([1.0, 1.0])).tolist() == [0.0, 0.0]
