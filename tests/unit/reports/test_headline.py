"""The sentence that the mayor says aloud."""

from dataclasses import replace
from decimal import Decimal

import pytest

from kel.reports.greek import NBSP
from kel.reports.headline import change_of, headline
from kel.reports.week import Figure
from tests.builders import week as build


def said(week):
    return headline(week).replace(NBSP, " ")


def test_a_usual_week():
    assert said(build.usual()) == (
        "Αυτή την εβδομάδα 23 συμβάντα και 4.643 €, 14 % περισσότερα από την προηγούμενη· "
        "το μεγαλύτερο ποσό, 2.162 €, για τη θραύση αγωγού στη Δροσιά."
    )


def test_one_incident_that_took_it_all():
    week = build.usual(
        incidents=Figure(1), cost=build.euros(640, 1522), cost_last=None, costly=build.costly()[:1]
    )
    assert said(week) == (
        "Αυτή την εβδομάδα 1 συμβάν και 2.162 €· όλα για τη θραύση αγωγού στη Δροσιά."
    )


def test_most_of_the_money():
    week = build.usual(cost=build.euros(700, 2000), cost_last=Decimal(2700))
    assert said(week).endswith(
        ", όσα και την προηγούμενη· τα περισσότερα για τη θραύση αγωγού στη Δροσιά."
    )


def test_an_empty_week():
    assert said(build.empty()) == (
        "Αυτή την εβδομάδα δεν άνοιξε κανένα συμβάν και δεν καταγράφηκε κόστος."
    )


def test_costs_of_older_incidents_only():
    week = build.usual(incidents=Figure(0), cost_last=None, costly=())
    assert said(week) == "Αυτή την εβδομάδα κανένα νέο συμβάν και 4.643 €."


def test_a_category_of_the_citys_own_is_quoted():
    own = replace(build.costly()[0], category="flood", label="Πλημμύρα")
    assert "για το συμβάν «Πλημμύρα» στη Δροσιά" in said(build.usual(costly=(own,)))


@pytest.mark.parametrize(
    ("this", "last", "expected"),
    [
        (118, 100, "18 % περισσότερα από την προηγούμενη"),
        (80, 100, "20 % λιγότερα από την προηγούμενη"),
        ("100.9", 100, "όσα και την προηγούμενη"),
        (320, 100, "3,2 φορές όσα την προηγούμενη"),
        (1500, 100, "15 φορές όσα την προηγούμενη"),
        (100_000, 1, "πολύ περισσότερα από την προηγούμενη"),
        (0, 100, "100 % λιγότερα από την προηγούμενη"),
        (10, 0, ""),
        (10, None, ""),
    ],
)
def test_change(this, last, expected):
    last = None if last is None else Decimal(last)
    assert change_of(Decimal(this), last).replace(NBSP, " ") == expected
