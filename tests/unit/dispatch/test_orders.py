"""Orders: sent with reservations and a message, lapsed, taken back."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from dispatch.orders import dispatch, expire, withdraw
from dispatch.plan import Plan, Unplanned, plan
from kel.model.alert import Severity
from kel.model.crew import Shift
from kel.model.ids import make_id
from kel.model.incident import Incident, IncidentState
from kel.model.order import OrderState, WorkOrder
from kel.model.situation import Changes, Situation
from kel.model.stock import WAREHOUSE, Stock
from tests.builders.city import at, north, situation, small_city

CITY = small_city()
NOW = at("10:00")


def _incident(category: str = "main_burst", **values: Any) -> Incident:
    given: dict[str, Any] = {
        "id": make_id("incident", category),
        "number": "2026-0001",
        "category": category,
        "severity": CITY.categories[category].severity,
        "state": IncidentState.OPEN,
        "cause": None,
        "community": "drosia",
        "place": north(38.13),
        "opened_at": at("09:50"),
        "started_at": at("09:50"),
        "title": category,
    }
    return Incident(**{**given, **values})


def _sent(incident: Incident, now: datetime = NOW) -> tuple[Situation, Changes, WorkOrder]:
    """The situation after the incident's order was sent."""
    before = situation(incidents={incident.id: incident})
    changes = dispatch(CITY, before, plan(CITY, before, now), now)
    before.apply(changes)
    (order,) = changes.orders.values()
    return before, changes, order


def test_an_order_reserves_what_it_needs_and_tells_its_crew() -> None:
    incident = _incident()
    after, changes, order = _sent(incident)
    assert order.id == make_id("order", incident.id, 1)
    assert (order.number, order.state, order.attempt) == ("Ε-2026-0001", OrderState.SENT, 1)
    assert (order.crew, order.place) == ("water-1", incident.place)
    assert after.stock_at("water-1", "clamp").free == 0
    assert after.stock_at(WAREHOUSE, "sand").free == 6
    assert {r.order for r in changes.reservations.values()} == {order.id}
    (message,) = changes.outbox
    assert message.topic == "kel/v1/crews/water-1/orders"
    assert (message.made_at, message.expires_at) == (NOW, order.expires_at)
    assert message.payload["order"] == str(order.id)
    assert [(e.what, e.why) for e in changes.incident_events] == [
        ("planned", "Ε-2026-0001: Ύδρευση 1, άφιξη 10:25")
    ]
    assert [e.what for e in changes.order_events] == ["sent"]


@pytest.mark.parametrize(
    ("severity", "minutes"), [(Severity.MEDIUM, 30), (Severity.HIGH, 15), (Severity.CRITICAL, 15)]
)
def test_how_long_a_crew_has_to_answer(severity: Severity, minutes: int) -> None:
    _, _, order = _sent(_incident("low_pressure", severity=severity))
    assert order.expires_at == NOW + timedelta(minutes=minutes)


def test_a_fire_for_a_crew_that_begins_on_monday_is_nobodys_order_until_then() -> None:
    """On a Saturday, nobody on call: it is told as unanswered, and somebody is rung."""
    crew = CITY.crews["green-fire"]
    week = Shift(frozenset(range(5)), time(7), time(15), on_call=False)
    city = replace(CITY, crews={crew.id: replace(crew, shifts=(week,))})
    incident, saturday = _incident("fire"), at("16:00", 7)
    now = situation(incidents={incident.id: incident})
    (order,) = dispatch(city, now, plan(city, now, saturday), saturday).orders.values()
    assert order.depart_at == at("07:00", 9)
    assert order.expires_at == at("17:00", 7)


def test_the_same_plan_again_sends_nothing() -> None:
    before = situation(incidents={_incident().id: _incident()})
    made = plan(CITY, before, NOW)
    before.apply(dispatch(CITY, before, made, NOW))
    assert not dispatch(CITY, before, made, NOW)
    assert plan(CITY, before, NOW) == Plan((), ())


def test_a_plan_for_an_incident_that_ended_sends_nothing() -> None:
    before = situation(incidents={_incident().id: _incident()})
    assert not dispatch(CITY, situation(), plan(CITY, before, NOW), NOW)


def test_stock_that_went_meanwhile_becomes_a_reason_and_is_never_negative() -> None:
    before = situation(incidents={_incident().id: _incident()})
    made = plan(CITY, before, NOW)
    before.stock[WAREHOUSE, "sand"] = Stock(WAREHOUSE, "sand", Decimal(3))
    changes = dispatch(CITY, before, made, NOW)
    assert (changes.orders, changes.stock, changes.reservations) == ({}, {}, {})
    assert [e.what for e in changes.incident_events] == ["unplanned"]


