"""Quantiles of F and χ²: against the values that every table of them has."""

import pytest

from rules.parts.quantile import chi2_quantile, f_quantile

CHI2 = [
    (0.95, 1, 3.841),
    (0.99, 1, 6.635),
    (0.95, 2, 5.991),
    (0.99, 10, 23.209),
    (0.999, 10, 29.588),
    (0.95, 100, 124.342),
]
F = [
    (0.95, 1, 1, 161.448),
    (0.95, 3, 10, 3.708),
    (0.99, 5, 120, 3.174),
    (0.99, 1, 1, 4052.181),
    (0.95, 10, 10, 2.978),
    (0.975, 4, 20, 3.515),
]


@pytest.mark.parametrize(("p", "d", "value"), CHI2)
def test_chi2(p: float, d: float, value: float) -> None:
    assert chi2_quantile(p, d) == pytest.approx(value, abs=6e-4)


@pytest.mark.parametrize(("p", "d1", "d2", "value"), F)
def test_f(p: float, d1: float, d2: float, value: float) -> None:
    assert f_quantile(p, d1, d2) == pytest.approx(value, rel=2e-4)


def test_f_of_very_many_is_chi2_over_its_degrees() -> None:
    assert f_quantile(0.999, 4, 1e6) * 4 == pytest.approx(chi2_quantile(0.999, 4), rel=1e-4)


def test_degrees_of_freedom_need_not_be_whole() -> None:
    low, between, high = (chi2_quantile(0.95, d) for d in (2, 2.5, 3))
    assert low < between < high
