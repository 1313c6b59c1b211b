"""What history can judge: the rest is left out of all rulebooks, and named."""

from datetime import UTC, datetime, timedelta

import pytest

from kel.backtest.judged import changed_rules, judgeable, known
from kel.backtest.notes import changed_note
from kel.backtest.storage import StoredDay
from tests.builders.backtest import alert
from tests.builders.rules_city import city, rulebook

FIRST = datetime(2026, 9, 1, tzinfo=UTC)
SILENT = {"id": '"silent"', "kind": '"missing"', "watch": '{class="lamp"}', "after": '"40m"'}
QUIET = {"id": '"quiet"', "kind": '"missing"', "watch": '{class="lamp"}', "after": '"9h"'}
FLOW = {
    "id": '"flow"',
    "kind": '"threshold"',
    "watch": '{class="zone", metric="flow"}',
    "above": "10.0",
    "unit": '"m³/h"',
}


def stored(cls: str, spacing: timedelta) -> dict[str, list[StoredDay]]:
    return {cls: [StoredDay(FIRST + n * timedelta(days=1), 100, spacing) for n in range(3)]}


OFTEN, THIN = timedelta(minutes=5), timedelta(hours=6)


@pytest.mark.parametrize(
    ("days", "left", "told"),
    [
        (stored("lamp", OFTEN) | stored("zone", OFTEN), [], []),
        (
            stored("lamp", THIN) | stored("zone", OFTEN),
            ["silent"],
            ["κανόνες που χρειάζονται πυκνότερες: silent.", "τόση ακρίβεια (quiet)"],
        ),
        (
            stored("lamp", OFTEN),
            [],
            ["Καμία μέτρηση στην ιστορία· αν σιωπούσαν δεν κρίθηκε: zone."],
        ),
    ],
    ids=["as live", "lamps are thinned", "nothing of zones"],
)
def test_what_is_left_out_and_told(days, left, told):
    book = rulebook(SILENT, QUIET, FLOW)
    judged = judgeable([book], city(), days)
    (kept,), notes = judged.books, judged.notes
    assert {r.id for r in book.rules} - {r.id for r in kept.rules} == judged.out == set(left)
    for text in told:
        assert any(text in note for note in notes), notes
    assert bool(notes) == bool(told)


def test_the_days_are_told_by_the_first_and_the_last():
    judged = judgeable([rulebook(SILENT)], city(), stored("lamp", THIN))
    assert "από 01/09/2026 ως 03/09/2026 φυλάσσεται μία μέτρηση ανά 6 ώ" in judged.notes[0]


def test_what_one_rulebook_leaves_out_the_other_does():
    slow = {**SILENT, "after": '"9h"'}
    judged = judgeable([rulebook(SILENT), rulebook(slow)], city(), stored("lamp", THIN))
    assert [[r.id for r in book.rules] for book in judged.books] == [[], []]


def test_of_a_class_without_any_reading_nobody_is_silent():
    told = [alert("silent", "la-1", 0), alert("flow", "zm-01", 0)]
    classes = {a.evidence.cls for a in told}
    for cls in classes:
        assert [a.evidence.cls for a in known(told, stored(cls, OFTEN))] == [
            a.evidence.cls for a in told if a.evidence.cls == cls
        ]
    assert known(told, {}) == []


def test_the_rules_that_differ():
    longer = {**SILENT, "after": '"50m"'}
    assert changed_rules(rulebook(SILENT, FLOW), rulebook(SILENT, FLOW)) == []
    assert changed_rules(rulebook(SILENT, FLOW), rulebook(longer, FLOW)) == ["silent"]
    assert changed_rules(rulebook(SILENT, FLOW), rulebook(QUIET, FLOW)) == ["quiet", "silent"]


@pytest.mark.parametrize(
    ("changed", "out", "same", "told"),
    [
        ([], [], True, ["Οι κανόνες είναι οι ίδιοι που ισχύουν: κανένας δεν άλλαξε."]),
        ([], [], False, ["Άλλαξαν μόνο τα ημερολόγια."]),
        (["flow"], ["silent"], False, ["Κανόνες που άλλαξαν: flow."]),
        (
            ["flow", "silent"],
            ["silent", "quiet"],
            False,
            [
                "Κανόνες που άλλαξαν: flow, silent.",
                "ΔΕΝ ΚΡΙΘΗΚΑΝ, και η σύγκριση δεν λέει τίποτα γι’ αυτούς: silent.",
            ],
        ),
    ],
)
def test_a_changed_rule_that_was_not_judged_is_named(changed, out, same, told):
    assert changed_note(changed, out, same) == told
