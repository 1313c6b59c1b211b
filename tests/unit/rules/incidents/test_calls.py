"""Calls: who rings when, until somebody acknowledges; what waits for the morning; late orders."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import pytest

from kel import topics
from kel.model.alert import Severity
from kel.model.city import City
from kel.model.escalation import Duty, Escalation, QuietHours, Step
from kel.model.incident import IncidentState
from kel.model.order import OrderState
from kel.model.situation import Changes
from rules.incidents import calls
from rules.incidents.overdue import overdue
from tests.builders.city import WEEK, alert, at, request, small_city
from tests.builders.incidents import Day, command, order_of

MINUTE = timedelta(minutes=1)
DAY, NIGHT = time(7), time(23)
ROSTER = (Duty("day", WEEK, DAY, NIGHT), Duty("night", WEEK, NIGHT, DAY))
CONTACTS = {"day": "Βάρδια", "night": "Επιφυλακή", "boss": "Μηχανικός"}
HIGH = Step(15 * MINUTE, 10 * MINUTE, Severity.HIGH)


CITY = small_city()


def town(*steps: Step, **values: Any) -> City:
    given: dict[str, Any] = {"steps": steps, "roster": ROSTER, "contacts": CONTACTS, **values}
    return small_city(escalation=Escalation(**given))


def rung(day: Day) -> list[tuple[datetime, str]]:
    return [(m.made_at, m.topic.rsplit("/", 1)[1]) for m in day.calls]


def opened(city: City, clock: str = "10:00", severity: Severity = Severity.HIGH) -> Day:
    day = Day(city)
    day.put(alert(city, "ps-01", "pump", at(clock), severity=severity))
    return day


def test_it_rings_again_and_again_until_somebody_acknowledges() -> None:
    day = opened(town(HIGH))
    day.put(now=at("10:14"))
    assert rung(day) == []
    day.put(now=at("10:40"))
    assert rung(day) == [(at(c), "day") for c in ("10:15", "10:25", "10:35")]
    day.put(command("acknowledge", "2026-0001", "10:41"))
    day.put(now=at("12:00"))
    assert len(rung(day)) == 3
    assert day.told("called")[0] == "Βάρδια· χωρίς αναγνώριση 15′"


def test_a_call_of_yesterdays_incident_says_the_day_and_the_hours() -> None:
    day = opened(town(HIGH), "22:40")
    day.put(now=at("00:06", day=5))
    assert (
        day.told("called")[-1] == "Επιφυλακή· χωρίς αναγνώριση 1 ώ 20′"
    )  # its duty began at 23:00
    assert [str(c.payload["text"]).split(". ")[1] for c in (day.calls[0], day.calls[-1])] == [
        "Περιμένει αναγνώριση από τις 22:40.",
        "Περιμένει αναγνώριση από 04/03 22:40.",
    ]


def test_a_call_says_what_a_person_must_know() -> None:
    day = opened(town(HIGH))
    day.put(now=at("10:15"))
    (call,) = day.calls
    assert call.topic == topics.CALLS.format(who="day") == calls.TOPIC.format(who="day")
    assert call.expires_at == at("10:25")
    assert dict(call.payload) == {
        "call": str(call.id),
        "who": "day",
        "incident": "2026-0001",
        "severity": "high",
        "title": "Βλάβη αντλιοστασίου — Αντλιοστάσιο Δροσιάς",
        "text": "2026-0001, υψηλή: Βλάβη αντλιοστασίου — Αντλιοστάσιο Δροσιάς. "
        "Περιμένει αναγνώριση από τις 10:00.",
        "place": {"lat": 38.12, "lon": 23.86},
        "made_at": "2026-03-04T08:15:00Z",
        "expires_at": "2026-03-04T08:25:00Z",
    }


@pytest.mark.parametrize(
    ("severity", "rings"), [(Severity.MEDIUM, 0), (Severity.HIGH, 1), (Severity.CRITICAL, 1)]
)
def test_only_what_is_severe_enough_rings(severity: Severity, rings: int) -> None:
    day = opened(town(HIGH), severity=severity)
    day.put(now=at("10:20"))
    assert len(rung(day)) == rings


def test_steps_ring_each_in_its_time_and_together_where_they_meet() -> None:
    day = opened(town(HIGH, Step(25 * MINUTE, 30 * MINUTE, Severity.HIGH, "boss")))
    day.put(now=at("10:36"))
    assert rung(day) == [
        (at("10:15"), "day"),
        (at("10:25"), "day"),
        (at("10:25"), "boss"),
        (at("10:35"), "day"),
    ]


@pytest.mark.parametrize(
    ("clock", "who"), [("22:40", "day"), ("22:45", "night"), ("06:40", "night"), ("06:45", "day")]
)
def test_the_roster_says_whose_turn_it_is(clock: str, who: str) -> None:
    day = opened(town(HIGH), clock)
    day.put(now=day.one.opened_at + 15 * MINUTE)
    assert [w for _, w in rung(day)] == [who]


def test_where_nobody_is_on_duty_the_history_says_so() -> None:
    day = opened(town(HIGH, roster=ROSTER[:1]), "03:00")
    day.put(now=at("03:15"))
    assert (rung(day), day.told("called")) == ([], ["κανείς σε εφημερία· χωρίς αναγνώριση 15′"])


QUIET = QuietHours(NIGHT, DAY, Severity.CRITICAL)


@pytest.mark.parametrize(
    ("clock", "severity", "moments"),
    [
        ("22:40", Severity.HIGH, [at("22:55"), at("07:00", 5), at("07:10", 5)]),
        ("02:00", Severity.HIGH, [at("07:00"), at("07:10"), at("07:20"), at("07:30")]),
        ("02:00", Severity.CRITICAL, [at("02:15"), at("02:25"), at("02:35"), at("02:45")]),
        ("06:50", Severity.HIGH, [at("07:05"), at("07:15"), at("07:25"), at("07:35")]),
    ],
)
def test_in_quiet_hours_the_rest_waits_until_morning(
    clock: str, severity: Severity, moments: list[datetime]
) -> None:
    day = opened(town(HIGH, quiet=QUIET), clock, severity)
    day.put(now=moments[-1])
    assert [m for m, _ in rung(day)] == moments


def test_quiet_hours_may_lie_within_a_day() -> None:
    siesta = QuietHours(time(14), time(17, 30), Severity.CRITICAL)
    day = opened(town(HIGH, quiet=siesta), "13:50")
    day.put(now=at("17:41"))
    assert [m for m, _ in rung(day)] == [at("17:30"), at("17:40")]


def test_what_has_waited_long_enough_rings_when_it_becomes_more_severe() -> None:
    city = town(HIGH)
    day = Day(city)
    day.put(alert(city, "zm-01", "low_pressure", at("10:00")))
    day.put(alert(city, "zm-01", "main_burst", at("11:02")))
    day.put(now=at("11:06"))
    assert [m for m, _ in rung(day)] == [at("11:02")]  # once, and not for the past


def test_what_opens_again_rings_again() -> None:
    day = opened(town(HIGH))
    later = at("12:00").isoformat()
    day.put(command("hand_on", "2026-0001", "10:05", to="ΔΕΔΔΗΕ", ask_at=later))
    day.put(now=at("12:14"))
    assert rung(day) == []
    day.put(now=at("12:15"))
    assert rung(day) == [(at("12:15"), "day")]


def test_a_citizens_words_are_in_no_call() -> None:
    city = town(Step(15 * MINUTE, 10 * MINUTE, Severity.LOW))
    day = Day(city)
    day.put(request("tree", at("10:00"), 38.12))
    day.put(now=at("10:15"))
    assert "…" not in str(dict(day.calls[0].payload))


def test_a_city_without_steps_calls_nobody() -> None:
    day = opened(small_city())
    day.put(now=at("23:00"))
    assert rung(day) == []


@pytest.mark.parametrize("every", [4, 12])
def test_of_the_steps_that_call_one_contact_the_highest_decides(every: int) -> None:
    """The medium step calls whom the high one has called four minutes ago: nobody rings twice."""
    day = opened(town(HIGH, Step(29 * MINUTE, every * MINUTE, Severity.MEDIUM)))
    day.put(now=at("10:55"))
    assert [m for m, _ in rung(day)] == [at(f"10:{m}") for m in (15, 25, 35, 45, 55)]


def test_a_contact_that_a_step_names_is_not_rung_again_as_the_one_on_duty() -> None:
    day = opened(town(HIGH, Step(20 * MINUTE, 5 * MINUTE, Severity.CRITICAL, "day")))
    day.put(now=at("10:17"))
    more = alert(CITY, "ps-01", "pump", at("10:18"), rule="x", severity=Severity.CRITICAL)
    day.put(more, now=at("10:30"))
    assert rung(day) == [(at(f"10:{m}"), "day") for m in (15, 20, 25, 30)]


def test_who_comes_on_duty_is_told_at_once_of_what_waits() -> None:
    day = opened(town(HIGH), "22:38")
    day.put(now=at("23:10"))
    assert rung(day) == [(at("22:53"), "day"), (at("23:00"), "night"), (at("23:10"), "night")]


def test_another_roster_rings_now_and_not_for_the_past() -> None:
    day = opened(town(Step(15 * MINUTE, 10 * MINUTE, Severity.CRITICAL)))
    day.put(now=at("12:03"))
    assert rung(day) == []
    day.city = town(HIGH)
    day.put(now=at("12:05"))
    assert rung(day) == [(at("12:03"), "day")]


# --- orders that crews leave open ------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "margin", "told"),
    [
        (OrderState.ACCEPTED, 30, True),
        (OrderState.ARRIVED, 30, True),
        (OrderState.SENT, 30, False),
        (OrderState.COMPLETED, 30, False),
        (OrderState.ACCEPTED, 61, False),
        (OrderState.ACCEPTED, None, False),
    ],
)
def test_an_order_that_stays_out_is_told_once(
    state: OrderState, margin: int | None, told: bool
) -> None:
    city = town(margin=None if margin is None else margin * MINUTE)
    day = opened(city)
    order = order_of(day.one, state, finish_at=at("11:00"), completed_at=at("10:50"))
    day.situation.apply(Changes(orders={order.id: order}))
    day.take(overdue(city, day.situation, at("12:00")))
    why = "Ε-2026-0001: Ύδρευση 1, έπρεπε να τελειώσει 04/03 11:00"
    expected = [(at("11:00") + (margin or 0) * MINUTE, why)] if told else []
    assert [(e.at, e.why) for e in day.events if e.what == "overdue"] == expected
    assert not overdue(city, day.situation, at("12:00"))


@pytest.mark.parametrize(
    ("state", "arrived", "told"),
    [
        (OrderState.ARRIVED, "11:05", 0),
        (OrderState.ACCEPTED, None, 1),
        (OrderState.COMPLETED, "11:05", 1),  # it is gone, and they are still there
    ],
)
def test_a_part_whose_relief_is_there_is_nobodys_worry(
    state: OrderState, arrived: str | None, told: int
) -> None:
    day = opened(town(HIGH, orders=ORDERS, margin=30 * MINUTE))
    day.put(command("acknowledge", "2026-0001", "10:05"))
    take(day, OrderState.ARRIVED, remaining=60 * MINUTE)
    relief = order_of(
        day.one,
        state,
        attempt=2,
        number="Ε-2026-0002",
        continues="Ε-2026-0001",
        made_at=at("10:30"),
        finish_at=at("13:00"),
        arrived_at=arrived and at(arrived),
    )
    day.situation.apply(Changes(orders={relief.id: relief}))
    assert len(look(day, "12:00")) == told
    assert len(day.told("overdue")) == told


def test_a_crew_at_work_on_what_is_repaired_rings_where_it_stays_out() -> None:
    day = opened(town(HIGH, orders=ORDERS, margin=30 * MINUTE))
    day.put(command("acknowledge", "2026-0001", "10:05"))
    take(day, OrderState.ARRIVED)
    repaired = replace(day.one, state=IncidentState.RESOLVED, resolved_at=at("10:50"))
    day.situation.apply(Changes(incidents={repaired.id: repaired}))
    assert look(day, "11:40")


ORDERS = Step(timedelta(0), 60 * MINUTE, Severity.MEDIUM)


def waiting(state: OrderState, **values: Any) -> Day:
    """Acknowledged at 10:05; a crew has the order since 10:00, until 11:00 as planned."""
    day = opened(town(HIGH, orders=ORDERS, margin=30 * MINUTE, **values))
    day.put(command("acknowledge", "2026-0001", "10:05"))
    take(day, state)
    return day


def take(day: Day, state: OrderState, **values: Any) -> None:
    """An order of the incident reaches the state; what is overdue is told as the desk does it."""
    values = {
        "made_at": at("10:00"),
        "finish_at": at("11:00"),
        "completed_at": at("11:40"),
        **values,
    }
    day.follow(order_of(day.one, state, **values), at("10:06"))


def look(day: Day, clock: str, days: int = 4) -> list[tuple[datetime, str]]:
    """Who was rung until then, the desk having looked every five minutes."""
    now, last = day.situation.clock, at(clock, days)
    while now is not None and now < last:
        now += 5 * MINUTE
        day.put(now=now)
        day.take(overdue(day.city, day.situation, now))
    return rung(day)


def test_an_order_that_stays_out_rings_until_somebody_takes_it_up() -> None:
    day = waiting(OrderState.ACCEPTED)
    assert look(day, "11:30") == []
    assert look(day, "12:45") == [(at("11:30"), "day"), (at("12:30"), "day")]
    assert (
        day.told("called")[0] == "Βάρδια· Ε-2026-0001: Ύδρευση 1, έπρεπε να τελειώσει 04/03 11:00"
    )
    assert str(day.calls[0].payload["text"]).endswith(
        "Βλάβη αντλιοστασίου — Αντλιοστάσιο Δροσιάς. "
        "Ε-2026-0001: Ύδρευση 1, έπρεπε να τελειώσει 04/03 11:00."
    )
    day.put(command("acknowledge", "2026-0001", "12:50"))
    assert day.answers[-1] == "2026-0001: αναγνωρίστηκε (Άννα)"
    assert (day.one.acknowledged_at, day.one.seen_at) == (at("10:05"), at("12:50"))
    assert len(look(day, "18:00")) == 2
    day.put(command("acknowledge", "2026-0001", "18:05"))
    assert day.answers[-1] == "2026-0001: αναγνωρίστηκε ήδη, 04/03 10:05"


def test_an_order_that_is_completed_late_rings_no_more() -> None:
    day = waiting(OrderState.ACCEPTED)
    assert len(look(day, "11:35")) == 1
    take(day, OrderState.COMPLETED)
    assert len(look(day, "14:00")) == 1


def test_an_order_that_nobody_accepted_rings_though_somebody_had_acknowledged() -> None:
    day = waiting(OrderState.SENT)
    assert look(day, "10:40") == []
    take(day, OrderState.EXPIRED)
    assert look(day, "12:00") == [(at("10:40"), "day"), (at("11:40"), "day")]
    assert day.told("called")[0] == "Βάρδια· Ε-2026-0001: Ύδρευση 1, δεν απάντησε"


@pytest.mark.parametrize(
    "state",
    [OrderState.ACCEPTED, OrderState.ARRIVED, OrderState.COMPLETED],
)
def test_it_rings_no_more_once_another_crew_has_taken_it(state: OrderState) -> None:
    day = waiting(OrderState.EXPIRED)
    assert len(look(day, "10:45")) == 1
    take(day, state, attempt=2, crew="water-2", finish_at=at("20:00"))
    assert len(look(day, "12:30")) == 1


def test_a_second_crew_that_does_not_answer_is_told_as_soon_as_a_contact_may_be_rung() -> None:
    """Its steps would ring the contact every ten minutes: no sooner than that."""
    day = waiting(OrderState.EXPIRED)
    assert look(day, "10:35") == [(at("10:30"), "day")]
    take(day, OrderState.EXPIRED, attempt=2, expires_at=at("10:36"), number="Ε-2026-0002")
    assert look(day, "11:00")[1:] == [(at("10:40"), "day")]
    assert "Ε-2026-0002" in day.told("called")[1]


@pytest.mark.parametrize(
    ("values", "severity"),
    [({"orders": None}, Severity.HIGH), ({}, Severity.LOW)],
)
def test_who_is_called_about_orders_is_the_citys(values: Any, severity: Severity) -> None:
    day = opened(town(HIGH, **{"orders": ORDERS, "margin": MINUTE, **values}), severity=severity)
    day.put(command("acknowledge", "2026-0001", "10:05"))
    take(day, OrderState.ACCEPTED)
    assert look(day, "14:00") == []
    assert day.told("overdue")


def test_an_order_rings_in_no_quiet_hours_below_their_severity() -> None:
    siesta = QuietHours(time(11), time(17), Severity.CRITICAL)
    day = waiting(OrderState.ACCEPTED, quiet=siesta)
    assert look(day, "18:30") == [(at("17:00"), "day"), (at("18:00"), "day")]


def test_what_is_handed_on_or_assigned_has_been_taken_up() -> None:
    for said in (
        command("assign", "2026-0001", "10:50", person="Άννα"),
        command("hand_on", "2026-0001", "10:50", to="ΔΕΔΔΗΕ", ask_at=at("09:00", 9).isoformat()),
    ):
        day = waiting(OrderState.EXPIRED)
        assert len(look(day, "10:45")) == 1
        day.put(said)
        assert len(look(day, "16:00")) == 1


def test_an_incident_that_nobody_acknowledged_is_rung_once_for_all_reasons() -> None:
    day = opened(town(HIGH, orders=ORDERS))
    take(day, OrderState.EXPIRED, expires_at=at("10:20"))
    assert [m for m, _ in look(day, "10:40")] == [at("10:15"), at("10:25"), at("10:35")]
    late = "Ε-2026-0001: Ύδρευση 1, δεν απάντησε"
    assert day.told("called") == [
        "Βάρδια· χωρίς αναγνώριση 15′",
        f"Βάρδια· χωρίς αναγνώριση 25′· {late}",
        f"Βάρδια· χωρίς αναγνώριση 35′· {late}",
    ]
