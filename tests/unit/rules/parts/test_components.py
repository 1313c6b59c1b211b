"""Principal components: T² and SPE of two metrics, worked by hand."""

import math

import numpy as np
import pytest

from rules.parts.components import components, contributions, statistics
from rules.parts.quantile import f_quantile

# Two metrics with a correlation of 0.6: eigenvalues 1.6 along (1, 1)/√2, 0.4 along (1, −1)/√2.
SIDE, ACROSS = math.sqrt(1.6), math.sqrt(0.4)
PAST = np.array([[SIDE, SIDE], [-SIDE, -SIDE], [ACROSS, -ACROSS], [-ACROSS, ACROSS]] * 25)


def test_one_component_of_two() -> None:
    found = components(PAST, 99, 0.7, 0.95)
    t2, spe = statistics(found.inverse, found.beside, np.array([[2.0, 2.0], [1.0, -1.0]]))
    # (2, 2) is 2√2 along the first: 8 / 1.6; (1, −1) is √2 beside it
    assert t2 == pytest.approx([5.0, 0.0], abs=1e-12)
    assert spe == pytest.approx([0.0, 2.0], abs=1e-12)
    normal = (99**2 - 1) / (99 * 98) * f_quantile(0.95, 1, 98)
    assert found.t2_limit == pytest.approx(normal)  # the past itself is at most 2


def test_all_components_leave_nothing_beside() -> None:
    found = components(PAST, 99, 1.0, 0.95)
    assert np.allclose(found.inverse, np.linalg.inv(np.array([[1.0, 0.6], [0.6, 1.0]])))
    assert np.allclose(found.beside, 0.0) and found.spe_limit == math.inf


def test_contributions_add_up() -> None:
    found = components(PAST, 99, 0.7, 0.95)
    z = np.random.default_rng(1).normal(size=(20, 2))
    parts, sums = (f(found.inverse, found.beside, z) for f in (contributions, statistics))
    for part, total in zip(parts, sums, strict=True):
        assert np.allclose(part.sum(axis=1), total)


def test_the_pasts_own_quantile_where_it_is_greater() -> None:
    wild = PAST.copy()
    wild[:10] *= 8.0
    found = components(wild, 99, 0.7, 0.95)
    t2, _ = statistics(found.inverse, found.beside, wild)
    assert found.t2_limit == pytest.approx(float(np.quantile(t2, 0.95, method="higher")))


@pytest.mark.parametrize("wild", [math.nan, math.inf])
def test_what_is_not_finite_has_none(wild: float) -> None:
    past = PAST.copy()
    past[3, 1] = wild
    with pytest.raises(np.linalg.LinAlgError):
        components(past, 99, 0.7, 0.95)
