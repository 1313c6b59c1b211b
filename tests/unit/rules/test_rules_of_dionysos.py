"""The example city's rules do what its own tests say, and each of them has a test."""

from datetime import date
from pathlib import Path

import pytest

from benchmarks.quiet import quiet
from kel.city import read_document
from kel.run.cityfiles import read_folder
from rules.trials.rehearse import failures, untested
from rules.trials.trial import Trial, parse_trials

FOLDER = Path(__file__).parents[3] / "config/dionysos"
FILES = read_folder(FOLDER)
TRIALS = [
    trial
    for file in sorted((FOLDER / "tests").glob("*.toml"))
    for trial in parse_trials(read_document(file), FILES.rulebook, FILES.city)
]


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.case.name)
def test_a_case_comes_out_as_written(trial: Trial) -> None:
    assert failures(trial, FILES.rulebook, FILES.city) == []


def test_every_rule_has_a_case_that_makes_it_fire() -> None:
    assert untested(FILES.rulebook, TRIALS) == []


@pytest.mark.parametrize("begin", [date(2026, 7, 4), date(2026, 10, 24)])
def test_a_weekend_without_trouble_is_quiet(begin: date) -> None:
    """High summer, and the end of summer time; `python -m benchmarks.quiet` plays whole months."""
    told = quiet(FILES, seed=7, begin=begin, days=2, coarse=True)
    assert (told.alerts, told.incidents) == ([], 0)
    assert told.rows > 100_000


def test_what_overrides_say_holds_in_their_places_alone() -> None:
    city, book = FILES.city, FILES.rulebook
    for rule, there, elsewhere in (
        ("zone-night-flow", "zm-16", "zm-01"),
        ("leak-noise-high", "ls-47", "ls-48"),
    ):
        own, usual = (book.at(book.by_id[rule], city.devices[d]) for d in (there, elsewhere))
        assert own is not None and usual is not None
        assert own.content["above"] > usual.content["above"]
        assert usual.key == book.by_id[rule].key
