"""Incidents of a replay: they end where the trouble did; which are the same after a change."""

from datetime import timedelta

import pytest

from kel.backtest.incidents import compare_incidents, form
from kel.model.alert import Severity
from kel.model.ids import make_id
from kel.model.incident import IncidentState
from kel.model.place import Point
from kel.model.request import Request
from kel.model.silence import Silence
from tests.builders.backtest import END, alert, city, formed, hours

USUAL = {"pump": timedelta(hours=2)}


def made(alerts, requests=(), usual=USUAL):
    return form(city(), alerts, requests, END, usual)


def spans(incidents):
    return [
        (f.opened, f.incident.closed_at, f.incident.state is IncidentState.CLOSED)
        for f in incidents
    ]


def test_an_incident_ends_when_a_crew_would_be_done_and_the_sensors_agree():
    """The work takes two hours, the desk waits half an hour more."""
    (one,) = made([alert("r", "ps-01", 1, 2, detected=1.5, severity=Severity.HIGH)])
    assert one.opened == hours(1.5)
    assert one.incident.resolved_at == hours(3.5)
    assert one.incident.closed_at == hours(4)
    assert one.signs == {("r", "ps-01")}
    assert "r" in one.why


def test_it_does_not_end_while_its_alert_lasts():
    (one,) = made([alert("r", "ps-01", 1, 50)])
    assert one.incident.resolved_at == hours(50)
    (still,) = made([alert("r", "ps-01", 1)])
    assert still.incident.state is IncidentState.OPEN


def test_the_next_trouble_of_a_grave_one_is_an_incident_of_its_own():
    """Nobody acknowledges anything in a replay: it must not stay open for ever."""
    high = {"severity": Severity.HIGH}
    found = made([alert("r", "ps-01", 1, 2, **high), alert("r", "ps-01", 30, 31, **high)])
    assert [f.opened for f in found] == [hours(1.5), hours(30.5)]
    assert all(f.incident.state is IncidentState.CLOSED for f in found)


def test_a_category_nobody_repaired_takes_its_own_hours():
    (one,) = made([alert("r", "ps-01", 1, 1.6)], usual={})
    assert one.incident.resolved_at == hours(2.5)  # opened at 1.5, and an hour of work


def test_citizens_requests_become_incidents_and_end():
    request = Request(
        make_id("request", 1), hours(3), hours(3), "drosia", "pump", "…", Point(38.1, 23.8)
    )
    (one,) = made([], [request])
    assert (one.opened, one.signs) == (hours(3), frozenset())
    assert one.incident.state is IncidentState.CLOSED


def test_what_an_operator_had_silenced_stays_silent():
    silence = Silence(
        make_id("silence", 1), "Σ-2026-0001", "μ", "δοκιμή", hours(0), hours(0), hours(20),
        {"device": ("ps-01",)},
    )  # fmt: skip
    alerts = [alert("r", "ps-01", 1, 2), alert("r", "ps-02", 1, 2), alert("r", "ps-01", 30, 31)]
    found = form(city(), alerts, [], END, USUAL, [silence])
    assert [(f.opened, f.signs) for f in found] == [
        (hours(1.5), {("r", "ps-02")}),
        (hours(30.5), {("r", "ps-01")}),
    ]


def test_nothing_makes_nothing():
    assert made([]) == []


def test_what_was_cut_into_steps_is_as_if_it_had_come_at_its_moment():
    alerts = [alert("r", "ps-01", 1, 2, detected=1.234), alert("s", "ps-02", 5, 8, detected=5.01)]
    assert [f.opened for f in made(alerts)] == [hours(1.234), hours(5.01)]


SAME = {
    "a rule on a device": ({"signs": [("r", "ps-01")]}, {"signs": [("r", "ps-01")]}),
    "a request": ({"requests": (make_id("q", 1),)}, {"requests": (make_id("q", 1),)}),
    "the zone, in one family": ({"zone": "z01"}, {"zone": "z01"}),
    "the feeder": ({"feeder": "f01"}, {"feeder": "f01"}),
    "the cause": ({"cause": "ps-01"}, {"cause": "ps-01"}),
}
OTHER = {
    "another device": ({"signs": [("r", "ps-01")]}, {"signs": [("r", "ps-02")]}),
    "no place that both know": ({"zone": None}, {"zone": None}),
    "another family": ({"zone": "z01"}, {"zone": "z01", "category": "main_burst"}),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_incident_moves(name):
    mine, theirs = SAME[name]
    before, after = formed("a", 10, 14, **mine), formed("b", 9, 14, **theirs)
    found = compare_incidents(city(), [before], [after], END)
    (moved,) = found.moved
    assert moved.earlier == timedelta(hours=1)
    assert not (found.gained or found.lost or found.same)


@pytest.mark.parametrize("name", OTHER)
def test_another_incident_is_lost_and_gained(name):
    mine, theirs = OTHER[name]
    before, after = formed("a", 10, 14, **mine), formed("b", 9, 14, **theirs)
    found = compare_incidents(city(), [before], [after], END)
    assert (found.lost, found.gained) == ([before], [after])
    assert not found.moved


def test_the_same_rule_at_another_time_is_another_incident():
    signs = [("r", "ps-01")]
    before, after = formed("a", 10, 14, signs), formed("b", 20, 24, signs)
    found = compare_incidents(city(), [before], [after], END)
    assert (found.lost, found.gained) == ([before], [after])


def test_an_open_incident_reaches_to_the_end():
    signs = [("r", "ps-01")]
    found = compare_incidents(
        city(), [formed("a", 10, None, signs)], [formed("b", 90, 91, signs)], END
    )
    assert len(found.moved) == 1


def test_each_has_one_like_the_nearest():
    signs = [("r", "ps-01")]
    before = [formed("a", 10, 40, signs), formed("b", 20, 40, signs)]
    after = [formed("c", 20, 40, signs), formed("d", 10, 40, signs)]
    found = compare_incidents(city(), before, after, END)
    assert found.same == 2
    assert not (found.moved or found.gained or found.lost)


def test_what_becomes_part_of_another_is_neither_lost_nor_gained():
    signs = [("r", "ps-01")]
    two, one = (
        [formed("a", 10, 40, signs), formed("b", 20, 40, signs)],
        [formed("c", 10, 40, signs)],
    )
    found = compare_incidents(city(), two, one, END)
    assert (found.same, found.lost, found.joined) == (1, [], [two[1]])
    found = compare_incidents(city(), one, two, END)
    assert (found.same, found.gained, found.split) == (1, [], [two[1]])
