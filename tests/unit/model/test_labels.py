"""Every word that a person may read has its Greek."""

from datetime import timedelta

import pytest

from kel.model import labels
from kel.model.alert import Severity
from kel.model.cost import CostKind, CostNature
from kel.model.incident import IncidentState
from kel.model.order import OrderState


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (Severity, labels.SEVERITY_LABEL),
        (IncidentState, labels.STATE_LABEL),
        (OrderState, labels.ORDER_LABEL),
        (CostKind, labels.KIND_LABEL),
        (CostNature, labels.NATURE_LABEL),
    ],
)
def test_every_member_has_one_label_of_its_own(words, told):
    assert list(told) == list(words)
    assert len(set(told.values())) == len(words)
    assert all(label.strip() for label in told.values())


@pytest.mark.parametrize(
    ("minutes", "told"),
    [
        (-5, "τώρα"),
        (0.9, "τώρα"),
        (7.9, "7′"),
        (60, "1 ώ 00′"),
        (185, "3 ώ 05′"),
        (2879, "47 ώ 59′"),
        (2880, "2 ημ."),
    ],
)
def test_a_span_is_told_as_finely_as_it_matters(minutes: float, told: str) -> None:
    assert labels.span(timedelta(minutes=minutes)) == told


@pytest.mark.parametrize(
    ("minutes", "told"), [(0.4, "0′"), (45, "45′"), (164.8, "2 ώ 45′"), (4665, "77 ώ 45′")]
)
def test_work_and_waiting_are_told_in_hours(minutes: float, told: str) -> None:
    assert labels.hours(timedelta(minutes=minutes)) == told


@pytest.mark.parametrize("state", list(OrderState))
def test_only_what_was_completed_can_have_been_handed_over(state: OrderState) -> None:
    over = state is OrderState.COMPLETED
    left = timedelta(hours=2)
    assert labels.order_label(state, left) == ("παρέδωσε" if over else labels.ORDER_LABEL[state])
    assert labels.order_label(state, timedelta(0)) == labels.ORDER_LABEL[state]
