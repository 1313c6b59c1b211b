"""What is told to come next comes: the same moment and word, when time passes."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from kel.model.alert import Severity
from kel.model.city import City
from kel.model.escalation import ON_CALL, Duty, Escalation, Step
from kel.model.incident import IncidentState
from kel.model.order import OrderState
from rules.incidents.ahead import ahead
from rules.incidents.overdue import overdue
from tests.builders.city import alert, at, cleared, request, small_city
from tests.builders.incidents import Day, command, order_of

MINUTE = timedelta(minutes=1)
EVERY_DAY = frozenset(range(7))
CITY = small_city(
    escalation=Escalation(
        steps=(Step(15 * MINUTE, 10 * MINUTE, Severity.HIGH, ON_CALL),),
        roster=(Duty("night", EVERY_DAY, at("00:00").time(), at("00:00").time()),),
        contacts={"night": "Επιφυλακή"},
    )
)
BURST = alert(CITY, "zm-01", "main_burst", at("02:40"), at("02:50"))
REPAIRED = {"arrived_at": at("03:30"), "completed_at": at("06:00")}


def told(day: Day, now: datetime) -> list[tuple[datetime, str, tuple[str, ...]]]:
    return [(n.at, n.what, n.who) for n in ahead(day.city, day.situation, day.one, now)]


def opened() -> Day:
    day = Day(CITY)
    day.put(BURST)
    return day


def acknowledged() -> Day:
    day = opened()
    day.put(command("acknowledge", "2026-0001", "02:55"))
    return day


def handed() -> Day:
    day = opened()
    day.put(command("hand_on", "2026-0001", "02:55", to="ΕΥΔΑΠ", ask_at=at("09:00", 6).isoformat()))
    return day


def resolved() -> Day:
    day = acknowledged()
    day.follow(order_of(day.one, OrderState.COMPLETED, **REPAIRED), at("06:00"))
    assert day.one.state is IncidentState.RESOLVED
    return day


def verified() -> Day:
    day = resolved()
    day.put(cleared(BURST, at("06:20")), now=at("06:20"))
    assert day.one.state is IncidentState.VERIFIED
    return day


@pytest.mark.parametrize(
    ("made", "now", "what", "who"),
    [
        (opened, at("02:50"), "called", ("Επιφυλακή",)),
        (handed, at("02:55"), "ask_again", ()),
        (resolved, at("06:00"), "still_active", ()),
        (verified, at("06:20"), "closed", ()),
    ],
)
def test_what_is_told_to_come_comes_at_that_moment(
    made: Any, now: datetime, what: str, who: tuple[str, ...]
) -> None:
    day = made()
    ((moment, word, whom),) = told(day, now)
    assert (word, whom) == (what, who)
    before = len(day.told(what))
    day.put(now=moment - timedelta(seconds=1))
    assert len(day.told(what)) == before
    day.put(now=moment)
    assert len(day.told(what)) == before + 1


def test_where_nothing_is_due_nothing_is_told() -> None:
    day = acknowledged()
    assert told(day, at("02:55")) == []
    asked = Day(CITY)
    asked.put(request("road", at("09:00")))
    assert told(asked, at("09:00")) == []


def test_an_order_that_waits_for_its_crew_lapses_by_itself() -> None:
    day = acknowledged()
    order = order_of(day.one, OrderState.SENT, made_at=at("02:55"))
    day.situation.orders[order.id] = order
    assert told(day, at("02:56")) == [(at("03:25"), "expired", (CITY.crews["water-1"].name,))]


def late(**orders: Any) -> City:
    return replace(CITY, escalation=replace(CITY.escalation, margin=timedelta(hours=1), **orders))


RINGS = {"orders": Step(timedelta(0), 10 * MINUTE, Severity.HIGH, ON_CALL)}


@pytest.mark.parametrize(
    ("city", "state", "who"),
    [
        (late(), OrderState.ACCEPTED, ("Ύδρευση 1",)),
        (late(**RINGS), OrderState.ACCEPTED, ("Ύδρευση 1", "Επιφυλακή")),
        (late(**RINGS), OrderState.ARRIVED, ("Ύδρευση 1", "Επιφυλακή")),
        (CITY, OrderState.ARRIVED, None),  # without a margin nothing is ever late
    ],
)
def test_an_accepted_order_is_told_to_become_late_and_whom_that_rings(
    city: City, state: OrderState, who: tuple[str, ...] | None
) -> None:
    day = Day(city)
    day.put(BURST)
    day.put(command("acknowledge", "2026-0001", "02:55"))
    taken = {"accepted_at": at("02:56"), "finish_at": at("08:00")}
    day.follow(order_of(day.one, state, **taken), at("02:56"))
    assert told(day, at("03:00")) == ([(at("09:00"), "overdue", who)] if who else [])
    before = overdue(city, day.situation, at("08:59"))
    then = overdue(city, day.situation, at("09:00"))
    assert [[e.what for e in c.incident_events] for c in (before, then)] == [
        [],
        ["overdue"] if who else [],
    ]
    day.take(then)
    day.put(now=at("09:00"))
    rung = [w.split("·")[0] for w in day.told("called")]
    assert rung == list((who or ())[1:])
    assert not any(what == "overdue" for _, what, _ in told(day, at("09:00")))


@pytest.mark.parametrize(
    ("now", "hides"), [(at("03:10"), True), (at("05:59"), True), (at("06:00"), False)]
)
def test_a_silence_over_its_devices_is_told_until_its_end(now: datetime, hides: bool) -> None:
    day = acknowledged()
    ends = at("06:00").isoformat()
    day.put(command("silence", "", "03:00", why="έργα", zone="z01", ends_at=ends))
    silent = (at("06:00"), "silent", ("Σ-2026-0001",))
    assert (silent in told(day, now)) == hides
