"""Operators' words about orders: completed for a crew, taken back, assigned, or not at all."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from dispatch.commanded import commanded
from kel.model.order import OrderState, WorkOrder
from kel.model.situation import Changes, Command, Inputs, Situation
from kel.run.decide import decide
from tests.acceptance.story import NoReadings
from tests.builders.city import alert, at, situation, small_city
from tests.builders.incidents import command

CITY = small_city()
LOW = alert(CITY, "zm-01", "low_pressure", at("09:50"))
ASK = at("09:00", 9).isoformat()


class Desk:
    """A situation that decisions are made in, one after the other."""

    def __init__(self) -> None:
        self.situation: Situation = situation()
        self.changes = Changes()

    def decide(self, clock: str, *said: Any) -> Changes:
        alerts = tuple(s for s in said if not isinstance(s, Command))
        commands = tuple(s for s in said if isinstance(s, Command))
        inputs = Inputs(at(clock), alerts, commands=commands)
        decided = decide(CITY, self.situation, inputs, NoReadings())
        self.situation.apply(decided)
        self.situation.take(inputs)
        self.changes.add(decided)
        return decided

    @property
    def orders(self) -> list[WorkOrder]:
        return sorted(self.changes.orders.values(), key=lambda o: o.attempt)


def sent() -> Desk:
    desk = Desk()
    desk.decide("10:00", LOW)
    (order,) = desk.orders
    assert (order.state, order.crew) == (OrderState.SENT, "water-1")
    return desk


def reached(state: OrderState) -> Desk:
    desk = sent()
    (order,) = desk.orders
    desk.situation.apply(Changes(orders={order.id: replace(order, state=state)}))
    return desk


def test_an_order_is_completed_on_behalf_of_its_crew() -> None:
    desk = sent()
    done = command("complete", "2026-0001", "11:00", why="τηλεφωνικά", used="saddle=1")
    changes = desk.decide("11:05", done)
    (order,) = desk.orders
    assert (order.state, order.completed_at) == (OrderState.COMPLETED, at("11:00"))
    assert order.note == "Άννα: τηλεφωνικά"
    assert [(i.item, i.used) for i in order.items] == [("saddle", Decimal(1))]
    assert [(a.done, a.told) for a in changes.answers] == [
        (True, "Ε-2026-0001: τελείωσε, δηλώθηκε από Άννα")
    ]
    assert "resolved" in [e.what for e in changes.incident_events]


def test_an_order_that_was_taken_back_is_not_given_to_the_same_crew_at_once() -> None:
    desk = sent()
    changes = desk.decide("10:05", command("withdraw", "2026-0001", "10:04", why="λάθος δρόμος"))
    (order,) = desk.orders[:1]
    assert (order.state, order.note) == (OrderState.WITHDRAWN, "Άννα: λάθος δρόμος")
    assert [m.payload["state"] for m in changes.outbox] == ["withdrawn"]
    assert [e.why for e in changes.incident_events if e.what == "withdrawn"] == [
        "Ε-2026-0001: αποσύρθηκε, Άννα: λάθος δρόμος"
    ]
    desk.decide("11:40")
    assert [o.crew for o in desk.orders] == ["water-1", "water-1"]  # asked again, later


@pytest.mark.parametrize(
    ("state", "said", "told"),
    [
        (OrderState.SENT, command("withdraw", "2026-0001"), "why? the history needs a reason"),
        (OrderState.SENT, command("complete", "2026-0001"), "why? the history needs a reason"),
        (
            OrderState.ARRIVED,
            command("withdraw", "2026-0001", why="."),
            "the crew of Ε-2026-0001 is at work: complete it instead",
        ),
        (OrderState.DECLINED, command("withdraw", "2026-0001", why="."), "2026-0001 has no open…"),
        (OrderState.SENT, command("complete", "2026-0009", why="."), "there is no active…"),
        (OrderState.SENT, command("complete", "2026-0001", why=".", used="sand"), "'sand' is no…"),
        (OrderState.SENT, command("complete", "2026-0001", why=".", used="x=-1"), "'x=-1' is no…"),
        (OrderState.SENT, command("complete", "2026-0001", why=".", used="x=NaN"), "'x=NaN' is…"),
        (OrderState.SENT, command("complete", "2026-0001", why=".", used="x=2"), "the warehouse…"),
    ],
)
def test_what_is_refused_and_why(state: OrderState, said: Command, told: str) -> None:
    found = commanded(CITY, reached(state).situation, [said], at("11:00"))
    assert not found.replies and not found.taken_back
    (answer,) = found.answers
    assert not answer.done and answer.told.startswith(told.removesuffix("…"))


def test_other_commands_are_passed_over() -> None:
    said, now = [command("acknowledge", "2026-0001")], at("11:00")
    assert commanded(CITY, sent().situation, said, now) == commanded(CITY, Situation(), [], now)


def test_an_assigned_crew_gets_the_order_and_the_other_one_loses_it() -> None:
    desk = sent()
    desk.decide("10:05", command("assign", "2026-0001", "10:04", crew="water-2"))
    first, *rest = desk.orders
    assert (first.crew, first.state) == ("water-1", OrderState.WITHDRAWN)
    assert {o.crew for o in rest} <= {"water-2"}
    unplanned = [e.why for e in desk.changes.incident_events if e.what == "unplanned"]
    assert rest or "Ύδρευση 2" in unplanned[-1]  # it works from 15:00 on
    desk.decide("14:30")
    assert [o.crew for o in desk.orders] == ["water-1", "water-2"]


def test_nobody_is_sent_to_what_was_handed_on_until_a_crew_is_assigned() -> None:
    desk = sent()
    desk.decide("10:05", command("hand_on", "2026-0001", "10:04", to="ΕΥΔΑΠ", ask_at=ASK))
    (order,) = desk.orders
    assert order.state is OrderState.WITHDRAWN
    desk.decide("13:00")
    desk.decide("13:00", command("acknowledge", "2026-0001", "13:00"))
    assert len(desk.orders) == 1
    desk.decide("13:05", command("assign", "2026-0001", "13:04", crew="water-1"))
    assert [o.crew for o in desk.orders] == ["water-1", "water-1"]


def test_what_asks_again_on_its_date_still_sends_nobody() -> None:
    desk = sent()
    soon = at("11:00").isoformat()
    desk.decide("10:05", command("hand_on", "2026-0001", "10:04", to="ΕΥΔΑΠ", ask_at=soon))
    changes = desk.decide("11:05")
    assert "ask_again" in [e.what for e in changes.incident_events]
    assert len(desk.orders) == 1
