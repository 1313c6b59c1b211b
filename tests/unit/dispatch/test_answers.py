"""Replies: who may say what of which order, and what it makes of it."""

import json
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from dispatch.answers import TOPIC, answer
from dispatch.orders import dispatch
from dispatch.plan import plan
from kel import topics
from kel.model.ids import make_id
from kel.model.incident import Incident, IncidentState, Material
from kel.model.order import Action, OrderItem, OrderState, Reply, WorkOrder
from kel.model.situation import Changes, Situation
from kel.model.stock import WAREHOUSE, Stock
from tests.builders.city import at, north, reply, situation, small_city

CITY = small_city()
LATER = at("16:00")


def _sent() -> tuple[Situation, WorkOrder]:
    """A burst's order, sent to water-1 at 10:00: a clamp from the van, sand from the warehouse."""
    incident = Incident(
        make_id("incident", "burst"),
        "2026-0001",
        "main_burst",
        CITY.categories["main_burst"].severity,
        IncidentState.OPEN,
        None,
        "drosia",
        north(38.13),
        at("09:50"),
        at("09:40"),
        "Θραύση αγωγού",
    )
    now = situation(incidents={incident.id: incident})
    now.apply(dispatch(CITY, now, plan(CITY, now, at("10:00")), at("10:00")))
    (order,) = now.orders.values()
    return now, order


def _say(now: Situation, *replies: Reply) -> Changes:
    changes = answer(CITY, now, replies, LATER)
    now.apply(changes)
    return changes


def _used(**quantities: str) -> tuple[Material, ...]:
    return tuple(Material(item, Decimal(q)) for item, q in quantities.items())


def test_an_order_goes_its_way() -> None:
    now, order = _sent()
    _say(now, reply(order, "accept", at("10:05")))
    assert now.orders[order.id].state is OrderState.ACCEPTED
    _say(now, reply(order, "arrive", at("10:30")))
    assert now.orders[order.id].state is OrderState.ARRIVED
    done = reply(
        order, "complete", at("14:40"), used=_used(clamp="1", sand="2.5"), km=11.2, note="ok"
    )
    changes = _say(now, done)
    after = now.orders[order.id]
    assert after == replace(
        order,
        state=OrderState.COMPLETED,
        accepted_at=at("10:05"),
        arrived_at=at("10:30"),
        completed_at=at("14:40"),
        items=(
            OrderItem("clamp", "water-1", Decimal(1), Decimal(1)),
            OrderItem("sand", WAREHOUSE, Decimal(4), Decimal("2.5")),
        ),
        km=11.2,
        note="ok",
    )
    assert now.stock_at(WAREHOUSE, "sand") == Stock(WAREHOUSE, "sand", Decimal("7.5"))
    assert not now.reservations
    assert [(e.what, e.who) for e in changes.order_events] == [("completed", "water-1")]
    assert now.whereabouts["water-1"].free_at == at("14:40")


def test_declined_frees_what_was_kept() -> None:
    now, order = _sent()
    _say(now, reply(order, "decline", at("10:05"), note="χαλασμένο βαν"))
    assert (now.orders[order.id].state, now.orders[order.id].note) == (
        OrderState.DECLINED,
        "χαλασμένο βαν",
    )
    assert now.stock_at(WAREHOUSE, "sand").free == 10


@pytest.mark.parametrize(
    ("action", "state", "times"),
    [
        ("arrive", OrderState.ARRIVED, (at("10:00"), at("10:20"), None)),
        ("complete", OrderState.COMPLETED, (at("10:00"), at("10:20"), at("10:20"))),
    ],
)
def test_a_later_step_implies_the_ones_before_it(
    action: str, state: OrderState, times: tuple[datetime | None, ...]
) -> None:
    now, order = _sent()
    changes = _say(now, reply(order, action, at("10:20")))
    after = now.orders[order.id]
    assert after.state is state
    assert (after.accepted_at, after.arrived_at, after.completed_at) == times
    assert [e.what for e in changes.order_events][:2] == ["accepted", "arrived"]


def test_an_arrival_nobody_reported_is_taken_as_planned() -> None:
    now, order = _sent()
    _say(now, reply(order, "accept", at("10:05")))
    _say(now, reply(order, "complete", at("14:00")))
    assert now.orders[order.id].arrived_at == order.arrive_at == at("10:25")


