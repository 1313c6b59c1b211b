"""What needs a decision, from facts."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from kel.reports.decisions import CrewOvertime, Facts, LowItem, UnplannedIncident, decide, runs_out
from kel.reports.greek import NBSP
from kel.reports.week import BudgetPace, ZoneNight
from tests.builders import week as build

TODAY = date(2026, 10, 25)  # day 298


def told(**facts):
    return [
        (d.kind, d.about, f"{d.question}: {d.because}".replace(NBSP, " "))
        for d in decide(Facts(today=TODAY, **facts))
    ]


def pace(spent, budgeted=1000, account="a"):
    return BudgetPace(account, "Υλικά", Decimal(budgeted), Decimal(spent))


def item(**changes):
    usual = LowItem("clamp", "Σέλα Φ63", "τεμ.", Decimal(2), Decimal(5), 7)
    return replace(usual, **changes)


def test_nothing_to_decide():
    assert told() == []


def test_the_kinds_take_turns():
    kinds = [d.kind for d in decide(build.facts())]
    assert kinds == ["unplanned", "budget", "stock", "zone", "overtime"]
    many = [
        UnplannedIncident(f"2026-{n}", "Δέντρο", "Δροσιά", build.at(24, n), f"λόγος {n}")
        for n in range(9)
    ]
    kinds = [d.kind for d in decide(build.facts(unplanned=many))]
    assert kinds[:5] == ["unplanned", "budget", "stock", "zone", "overtime"]
    assert kinds[5:] == ["unplanned"] * 8


def test_an_unplanned_incident_tells_where_since_when_and_why():
    one = UnplannedIncident(
        "2026-0424", "Πεσμένο δέντρο", "Άνοιξη", build.at(24, 17, 30), "χωρίς γερανό"
    )
    assert told(unplanned=[one]) == [
        (
            "unplanned",
            "2026-0424",
            "Ανάθεση του 2026-0424: Πεσμένο δέντρο στην Άνοιξη, "
            "χωρίς σχέδιο από Σάβ 24/10, 17:30: χωρίς γερανό",
        )
    ]


@pytest.mark.parametrize(
    ("count", "named"),
    [
        (2, "2026-0424, 2026-0425"),
        (3, "2026-0424, 2026-0425, 2026-0426"),
        (5, "2026-0424, 2026-0425, 2026-0426, 2 ακόμη"),
    ],
)
def test_incidents_that_wait_for_the_same_are_one_decision(count, named):
    reason = "λείπει υλικό: Σέλα Φ63, χρειάζονται 2 τεμ., διαθέσιμα 0"
    other = UnplannedIncident("2026-0999", "Πεσμένο δέντρο", "Άνοιξη", build.at(24, 20), "άλλο")
    many = [
        UnplannedIncident(f"2026-{424 + n:04}", "Διαρροή", "Δροσιά", build.at(24, 8 + n), reason)
        for n in range(count)
    ]
    decisions = told(unplanned=[other, *reversed(many)])
    assert decisions[0] == (
        "unplanned",
        "2026-0424",
        f"Ανάθεση {count} συμβάντων ({named}): "
        f"χωρίς σχέδιο, το παλαιότερο από Σάβ 24/10, 08:00: {reason}",
    )
    assert [about for _, about, _ in decisions] == ["2026-0424", "2026-0999"]


@pytest.mark.parametrize(
    ("spent", "expected"),
    [
        (0, None),
        (800, None),  # 800 in 298 days: 372 days
        (816, None),  # lasts 365.2 days
        (817, date(2026, 12, 31)),
        (900, date(2026, 11, 28)),
        (1000, TODAY),
        (1200, TODAY),
    ],
)
def test_when_a_line_runs_out(spent, expected):
    assert runs_out(pace(spent), TODAY) == expected


def test_budget_lines_that_run_out_soonest_first():
    decisions = told(
        budget=[pace(900, account="a"), pace(500, account="b"), pace(1200, account="c")]
    )
    assert decisions == [
        ("budget", "c", "Αναμόρφωση: Υλικά (c): δαπανήθηκαν 1.200 € από 1.000 €· υπέρβαση 200 €"),
        (
            "budget",
            "a",
            "Αναμόρφωση: Υλικά (a): δαπανήθηκαν 900 € από 1.000 €· "
            "με αυτόν τον ρυθμό εξαντλείται στις 28 Νοεμβρίου",
        ),
    ]


def test_a_line_without_credit_that_was_charged():
    assert told(budget=[pace(5, budgeted=0)])[0][0] == "budget"


def test_an_item_at_its_reorder_point():
    assert told(items=[item()]) == [
        ("stock", "clamp", "Παραγγελία: Σέλα Φ63: Σέλα Φ63: 2 τεμ., όριο 5, παράδοση σε 7 ημέρες")
    ]
    assert told(items=[item(free=Decimal(5))])
    assert not told(items=[item(free=Decimal("5.1"))])


def test_many_items_are_one_decision_that_names_the_most_pressing():
    items = [item(item=f"i{n}", name=f"Υλικό {n}", free=Decimal(5 - n)) for n in range(5)]
    fast = item(item="fast", name="Φωτιστικό", free=Decimal(4), used_a_week=Decimal(8))
    ((kind, about, text),) = told(items=[*items, fast])
    assert (kind, about) == ("stock", "fast")
    assert text.startswith("Παραγγελία 6 υλικών: Φωτιστικό: 4 τεμ.")
    assert text.endswith("· 3 ακόμη")


@pytest.mark.parametrize(
    ("flow", "weeks", "asked"), [(14.2, 3, True), (14.2, 1, False), (6.5, 3, False)]
)
def test_a_zone_that_stays_high(flow, weeks, asked):
    zone = ZoneNight("Σταμάτα", flow, 6.2, None, weeks)
    decisions = told(zones=[zone], water_eur_m3=Decimal("0.60"))
    assert bool(decisions) is asked
    if asked:
        assert decisions[0][2] == (
            "Έρευνα διαρροών: Σταμάτα: νυχτερινή ροή 14,2 m³/h αντί για 6,2, για 3η εβδομάδα· "
            "περίπου 1.344 m³ (806 €) την εβδομάδα"
        )


@pytest.mark.parametrize(("hours", "asked"), [(76, False), (77, True), (100, True), (0, False)])
def test_a_crew_near_its_cap(hours, asked):
    assert bool(told(overtime=[CrewOvertime("water-2", "Ύδρευση 2", hours, 96)])) is asked
