"""How far back rules remember, and which of them cannot judge history as it is stored."""

from datetime import UTC, datetime, timedelta

import pytest

from kel.backtest.memory import judged_coarser, left_out, memory_of
from kel.backtest.storage import Thin
from rules.book.rulebook import Rulebook
from tests.builders.rules_city import city, rulebook

DAY = timedelta(days=1)
FIRST = datetime(2026, 9, 1, tzinfo=UTC)

SILENT = {"id": '"silent"', "kind": '"missing"', "watch": '{class="lamp"}', "after": '"40m"'}
FAILED = {
    "id": '"failed"',
    "kind": '"threshold"',
    "watch": '{class="lamp", metric="failure"}',
    "above": "0.5",
    "unit": '"0/1"',
    "for": '"30m"',
}
HEAD = {
    "id": '"head"',
    "kind": '"threshold"',
    "watch": '{class="pump", metric="head"}',
    "below": "10.0",
    "unit": '"m"',
    "for": '"2d"',
    "clear": '{above=20.0, for="3d"}',
}


def thin_by(**spacing: float) -> list[Thin]:
    """Lamps are stored every so often (`hours` or `minutes`), and say every five minutes."""
    return [Thin("lamp", FIRST, FIRST + DAY, timedelta(**spacing), timedelta(minutes=5))]


@pytest.mark.parametrize(
    ("rules", "longest"), [([SILENT], DAY), ([SILENT, FAILED], DAY), ([FAILED, HEAD], 3 * DAY)]
)
def test_the_warm_up_is_the_longest_span_and_a_day_at_least(rules, longest):
    assert memory_of(rulebook(*rules), city()) == longest


def test_rules_that_wait_for_silence_are_left_out_and_others_are_judged_coarser():
    book = rulebook(SILENT, FAILED, HEAD)
    thin = thin_by(hours=6)
    assert list(left_out(book, city(), thin)) == ["silent"]
    assert judged_coarser(book, city(), thin) == {"lamp": ["failed"]}


def test_a_silence_longer_than_the_gaps_is_judged():
    thin = thin_by(minutes=20)
    assert left_out(rulebook(SILENT), city(), thin) == {}
    assert judged_coarser(rulebook(SILENT), city(), thin) == {"lamp": ["silent"]}


def test_overrides_are_remembered_too():
    base = rulebook(SILENT).rules[0]
    patient = base.model_copy(update={"after": timedelta(days=4)})

    class Overridden(Rulebook):
        def at(self, rule, device):
            return patient if device.id == "la-00-1" else rule

    book = Overridden("v", (base,), overrides=("something",))
    assert memory_of(book, city()) == timedelta(days=4)


def test_who_listens_to_a_rule_that_is_left_out_is_left_out_too():
    both = {
        "id": '"both"',
        "kind": '"composition"',
        "watch": '{class="lamp"}',
        "of": '{all=["silent", "failed"]}',
    }
    book = rulebook(SILENT, FAILED, both)
    thin = thin_by(hours=6)
    assert sorted(left_out(book, city(), thin)) == ["both", "silent"]
