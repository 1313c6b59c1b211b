"""Limits in people's units become limits in KEL's."""

import pytest

from rules.book.converted import converted
from rules.core.entry import LIMITS, Measured
from tests.builders.rules_city import rulebook

BAR = Measured("bar", LIMITS)

# what is written, in which unit KEL keeps it, what it becomes
TABLE = [
    ({"below": 150, "unit": "kPa"}, BAR, {"below": 1.5, "unit": "bar"}),
    ({"below": 20.0, "unit": "mH2O"}, BAR, {"below": 1.96133, "unit": "bar"}),
    ({"below": 2.5, "unit": "bar"}, BAR, {"below": 2.5, "unit": "bar"}),
    ({"below": 1, "unit": "l/s"}, BAR, {"below": 1, "unit": "l/s"}),  # for the check to refuse
    ({"below": 1}, BAR, {"below": 1}),
    ({"below": "low", "unit": "kPa"}, BAR, {"below": "low", "unit": "bar"}),
    (
        {"above": 1500, "clear": {"below": 1000, "for": "5m"}, "unit": "W"},
        Measured("kW", LIMITS),
        {"above": 1.5, "clear": {"below": 1.0, "for": "5m"}, "unit": "kW"},
    ),
    ({"above": 136.4, "unit": "°F"}, Measured("°C", LIMITS), {"above": 58.0, "unit": "°C"}),
    (
        {"above": 18, "unit": "°F"},
        Measured("°C", LIMITS, difference=True),
        {"above": 10.0, "unit": "°C"},
    ),
    ({"above": 10, "unit": "l/s"}, Measured("m³/h", LIMITS), {"above": 36.0, "unit": "m³/h"}),
]


@pytest.mark.parametrize(("table", "measured", "becomes"), TABLE)
def test_a_table(table: dict[str, object], measured: Measured, becomes: dict[str, object]) -> None:
    assert converted(table, [measured]) == becomes


def test_what_was_written_is_left_as_it_was() -> None:
    table = {"above": 1500, "clear": {"below": 1000}, "unit": "W"}
    converted(table, [Measured("kW", LIMITS)])
    assert table == {"above": 1500, "clear": {"below": 1000}, "unit": "W"}


def test_a_rule_is_the_same_in_whatever_unit_it_is_written() -> None:
    rule = {
        "kind": '"threshold"',
        "watch": '{class="zone", metric="pressure"}',
        "below": "2.0",
        "unit": '"bar"',
        "clear": "{above=2.5}",
    }
    other = {**rule, "below": "200", "unit": '"kPa"', "clear": "{above=250}"}
    assert rulebook(rule) == rulebook(other)


def test_a_share_of_a_rating_may_be_said_in_percent() -> None:
    (rule,) = rulebook(
        {
            "kind": '"threshold"',
            "watch": '{class="pump", metric="head"}',
            "relative_to": '"design_head"',
            "below": "85",
            "unit": '"%"',
        }
    ).rules
    assert (rule.below, rule.unit) == (0.85, "1")  # type: ignore[attr-defined]
