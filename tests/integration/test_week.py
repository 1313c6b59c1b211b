"""The mayor's week out of the real database: a week by hand, with exact figures."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from kel.model.cost import CostKind
from kel.model.ids import make_id
from kel.model.incident import IncidentState
from kel.reports.week import BudgetPace, CategoryCount, CommunityCost, Euros, Figure, Times
from kel.run.weekly import write_pages
from kel.store.connect import connect
from kel.store.week import read_week
from tests.builders import week_city
from tests.builders.database import make_database, running_postgres
from tests.builders.week_city import MADE, MONDAY, OPENED, utc

pytestmark = pytest.mark.integration

ALLOWED = {"z1": (7.0,) * 12}
CAP_H = 1.5  # of two people: three hours
MONTH = timedelta(days=30)


@pytest.fixture(scope="module")
def server():
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def filled(server):
    settings = make_database(server, "filled", week_city.city(), OPENED)
    week_city.fill(settings)
    return settings


@pytest.fixture(scope="module")
def week(filled):
    with connect(filled) as connection:
        return read_week(connection, week_city.city(), MONDAY, MADE, ALLOWED, CAP_H)


def cost(cash, management, name=None):
    entry = make_id("cost", name) if name else None
    return Euros(Decimal(str(cash)), Decimal(str(management)), entry)


def test_costs_belong_to_the_week_by_the_citys_clock(week):
    """The first instant and the last half hour of a week of 169 hours, and nothing beside it."""
    assert week.cost == cost("39.10", "111.00", "water")
    assert week.cost_last == Decimal("10.00")
    assert week.cost_mean == Decimal("10.00")  # (10 + 50) over six weeks
    assert [w.start for w in week.weeks] == [MONDAY - timedelta(weeks=n) for n in range(6, -1, -1)]
    assert [w.cost.total for w in week.weeks] == [0, 0, 0, 0, 50, 10, Decimal("150.10")]
    assert week.weeks[0].cost == Euros()


def test_days_carry_their_kinds_and_their_largest_entry(week):
    by_day = {day.day.day: day for day in week.days}
    assert list(by_day) == [19, 20, 21, 22, 23, 24, 25]
    assert by_day[19].kinds == {CostKind.ENERGY: Decimal("1.00")}
    assert by_day[21].kinds == {
        CostKind.LABOUR: Decimal("56.00"),
        CostKind.VEHICLE: Decimal("3.10"),
        CostKind.MATERIAL: Decimal("38.50"),
    }
    assert by_day[21].entry == week_city.MATERIAL
    assert by_day[22].kinds == {CostKind.MATERIAL: Decimal("-8.50")}
    assert by_day[25].kinds == {CostKind.WATER: Decimal("60.00")}
    assert not by_day[24].kinds and by_day[24].entry is None


def test_kinds_communities_and_accounts(week):
    kinds = {k.kind: k.cost for k in week.kinds}
    assert kinds[CostKind.LABOUR] == cost(36, 20, "overtime")
    assert kinds[CostKind.MATERIAL] == cost(0, 30, "clamp")  # less what the correction took back
    assert week.communities == (
        CommunityCost("Δροσιά", 3, cost("39.10", "111.00", "water"), Decimal(10)),
    )
    assert week.budget == (
        BudgetPace(*("2420201", "Γραμμή 2420201", Decimal(800), Decimal(46)), week_city.LABOUR),
        BudgetPace("2420299", "Γραμμή 2420299", Decimal(200), Decimal(0)),
        BudgetPace("9999", "9999", Decimal(0), Decimal("3.10"), make_id("cost", "km")),
    )


def test_incidents_are_counted_once(week):
    """One that was merged into another is no incident of its own."""
    assert week.incidents == Figure(3, 1, 1 / 6)
    assert week.states == {IncidentState.OPEN: 1, IncidentState.CLOSED: 2}
    assert week.categories == (
        CategoryCount("feeder", "Διακοπή γραμμής", 1, 0, 0, cost(0, 1, "first")),
        CategoryCount("lamp", "Βλάβη φωτιστικού", 1, 0, 1, Euros()),
        CategoryCount("main_burst", "Θραύση αγωγού", 1, 1, 0, cost("39.10", 110, "water")),
    )


def test_times_are_medians_and_percentiles(week):
    assert week.times == Times(20, pytest.approx(28), None, 150, pytest.approx(222), 60)


def test_work_and_water(week):
    assert week.work.orders == Figure(1, 0, 0)
    assert week.work.hours == Figure(5, 1, 1 / 6)
    assert week.work.overtime_hours == Figure(3, 0, 0)
    assert week.work.km == Figure(12.4, 0, 0)
    assert week.water.lost_m3 == Figure(100, 0, pytest.approx(100 / 6))
    assert week.water.lost == cost(0, 60, "water")
    assert week.water.wasted_kwh == Figure(5, 0, 0)


def test_a_night_with_an_hour_twice_is_one_night(week):
    (zone,) = week.water.zones
    assert zone.name == "Δροσιά Κέντρο"
    assert zone.flow == pytest.approx((6 * 8 + (8 + 20 + 20) / 3) / 7)
    assert (zone.expected, zone.last, zone.weeks_high) == (7.0, 8.0, 2)


def test_lamp_hours_in_order(week):
    """Ten lamps dark for an hour, one from Tuesday 12:00 UTC to the week's end, of 1,690."""
    assert week.lights.lamps == 10
    assert week.lights.failures == Figure(1, 0, 0)
    assert week.lights.availability.this == pytest.approx(1 - (10 + 130) / 1690)
    assert week.lights.availability.last == 1


