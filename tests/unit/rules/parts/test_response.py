"""What sensors read where nothing leaks, learned from how the network is run."""

import numpy as np
import pytest

from rules.parts.response import fit, restored, terms

N = 400
RNG = np.random.default_rng(1)
INFLOW = RNG.uniform(20, 80, (N, 2))
LEVEL = RNG.uniform(2, 4, (N, 1))
RUNNING = (RNG.uniform(size=(N, 1)) < 0.4).astype(np.float64)
Z = terms(INFLOW, LEVEL, RUNNING)
Q = INFLOW.sum(axis=1)
TRUE = 60 - 1e-3 * Q**2 + 2 * LEVEL[:, 0] - RUNNING[:, 0] * (1 + 0.02 * Q)
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
    usual = Z.mean(axis=0)
    assert found.error(usual, 100) == pytest.approx(0.1, rel=0.2)
    far = terms(np.array([[150.0, 150.0]]), np.array([[3.0]]), np.array([[1.0]]))[0]
    assert found.error(far, 100) > 3 * found.error(usual, 100)
    many = np.random.default_rng(2)
    truth, off = 60 - 1e-3 * 300**2 + 6 - 7, []
    for _ in range(300):
        again = fit(Z, (TRUE + many.normal(0, 0.05, N))[:, None])
        off.append(again.residuals(far, np.array([truth]))[0])
    assert np.std(off) == pytest.approx(np.sqrt(found.error(far, 100) ** 2 - 0.01), rel=0.15)


def test_it_is_what_it_was_after_a_restart() -> None:
    found = fit(Z, READINGS)
    again = restored(found.state())
    assert (
        again.residuals(Z[3], READINGS[3])[:2].tolist()
        == found.residuals(Z[3], READINGS[3])[:2].tolist()
    )
    assert again.error(Z[3], 5) == found.error(Z[3], 5)


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
