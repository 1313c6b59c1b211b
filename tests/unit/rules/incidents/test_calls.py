"""Calls: who rings when, until somebody acknowledges; what waits for the morning; late orders."""

from datetime import datetime, time, timedelta
from typing import Any

import pytest

from kel import topics
from kel.model.alert import Severity
from kel.model.city import City
from kel.model.escalation import Duty, Escalation, QuietHours, Step
from kel.model.order import OrderState
from kel.model.situation import Changes
from rules.incidents import calls
from rules.incidents.calls import overdue
from tests.builders.city import WEEK, alert, at, request, small_city
from tests.builders.incidents import Day, command, order_of

MINUTE = timedelta(minutes=1)
DAY, NIGHT = time(7), time(23)
ROSTER = (Duty("day", WEEK, DAY, NIGHT), Duty("night", WEEK, NIGHT, DAY))
CONTACTS = {"day": "Βάρδια", "night": "Επιφυλακή", "boss": "Μηχανικός"}
HIGH = Step(15 * MINUTE, 10 * MINUTE, Severity.HIGH)


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
        ("22:40", Severity.HIGH, [at("22:55"), at("07:00", 5), at("07:05", 5)]),
        ("02:00", Severity.HIGH, [at("07:00"), at("07:05"), at("07:15"), at("07:25")]),
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
    day.put(now=at("17:36"))
    assert [m for m, _ in rung(day)] == [at("17:30"), at("17:35")]


def test_what_becomes_more_severe_rings_from_then_on() -> None:
    city = town(HIGH)
    day = Day(city)
    day.put(alert(city, "zm-01", "low_pressure", at("10:00")))
    day.put(alert(city, "zm-01", "main_burst", at("11:02")))
    day.put(now=at("11:06"))
    assert [m for m, _ in rung(day)] == [at("11:05")]  # the next beat, none of the past


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


# --- orders that stay out --------------------------------------------------------------------


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
    why = "Ε-2026-0001: Ύδρευση 1, έπρεπε να τελειώσει 11:00"
    expected = [(at("11:00") + (margin or 0) * MINUTE, why)] if told else []
    assert [(e.at, e.why) for e in day.events if e.what == "overdue"] == expected
    assert not overdue(city, day.situation, at("12:00"))
