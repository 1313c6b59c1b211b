"""The situation: what follows from changes, and what is forgotten with them."""

import pickle
from dataclasses import replace

from kel.model.ids import make_id
from kel.model.incident import IncidentEvent, IncidentState
from kel.model.order import OrderState
from kel.model.orders_by_incident import OrdersByIncident
from kel.model.situation import Changes, Inputs, Situation
from rules.incidents.correlate import correlate
from tests.builders.city import alert, at, cleared, small_city
from tests.builders.costs_city import incident, order

CITY = small_city()


def test_numbers_go_on_from_the_highest_of_their_year() -> None:
    now = Situation()
    for number in ("2025-0412", "2026-0007", "2026-0003"):
        now.count("incident", number)
    now.count("order", "Ε-2026-0031")
    assert now.next_number("incident", 2026) == "2026-0008"
    assert now.next_number("incident", 2027) == "2027-0001"
    assert now.next_number("order", 2026) == "2026-0032"


def test_what_was_written_is_counted() -> None:
    now = Situation()
    now.apply(Changes(incidents={incident().id: incident()}, orders={order().id: order()}))
    assert now.counters == {"incident-2026": 412, "order-2026": 100}


def test_a_completed_order_tells_where_its_crew_was_last() -> None:
    now, done = Situation(), order()
    now.apply(Changes(orders={done.id: done}))
    assert now.whereabouts["water-1"].free_at == done.completed_at
    earlier = replace(done, id=make_id("order", "earlier"), completed_at=done.made_at)
    now.apply(Changes(orders={earlier.id: earlier}))
    assert now.whereabouts["water-1"].free_at == done.completed_at


def test_the_last_reason_told_is_kept_until_it_is_planned() -> None:
    now, known = Situation(), incident()

    def event(what: str, why: str) -> Changes:
        told = IncidentEvent(make_id("e", what), known.id, known.opened_at, what, "kel", why)
        return Changes(incident_events=[told])

    now.apply(event("unplanned", "λείπει υλικό"))
    assert now.unplanned == {known.id: "λείπει υλικό"}
    now.apply(event("planned", ""))
    assert now.unplanned == {}


def test_only_what_belongs_to_an_active_incident_is_kept() -> None:
    now, first = Situation(), alert(CITY, "zm-01", "main_burst", at("02:50"))
    inputs = Inputs(at("03:00"), (first,))
    now.take(inputs)
    assert now.alerts == {}
    now.apply(correlate(CITY, now, inputs))
    now.take(inputs)
    assert now.alerts == {first.id: first}


def test_a_cleared_alert_stays_cleared() -> None:
    first = alert(CITY, "zm-01", "main_burst", at("02:50"))
    ended = cleared(first, at("03:10"))
    now = Situation()
    now.apply(correlate(CITY, now, Inputs(at("03:00"), (first,))))
    now.take(Inputs(at("03:15"), (ended,)))
    now.take(Inputs(at("03:20"), (first,)))
    assert now.alerts == {first.id: ended}


def test_quiet_since_the_last_alert_cleared() -> None:
    first = alert(CITY, "zm-01", "main_burst", at("02:50"))
    second = alert(CITY, "ls-01", "low_pressure", at("02:55"))
    both = incident(alerts=(first.id, second.id))
    now = Situation(alerts={first.id: cleared(first, at("03:10")), second.id: second})
    assert now.quiet_since(both) is None
    now.alerts[second.id] = cleared(second, at("03:05"))
    assert now.quiet_since(both) == at("03:10")
    assert now.quiet_since(incident()) is None  # none of its own
    assert now.quiet_since(incident(alerts=(make_id("alert", "lost"),))) is None


def test_an_ended_incident_is_forgotten_with_all_that_was_its() -> None:
    open_one, sent = incident(), order(state=OrderState.SENT, completed_at=None)
    now = Situation(incidents={open_one.id: open_one}, orders=OrdersByIncident({sent.id: sent}))
    closed = replace(open_one, state=IncidentState.CLOSED)
    now.apply(Changes(incidents={closed.id: closed}))
    assert now.incidents == {}
    assert list(now.orders) == [sent.id]  # still to be taken back
    withdrawn = replace(sent, state=OrderState.WITHDRAWN)
    now.apply(Changes(orders={sent.id: withdrawn}))
    assert now.orders == {}


def test_the_orders_of_an_incident_are_those_that_it_has_now() -> None:
    now, first = Situation(), order()
    second = replace(first, id=make_id("order", "second"), attempt=2)
    other = replace(first, id=make_id("order", "other"), incident=make_id("incident", "other"))
    now.orders.update({o.id: o for o in (first, second, other)})
    assert now.orders_of(first.incident) == [first, second]
    copy = now.copy()
    moved = replace(second, state=OrderState.WITHDRAWN)
    now.orders[second.id] = moved
    assert now.orders_of(first.incident) == [first, moved]
    now.orders.update({first.id: replace(first, note="x")})
    assert [o.note for o in now.orders_of(first.incident)] == ["x", ""]
    now.orders.pop(first.id)
    assert now.orders_of(first.incident) == [moved]
    del now.orders[second.id]
    assert now.orders_of(first.incident) == []
    assert now.orders_of(other.incident) == [other]
    assert copy.orders_of(first.incident) == [first, second]
    assert pickle.loads(pickle.dumps(copy)) == copy


def test_an_incident_that_ended_is_known_while_an_order_of_it_is_open() -> None:
    now, open_, ended = Situation(), order(), replace(incident(), state=IncidentState.CLOSED)
    open_ = replace(open_, state=OrderState.ARRIVED, completed_at=None)
    now.apply(Changes(incidents={ended.id: incident()}, orders={open_.id: open_}))
    now.apply(Changes(incidents={ended.id: ended}))
    assert (now.incidents, now.ended) == ({}, {ended.id: ended})
    now.apply(Changes(orders={open_.id: order()}))
    assert (now.orders, now.ended) == ({}, {})
