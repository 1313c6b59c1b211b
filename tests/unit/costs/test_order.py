"""What a completed order costs, entry by entry."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kel.costs import order_costs
from kel.model.cost import CostKind, CostNature, euros
from kel.model.order import OrderItem, OrderState
from tests.builders import costs_city as build

AT = datetime(2026, 10, 21, 9, 30, tzinfo=UTC)
CITY = build.city()
SUMMER = timedelta(hours=3)  # Athens on 21 October 2026


def costs(**changes):
    return order_costs(CITY, build.order(**changes), build.incident(), AT)


def athens(hour, minute=0, day=21):
    return datetime(2026, 10, day, hour, minute, tzinfo=UTC) - SUMMER


def lines(entries):
    return [(e.kind.value, e.nature.value, str(e.quantity), str(e.amount)) for e in entries]


def test_a_morning_in_the_shift():
    """08:00–12:00 and half an hour back: 4.5 h of ΔΕ at 10 € and of ΥΕ at 8 €, all in the shift."""
    assert lines(costs()) == [
        ("labour", "management", "4.5000", "45.00"),
        ("labour", "management", "4.5000", "36.00"),
        ("vehicle", "cash", "12.4000", "3.10"),
        ("vehicle", "management", "4.5000", "13.50"),
        ("vehicle", "cash", "12.4000", "11.16"),
        ("vehicle", "management", "4.5000", "81.00"),
        ("material", "management", "1.0000", "38.50"),
        ("material", "management", "1.5000", "26.03"),  # 26.025, half up
    ]


def test_a_call_out_at_night_is_cash_with_premiums():
    """03:00–07:30 with half an hour each way: 3 h night, then 1 h of the shift."""
    times = {
        "depart_at": athens(3),
        "accepted_at": athens(2, 50),
        "arrive_at": athens(3, 30),
        "arrived_at": athens(3, 30),
        "completed_at": athens(7, 30),
    }
    labour = [e for e in costs(people=("p1",), **times) if e.kind is CostKind.LABOUR]
    assert [(e.basis["band"], e.nature, e.price, e.amount) for e in labour] == [
        ("shift", CostNature.MANAGEMENT, Decimal("10.0000"), Decimal("10.00")),
        ("overtime", CostNature.CASH, Decimal("15.0000"), Decimal("15.00")),
        ("overtime-night", CostNature.CASH, Decimal("16.5000"), Decimal("49.50")),
    ]


def test_the_boundary_of_the_shift_splits_the_hours():
    labour = [
        e for e in costs(people=("p1",), completed_at=athens(16)) if e.kind is CostKind.LABOUR
    ]
    assert {e.basis["band"]: e.quantity for e in labour} == {
        "shift": Decimal(7),
        "overtime": Decimal("1.5"),
    }


@pytest.mark.parametrize(
    ("what", "changes", "left"),
    [
        ("as planned", {}, athens(8)),
        ("accepted late", {"accepted_at": athens(8, 20)}, athens(8, 20)),
        ("never accepted", {"accepted_at": None, "arrived_at": None}, athens(8)),
        ("there before the plan let it leave", {"arrived_at": athens(7, 50)}, athens(7, 20)),
        (
            "completed before it left: no negative hours",
            {"completed_at": athens(7, 45), "arrived_at": None},
            athens(7, 45),
        ),
    ],
)
def test_when_the_crew_left(what, changes, left):
    entry = costs(**changes)[0]
    assert entry.basis["since"] == left.isoformat(), what
    assert entry.basis["way_back_min"] == 30.0


def test_an_order_that_nobody_completed_has_no_cost():
    with pytest.raises(ValueError, match="not completed"):
        costs(state=OrderState.ARRIVED)


def test_an_order_of_another_incident_is_refused():
    other = replace(build.incident(), id=build.order().id)
    with pytest.raises(ValueError, match="is not of incident"):
        order_costs(CITY, build.order(), other, AT)


def test_every_entry_says_whose_it_is_and_where_it_came_from():
    order, incident = build.order(), build.incident()
    for entry in order_costs(CITY, order, incident, AT):
        assert (entry.order, entry.incident, entry.at) == (order.id, incident.id, AT)
        assert (entry.community, entry.category) == ("drosia", "main_burst")
        assert entry.account == "2420201"
        assert entry.corrects is None
        assert entry.basis


def test_materials_from_two_places_are_one_entry():
    items = (
        OrderItem("sand", "water-1", Decimal(1), Decimal(1)),
        OrderItem("sand", "warehouse", Decimal(1), Decimal(2)),
        OrderItem("clamp-63", "water-1", Decimal(1), None),
    )
    material = [e for e in costs(items=items) if e.kind is CostKind.MATERIAL]
    assert [(e.item, e.quantity, e.amount) for e in material] == [
        ("sand", Decimal(3), Decimal("52.05"))
    ]
    assert material[0].basis["from"] == "water-1, warehouse"


def test_what_the_city_no_longer_knows_is_booked_at_nothing_and_marked():
    items = (OrderItem("gone", "warehouse", Decimal(1), Decimal(4)),)
    entries = costs(people=("left",), vehicles=("sold",), items=items)
    assert {e.kind for e in entries} == {CostKind.LABOUR, CostKind.VEHICLE, CostKind.MATERIAL}
    for entry in entries:
        assert entry.amount == 0
        assert entry.quantity > 0
        assert entry.basis["unpriced"]


def test_a_replay_makes_the_same_entries_with_ids_of_their_own():
    first = costs()
    assert first == costs()
    assert len({e.id for e in first}) == len(first)
    assert not {e.id for e in first} & {e.id for e in costs(id=build.incident().id)}


minutes = st.integers(0, 3 * 24 * 60)


@given(
    start=minutes,
    travel=st.integers(0, 120),
    work=st.integers(0, 1000),
    km=st.decimals(0, 200, places=1),
    used=st.decimals(0, 500, places=3),
)
def test_never_negative_and_rounded_once(start, travel, work, km, used):
    """Each amount is its quantity × price in whole cents; hours add up to the time away."""
    depart = datetime(2026, 10, 23, tzinfo=UTC) + timedelta(minutes=start)
    arrive = depart + timedelta(minutes=travel)
    done = arrive + timedelta(minutes=work)
    entries = costs(
        depart_at=depart,
        accepted_at=depart,
        arrive_at=arrive,
        arrived_at=arrive,
        completed_at=done,
        km=float(km),
        items=(OrderItem("sand", "warehouse", used, used),),
    )
    for entry in entries:
        assert entry.amount >= 0
        assert entry.quantity > 0
        assert entry.amount == euros(entry.quantity * entry.price)
    hours = sum(e.quantity for e in entries if e.basis.get("person") == "p1")
    assert abs(hours - Decimal(2 * travel + work) / 60) <= Decimal("0.0005")