def test_a_reason_is_told_once_and_again_when_it_changes() -> None:
    incident = _incident("tree")
    now = situation(incidents={incident.id: incident})

    def tell(reason: str, clock: str) -> list[str]:
        told = Plan((), (Unplanned(incident.id, reason, "skills"),))
        changes = dispatch(CITY, now, told, at(clock))
        now.apply(changes)
        return [e.why for e in changes.incident_events]

    assert tell("α", "10:00") == ["α"]
    assert tell("α", "10:05") == []
    assert tell("β", "10:10") == ["β"]
    assert tell("α", "10:15") == ["α"]


def test_an_order_nobody_answers_lapses_and_frees_what_it_kept() -> None:
    now, _, order = _sent(_incident())
    assert not expire(CITY, now, at("10:14"))
    changes = expire(CITY, now, at("10:20"))
    now.apply(changes)
    assert now.orders[order.id].state is OrderState.EXPIRED
    assert now.stock_at(WAREHOUSE, "sand") == Stock(WAREHOUSE, "sand", Decimal(10))
    assert not now.reservations
    assert [(e.what, e.at) for e in changes.order_events] == [("expired", at("10:15"))]
    (message,) = changes.outbox
    assert (message.payload["state"], message.id) != ("sent", order.id)
    assert not expire(CITY, now, at("10:30"))


def test_after_it_lapsed_the_next_order_is_another_attempt_by_another_crew() -> None:
    now, _, first = _sent(_incident("low_pressure", severity=Severity.HIGH), at("14:30"))
    now.apply(expire(CITY, now, at("14:45")))
    changes = dispatch(CITY, now, plan(CITY, now, at("14:45")), at("14:45"))
    (second,) = changes.orders.values()
    assert (first.crew, second.crew) == ("water-1", "water-2")
    assert (second.attempt, second.number) == (2, "Ε-2026-0002")
    assert second.id == make_id("order", first.incident, 2)


def test_an_accepted_order_does_not_lapse() -> None:
    now, _, order = _sent(_incident())
    now.orders[order.id] = replace(order, state=OrderState.ACCEPTED, accepted_at=at("10:05"))
    assert not expire(CITY, now, at("12:00"))


@pytest.mark.parametrize(
    ("state", "ended", "raised", "withdrawn"),
    [
        (OrderState.SENT, True, False, True),
        (OrderState.SENT, False, True, True),
        (OrderState.SENT, False, False, False),
        (OrderState.ACCEPTED, True, False, True),  # turn round
        (OrderState.ACCEPTED, False, True, False),  # the crew is on its way to it
        (OrderState.ARRIVED, False, True, False),
        (OrderState.ARRIVED, True, False, False),  # it is there: its report counts
        (OrderState.DECLINED, True, False, False),
    ],
)
def test_what_is_taken_back(state: OrderState, ended: bool, raised: bool, withdrawn: bool) -> None:
    now, _, order = _sent(_incident("low_pressure"))
    now.orders[order.id] = replace(order, state=state)
    if ended:
        del now.incidents[order.incident]
    elif raised:
        incident = now.incidents[order.incident]
        now.incidents[incident.id] = replace(incident, category="main_burst")
    changes = withdraw(CITY, now, at("10:05"))
    assert bool(changes) is withdrawn
    if withdrawn:
        (after,) = changes.orders.values()
        assert after.state is OrderState.WITHDRAWN
        assert [m.payload["state"] for m in changes.outbox] == ["withdrawn"]
        now.apply(changes)
        assert not withdraw(CITY, now, at("10:10"))


def test_a_crew_on_its_way_is_turned_round_where_the_trouble_turns_out_severe() -> None:
    now, _, order = _sent(_incident("low_pressure"))
    now.orders[order.id] = replace(order, state=OrderState.ACCEPTED)
    incident = now.incidents[order.incident]
    raised = replace(incident, category="main_burst", severity=Severity.CRITICAL)
    now.incidents[incident.id] = raised
    now.apply(withdraw(CITY, now, at("10:05")))
    changes = dispatch(CITY, now, plan(CITY, now, at("10:05")), at("10:05"))
    assert [o.category for o in changes.orders.values()] == ["main_burst"]


def test_several_orders_that_lapse_together_free_everything() -> None:
    incidents = [
        _incident("main_burst"),
        _incident("feeder", number="2026-0002"),
    ]
    now = situation(incidents={i.id: i for i in incidents})
    before = dict(now.stock)
    now.apply(dispatch(CITY, now, plan(CITY, now, NOW), NOW))
    assert now.stock != before
    now.apply(expire(CITY, now, at("11:00")))
    assert now.stock == before


def test_the_situation_given_is_left_as_it_is() -> None:
    now, _, _ = _sent(_incident())
    before = now.copy()
    expire(CITY, now, at("11:00"))
    withdraw(CITY, now, at("11:00"))
    dispatch(CITY, now, plan(CITY, now, NOW), NOW)
    assert now == before