def test_the_most_expensive_incident_leads_to_its_entries(week):
    burst = week.costly[0]
    assert (burst.number, burst.place, burst.m3) == ("2026-0002", "Δροσιά", 100)
    assert burst.cost == cost("39.10", 110, "water")
    assert (burst.acknowledge_min, burst.restore_min) == (10, 240)
    assert [i.number for i in week.costly] == ["2026-0002", "2026-0001"]


def test_what_needs_a_decision(week):
    found = {d.kind: d for d in week.decisions}
    assert found["unplanned"].about == "2026-0003"
    assert "λείπει υλικό: φωτιστικό" in found["unplanned"].because
    assert found["stock"].about == "clamp-63"
    assert found["overtime"].about == "water-1"
    assert found["zone"].about == "Δροσιά Κέντρο"
    assert found["budget"].about == "9999"


def test_a_week_in_progress_ends_now(filled):
    now = utc(20, 21)  # Wednesday begins
    with connect(filled) as connection:
        week = read_week(connection, week_city.city(), MONDAY, now)
    assert week.lights.availability.this == pytest.approx(1 - (10 + 9) / 480)
    assert week.water.zones == ()  # no rule said what may flow
    assert "unplanned" not in {d.kind for d in week.decisions}  # it has not waited a day yet


def test_an_empty_database_has_a_page(server, tmp_path):
    settings = make_database(server, "empty", week_city.city(), utc(20, 5))
    with connect(settings) as connection:
        week = read_week(connection, week_city.city(), MONDAY, MADE, ALLOWED, CAP_H)
        pages = write_pages(connection, week_city.city(), utc(20, 5), tmp_path / "new")
    assert week.cost == Euros() and week.cost_last is None and week.cost_mean is None
    assert week.incidents == Figure(0) and week.times == Times()
    assert len(week.days) == 7 and len(week.weeks) == 1
    assert week.lights.availability == Figure(1) and week.decisions == ()
    assert pages.html.is_absolute() and pages.pdf.read_bytes().startswith(b"%PDF")


def test_a_week_that_the_record_does_not_cover_is_no_history(server):
    """Opened on Tuesday 6 October: only the week of the 12th can be compared with."""
    settings = make_database(server, "young", week_city.city(), utc(6, 5))
    with connect(settings) as connection:
        week = read_week(connection, week_city.city(), MONDAY, MADE)
    assert week.incidents == Figure(0, 0, 0)
    assert [w.start for w in week.weeks] == [date(2026, 10, 12), MONDAY]


def test_pages_are_written_whole_under_the_weeks_name(filled, tmp_path):
    with connect(filled) as connection:
        pages = write_pages(connection, week_city.city(), utc(25, 21, 59), tmp_path)
    assert pages.html == tmp_path / "week-2026-W43.html"
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "week-2026-W43.html",
        "week-2026-W43.pdf",
    ]
    html = pages.html.read_text()
    assert f'data-entry="{make_id("cost", "water")}"' in html and "150" in html


def test_a_week_begins_on_a_monday(filled):
    with connect(filled) as connection, pytest.raises(ValueError, match="Monday"):
        read_week(connection, week_city.city(), date(2026, 10, 20), MADE)


def test_reading_changes_nothing_and_sees_one_moment(filled, week):
    with connect(filled) as connection:
        again = read_week(connection, week_city.city(), MONDAY, MADE, ALLOWED, CAP_H)
        with connection.transaction():  # joins a transaction that is open
            joined = read_week(connection, week_city.city(), MONDAY, MADE, ALLOWED, CAP_H)
    assert again == joined == replace(week, made_at=MADE)
