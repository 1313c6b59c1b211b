"""The page's own computations, and what it shows of a week."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from kel.reports.greek import NBSP
from kel.reports.page import change, compared, render_html, spent_share, spent_told, year_share
from kel.reports.week import Figure
from tests.builders import week as build


@pytest.mark.parametrize(
    ("this", "before", "expected"),
    [
        (118, 100, "+18 %"),
        (96, 100, "−4 %"),
        (100.2, 100, "ίδιο"),
        (5000, 100, "×50"),
        (5, 0, ""),
        (5, None, ""),
    ],
)
def test_change(this, before, expected):
    assert change(this, before).replace(NBSP, " ") == expected


def test_compared_says_what_history_there_is():
    assert compared(Figure(3, 2, 4.4)) == "προηγούμενη 2 · μ.ό. 4"
    assert compared(Figure(3, 2)) == "προηγούμενη 2"
    assert compared(Figure(3)) == ""


def test_budget_pace():
    line = build.budget()[0]
    assert spent_share(line) == pytest.approx(0.9158, abs=1e-4)
    assert spent_share(replace(line, budgeted=Decimal(0))) == 2.0
    assert spent_share(replace(line, budgeted=Decimal(0), spent=Decimal(0))) == 0.0
    assert spent_told(0.9158).replace(NBSP, " ") == "92 %"
    assert spent_told(91.5) == "×92"


def test_the_years_share():
    assert year_share(date(2026, 12, 31)) == 1
    assert year_share(date(2024, 12, 31)) == 1  # a leap year
    assert year_share(date(2026, 7, 2)) == pytest.approx(0.5, abs=0.002)


def test_the_most_expensive_come_first_and_five_at_most():
    html = render_html(build.usual(costly=build.costly()[::-1] * 2))
    numbers = [part.split('"')[0] for part in html.split('data-incident="')[1:]]
    assert len(numbers) == 5
    assert numbers[0] == "2026-0412"


def test_what_is_left_out_is_counted():
    week = build.usual()
    html = render_html(replace(week, decisions=week.decisions * 2)).replace(NBSP, " ")
    assert "και 5 θέματα ακόμη" in html
    assert "και 1 κατηγορία ακόμη" in html


def test_an_incident_that_goes_on_says_so_instead_of_a_time():
    assert '<span class="open">σε εξέλιξη</span>' in render_html(build.usual())


def test_a_line_ahead_of_the_year_is_marked():
    assert render_html(build.usual()).count("fill over") == 1
