"""Two rulebooks' alerts, rule by rule: what has a like, what is new, what is gone."""

from datetime import timedelta

import pytest

from kel.backtest.alerts import RuleCount, busiest_hour, compare_alerts
from tests.builders.backtest import END, alert, hours

CASES = {
    "nothing": ([], [], []),
    "the same": ([alert("r", "ps-01", 1, 3)], [alert("r", "ps-01", 1, 3)], [("r", 1, 1, 0, 0)]),
    "another moment, the same trouble": (
        [alert("r", "ps-01", 1, 3)],
        [alert("r", "ps-01", 2.5, 4)],
        [("r", 1, 1, 0, 0)],
    ),
    "they touch": ([alert("r", "ps-01", 1, 3)], [alert("r", "ps-01", 3, 4)], [("r", 1, 1, 0, 0)]),
    "another time": ([alert("r", "ps-01", 1, 3)], [alert("r", "ps-01", 4, 5)], [("r", 1, 1, 1, 1)]),
    "another device": (
        [alert("r", "ps-01", 1, 3)],
        [alert("r", "ps-02", 1, 3)],
        [("r", 1, 1, 1, 1)],
    ),
    "another rule": (
        [alert("a", "ps-01", 1, 3)],
        [alert("b", "ps-01", 1, 3)],
        [("a", 1, 0, 0, 1), ("b", 0, 1, 1, 0)],
    ),
    "one that was several": (
        [alert("r", "ps-01", 1, 2), alert("r", "ps-01", 3, 4)],
        [alert("r", "ps-01", 1, 4)],
        [("r", 2, 1, 0, 0)],
    ),
    "active until the end": (
        [alert("r", "ps-01", 1)],
        [alert("r", "ps-01", 100, 101)],
        [("r", 1, 1, 0, 0)],
    ),
    "the most changed first": (
        [alert("a", "ps-01", 1, 2)],
        [alert("a", "ps-01", 1, 2), alert("b", "ps-01", 1, 2)],
        [("b", 0, 1, 1, 0), ("a", 1, 1, 0, 0)],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_each_rule_is_counted(name):
    before, after, expected = CASES[name]
    assert compare_alerts(before, after, END) == [RuleCount(*told) for told in expected]


def test_the_busiest_hour_is_one_of_the_clock():
    detected = [hours(1.0), hours(1.9), hours(2.0), hours(2.5), hours(2.99)]
    alerts = [
        alert("r", f"d{n}", 0, detected=(at - hours(0)) / timedelta(hours=1))
        for n, at in enumerate(detected)
    ]
    assert busiest_hour(alerts) == 3
    assert busiest_hour([]) == 0
