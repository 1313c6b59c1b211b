"""What a changed rulebook would have done, as people read it."""

from datetime import timedelta

import pytest

from kel.backtest.alerts import RuleCount
from kel.backtest.effect import categories_of, effect_of
from kel.backtest.incidents import Difference, Moved
from kel.backtest.outcome import Load, Outcome, outcome_json
from kel.backtest.prices import price_of
from kel.cli.backtest_table import MOST, render
from tests.builders.backtest import DAY, END, city, formed, settled

LEDGER = [settled("main_burst", 2, 1, labour=(6, 100), water=(20, 12))]
NOTHING = Difference((), (), (), 5)


def outcome(difference=NOTHING, ledger=LEDGER, notes=()):
    prices = {c: price_of(city(), ledger, c) for c in categories_of(difference)}
    effect = effect_of(city(), difference, prices)
    numbers = {sign: "2026-0042" for f in difference.lost for sign in f.incident.alerts}
    return Outcome(
        city(), DAY, END, DAY - timedelta(days=1), 12345, ("v1", "v2"), Load(14, 7, 3),
        Load(21, 8, 3), [RuleCount("a", 14, 21, 7, 0), RuleCount("b", 2, 2, 0, 0)], difference,
        prices, effect, numbers, notes,
    )  # fmt: skip


def shown(one, width=400):
    return "\n".join(line.plain for line in render(one, width))


def burst(name, opened, signs=()):
    return formed(name, opened, opened + 5, signs, category="main_burst")


GAINED = Difference([burst("a", 10)], [], [], 4)
LOST = Difference([], [burst("a", 10, [("r", "zm-01")])], [], 4)
EARLIER = Difference([], [], [Moved(burst("a", 10), burst("a", 8.5))], 4)


@pytest.mark.parametrize(
    ("difference", "told"),
    [
        (GAINED, ["Νέα συμβάντα: 1", "+6 ώ", "+100 €", "+20 m³ (+12 €)"]),
        (LOST, ["Συμβάντα που δεν θα άνοιγαν: 1", "2026-0042", "−6 ώ", "−100 €"]),
        (EARLIER, ["Άλλη ώρα εντοπισμού: 1", "1 ώ 30′ νωρίτερα", "−15 m³ (−9 €)"]),
    ],
    ids=["gained", "lost", "earlier"],
)
def test_each_change_is_told_with_its_price(difference, told):
    text = shown(outcome(difference))
    for words in told:
        assert words in text
    assert "1 όμοιο" in text


def test_the_sums_stand_at_the_end():
    text = shown(outcome(GAINED, notes=["Κάτι για την ιστορία."]))
    note, sums = text.index("Κάτι για την ιστορία."), text.index("Τι θα άλλαζε")
    assert note < sums < text.index("Σύνολο")
    assert "07/09/2026 – 14/09/2026" in text and "12.345 μετρήσεις" in text
    lines = {line.split("  ")[0]: line.split() for line in text[sums:].splitlines()}
    assert lines["Ειδοποιήσεις"][1:] == ["14", "21", "+7"]
    assert lines["Συμβάντα"][1:] == ["7", "8", "+1"]
    assert lines["Σύνολο"][1:] == ["+100", "€"]


def test_nothing_changed_is_said_in_zeros():
    text = shown(outcome())
    assert "Νέα συμβάντα" not in text and "Άλλη ώρα" not in text
    assert text.splitlines()[-1].split() == ["Σύνολο", "0", "€"]


def test_where_prices_come_from_no_incident_it_is_told():
    text = shown(outcome(GAINED, ledger=[]))
    assert "ανάγκες" in text and "άγνωστο" in text


def test_rules_that_changed_stand_in_a_table_and_the_others_in_a_line():
    text = shown(outcome())
    assert "a        14    21    7     0" in text
    assert "Καμία διαφορά: b 2" in text


def test_long_lists_are_cut_and_counted():
    many = Difference([burst(f"n{n}", n) for n in range(MOST + 5)], [], [], 0)
    text = shown(outcome(many))
    assert f"Νέα συμβάντα: {MOST + 5}" in text
    assert "και 5 ακόμη" in text


@pytest.mark.parametrize("width", [80, 100, 140])
def test_it_keeps_to_the_width(width):
    long = formed("2026-0001", 10, 15, category="main_burst", title="Θραύση " * 20)
    for line in render(outcome(Difference([long], [], [], 0)), width):
        if line.plain.startswith(("2026", "–")):
            assert line.cell_len <= width


def test_a_program_reads_all_of_it():
    told = outcome_json(outcome(EARLIER))
    (moved,) = told["incidents"]["moved"]
    assert (moved["earlier_min"], moved["m3"], moved["euros"]) == (90, -15, -9)
    assert told["effect"]["euros"] == -9
    assert told["load"]["before"] == {"alerts": 14, "incidents": 7, "busiest_hour": 3}
    (price,) = told["prices"]
    assert price["m3_per_hour"] == 10
    assert told["since"] == "2026-09-07T00:00:00+00:00"
