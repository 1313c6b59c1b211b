"""A trace in words: what it keeps of many readings, how it says what was booked and seen."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from kel.model.alert import Alert, Evidence, Severity
from kel.model.cost import CostEntry, CostKind, CostNature
from kel.model.ids import make_id
from kel.model.incident import IncidentEvent
from kel.reports.seen import seen
from kel.reports.series import BLOCKS, sparkline, thinned
from kel.reports.trace import ALERTS, WIDTH, render
from kel.reports.trace_words import Words, band, how, integrated, passed, plain, price
from kel.reports.traced import AlertTrace, Measured, Series, Trace, as_json
from tests.builders import costs_city

START = datetime(2026, 10, 21, tzinfo=UTC)
WORDS = Words(costs_city.city())


def series(values, since=0, until=None, minutes=5, **more):
    readings = [
        Measured(START + timedelta(minutes=minutes * n), float(v), "zm-05")
        for n, v in enumerate(values)
    ]
    last = len(readings) - 1 if until is None else until
    bounds = (START + timedelta(minutes=minutes * n) for n in (since, last))
    return Series("zone", "zm-05", "flow", *bounds, readings, **more)


def alert(kind="threshold", number=0, **facts):
    about = Evidence("zone", "zm-05", "flow", START, START + timedelta(minutes=20), facts)
    return Alert(
        *(make_id("alert", kind, number), "rule-1", "0123456789ab", kind, "zm-05", "main_burst"),
        *(Severity.HIGH, START, START + timedelta(minutes=20), about, "drosia"),
    )


def entry(kind=CostKind.LABOUR, quantity="1.5", unit="h", **more):
    values = {
        "at": START,
        "nature": CostNature.CASH,
        "amount": Decimal("15.00"),
        "price": Decimal("10.0000"),
        "incident": costs_city.incident().id,
        "community": "drosia",
        "category": "main_burst",
        "account": "2420201",
    } | more
    return CostEntry(
        make_id("cost", kind), kind=kind, quantity=Decimal(quantity), unit=unit, **values
    )


def text(trace):
    out = StringIO()
    Console(file=out, width=WIDTH).print(render(trace, costs_city.city()))
    return out.getvalue()


@given(
    st.lists(st.floats(-100, 100), min_size=1, max_size=200),
    st.integers(0, 199),
    st.integers(0, 199),
)
def test_thinning_keeps_the_edges_what_counts_and_the_highest(values, a, b):
    last = len(values) - 1
    since, until = sorted((min(a, last), min(b, last)))
    whole = series(values, since, until)
    kept = thinned(whole)
    assert len(kept) == min(len(values), 12)
    assert kept == sorted(kept, key=lambda r: r.at)
    for must in (0, last, since, until):
        assert whole.readings[must] in kept
    assert max(values) in [r.value for r in kept]


@given(st.lists(st.floats(-1e6, 1e6), max_size=300))
def test_a_sparkline_has_a_block_for_each_share_of_the_readings(values):
    line = sparkline(series(values).readings if values else [])
    assert len(line) == min(len(values), 48) and set(line) <= set(BLOCKS)


def test_a_sparkline_goes_from_the_lowest_to_the_highest():
    assert sparkline(series([0, 7, 3.5]).readings) == "▁█▅"
    assert sparkline(series([2, 2]).readings) == "▁▁"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (Decimal("3.0000"), "3"),
        (Decimal("14.7982"), "14,7982"),
        (1007.25, "1.007,25"),
        (100, "100"),
    ],
)
def test_a_booked_quantity_is_told_in_full(value, told):
    assert plain(value) == told


@pytest.mark.parametrize(
    ("value", "told"),
    [("0.6200", "0,62"), ("12", "12,00"), ("16.7900", "16,79"), ("0.0375", "0,0375")],
)
def test_a_price_has_cents_at_least(value, told):
    assert price(Decimal(value)) == told


def test_pay_bands_in_greek():
    assert band("overtime-night-sunday") == "εκτός ωραρίου, νύχτα, Κυριακή ή αργία"


OUT = {
    "since": "2026-10-21T05:00:00+00:00",
    "until": "2026-10-21T09:30:00+00:00",
    "way_back_min": 30.0,
}


@pytest.mark.parametrize(
    ("kind", "basis", "told"),
    [
        (
            CostKind.LABOUR,
            {"person": "p1", "grade": "ΔΕ", "band": "shift", **OUT},
            ["Νίκος, βαθμίδα ΔΕ, εντός ωραρίου", "εκτός έδρας Τετ 21/10, 08:00–12:30"],
        ),
        (CostKind.LABOUR, {"person": "gone", "unpriced": "no rate"}, ["gone", "χωρίς τιμή"]),
        (CostKind.VEHICLE, {"vehicle": "dig-1", **OUT}, ["Εκσκαφέας", "30 λ. επιστροφή"]),
        (CostKind.MATERIAL, {"from": "water-1, warehouse"}, ["όχημα: Ύδρευση 1, αποθήκη"]),
        (CostKind.VEHICLE, {"was": "10.00", "now": "8.00"}, ["από 10.00 € σε 8.00 €"]),
    ],
)
def test_how_a_quantity_came_about(kind, basis, told):
    said = "\n".join(how(entry(kind, basis=basis), WORDS)).replace("\u00a0", " ")
    assert all(words in said for words in told), said


@pytest.mark.parametrize(
    ("kind", "facts", "told"),
    [
        (
            "night_flow",
            {"value": 45.2, "expected": 7.4, "excess": 37.8, "limit": 6.0, "for_s": 1200.0},
            "flow 45,2, αναμενόμενη 7,4, υπέρβαση 37,8 (όριο 6) επί 20 λεπτά",
        ),
        ("threshold", {"value": 1.9, "limit": 2.0, "side": "below"}, "flow 1,9 (όριο κάτω από 2)"),
        (
            "threshold",
            {"value": 0.8, "limit": 0.85, "side": "below", "measured": 80.0, "reference": 100.0},
            "80 % του σχεδιασμού 100",
        ),
        (
            "missing",
            {"last_seen": "2026-10-21T00:00:00+00:00", "limit": 900.0, "unit": "s"},
            "καμία μέτρηση· τελευταία Τετ 21/10, 03:00 (όριο 15 λεπτά)",
        ),
        ("missing", {"last_seen": "ποτέ", "limit": 900.0}, "τελευταία ποτέ"),
        (
            "share",
            {"value": 0.9, "limit": 0.5, "count": 45.0, "of": 50.0, "children": "a, b"},
            "45 από 50 συσκευές, 90 % (όριο 50 %)",
        ),
        (
            "composition",
            {"value": 2.0, "limit": 2.0, "unit": "1", "members": "noisy (ln-01 01/07 03:00)"},
            "μαζί: noisy (ln-01 01/07 03:00)",
        ),
        ("new kind", {"speed": 3.5}, "speed = 3,5"),
    ],
)
def test_what_a_rule_saw(kind, facts, told):
    said = "\n".join(seen(alert(kind, **facts), WORDS)).replace("\u00a0", " ")
    assert told in said


def test_a_loss_tells_its_formula_and_checks_itself():
    """Three hours of 60 m³/h are 180 m³; a gap of an hour counts as nothing."""
    flow = series([60] * 13, minutes=15)
    assert passed(flow) == pytest.approx(180)
    assert passed(series([60, 60], minutes=60)) == 0
    lost = entry(CostKind.WATER, "45", "m³", basis={"usual": 45.0, "highest": 60.0})
    said = "\n".join(integrated(lost, flow, WORDS)).replace("\u00a0", " ")
    assert "m³ = Σ max(παροχή − συνήθης, 0)" in said
    assert "συνολικά 180,0 m³, από αυτά 45,0 πάνω από το αναμενόμενο (25 %)" in said


def test_a_loss_names_the_incident_that_was_billed_for_a_part_of_it():
    other = {
        "incident": "2026-0007",
        "begins": START.isoformat(),
        "ends": (START + timedelta(hours=1)).isoformat(),
    }
    lost = entry(CostKind.WATER, "45", "m³", basis={"without": [other]})
    said = "\n".join(integrated(lost, series([60] * 13, minutes=15), WORDS))
    assert "χωρίς όσα χρεώθηκαν στο 2026-0007, " in said


def test_many_alerts_and_events_are_counted_not_printed():
    incident = costs_city.incident()
    events = [
        IncidentEvent(make_id("e", n), incident.id, START, "planned", "kel", f"λόγος {n // 50}")
        for n in range(5000)
    ]
    events += [
        IncidentEvent(make_id("s", n), incident.id, START, "cleared", "kel", f"σημείο {n}")
        for n in range(50)
    ]
    alerts = [AlertTrace(alert(number=n, value=1.0), series([1, 2])) for n in range(60)]
    told = text(Trace(entry(), incident, events, alerts=alerts))
    assert told.count("ΕΙΔΟΠΟΙΗΣΗ") == ALERTS
    assert "και 51 ειδοποιήσεις ακόμη" in told.replace("\u00a0", " ")
    assert "λόγος 0 ×50" in told and "σημείο 0 ×50" in told
    assert len(told.splitlines()) < 90


def test_names_that_the_city_does_not_know_stay_ids():
    gone = entry(CostKind.MATERIAL, item="old-clamp", basis={"from": "old-crew"})
    gone = replace(gone, community="nowhere", category="unknown", account="")
    told = text(Trace(gone, costs_city.incident(), []))
    for words in ("old-clamp", "old-crew", "nowhere · unknown", "χωρίς λογαριασμό"):
        assert words in told


def test_a_rule_is_called_as_the_rulebook_called_it_with_its_id():
    one = alert()
    for label, told in (("Παροχή ψηλά", f"Παροχή ψηλά ({one.rule})"), ("", f" {one.rule}")):
        traced = [AlertTrace(one, series([1]), label)]
        shown = text(Trace(entry(), costs_city.incident(), [], alerts=traced))
        assert f"{told} · βιβλίο κανόνων {one.rulebook}" in shown


def test_json_has_no_types_of_its_own():
    traced = Trace(entry(), costs_city.incident(), [], alerts=[AlertTrace(alert(), series([1]))])
    told = as_json(traced)
    assert told["entry"]["amount"] == "15.00" and told["entry"]["at"].endswith("+00:00")
    assert told["alerts"][0]["alert"]["severity"] == "high"
    assert told["alerts"][0]["series"]["readings"][0]["value"] == 1.0
    assert told["order"] is None and told["incident"]["requests"] == []


def test_a_span_of_time_is_in_seconds():
    assert as_json({"verify": timedelta(hours=3)}) == {"verify": 10800.0}
