"""Where crews are, who goes, with which vehicles."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dispatch.crews import Standing, choose_people, choose_vehicles, speed_of, standing
from kel.model.ids import make_id
from kel.model.order import OrderState, WorkOrder
from kel.model.orders_by_incident import OrdersByIncident
from kel.model.situation import Situation, Whereabouts
from tests.builders.city import BASE, at, north, small_city

CITY = small_city()
WATER = CITY.crews["water-1"]


def _order(state: OrderState, **values: datetime | timedelta) -> WorkOrder:
    order = WorkOrder(
        id=make_id("order", state),
        number="Ε-2026-0001",
        incident=make_id("incident", state),
        category="main_burst",
        crew="water-1",
        people=(),
        vehicles=(),
        items=(),
        state=state,
        place=north(38.13),
        made_at=at("08:00"),
        expires_at=at("08:15"),
        depart_at=at("08:05"),
        arrive_at=at("08:30"),
        finish_at=at("12:30"),
        km=5.0,
    )
    return replace(order, **values)  # type: ignore[arg-type]


def _stands(order: WorkOrder, now: str) -> tuple[bool, datetime, bool]:
    found = standing(Situation(orders=OrdersByIncident({order.id: order})), WATER, at(now))
    return found.place == BASE, found.free_at, found.overdue


@pytest.mark.parametrize(
    ("order", "now", "expected"),
    [
        (_order(OrderState.SENT), "09:00", (False, at("12:30"), False)),
        (_order(OrderState.ARRIVED, arrived_at=at("09:00")), "09:00", (False, at("13:00"), False)),
        (  # came late, and hands the rest over as planned
            _order(OrderState.ARRIVED, arrived_at=at("09:00"), remaining=timedelta(hours=1)),
            "09:00",
            (False, at("12:30"), False),
        ),
        (_order(OrderState.ACCEPTED), "12:30", (False, at("13:30"), True)),  # should have ended
        (
            _order(OrderState.COMPLETED, completed_at=at("11:00")),
            "11:29",
            (False, at("11:29"), False),
        ),
        (
            _order(OrderState.COMPLETED, completed_at=at("11:00")),
            "11:30",
            (True, at("11:30"), False),
        ),
        (_order(OrderState.DECLINED), "09:00", (True, at("09:00"), False)),
    ],
)
def test_where_a_crew_is_and_when_it_is_free(
    order: WorkOrder, now: str, expected: tuple[bool, datetime, bool]
) -> None:
    assert _stands(order, now) == expected


def test_a_last_job_that_is_no_longer_current_is_remembered_too() -> None:
    last = {"water-1": Whereabouts("water-1", north(38.2), at("11:00"))}
    situation, now = Situation(whereabouts=last), at("11:10")
    assert standing(situation, CITY.crews["water-1"], now) == Standing(north(38.2), now)
    assert standing(situation, CITY.crews["pumps"], now) == Standing(BASE, now)


@pytest.mark.parametrize(
    ("crew", "category", "people"),
    [
        ("water-1", "main_burst", ("water-1-1", "water-1-2", "water-1-3")),
        ("water-1", "low_pressure", ("water-1-1", "water-1-2")),
        ("electric", "lamp", ("electric-1", "electric-2")),  # one of them drives the bucket truck
        ("electric", "main_burst", ()),  # no plumber
        ("water-1", "other", ("water-1-1",)),
    ],
)
def test_people_cover_the_skills(crew: str, category: str, people: tuple[str, ...]) -> None:
    chosen = choose_people(CITY.crews[crew], CITY.categories[category])
    assert tuple(p.id for p in chosen) == people


def test_too_few_people_are_no_crew() -> None:
    crowd = replace(CITY.categories["low_pressure"], people=5)
    assert choose_people(WATER, crowd) == ()


def test_vehicles_of_the_kinds_asked_for() -> None:
    burst = CITY.categories["main_burst"]
    chosen, missing = choose_vehicles(CITY, WATER, burst, frozenset())
    assert ([v.id for v in chosen], missing) == (["v1", "d1"], None)
    assert choose_vehicles(CITY, WATER, burst, frozenset({"d1"})) == ((), "digger")
    two = replace(burst, vehicles=("van", "van"))
    assert choose_vehicles(CITY, WATER, two, frozenset()) == ((), "van")  # one van is one van


def test_people_have_to_get_there() -> None:
    chosen, missing = choose_vehicles(CITY, WATER, CITY.categories["other"], frozenset())
    assert ([v.id for v in chosen], missing) == (["v1"], None)


def test_the_slowest_vehicle_sets_the_speed() -> None:
    fast = replace(CITY.vehicles["v1"], speed_kmh=50.0)
    assert speed_of((fast, CITY.vehicles["d1"])) == 30.0
    assert speed_of(()) == 0.0
