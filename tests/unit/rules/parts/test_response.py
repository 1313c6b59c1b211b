"""What sensors read where nothing leaks, learned from how the network is run."""

import numpy as np
import pytest

from rules.parts.response import Response, fit, restored, terms

N = 400
RNG = np.random.default_rng(1)
INFLOW = RNG.uniform(20, 80, (N, 2))
LEVEL = RNG.uniform(2, 4, (N, 1))
RUNNING = (RNG.uniform(size=(N, 1)) < 0.4).astype(np.float64)
Z = terms(INFLOW, LEVEL, RUNNING)
Q = INFLOW.sum(axis=1)
TRUE = 60 - 2e-3 * Q**1.852 + 2 * LEVEL[:, 0] - RUNNING[:, 0] * (1 + 0.02 * Q)
NOISE = RNG.normal(0, 0.05, (N, 3))
READINGS = np.stack([TRUE, 2 * TRUE, np.full(N, 7.0)], axis=1) + NOISE * (1, 1, 0)


def test_what_the_terms_explain_is_gone_and_noise_is_left() -> None:
    found = fit(Z, READINGS)
    left = np.stack([found.residuals(z, r) for z, r in zip(Z, READINGS, strict=True)])
    assert found.sigma[:2] == pytest.approx(0.05, rel=0.1)
    assert left[:, :2].std(axis=0) == pytest.approx(1.0, rel=0.05)


def test_a_sensor_that_never_moves_or_was_heard_too_seldom_is_not_judged() -> None:
    seldom = READINGS.copy()
    seldom[150:, 1] = np.nan
    found = fit(Z, seldom)
    assert np.isnan(found.sigma).tolist() == [False, True, True]
    assert np.isnan(found.residuals(Z[0], READINGS[0])).tolist() == [False, True, True]


def test_the_error_is_that_of_the_mean_and_grows_beyond_what_was_seen() -> None:
    found = fit(Z, READINGS)
    usual = Z[:100]
    assert found.error(usual) == pytest.approx(0.1, rel=0.2)
    far = terms(np.array([[150.0, 150.0]]), np.array([[3.0]]), np.array([[1.0]]))[0]
    many = np.repeat(far[None], 100, axis=0)
    seen = float(1 / (found.weights(many) @ found.weights(many)))
    assert found.error(many) > 3 * np.sqrt(seen)
    assert np.std(of_fits(far)) == pytest.approx(error_of_the_fit(found, many, seen), rel=0.15)


def error_of_the_fit(found: Response, many: np.ndarray, seen: float) -> float:
    """What is left of the error of a block where the blocks' own noise is taken away."""
    return float(np.sqrt(found.error(many) ** 2 - seen) * found.weights(many)[0])


def of_fits(far: np.ndarray) -> list[float]:
    """By how much 300 fits of other noise miss the truth far beyond what they saw."""
    many = np.random.default_rng(2)
    truth, off = 60 - 2e-3 * 300**1.852 + 6 - 7, []
    for _ in range(300):
        again = fit(Z, (TRUE + many.normal(0, 0.05, N))[:, None])
        off.append(float(again.residuals(far, np.array([truth]))[0]))
    return off


def test_a_leak_weighs_as_much_more_as_it_moves_the_head_by() -> None:
    found = fit(Z, READINGS)
    q = np.array([[20.0, 20.0], [80.0, 80.0]])
    z = terms(q, np.full((2, 1), 3.0), np.zeros((2, 1)))
    low, high = found.weights(z)
    moved = [(use + 1e-4) ** 1.852 - use**1.852 for use in (40.0, 160.0)]
    assert high / low == pytest.approx(moved[1] / moved[0], rel=1e-3)
    assert low < 1 < high


def test_where_nothing_flowed_while_it_learned_the_weights_are_finite() -> None:
    still = Z.copy()
    still[:, 1] = 0.0
    assert fit(still, READINGS).weights(Z[:3]) == pytest.approx(np.abs(Z[:3, 1]) ** (0.852 / 1.852))


def test_a_flow_backwards_is_a_loss_backwards() -> None:
    there, back = terms(np.array([[40.0], [-40.0]]), np.zeros((2, 0)), np.zeros((2, 0)))
    assert there[1] == -back[1] == pytest.approx(40**1.852)


def test_it_is_what_it_was_after_a_restart() -> None:
    found = fit(Z, READINGS)
    again = restored(found.state())
    assert (
        again.residuals(Z[3], READINGS[3])[:2].tolist()
        == found.residuals(Z[3], READINGS[3])[:2].tolist()
    )
    assert again.error(Z[:5]) == found.error(Z[:5])


def test_a_sensor_without_measure_is_not_judged_and_leaves_the_others_as_they_are() -> None:
    wild = READINGS.copy()
    wild[7, 1] = np.inf
    found = fit(Z, wild)
    assert np.isnan(found.sigma).tolist() == [False, True, True]
    assert found.sigma[0] == fit(Z, READINGS).sigma[0]


def test_terms_that_are_not_finite_have_no_fit() -> None:
    wild = Z.copy()
    wild[7, 1] = np.inf
    with pytest.raises(np.linalg.LinAlgError):
        fit(wild, READINGS)
