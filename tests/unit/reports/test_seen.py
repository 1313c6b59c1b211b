"""What a rule saw: every kind has its sentence, with value, limit and unit, and no word of code."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kel.model.alert import Alert, Evidence, Severity
from kel.model.device import DeviceClass, Metric
from kel.model.ids import make_id
from kel.reports.seen import seen
from kel.reports.trace_words import Words
from rules.kinds import KINDS
from tests.builders.city import small_city

NOW = datetime(2026, 10, 18, tzinfo=UTC)
METRICS = (Metric("flow", "m³/h", "Παροχή"), Metric("failure", "0/1", "Βλάβη λαμπτήρα"))
WORDS = Words(
    small_city(classes={"zone": DeviceClass("zone", "Ζώνη", METRICS, timedelta(minutes=5))})
)
ABOVE = {"value": 9.5, "side": "above", "limit": 6.0, "unit": "m³/h"}
RULES = {"zone-flow-rising": "Η παροχή ανεβαίνει"}

SAID: dict[str, list[tuple[dict[str, Any], str]]] = {
    "threshold": [({**ABOVE, "for_s": 600.0}, "Παροχή 9,5 m³/h (όριο πάνω από 6) επί 10 λεπτά")],
    "average": [
        (
            {**ABOVE, "window_s": 1800.0, "for_s": 0.0, "readings": 6.0, "last": 8.0},
            "Παροχή 9,5 m³/h (όριο πάνω από 6), μέσος όρος 30 λεπτά, τελευταία 8",
        )
    ],
    "rate": [
        (
            {**ABOVE, "from": 2.0, "to": 4.0, "apart_s": 600.0},
            "Παροχή 9,5 m³/h (όριο πάνω από 6): 2 → 4 m³/h σε 10 λεπτά",
        )
    ],
    "repeated": [
        ({**ABOVE, "times": 3.0}, "Παροχή 9,5 m³/h (όριο πάνω από 6), 3 φορές στη σειρά"),
        (
            {**ABOVE, "times": 3.0, "within_s": 3600.0},
            "Παροχή 9,5 m³/h (όριο πάνω από 6), 3 φορές σε 1 ώρ.",
        ),
    ],
    "compare": [
        (
            {**ABOVE, "measured": 4.0, "reference": 9.0, "against": "feeder", "peers": 49.0},
            "Παροχή 9,5 m³/h (όριο πάνω από 6), μέτρηση 4 με 9 (49 άλλες)",
        )
    ],
    "schedule": [
        ({**ABOVE, "sun": "up"}, "Παροχή 9,5 m³/h (όριο πάνω από 6), με τον ήλιο ψηλά"),
        ({**ABOVE, "window": "22:00–06:00"}, "Παροχή 9,5 m³/h (όριο πάνω από 6), 22:00–06:00"),
    ],
    "event": [
        ({**ABOVE, "count": 2.0, "times": 2.0}, "Παροχή 9,5 m³/h (όριο πάνω από 6)"),
    ],
    "missing": [
        ({"last_seen": "ποτέ", "limit": 900.0}, "καμία μέτρηση· τελευταία ποτέ (όριο 15 λεπτά)")
    ],
    "share": [
        (
            {"value": 0.58, "limit": 0.5, "count": 29.0, "of": 50.0, "children": "a, b"},
            "29 από 50 συσκευές, 58 % (όριο 50 %)",
        )
    ],
    "composition": [
        (
            {"value": 1.0, "limit": 1.0, "members": "zone-flow-rising (zm-01 31/08 11:20)"},
            "μαζί: Η παροχή ανεβαίνει (zm-01 31/08 11:20)",
        )
    ],
    "night_flow": [
        (
            {"value": 29.5, "expected": 2.9, "excess": 26.6, "limit": 6.0, "for_s": 1200.0},
            "Παροχή 29,5 m³/h, αναμενόμενη 2,9, υπέρβαση 26,6 (όριο 6) επί 20 λεπτά",
        )
    ],
    "night_drift": [
        (
            {"value": 9.0, "usual": 4.0, "excess": 5.0, "limit": 3.0, "found": "step"},
            "Παροχή 9 m³/h, σύνηθες 4, διαφορά 5 (βήμα, όριο 3)",
        ),
        (
            {"value": 9.0, "usual": 4.0, "excess": 5.0, "limit": 8.0, "found": "drift"},
            "Παροχή 9 m³/h, σύνηθες 4, διαφορά 5 (αργή αύξηση)",
        ),
    ],
    "drift": [
        (
            {"value": 9.0, "shift": -1.5, "side": "below", "sum": 12.0, "limit": 8.0},
            "Παροχή 9 m³/h, μετατόπιση −1,5 (άθροισμα 12 σ, όριο 8 σ)",
        )
    ],
    "leak_signature": [
        (
            {"value": 3.1, "limit": 2.5, "sensors": "n1 -0.31, n2 -0.20", "running": 1.0},
            "απόκλιση 3,1 σ (όριο 2,5)· περισσότερο: n1 -0.31, n2 -0.20",
        )
    ],
    "learned": [
        (
            {"value": 1.4, "limit": 1.0, "t2": 3.0, "t2_limit": 9.0, "metrics": "flow 80%"},
            "1,4 φορές το συνηθισμένο (όριο 1)· ξεχωρίζουν: flow 80%",
        )
    ],
    "zone_balance": [
        (
            {"value": 0.3, "limit": 0.2, "unit": "1", "inflow": 20.0, "missing": "zm-02"},
            "έλλειμμα 30 % (όριο 20 %), εισροή 20· λείπουν: zm-02",
        ),
        (
            {"value": 7.0, "limit": 5.0, "unit": "m³/h", "inflow": 20.0},
            "έλλειμμα 7 m³/h (όριο 5), εισροή 20",
        ),
    ],
    "pump_health": [
        (
            {"value": 0.5, "limit": 0.55, "unit": "1", "flow": 40.0, "power": 19.0},
            "απόδοση 50 % (όριο κάτω από 55 %), παροχή 40, ισχύς 19",
        ),
        (
            {
                "value": 60.0,
                "limit": 65.0,
                "unit": "m",
                "expected": 76.0,
                "flow": 4.0,
                "power": 9.0,
            },
            "μανομετρικό 60 m, αναμενόμενο 76 m (όριο κάτω από 65), παροχή 4, ισχύς 9",
        ),
    ],
    "stuck": [
        (
            {"value": 4.2, "limit": 0.0, "after_s": 7200.0, "readings": 24.0},
            "Παροχή 4,2 m³/h ακίνητη για 2 ώρ., 24 μετρήσεις",
        )
    ],
    "flapping": [
        (
            {"value": 7.0, "limit": 6.0, "level": 0.5, "within_s": 3600.0},
            "Παροχή: 7 περάσματα από το 0,5 σε 1 ώρ. (όριο 6)",
        )
    ],
}


def said(kind: str, facts: dict[str, Any], metric: str = "flow") -> str:
    about = Evidence("zone", "zm-01", metric, NOW, NOW, facts)
    alert = Alert(
        make_id("alert", kind), "r", "v1", kind, "zm-01", "main_burst", Severity.HIGH, NOW, NOW,
        about, "c1",
    )  # fmt: skip
    return "\n".join(seen(alert, WORDS, RULES)).replace("\u00a0", " ")


def test_every_kind_is_here() -> None:
    assert set(SAID) == set(KINDS)


@pytest.mark.parametrize(
    ("kind", "facts", "told"), [(k, *case) for k, cases in SAID.items() for case in cases]
)
def test_value_and_limit_in_words(kind: str, facts: dict[str, Any], told: str) -> None:
    assert said(kind, facts) == told
    assert not re.search(r"[a-z_]+ = ", said(kind, facts))


@pytest.mark.parametrize(("value", "told"), [(1.0, "ναι"), (0.0, "όχι")])
def test_a_flag_is_yes_or_no(value: float, told: str) -> None:
    facts = {"value": value, "side": "above", "limit": 0.5, "unit": "0/1", "for_s": 1800.0}
    assert said("threshold", facts, "failure") == f"Βλάβη λαμπτήρα: {told} επί 30 λεπτά"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_evidence_that_lacks_facts_is_told_all_the_same(kind: str) -> None:
    """A figure that was not finite is left out of the evidence."""
    said(kind, {"limit": 6.0})


def test_what_a_rule_learned_from_is_said() -> None:
    learned: dict[str, Any] = {
        "learned_from": "2026-09-01",
        "learned_until": "2026-09-15",
        "learned_readings": 4032.0,
    }
    last = said("night_drift", {"value": 9.0, **learned}).splitlines()[-1]
    assert last == "έμαθε το σύνηθες από 01/09/2026 έως 15/09/2026, 4.032 μετρήσεις"
