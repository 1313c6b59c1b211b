"""Operators' words about orders: completed for a crew, taken back, assigned, or not at all."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from dispatch.commanded import commanded
from kel.model.order import OrderItem, OrderState, WorkOrder
from kel.model.situation import Changes, Command, Inputs, Situation
from kel.model.stock import WAREHOUSE, Stock
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
        (True, "Ε-2026-0001: τελείωσε, δηλώθηκε από Άννα · υλικά: Σέλα παροχής 1 τεμ")
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
        (
            OrderState.SENT,
            command("withdraw", "2026-0001"),
            "γιατί; το ιστορικό χρειάζεται αιτία (--why)",
        ),
        (
            OrderState.SENT,
            command("complete", "2026-0001"),
            "γιατί; το ιστορικό χρειάζεται αιτία (--why)",
        ),
        (
            OrderState.ARRIVED,
            command("withdraw", "2026-0001", why="."),
            "το συνεργείο της Ε-2026-0001 εργάζεται: γράψτε complete",
        ),
        (OrderState.DECLINED, command("withdraw", "2026-0001", why="."), "2026-0001: δεν έχει…"),
        (OrderState.SENT, command("complete", "2026-0009", why="."), "δεν υπάρχει ενεργό…"),
        (OrderState.SENT, command("complete", "2026-0001", why=".", used="sand"), "«sand» δεν…"),
        (OrderState.SENT, command("complete", "2026-0001", why=".", used="x=-1"), "«x=-1» δεν…"),
        (OrderState.SENT, command("complete", "2026-0001", why=".", used="x=NaN"), "«x=NaN» δεν…"),
        (OrderState.SENT, command("complete", "2026-0001", why=".", used="x=2"), "η αποθήκη…"),
        (OrderState.SENT, command("complete", "2026-0001", why=".", used="sand=1,x"), "«sand=1,x»"),
    ],
)
def test_what_is_refused_and_why(state: OrderState, said: Command, told: str) -> None:
    found = commanded(CITY, reached(state).situation, [said], at("11:00"))
    assert not found.replies and not found.taken_back
    (answer,) = found.answers
    assert not answer.done and answer.told.startswith(told.removesuffix("…"))


STOCK = {
    ("water-1", "saddle"): Stock("water-1", "saddle", Decimal(3)),
    (WAREHOUSE, "saddle"): Stock(WAREHOUSE, "saddle", Decimal(100)),
    ("water-1", "sand"): Stock("water-1", "sand", Decimal("12.5")),
}


@pytest.mark.parametrize(
    ("used", "told"),
    [
        ("saddle=3", "Σέλα παροχής 3 τεμ"),  # three times what was planned
        ("saddle=4", "Σέλα παροχής 4 τεμ: είχαν σχεδιαστεί 1 τεμ, όχημα και αποθήκη έχουν 103…"),
        ("saddle=2,saddle=2", "Σέλα παροχής 4 τεμ: είχαν σχεδιαστεί…"),
        ("sand=12,5", "Άμμος 12,5 m³"),  # not planned, but there; a decimal comma
        ("saddle=1,sand=12.5", "Σέλα παροχής 1 τεμ, Άμμος 12,5 m³"),
        ("sand=13", "Άμμος 13 m³: εκτός σχεδίου, όχημα και αποθήκη έχουν 12,5 m³…"),
        ("clamp=1", "Σέλα DN150 1 τεμ: εκτός σχεδίου, όχημα και αποθήκη έχουν 0 τεμ…"),
    ],
)
def test_what_can_hardly_be_true_is_booked_by_force_only(used: str, told: str) -> None:
    now = reached(OrderState.ARRIVED).situation
    now.stock = dict(STOCK)
    ((known, order),) = now.orders.items()
    now.orders[known] = replace(order, items=(OrderItem("saddle", "water-1", Decimal(1)),))
    plain_word = command("complete", "2026-0001", why=".", used=used)
    forced_word = command("complete", "2026-0001", why=".", used=used, force="yes")
    plain, forced = commanded(CITY, now, [plain_word, forced_word], at("11:00")).answers
    assert forced.done and " · υλικά: " in forced.told
    assert plain.done == (not told.endswith("…"))
    assert told.removesuffix("…") in plain.told
    assert plain.done or plain.told.endswith("γράψτε --force")


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


def test_what_one_crew_was_to_do_anybody_may_do_again() -> None:
    desk = sent()
    desk.decide("10:05", command("assign", "2026-0001", "10:04", crew="water-2"))
    assert [o.state for o in desk.orders] == [OrderState.WITHDRAWN]  # water-2 works from 15:00 on
    desk.decide("10:10", command("assign", "2026-0001", "10:09", crew="any"))
    assert [o.crew for o in desk.orders] == ["water-1", "water-1"]
    desk.decide("10:15", command("assign", "2026-0001", "10:14", crew="any"))
    assert desk.orders[-1].state is OrderState.SENT  # nobody loses an order by it


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


TAKEN_BACK = [
    (
        command("assign", "2026-0001", "10:04", crew="water-2", why="είναι κοντά"),
        "το συμβάν ανατέθηκε σε άλλο συνεργείο · Άννα: συνεργείο: Ύδρευση 2 · είναι κοντά",
    ),
    (
        command("close", "2026-0001", "10:04", why="ψευδής", force="yes"),
        "το συμβάν έκλεισε · Άννα: ψευδής · με ενεργές ειδοποιήσεις: 1",
    ),
    (
        command("hand_on", "2026-0001", "10:04", to="ΕΥΔΑΠ", ask_at=ASK),
        "το συμβάν διαβιβάστηκε · Άννα: ΕΥΔΑΠ, ερώτηση ξανά 09/03 09:00",
    ),
    (command("withdraw", "2026-0001", "10:04", why="δεν χρειάζεται"), "Άννα: δεν χρειάζεται"),
]


@pytest.mark.parametrize(("said", "why"), TAKEN_BACK, ids=[c.what for c, _ in TAKEN_BACK])
def test_an_order_that_is_taken_back_says_by_whom_and_why(said: Command, why: str) -> None:
    """To its crew, and in both histories, though the incident may have ended."""
    desk = sent()
    changes = desk.decide("10:05", said)
    first = desk.orders[0]
    assert [(e.at, e.why) for e in changes.order_events if e.what == "withdrawn"] == [
        (at("10:05"), why)
    ]
    told = [e for e in changes.incident_events if e.what == "withdrawn"]
    assert [(e.incident, e.at, e.why) for e in told] == [
        (first.incident, at("10:05"), f"Ε-2026-0001: αποσύρθηκε, {why}")
    ]
    (message,) = (m for m in changes.outbox if m.payload["state"] == "withdrawn")
    spoken = why.removeprefix("Άννα: ").split(" · ")[0]  # what it is about, not who typed it
    assert message.payload["text"] == f"Μην πάτε. Η Ε-2026-0001 αποσύρθηκε: {spoken}."


def test_an_order_that_is_taken_back_as_it_became_something_else_names_no_operator() -> None:
    desk = sent()
    worse = alert(CITY, "zm-01", "main_burst", at("10:02"))
    desk.decide("10:05", worse, command("assign", "2026-0001", "10:04", person="Μ. Δήμου"))
    (why,) = (e.why for e in desk.changes.order_events if e.what == "withdrawn")
    assert why == "το συμβάν άλλαξε κατηγορία"
