"""Corrections: the difference, named, so that sums stay right."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kel.costs import correct, order_costs
from kel.model.cost import euros
from tests.builders import costs_city as build

AT = datetime(2026, 10, 21, 9, 30, tzinfo=UTC)
ENTRY = order_costs(build.city(), build.order(), build.incident(), AT)[0]


def restated(quantity):
    quantity = Decimal(quantity)
    return replace(
        ENTRY,
        at=AT + timedelta(days=1),
        quantity=quantity,
        amount=euros(quantity * ENTRY.price),
    )


def test_a_correction_names_what_it_corrects_and_keeps_both_figures():
    correction = correct(ENTRY, restated("6"))
    assert correction.corrects == ENTRY.id
    assert correction.id != ENTRY.id
    assert (correction.amount, correction.quantity) == (Decimal("15.00"), Decimal("1.5"))
    assert (correction.basis["was"], correction.basis["now"]) == ("45.00", "60.00")
    assert correction.at == AT + timedelta(days=1)


@given(st.lists(st.decimals(0, 100, places=4), min_size=1, max_size=5))
def test_an_entry_and_its_corrections_add_up_to_the_last_figure(figures):
    corrections = []
    for quantity in figures:
        corrections.append(correct(ENTRY, restated(quantity), corrections))
    assert sum((c.amount for c in corrections), ENTRY.amount) == restated(figures[-1]).amount
    assert sum((c.quantity for c in corrections), ENTRY.quantity) == figures[-1]
    assert len({c.id for c in corrections}) == len(figures)


@pytest.mark.parametrize("field", ["kind", "nature", "unit", "incident", "order", "item"])
def test_a_correction_of_something_else_is_refused(field):
    with pytest.raises(ValueError, match="keeps"):
        correct(ENTRY, replace(ENTRY, **{field: "other"}))


def test_earlier_corrections_must_be_of_the_same_entry():
    with pytest.raises(ValueError, match="same entry"):
        correct(ENTRY, restated("6"), [ENTRY])
