"""Weeks by name, and what a rulebook lets zones take at night."""

from datetime import date

import pytest

from kel.run.weekly import monday_of, name_of, night_allowance, week_named
from tests.builders import rules_city

NIGHT = {
    "id": "'night'",
    "kind": "'night_flow'",
    "category": "'main_burst'",
    "watch": "{ class = 'zone', metric = 'flow' }",
    "window": "['02:00', '04:00']",
    "above": "6.0",
    "legitimate": "2.0",
    "background": "{ per_km = 30.0, per_connection = 2.5 }",
    "season": "{ 7 = 1.5 }",
}


@pytest.mark.parametrize(
    ("name", "monday"),
    [
        ("2026-W43", date(2026, 10, 19)),
        ("2026-W01", date(2025, 12, 29)),
        ("2026-W53", date(2026, 12, 28)),
    ],
)
def test_a_week_has_one_name(name, monday):
    assert week_named(name) == monday
    assert name_of(monday) == name
    assert monday_of(monday) == monday


@pytest.mark.parametrize(
    "name", ["2026-43", "2026-W54", "2026-W00", "43", "", "2026-W4", "2025-W53"]
)
def test_what_is_no_week_is_told(name):
    with pytest.raises(ValueError, match="week"):
        week_named(name)


def test_the_allowance_is_the_rules_own():
    """Zone z02: 2,000 connections × (2 + 2.5) l/h + 20 km × 30 l/h; in July 2 × 1.5."""
    allowed = night_allowance(rules_city.rulebook(NIGHT), rules_city.city())
    assert allowed["z02"][0] == pytest.approx(9.6)
    assert allowed["z02"][6] == pytest.approx(11.6)
    assert "z03" in allowed and len(allowed["z03"]) == 12


def test_without_a_rulebook_nothing_is_allowed_for():
    assert night_allowance(None, rules_city.city()) == {}
