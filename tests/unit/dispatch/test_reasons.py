"""Moments, quantities and reasons as people read them."""

from datetime import datetime
from decimal import Decimal

import pytest

from dispatch.reasons import Constraint, moment_label, no_stock, quantity_label
from kel.model.incident import Material
from tests.builders.city import at, small_city

CITY = small_city()


@pytest.mark.parametrize(
    ("moment", "label"),
    [
        (at("07:00"), "07:00"),
        (at("00:30", day=5), "Πέμπτη 00:30"),  # still the 4th in UTC
        (at("07:00", day=9), "Δευτέρα 07:00"),
        (at("07:00", day=16), "16/03 07:00"),
    ],
)
def test_a_moment_by_the_citys_clock(moment: datetime, label: str) -> None:
    assert moment_label(CITY, moment, at("03:00")) == label


@pytest.mark.parametrize(
    ("quantity", "label"), [("4", "4"), ("4.00", "4"), ("1.50", "1,5"), ("100", "100"), ("0", "0")]
)
def test_quantities_are_written_as_greeks_do(quantity: str, label: str) -> None:
    assert quantity_label(Decimal(quantity)) == label


def test_an_item_the_city_does_not_list_is_named_by_its_id() -> None:
    found = no_stock(CITY, Material("gold", Decimal(1)), Decimal(0))
    assert found.reason == "λείπει υλικό: gold, χρειάζονται 1, διαθέσιμα 0"


def test_constraints_are_short_words_in_the_order_they_are_met() -> None:
    assert [c.code for c in Constraint] == [
        "cleared",
        "skills",
        "people",
        "vehicle",
        "declined",
        "stock",
        "shift",
        "busy",
    ]
