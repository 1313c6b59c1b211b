"""Evidence: figures as a person reads them, and none that is none."""

import math

import pytest

from rules.core.event import evidence


def test_figures_are_rounded_and_words_stay() -> None:
    about = evidence("pump", "ps-01", "flow", 0, 1, {"value": 1.23456, "unit": "bar"})
    assert about.facts == {"value": 1.235, "unit": "bar"}


@pytest.mark.parametrize("figure", [math.nan, math.inf, -math.inf])
def test_a_figure_that_is_not_finite_is_left_out(figure: float) -> None:
    about = evidence("pump", "ps-01", "flow", 0, 1, {"value": figure, "limit": 2.0, "unit": "1"})
    assert about.facts == {"limit": 2.0, "unit": "1"}
