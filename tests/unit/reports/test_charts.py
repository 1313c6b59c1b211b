"""The column charts: geometry, words, and no chart of nothing."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from xml.etree import ElementTree

from kel.model.cost import CostKind
from kel.reports.charts import days_chart, weeks_chart
from kel.reports.week import DayCost
from tests.builders import week as build

SVG = "{http://www.w3.org/2000/svg}"


def drawn(chart):
    return ElementTree.fromstring(chart)


def coloured(chart):
    return [r for r in drawn(chart).iter(f"{SVG}rect") if r.get("fill") != "#fff"]


def test_a_column_a_day_with_a_piece_for_each_kind():
    week = build.usual()
    assert len(list(drawn(days_chart(week.days)).iter(f"{SVG}g"))) == 7
    assert len(coloured(days_chart(week.days))) == sum(len(d.kinds) for d in week.days)


def test_pieces_are_as_tall_as_their_euros_and_stay_inside():
    day = DayCost(date(2026, 10, 19), {CostKind.LABOUR: Decimal(30), CostKind.WATER: Decimal(10)})
    tall = [float(r.get("height")) for r in coloured(days_chart([day]))]
    assert tall[0] == 3 * tall[1]
    assert all(float(r.get("y")) >= 0 for r in coloured(days_chart([day])))


def test_the_title_says_every_figure():
    title = drawn(days_chart(build.usual().days)).find(f"{SVG}title").text
    assert "Τετ 21: 2.218" in title


def test_each_column_leads_to_an_entry():
    week = build.usual()
    entries = [g.get("data-entry") for g in drawn(weeks_chart(week.weeks, None)).iter(f"{SVG}g")]
    assert entries == [str(w.cost.entry) for w in week.weeks]


def test_the_mean_has_a_line_of_its_own():
    weeks = build.usual().weeks
    lines = [
        len(list(drawn(weeks_chart(weeks, mean)).iter(f"{SVG}line"))) for mean in (None, Decimal(9))
    ]
    assert lines == [1, 2]


def test_nothing_is_no_chart():
    assert days_chart(()) == ""
    assert weeks_chart((), Decimal(5)) == ""
    assert days_chart([DayCost(date(2026, 10, 19), {})]) == ""


def test_what_a_correction_took_back_draws_nothing_upside_down():
    days = [
        DayCost(date(2026, 10, 19), {CostKind.LABOUR: Decimal(-30), CostKind.WATER: Decimal(10)}),
        replace(build.usual().days[0], kinds={CostKind.LABOUR: Decimal(-5)}),
    ]
    assert len(coloured(days_chart(days))) == 1