def test_steps_that_come_in_one_batch_in_any_order_are_taken_by_their_time() -> None:
    now, order = _sent()
    steps = [
        reply(order, "accept", at("10:05")),
        reply(order, "arrive", at("10:30")),
        reply(order, "complete", at("14:00"), used=_used(clamp="1")),
    ]
    whole = answer(CITY, now, steps, LATER)
    assert all(answer(CITY, now, list(p), LATER) == whole for p in permutations(steps))
    assert len(whole.order_events) == 3


@pytest.mark.parametrize("action", ["accept", "arrive", "complete", "decline"])
def test_the_same_reply_again_changes_nothing(action: str) -> None:
    now, order = _sent()
    said = reply(order, action, at("10:20"), used=_used(clamp="1"))
    assert _say(now, said)
    assert not _say(now, said)
    assert not _say(now, replace(said, id=make_id("reply", "resent")))


def test_an_earlier_step_that_comes_late_changes_nothing() -> None:
    now, order = _sent()
    _say(now, reply(order, "complete", at("14:00")))
    assert not _say(now, reply(order, "accept", at("10:05")), reply(order, "arrive", at("10:30")))


def _wrong_crew(order: WorkOrder) -> Reply:
    return reply(order, "accept", at("10:05"), crew="water-2")


def _unknown(order: WorkOrder) -> Reply:
    return replace(reply(order, "accept", at("10:05")), order=make_id("order", "none"))


def _again_otherwise(order: WorkOrder) -> Reply:
    return reply(order, "complete", at("14:30"), used=_used(clamp="2"))


@pytest.mark.parametrize(
    ("state", "said", "reason"),
    [
        (OrderState.SENT, _wrong_crew, "wrong_crew"),
        (OrderState.COMPLETED, _wrong_crew, "wrong_crew"),
        (OrderState.SENT, _unknown, "unknown_order"),
        (OrderState.EXPIRED, lambda o: reply(o, "accept", at("10:40")), "order_closed"),
        (OrderState.WITHDRAWN, lambda o: reply(o, "arrive", at("10:40")), "order_closed"),
        (OrderState.DECLINED, lambda o: reply(o, "accept", at("10:40")), "order_closed"),
        (OrderState.COMPLETED, lambda o: reply(o, "decline", at("10:40")), "order_closed"),
        (OrderState.COMPLETED, _again_otherwise, "order_closed"),
    ],
)
def test_what_cannot_be_taken_is_rejected_with_a_reason(
    state: OrderState, said: Any, reason: str
) -> None:
    now, order = _sent()
    done = at("14:00") if state is OrderState.COMPLETED else None
    now.orders[order.id] = replace(order, state=state, completed_at=done)
    answered = said(order)
    changes = _say(now, answered)
    (reject,) = changes.rejects
    assert (reject.reason, reject.arrival) == (reason, answered.arrival)
    assert reject.topic == f"kel/v1/crews/{answered.crew}/replies"
    assert json.loads(reject.payload)["order"] == str(answered.order)
    assert reject.size == len(reject.payload)
    assert not changes.orders
    assert not changes.stock


def test_topics_are_those_of_the_stream() -> None:
    assert TOPIC == topics.REPLIES


def test_a_material_nobody_knows_is_told_not_booked() -> None:
    now, order = _sent()
    changes = _say(now, reply(order, "complete", at("14:00"), used=_used(clamp="1", gold="2")))
    assert [e.why for e in changes.order_events][-1] == "άγνωστο υλικό gold: 2"
    assert all(m.item in CITY.items for m in changes.movements)
    assert all(i.item in CITY.items for i in now.orders[order.id].items)


@pytest.mark.parametrize(
    ("said_at", "arrival", "taken"),
    [
        (at("10:05"), at("10:07"), at("10:05")),
        (at("23:00"), at("10:07"), at("10:07")),  # a phone that is ahead
        (at("09:00"), at("10:07"), at("10:00")),  # or behind: not before the order was made
    ],
)
def test_a_phones_clock_is_believed_within_what_can_be(
    said_at: datetime, arrival: datetime, taken: datetime
) -> None:
    now, order = _sent()
    _say(now, reply(order, "accept", said_at, arrival=arrival))
    assert now.orders[order.id].accepted_at == taken


def test_every_action_is_known() -> None:
    for action in Action:
        now, order = _sent()
        assert _say(now, reply(order, action.value, at("10:20"))).orders


def test_the_situation_given_is_left_as_it_is() -> None:
    now, order = _sent()
    before = now.copy()
    answer(CITY, now, [reply(order, "complete", at("14:00"))], LATER)
    assert now == before
