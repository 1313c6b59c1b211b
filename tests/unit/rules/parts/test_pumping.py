"""Pumping: efficiency, and the curves through a design point."""

import numpy as np
import pytest

from rules.parts.pumping import SHUT_OFF, curve_efficiency, curve_head, efficiency


def test_efficiency_is_rho_g_q_h_over_power() -> None:
    kilowatts = 1000 * 9.81 * (36 / 3600) * 50 / 1000
    found = efficiency(np.array([36.0, 36.0]), np.array([50.0, 50.0]), np.array([kilowatts, 0.0]))
    assert found[0] == pytest.approx(1.0, rel=1e-4) and np.isnan(found[1])


@pytest.mark.parametrize(
    ("share", "head", "best"), [(0.0, 4 / 3, None), (1.0, 1.0, 1.0), (0.5, 1.25, 0.75)]
)
def test_curves(share: float, head: float, best: float | None) -> None:
    flow = np.array([40.0 * share])
    assert curve_head(flow, 40.0, 60.0, SHUT_OFF)[0] == pytest.approx(60.0 * head)
    found = curve_efficiency(flow, 40.0, 0.7)[0]
    assert np.isnan(found) if best is None else found == pytest.approx(0.7 * best)


def test_beyond_twice_the_design_flow_there_is_no_curve() -> None:
    flow = np.array([81.0])
    assert np.isnan(curve_head(flow, 40.0, 60.0, SHUT_OFF)[0])
    assert np.isnan(curve_efficiency(flow, 40.0, 0.7)[0])
