"""One entry: rounding and refusals."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from kel.costs.entry import make_entry, to_hours
from kel.model.cost import CostKind, CostNature
from tests.builders import costs_city as build


def entry(quantity, price):
    incident = build.incident()
    return make_entry(
        incident,
        None,
        about=incident.id,
        at=datetime(2026, 10, 21, tzinfo=UTC),
        kind=CostKind.WATER,
        nature=CostNature.MANAGEMENT,
        name="zm-05",
        quantity=Decimal(quantity),
        unit="m³",
        price=Decimal(price),
        basis={},
    )


@pytest.mark.parametrize(
    ("quantity", "price", "amount"),
    [
        ("1", "0.005", "0.01"),  # half goes up
        ("1", "0.0049", "0.00"),
        ("3", "0.335", "1.01"),  # 1.005
        ("0.00005", "100", "0.01"),  # the quantity is rounded first, and shown so
        ("1234567.8912", "0.65", "802469.13"),
    ],
)
def test_an_amount_is_rounded_half_up_once(quantity, price, amount):
    made = entry(quantity, price)
    assert made.amount == Decimal(amount)
    assert made.account == ""


@pytest.mark.parametrize(("quantity", "price"), [("-1", "1"), ("1", "-1")])
def test_negative_is_refused(quantity, price):
    with pytest.raises(ValueError, match="negative"):
        entry(quantity, price)


def test_hours_have_four_decimals():
    assert to_hours(timedelta(minutes=20)) == Decimal("0.3333")
    assert to_hours(timedelta(seconds=0.18)) == Decimal("0.0001")
